"""Whether a request was signed by somebody who holds a secret key: Signature Version 4 in header or query.

Also Signature Version 2 in a query to S3, for that is what boto3's generate_presigned_url makes by default.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from botocore.auth import HmacV1Auth
from botocore.awsrequest import HTTPHeaders
from botocore.credentials import Credentials
from ministack.core import iam_actions, iam_evaluator, sigv4
from ministack.core.responses import _account_from_sts_session, get_account_id

from . import chunks

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_LIFE_S = 7 * 24 * 3600
# A link may be dated this much ahead of this clock.
SKEW = datetime.timedelta(minutes=15)
QUERY_V4 = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature")
QUERY_V2 = ("AWSAccessKeyId", "Signature", "Expires")
_HASH = re.compile("[0-9a-f]{64}")
_DATE = re.compile(r"\d{8}T\d{6}Z")


# What S3 alone calls by names of its own, in its words.
OF_S3 = {
    "AuthorizationQueryParametersError": f"X-Amz-Expires must be 1 to {MAX_LIFE_S} seconds",
    "XAmzContentSHA256Mismatch": "The provided 'x-amz-content-sha256' header does not match what was computed.",
}


def install() -> None:
    for code, text in OF_S3.items():
        other = ("SignatureDoesNotMatch", 403, "InvalidSignatureException")
        iam_actions._AUTH_FAILURES[code] = (*other, (code, 400, text))


class Refused(Exception):
    """The request is not authentic: AWS's code (as the engine knows it) and message."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire; header names in lower case, repeated ones joined."""

    method: str
    raw_path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes = b""
    query: dict[str, list[str]] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "query", parse_qs(self.raw_query, keep_blank_values=True))

    def value(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    @property
    def presigned(self) -> bool:
        """The query carries credentials, whatever they are worth."""
        names = {name.lower() for name in self.query}
        return any(name.lower() in names for name in (*QUERY_V4, *QUERY_V2[:2]))

    @property
    def claims_a_signer(self) -> bool:
        return "authorization" in self.headers or self.presigned


def verify(request: Request) -> None:
    """Raises Refused unless the signature is that of a key that is known, not expired, and covers the request."""
    if not request.claims_a_signer:
        raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
    if "authorization" in request.headers and request.presigned:
        raise Refused("UnsupportedSignature", "Only one auth mechanism allowed")
    if not request.presigned:
        _verify_header(request)
    elif all(name in request.query for name in QUERY_V2):
        _verify_version_2(request)
    else:
        _verify_query(request)


def check_signer(request: Request) -> None:
    """Raises Refused when the key that signed is not known, which can be told before the body is read."""
    if not request.claims_a_signer:
        raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
    if request.presigned:
        key = request.value("X-Amz-Credential").split("/")[0] or request.value("AWSAccessKeyId")
        token = request.value("X-Amz-Security-Token") or request.value("x-amz-security-token")
    elif request.headers["authorization"].startswith(ALGORITHM + " "):
        key = _parsed(sigv4.parse_header_signature(request.headers)).access_key_id
        token = request.headers.get("x-amz-security-token", "")
    else:
        key = token = ""  # `verify` says what is wrong with it
    if key:
        _secret(key, token)


def _verify_header(request: Request) -> None:
    authorization = request.headers["authorization"]
    if not authorization.startswith(ALGORITHM + " "):
        raise Refused("UnsupportedSignature", f"Unsupported AWS 'algorithm': use {ALGORITHM}")
    signature = _parsed(sigv4.parse_header_signature(request.headers))
    if problem := sigv4.request_time_failure(signature):
        raise Refused(*problem)
    _check_headers_signed(request, signature)
    payload = request.headers.get("x-amz-content-sha256", "")
    if signature.service != "s3" or _HASH.fullmatch(payload):
        actual = hashlib.sha256(request.body).hexdigest()
        if payload not in ("", actual):
            code = "XAmzContentSHA256Mismatch" if signature.service == "s3" else "SignatureDoesNotMatch"
            raise Refused(code, OF_S3["XAmzContentSHA256Mismatch"])
    elif payload not in (sigv4.UNSIGNED_PAYLOAD, chunks.UNSIGNED_TRAILER, chunks.SIGNED, chunks.SIGNED_TRAILER):
        raise Refused("UnsupportedSignature", "x-amz-content-sha256 must be a hash or a known way of streaming")
    secret = _secret(signature.access_key_id, request.headers.get("x-amz-security-token", ""))
    _compare(request, signature, secret, presigned=False)
    if payload in (chunks.SIGNED, chunks.SIGNED_TRAILER):
        _check_chunks(request, signature, secret, payload)


def _verify_query(request: Request) -> None:
    if any(len(request.query.get(name, ())) != 1 for name in QUERY_V4) or request.value(QUERY_V4[0]) != ALGORITHM:
        raise Refused("IncompleteSignature", f"AWS query-string parameters must be {', '.join(QUERY_V4)}, once each")
    signature = _parsed(sigv4.parse_query_signature(request.query))
    life = request.value("X-Amz-Expires")
    if not life.isascii() or not life.isdigit() or not 0 < int(life) <= MAX_LIFE_S:
        code = "AuthorizationQueryParametersError" if signature.service == "s3" else "IncompleteSignature"
        raise Refused(code, OF_S3["AuthorizationQueryParametersError"])
    signed = datetime.datetime.strptime(signature.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    now = datetime.datetime.now(datetime.UTC)
    if now > signed + datetime.timedelta(seconds=int(life)) or signed > now + SKEW:
        raise Refused("RequestExpired", "Request has expired or is not yet valid")
    _check_headers_signed(request, signature)
    secret = _secret(signature.access_key_id, request.value("X-Amz-Security-Token"))
    _compare(request, signature, secret, presigned=True)


def _verify_version_2(request: Request) -> None:
    """A link to an object: 'AWSAccessKeyId', 'Signature' and the second at which it 'Expires'."""
    expires, token = request.value("Expires"), request.value("x-amz-security-token")
    if any(len(request.query[name]) != 1 for name in QUERY_V2) or not (expires.isascii() and expires.isdigit()):
        raise Refused("IncompleteSignature", f"AWS query-string parameters must be {', '.join(QUERY_V2)}, once each")
    if int(expires) < datetime.datetime.now(datetime.UTC).timestamp():
        raise Refused("RequestExpired", "Request has expired")
    key = request.value("AWSAccessKeyId")
    headers = HTTPHeaders()
    for name, value in request.headers.items():
        headers[name] = value
    signer = _Version2(Credentials(key, _secret(key, token), token or None), expires)
    expected = signer.get_signature(request.method, _SplitUrl(request.raw_path, request.raw_query), headers)
    if not hmac.compare_digest(expected.encode(), request.value("Signature").encode()):
        raise Refused("SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH)


class _Version2(HmacV1Auth):
    """A query signs its end where a header signs its date."""

    def __init__(self, credentials: Credentials, expires: str):
        super().__init__(credentials)
        self._expires = expires

    def _get_date(self) -> str:
        return self._expires


@dataclass(frozen=True)
class _SplitUrl:
    """The parts of a URL that Signature Version 2 signs."""

    path: str
    query: str


def _parsed(signature) -> sigv4.HeaderSignature:
    if isinstance(signature, tuple):
        raise Refused(*signature)
    if not _DATE.fullmatch(signature.amz_date):
        raise Refused("IncompleteSignature", "The date must be in ISO 8601 basic format, 'YYYYMMDDTHHMMSSZ'")
    return signature


def _check_headers_signed(request: Request, signature: sigv4.HeaderSignature) -> None:
    """Host, and every header that AWS gives a meaning: one that is not signed could have been added by anybody."""
    signed = signature.signed_headers.split(";")
    left_out = [name for name in request.headers if name.startswith("x-amz-") and name not in signed]
    if "host" not in signed or left_out:
        text = f"There were headers present in the request which were not signed: {', '.join(left_out) or 'host'}"
        raise Refused("SignatureDoesNotMatch", text)


def _secret(access_key: str, token: str) -> str:
    """Of a key that is active; temporary ones need their session token."""
    account = iam_evaluator.find_iam_access_key_account(access_key) or _account_from_sts_session(access_key)
    found = iam_evaluator.resolve_credential(access_key, account or get_account_id(), token)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        raise Refused(found.code, found.message)
    return found.secret_access_key


def _compare(request: Request, signature: sigv4.HeaderSignature, secret: str, presigned: bool) -> None:
    # The engine's comparison would also look into chunks, less strictly than `chunks`.
    headers = request.headers
    if not presigned and signature.service != "s3":
        headers = {name: value for name, value in headers.items() if name != "x-amz-content-sha256"}
        headers |= {"x-amz-content-sha256": hashlib.sha256(request.body).hexdigest()}
    if signature.date_stamp != signature.amz_date[:8]:
        raise Refused("CredentialDateMismatch", "Date in Credential scope is not the request's")
    _, text = sigv4.header_signing_documents(
        signature, request.method, request.raw_path, request.query, headers, request.body, presigned=presigned
    )
    expected = hmac.new(_key(signature, secret), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.signature.encode()):
        raise Refused("SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH)


def _check_chunks(request: Request, signature: sigv4.HeaderSignature, secret: str, payload: str) -> None:
    scope = f"{signature.date_stamp}/{signature.region}/{signature.service}/aws4_request"
    chain = chunks.Chain(_key(signature, secret), signature.amz_date, scope, signature.signature)
    if not chunks.chunks_match(request.body, chain, payload == chunks.SIGNED_TRAILER):
        raise Refused("SignatureDoesNotMatch", "The signature of a chunk does not match")


def _key(signature: sigv4.HeaderSignature, secret: str) -> bytes:
    return sigv4.derive_signing_key(secret, signature.date_stamp, signature.region, signature.service)

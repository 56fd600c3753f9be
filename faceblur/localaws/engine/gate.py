"""The gate in front of the engine: who is no caller with a key does not reach it.

In this order: the Host, web pages, the engine's own paths, the registry's token, the signature. Answers carry no CORS
headers but those of a bucket's own configuration. The one path of ours behind it, that of `failing`, is no service: it
wants a signature in the header that is meant for it, and no page may call it whatever a bucket allows.
"""

from __future__ import annotations

import json
import uuid
from urllib.parse import quote

from ministack import app
from ministack.core import router, sigv4
from ministack.core.iam_evaluator import AuthError
from ministack.services import s3

from ..failures import Failures
from . import failing, identities, strangers
from .signatures import Refused, Request, check_signer, verify

HEALTH = "/_ministack/health"
# What one PutObject may hold, and what any other call may: the largest is CreateFunction with its code.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_OBJECT_BYTES, MAX_CALL_BYTES = 5 * 1024**3, 70_167_211
CHALLENGE = {"WWW-Authenticate": 'Basic realm="embedded AWS"', "Docker-Distribution-Api-Version": "registry/2.0"}
ONCE = ("host", "authorization", "origin", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token")


class Gate:
    """An ASGI application in front of another one."""

    def __init__(self, inner, port: int, failures: Failures):
        self._inner, self._port, self._failures = inner, port, failures

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope, receive, send) -> None:
        headers, repeated = joined(scope["headers"])
        request = Request(scope["method"], raw_path(scope), scope["query_string"].decode("latin-1"), headers)
        cors = strangers.cors_headers(request.method, scope["path"], headers)
        ours = failing.owns(scope["path"])
        answer = self._stranger(scope, request, repeated, bool(cors) and not ours)
        if answer is None and ours:
            answer = await self._chaos(scope, request, receive)
        elif answer is None and not open_to_all(scope, cors) and not app._is_ecr_registry_path(scope["path"]):
            answer, receive = await self._unsigned(scope, request, receive)
        if answer is None:
            await self._inner(scope, receive, with_cors(send, cors))
        else:
            await app._send_response(send, *answer)

    def _stranger(self, scope, request: Request, repeated: set[str], cors: bool):
        """Why whoever sent this is not let in, whatever the signature, as an answer; else None."""
        path, headers = scope["path"], request.headers
        if repeated or strangers.wrong_host(headers, self._port):
            return refusal(403, "this server answers to 127.0.0.1 and localhost alone, and to each header once")
        shown = strangers.may_be_shown(request.method, headers, request.presigned)
        if strangers.from_a_page(headers) and not (cors or shown):
            return refusal(403, "web pages of other sites may not call the embedded AWS")
        if path.lstrip("/").startswith("_") and not is_health(scope) and not failing.owns(path):
            return refusal(404, "the engine's own paths are shut")
        if app._is_ecr_registry_path(path) and not identities.registry_lets_in(headers.get("authorization", "")):
            errors = {"errors": [{"code": "UNAUTHORIZED", "message": "ecr get-authorization-token gives the token"}]}
            return 401, CHALLENGE | {"Content-Type": "application/json"}, json.dumps(errors).encode()
        return None

    async def _unsigned(self, scope, request: Request, receive):
        """(the refusal or None, what gives the body)"""
        form = is_signed_form(scope, request)
        try:
            if not form:
                check_signer(request)
                service = router.detect_service(request.method, scope["path"], request.headers, request.query)
                body, receive = await whole_body(receive, MAX_OBJECT_BYTES if service == "s3" else MAX_CALL_BYTES)
                signed = Request(request.method, request.raw_path, request.raw_query, request.headers, body)
                verify(signed)
                check_service(scope, signed)
        except Refused as problem:
            service = router.detect_service(request.method, scope["path"], request.headers, request.query)
            failure = AuthError(problem.code, problem.message)
            return app._credential_failure(service, "", str(uuid.uuid4()), failure, request.headers), receive
        return None, receive

    async def _chaos(self, scope, request: Request, receive):
        """The answer to a call of the engine's own API."""
        try:
            if request.presigned or not request.claims_a_signer:
                raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
            body, _ = await whole_body(receive, failing.MAX_REQUEST_BYTES)
            signed = Request(request.method, request.raw_path, request.raw_query, request.headers, body)
            verify(signed)
            key, service = signer_of(signed)
            if service != failing.SERVICE:
                raise Refused("SignatureDoesNotMatch", "Credential should be scoped to the correct service")
        except Refused as problem:
            return refusal(403, f"{problem.code}: {problem.message}")
        return failing.answer(self._failures, request.method, scope["path"], body, key)


def signer_of(request: Request) -> tuple[str, str]:
    """(access key, service) of a header that has been verified."""
    credential = sigv4.parse_header_signature(request.headers)
    return credential.access_key_id, credential.service


def check_service(scope, request: Request) -> None:
    """A link to an object is no key to another service, whatever headers somebody adds to it."""
    service = router.detect_service(request.method, scope["path"], request.headers, request.query)
    signed_for = (request.value("X-Amz-Credential").split("/") + [""] * 4)[3]  # Version 2 is S3's alone
    if request.presigned and signed_for in ("", "s3") and service != "s3":
        raise Refused("SignatureDoesNotMatch", "Credential should be scoped to the correct service")


def is_signed_form(scope, request: Request) -> bool:
    """A browser's upload by a form, whose policy S3 itself verifies (generate_presigned_post)."""
    bucket = scope["path"].strip("/")
    plain = not request.raw_query and not {"authorization", "x-amz-target"} & set(request.headers)
    kind = request.headers.get("content-type", "")
    return request.method == "POST" and plain and kind.startswith("multipart/form-data") and bucket in s3._buckets


def open_to_all(scope, cors: dict) -> bool:
    """Health, and the question of a page that the bucket lets in."""
    return is_health(scope) or (scope["method"] == "OPTIONS" and bool(cors))


def is_health(scope) -> bool:
    return scope["path"] == HEALTH and scope["method"] == "GET"


def joined(raw) -> tuple[dict[str, str], set[str]]:
    """Headers by name in lower case, and those that may be there once and are there more often."""
    headers: dict[str, str] = {}
    repeated = set()
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        if key in headers and key in ONCE:
            repeated.add(key)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers, repeated


def raw_path(scope) -> str:
    return (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1").partition("?")[0]


async def whole_body(receive, limit: int):
    """(the body of at most so many bytes, what gives it once more)"""
    parts, more, size = [], True, 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("IncompleteSignature", "the connection ended before the body did")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise Refused("RequestEntityTooLargeException", f"the request has more than {limit} bytes")
        more = message.get("more_body", False)
    body = b"".join(parts)
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again():
        return waiting.pop() if waiting else await receive()

    return body, again


def with_cors(send, cors: dict[str, str]):
    """The engine lets every page read its answers: only what the bucket says stays."""
    ours = [(name.lower().encode(), value.encode()) for name, value in cors.items() if name != "Content-Length"]

    async def send_with_cors(message):
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": [*kept, *ours]}
        await send(message)

    return send_with_cors


def refusal(status: int, words: str):
    return status, {"Content-Type": "application/json"}, json.dumps({"message": words}).encode()

"""The signatures inside an upload in chunks (aws-chunked), each of which signs the one before it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

SIGNED, SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_NOTHING = hashlib.sha256(b"").hexdigest()
_TRAILER_SIGNATURE = b"x-amz-trailer-signature:"


@dataclass(frozen=True)
class Chain:
    """What every chunk's signature is made with; `seed` is the request's own signature."""

    key: bytes
    amz_date: str
    scope: str
    seed: str

    def sign(self, kind: str, before: str, *hashes: str) -> str:
        text = "\n".join((f"AWS4-HMAC-SHA256-{kind}", self.amz_date, self.scope, before, *hashes))
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


def chunks_match(body: bytes, chain: Chain, with_trailer: bool) -> bool:
    """Whether every chunk, the last empty one and the trailer are signed, and nothing follows."""
    before, place = chain.seed, 0
    while (end := body.find(b"\r\n", place)) >= 0:
        size, _, given = body[place:end].partition(b";chunk-signature=")
        if not size.isalnum() or len(size) > 16:
            return False
        try:
            length = int(size, 16)
        except ValueError:
            return False
        start = end + 2
        content = memoryview(body)[start : start + length]
        before = chain.sign("PAYLOAD", before, _NOTHING, hashlib.sha256(content).hexdigest())
        if len(content) != length or not hmac.compare_digest(before.encode(), given.strip()):
            return False
        if length == 0:
            rest = body[start:]
            return _trailer_matches(rest, chain, before) if with_trailer else rest in (b"", b"\r\n")
        place = start + length
        if body[place : place + 2] != b"\r\n":
            return False
        place += 2
    return False


def _trailer_matches(rest: bytes, chain: Chain, before: str) -> bool:
    """The lines of the trailer, the last of which is their signature."""
    lines = [line for line in rest.split(b"\r\n") if line]
    if not lines or not lines[-1].lower().startswith(_TRAILER_SIGNATURE):
        return False
    signed = b"".join(line + b"\n" for line in lines[:-1])
    expected = chain.sign("TRAILER", before, hashlib.sha256(signed).hexdigest())
    return hmac.compare_digest(expected.encode(), lines[-1][len(_TRAILER_SIGNATURE) :].strip())

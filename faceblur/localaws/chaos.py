"""Switches failures on and off in a running embedded AWS: what tests and teaching of bad days need.

    with LocalAws() as aws:
        aws.chaos.throttle("states:StartExecution", times=3)
        with aws.chaos.kill("blur-segment", after=1) as failure:    # its second call
            ...
        assert failure.struck == 1

Every switch takes `after` (let so many pass first), `times` (fail so often at most; None: until it is cleared),
`probability` (of each call, 0 to 1) and `seed` (the same calls fail again). Names may hold * and ?.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import WorkshopError

PATH, SERVICE = "/_faceblur/chaos", "faceblur"
TIMEOUT_S = 30


@dataclass
class SwitchedOn:
    """A failure that was switched on; as a context manager it is cleared at the end."""

    chaos: Chaos
    id: str
    _last: int | None = None

    @property
    def struck(self) -> int:
        """How often it has struck, or had when it was cleared. Raises WorkshopError when others cleared it."""
        if self._last is not None:
            return self._last
        found = next((one for one in self.chaos.list() if one["id"] == self.id), None)
        if found is None:
            raise WorkshopError(f"there is no failure {self.id}")
        return found["struck"]

    def clear(self) -> None:
        """Switch it off, once."""
        if self._last is None:
            self._last = self.struck
            self.chaos.clear(self.id)

    def __enter__(self) -> SwitchedOn:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


class Chaos:
    """The failures of one embedded AWS.

    environment: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, as `LocalAws.environment`
    has them; without it, those of this process. Methods raise WorkshopError, one line, when the embedded AWS is not
    there or refuses.
    """

    def __init__(self, environment: Mapping[str, str] | None = None):
        self._environment = environment

    def throttle(self, operation: str, *, code: str = "", status: int = 0, **how: Any) -> SwitchedOn:
        """Fail calls of an operation, named as IAM names it: s3:GetObject, lambda:InvokeFunction, states:*.

        code, status: another error than the one with which the service says that it is called too often, for example
        "InternalError" and 500. boto3 tries again by itself: let it fail more often, or set its retries to one.
        """
        return self.switch_on("throttle", operation, code=code, status=status, **how)

    def kill(self, function: str, *, seconds: float = 0, **how: Any) -> SwitchedOn:
        """Kill the process of a Lambda function of this name: at the start of a call, or seconds later."""
        return self.switch_on("kill", function, seconds=seconds, **how)

    def fail_job(self, video: str = "*", *, message: str = "Internal server error", **how: Any) -> SwitchedOn:
        """Let Rekognition's job for a video ("bucket/key") fail with this StatusMessage."""
        return self.switch_on("fail-job", video, message=message, **how)

    def slow_job(self, video: str = "*", *, seconds: float, **how: Any) -> SwitchedOn:
        """Let Rekognition's job for a video ("bucket/key") take so many seconds more."""
        return self.switch_on("slow-job", video, seconds=seconds, **how)

    def repeat(self, source: str = "*", **how: Any) -> SwitchedOn:
        """Deliver twice what comes from a bucket's notifications ("s3:bucket") or a topic ("sns:name")."""
        return self.switch_on("repeat", source, **how)

    def drop(self, source: str = "*", **how: Any) -> SwitchedOn:
        """Lose what comes from a bucket's notifications ("s3:bucket") or a topic ("sns:name")."""
        return self.switch_on("drop", source, **how)

    def list(self) -> list[dict]:
        """All failures that are on: id, kind, target, their settings, `seen` and `struck` calls."""
        return self._call("GET")["failures"]

    def clear(self, failure: str = "") -> None:
        """Switch off the failure with this id, or all."""
        self._call("DELETE", f"/{failure}" if failure else "")

    def switch_on(self, kind: str, target: str, **options: Any) -> SwitchedOn:
        """What the methods above do, by the failure's name ("kill", "slow-job")."""
        return SwitchedOn(self, self._call("POST", "", {"kind": kind, "target": target, **options})["id"])

    def _call(self, method: str, path: str = "", document: dict | None = None) -> dict:
        own = os.environ if self._environment is None else self._environment
        try:
            address, body = own["AWS_ENDPOINT_URL"], b"" if document is None else json.dumps(document).encode()
            headers = signed(own, method, address + PATH + path, body)
        except (KeyError, TypeError) as problem:
            raise WorkshopError(f"chaos needs what `faceblur local env` prints: {problem}") from None
        line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=TIMEOUT_S)
        try:
            line.request(method, PATH + path, body, headers)
            answer = line.getresponse()
            content = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            raise WorkshopError(f"no embedded AWS answers at {address}") from None
        finally:
            line.close()
        if answer.status != 200:
            raise WorkshopError(f"chaos: {content.get('message', answer.status)}")
        return content


def signed(own: Mapping[str, str], method: str, url: str, body: bytes) -> dict[str, str]:
    """The headers of this request, signed (Signature Version 4) with the key in this environment."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
    keys = Credentials(own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"], own.get("AWS_SESSION_TOKEN") or None)
    SigV4Auth(keys, SERVICE, own.get("AWS_REGION") or "us-east-1").add_auth(request)
    return dict(request.headers.items())

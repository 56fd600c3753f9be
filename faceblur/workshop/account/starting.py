"""Which execution an upload has started: S3 tells the start function of it, on AWS after a while only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection

from ...errors import WorkshopError
from ...patience import tries
from ..session import Workshop
from .logs import last_lines

# A notification that was set up a moment ago may take five minutes until it works, and an event minutes more:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
PATIENCE_S = {"aws": 600, "local": 90}
UPLOAD_AGAIN_S = 120  # what was uploaded before the notification worked is never told of
POLL_S = {"aws": 2.0, "local": 0.25}


def wait_for_start(ws: Workshop, key: str, earlier: Collection[str], again: Callable[[], object]) -> dict:
    """What DescribeExecution says of the execution that the upload of `key` has started.

    earlier: ARNs of executions that were there before; again: uploads once more. Raises WorkshopError with the start
    function's last words when none has started after PATIENCE_S.
    """
    began = time.monotonic()
    is_again = False
    for _ in tries(PATIENCE_S[ws.target], POLL_S[ws.target]):
        if found := _started(ws, key, earlier):
            return found
        if not is_again and time.monotonic() - began > UPLOAD_AGAIN_S:
            print("S3 has told nobody yet, as happens soon after chapter 7: uploading once more", flush=True)
            again()
            is_again = True
    said = last_lines(ws.client("logs"), ws.names.log_group("start_face_detection"))
    raise WorkshopError(
        f"no execution started in {PATIENCE_S[ws.target]} s. The start function's last words: "
        + (" | ".join(said) or "none, so S3 has not called it: run chapter 7 again")
    )


def _started(ws: Workshop, key: str, earlier: Collection[str]) -> dict | None:
    sfn = ws.client("stepfunctions")
    for each in sfn.list_executions(stateMachineArn=ws.need("state_machine_arn"))["executions"]:
        if each["executionArn"] not in earlier:
            found: dict = sfn.describe_execution(executionArn=each["executionArn"])
            if json.loads(found["input"])["input"]["key"] == key:
                return found
    return None

"""Waiting for AWS: roles that have not spread yet, functions still being made."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError, WaiterError

from ...errors import WorkshopError
from ...patience import tries

if TYPE_CHECKING:
    from botocore.client import BaseClient

# What AWS answers while something made a moment ago is not known everywhere (5 to 20 s for a role).
NOT_YET = (
    "cannot be assumed",  # CreateFunction with a fresh role
    "authorized to assume the provided role",  # CreateStateMachine with a fresh role
    "not authorized to access the log destination",  # CreateStateMachine with logging
    "unable to validate the following destination configurations",  # S3 notification after AddPermission
    "in progress for resource",  # Lambda is still applying the last update
    "does not have permissions to call",  # event destinations of a fresh role
    "conflicting conditional operation",  # S3 is still applying the bucket's last setting, or still deleting it
    "kms key is invalid for creategrant",  # CreateFunction with variables and a fresh role
    "following state: pending",  # UpdateFunctionCode of a function that is still being made
    "concurrent update operation",  # AddPermission
)
# The same by the error's code: what is being deleted, and what was made a moment ago.
NOT_YET_CODES = ("StateMachineDeleting", "OperationAborted", "NoSuchEntity", "NoSuchBucket")
POLL_S, POLLS = 0.5, 1200
PAUSES_S = (1.0, 15.0)  # the first and the longest, before a call that AWS was not ready for is made again
_Answer = TypeVar("_Answer")


def settle(call: Callable[[], _Answer], patience_s: float = 90) -> _Answer:
    """Return call()'s answer; while AWS says "not yet", wait longer each time and try again.

    Raises WorkshopError with AWS's words when patience runs out; every other error passes through.
    """
    for pause_s in tries(patience_s, *PAUSES_S):
        try:
            return call()
        except ClientError as problem:
            error, last = problem.response["Error"], problem
            message = error.get("Message", "")
            if error.get("Code") not in NOT_YET_CODES and not any(words in message.lower() for words in NOT_YET):
                raise
        if pause_s:
            print(f"  not ready yet, trying again in {pause_s:.0f} s: {message}", flush=True)
    raise WorkshopError(f"AWS still says after {patience_s:.0f} s: {message}") from last


def wait_for(client: BaseClient, waiter: str, what: str, **parameters: Any) -> None:
    """Run one of boto3's waiters and say how long it took. Raises WorkshopError with the last answer."""
    start = time.monotonic()
    try:
        client.get_waiter(waiter).wait(**parameters, WaiterConfig={"Delay": POLL_S, "MaxAttempts": POLLS})
    except WaiterError as problem:
        raise WorkshopError(f"{what} is not ready: {_reason(problem)}") from problem
    print(f"  {what}: ready after {time.monotonic() - start:.1f} s", flush=True)


def _reason(problem: WaiterError) -> str:
    last = problem.last_response
    configuration = last.get("Configuration", last)
    reasons = (configuration.get(key) for key in ("StateReason", "LastUpdateStatusReason"))
    return next(filter(None, reasons), str(problem))

"""What went wrong, in words a person can read: pure, no AWS.

Three tell of it: the state RecordFailure of an execution, EventBridge when an execution is over, and Lambda when it
gives up an event of S3's.
"""

import json

from uploads import UNREADABLE, UnsupportedEventError, output_names, records, upload_of

LONGEST_CAUSE = 2000
ADVICE = {
    "Runtime.ExitError": "the function's process was killed, most likely because it ran out of memory: give it more "
    "memory (MEMORY_MB in notebook 05)",
    "Runtime.OutOfMemory": "the function ran out of memory: give it more memory (MEMORY_MB in notebook 05)",
    "Sandbox.Timedout": "the function did not end in its time: more memory also gives it more processors",
    "Lambda.Unknown": "the function ended without an answer: it ran out of memory or of time",
    "States.Timeout": "a step or the whole execution took longer than statemachine.asl.json allows",
    "Aborted": "somebody stopped the execution",
}
NO_UPLOAD = "unreadable-event"


def readable(cause: str | None) -> str:
    """The message of an error. A Lambda function's cause is JSON with the message and a stack trace."""
    try:
        details = json.loads(cause or "")
    except ValueError:
        details = None
    if isinstance(details, dict) and details.get("errorMessage"):
        cause = str(details["errorMessage"])
    return (cause or "").strip()[:LONGEST_CAUSE]


def in_words(error: str, cause: str | None) -> str:
    """What happened, and what can be done where that is known."""
    said, advice = readable(cause), ADVICE.get(error)
    return f"{advice} ({said})" if said and advice else said or advice or "no cause was given"


def record(event: dict, time: str) -> dict:
    """The failure as it is written beside the output."""
    error = event["failure"].get("Error") or "States.Runtime"
    return {
        "error": error,
        "cause": in_words(error, event["failure"].get("Cause")),
        "input": event["input"],
        "output": event["output"],
        "execution": event["execution"],
        "time": time,
    }


def ended(detail: dict, bucket: str) -> list[dict]:
    """What EventBridge says of an execution, as RecordFailure has it; empty when there is nothing to record."""
    errors = {"FAILED": "States.Runtime", "TIMED_OUT": "States.Timeout", "ABORTED": "Aborted"}
    if detail.get("status") not in errors:
        return []
    work = json.loads(detail.get("input") or "{}")
    failure = {"Error": detail.get("error") or errors[detail["status"]], "Cause": detail.get("cause")}
    unknown = {"bucket": bucket, "failure": f"{NO_UPLOAD}.{detail['name'][:16]}.failure.json"}
    output = work.get("output", unknown)
    return [
        {
            "failure": failure,
            "input": work.get("input", {"key": "unknown"}),
            "output": output if "failure" in output else unknown,
            "work": work.get("work"),
            "execution": detail["executionArn"],
        }
    ]


def given_up(event: dict, bucket: str) -> list[dict]:
    """Every upload of an event that Lambda gave up, as RecordFailure has it: none has an execution. What cannot be read
    counts as one.
    """
    said = event.get("responsePayload") or {}
    error, message = said.get("errorType") or "Lambda.Unknown", str(said.get("errorMessage") or "")
    reasons = dict(line[1:].split("] ", 1) for line in message.splitlines() if line.startswith("[") and "] " in line)
    only_some = error == "NotStartedError"
    found = []
    for upload in uploads(event["requestPayload"]):
        token = upload.token[:16]
        if only_some and token not in reasons:
            continue
        failure = {"Error": error, "Cause": reasons.get(token, message)}
        place = {"bucket": upload.bucket, "key": upload.key}
        found.append({"failure": failure, "input": place, "output": output_names(upload, bucket)})
    if not found or UNREADABLE in reasons:
        request = event["requestContext"].get("requestId", "")
        output = {"bucket": bucket, "failure": f"{NO_UPLOAD}.{request}.failure.json"}
        failure = {"Error": error, "Cause": reasons.get(UNREADABLE, message)}
        found.append({"failure": failure, "input": {"key": "unknown"}, "output": output})
    return [{**each, "work": None, "execution": ""} for each in found]


def uploads(payload) -> list:
    """Those that can be read."""
    found = []
    try:
        for each in records(payload):
            try:
                found.append(upload_of(each))
            except UnsupportedEventError:
                continue
    except UnsupportedEventError:
        pass
    return [upload for upload in found if upload]


def subject(key: str) -> str:
    """An SNS subject: at most 100 ASCII characters, no line breaks."""
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in key)
    return f"faceblur: not delivered: {plain}"[:100]

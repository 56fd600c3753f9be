"""What went wrong, in words a person can read: pure, no AWS."""

import json

LONGEST_CAUSE = 2000


def readable(cause: str) -> str:
    """The message of an error. A Lambda function's cause is JSON with the message and a stack trace."""
    try:
        details = json.loads(cause)
    except ValueError:
        details = None
    if isinstance(details, dict) and details.get("errorMessage"):
        cause = str(details["errorMessage"])
    return cause.strip()[:LONGEST_CAUSE] or "no cause was given"


def record(event: dict, time: str) -> dict:
    """The failure as it is written beside the output."""
    failure = event["failure"]
    return {
        "error": failure.get("Error") or "States.Runtime",
        "cause": readable(failure.get("Cause", "")),
        "input": event["input"],
        "output": event["output"],
        "execution": event["execution"],
        "time": time,
    }


def subject(key: str) -> str:
    """An SNS subject: at most 100 ASCII characters, no line breaks."""
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in key)
    return f"faceblur: not delivered: {plain}"[:100]

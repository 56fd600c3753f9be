"""The last lines that a Lambda function wrote, for when something does not happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from botocore.client import BaseClient

NOISE = ("START ", "END ", "REPORT ", "INIT_START ")


def last_lines(logs: BaseClient, group: str, count: int = 8) -> list[str]:
    """The newest lines of a log group without Lambda's own; none is an empty list. `logs`: boto3's client."""
    try:
        events = logs.filter_log_events(logGroupName=group, limit=500)["events"]
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    lines = [event["message"].rstrip() for event in sorted(events, key=lambda event: event["timestamp"])]
    return [line for line in lines if line and not line.startswith(NOISE)][-count:]

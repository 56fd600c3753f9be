"""Log groups: made with a lifetime, and the last lines that a function wrote, for when something does not happen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ..session import Workshop

if TYPE_CHECKING:
    from botocore.client import BaseClient

LOOK_BACK_S = 3600
NOISE = ("START ", "END ", "REPORT ", "INIT_START ")


def last_lines(logs: BaseClient, group: str, count: int = 8) -> list[str]:
    """The newest lines of a log group, of the last hour, without Lambda's own; none is an empty list.

    logs: boto3's client.
    """
    since = int(1000 * (time.time() - LOOK_BACK_S))
    try:
        # The oldest come first, and a page may be empty although more follow.
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        events = [event for page in pages for event in page["events"]]
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    lines = [event["message"].rstrip() for event in sorted(events, key=lambda event: event["timestamp"])]
    return [line for line in lines if line and not line.startswith(NOISE)][-count:]


def keep_log_group(ws: Workshop, group: str, days: int) -> str:
    """Make a log group with the workshop's tags, or take the one that is there; logs are kept for `days`. Its ARN.

    Raises WorkshopError when one of this name is somebody else's.
    """
    logs, arn = ws.client("logs"), ws.names.arn("logs", f"log-group:{group}")
    try:
        logs.create_log_group(logGroupName=group, tags=ws.tags)
    except logs.exceptions.ResourceAlreadyExistsException:
        ws.check_ours(f"log group {group}", logs.list_tags_for_resource(resourceArn=arn)["tags"])
    logs.put_retention_policy(logGroupName=group, retentionInDays=days)
    return arn

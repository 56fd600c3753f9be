"""CloudWatch Logs where ministack finds other events than AWS: filter patterns, pages, prefixes, times.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

import base64
import functools
import json
import re
import time

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs as logs

from ..patterns import PatternError, compiled

MAX_EVENTS, MAX_BATCH_BYTES, EVENT_BYTES, DAY_MS = 10_000, 1_048_576, 26, 24 * 3_600_000
# What a query may say here; ministack passes over every other stage.
QUERY = re.compile(
    r"fields\s+[@\w]+(\s*,\s*[@\w]+)*|limit\s+\d+|sort\s+@\w+(\s+(asc|desc))?"
    r"|filter\s+(@\w+\s*=\s*'[^']*'|@\w+\s+like\s+/(\\.|[^/])*/i?|toMillis\(@timestamp\)\s*(<=|>=|<|>|!=|=)\s*-?\d+)",
    re.IGNORECASE,
)


def install() -> None:
    logs._filter_log_events = filter_log_events
    logs._compile_filter_pattern = compiled
    logs._subscription_pattern_matches = lambda pattern, message: compiled(pattern or "")(message or "")
    for name in ("_put_metric_filter", "_put_subscription_filter"):
        setattr(logs, name, with_pattern(getattr(logs, name)))
    logs._start_query = understood(logs._start_query)
    logs._put_log_events = in_time(logs._put_log_events)


def invalid(text: str):
    return error_response_json("InvalidParameterException", text, 400)


def filter_log_events(request: dict):
    """The events of all chosen streams in the order of their times, by pages."""
    group = logs._resolve_log_group_name(request)
    if group not in logs._log_groups:
        text = f"The specified log group does not exist: {group}"
        return error_response_json("ResourceNotFoundException", text, 400)
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names and prefix:
        return invalid("logStreamNames and logStreamNamePrefix cannot be given together")
    try:
        fits, skipped = compiled(request.get("filterPattern") or ""), position(request.get("nextToken"))
    except PatternError as problem:
        return invalid(str(problem))
    except ValueError:
        return invalid("The specified nextToken is invalid.")
    first, last = request.get("startTime", 0), request.get("endTime", float("inf"))
    with logs._log_events_lock:
        found = [
            {**event, "logStreamName": name}
            for name, stream in logs._log_groups[group]["streams"].items()
            if (not names or name in names) and name.startswith(prefix or "")
            for event in stream["events"]
            if first <= event["timestamp"] <= last and fits(event["message"])
        ]
    found.sort(key=lambda event: (event["timestamp"], event.get("ingestionTime", 0)))
    end = skipped + min(request.get("limit", MAX_EVENTS), MAX_EVENTS)
    more = {"nextToken": base64.b64encode(f"events/{end}".encode()).decode()} if end < len(found) else {}
    return json_response({"events": found[skipped:end], "searchedLogStreams": []} | more)


def position(token: str | None) -> int:
    """Raises ValueError."""
    if not token:
        return 0
    name, _, number = base64.b64decode(token, validate=True).decode().partition("/")
    if name != "events":
        raise ValueError(token)
    return int(number)


def with_pattern(put):
    @functools.wraps(put)
    def put_filter(request: dict):
        try:
            compiled(request.get("filterPattern") or "")
        except PatternError as problem:
            return invalid(str(problem))
        return put(request)

    return put_filter


def understood(start):
    """A query of which a part would be passed over is refused."""

    @functools.wraps(start)
    def start_query(request: dict):
        stages = logs._split_insights_pipes(request.get("queryString", ""))
        strange = [stage for stage in stages if not QUERY.fullmatch(stage.strip())]
        if strange:
            text = f"the embedded AWS does not run this part of a query: {strange[0].strip()}"
            return error_response_json("MalformedQueryException", text, 400)
        return start(request)

    return start_query


def in_time(put):
    """What is too old or too new is left out, and the answer says so; a batch spans a day and a megabyte at most.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """

    @functools.wraps(put)
    def put_log_events(request: dict):
        events, now = request["logEvents"], int(time.time() * 1000)
        times = [event["timestamp"] for event in events]
        if times[-1] - times[0] > DAY_MS:
            return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
        if sum(len(event["message"].encode()) + EVENT_BYTES for event in events) > MAX_BATCH_BYTES:
            return invalid(f"Upload too large: a batch has {MAX_BATCH_BYTES} bytes at most.")
        old, new = sum(t < now - 14 * DAY_MS for t in times), sum(t > now + 2 * 3_600_000 for t in times)
        status, fields, body = put(request | {"logEvents": events[old : len(events) - new]})
        rejected = ({"tooOldLogEventEndIndex": old} if old else {}) | (
            {"tooNewLogEventStartIndex": len(events) - new} if new else {}
        )
        if status == 200 and rejected:
            body = json.dumps(json.loads(body) | {"rejectedLogEventsInfo": rejected}).encode()
        return status, fields, body

    return put_log_events

"""The events of an execution in the log group that its state machine names.

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

from __future__ import annotations

import datetime
import json
import re

from ministack.services import cloudwatch_logs as logs
from ministack.services import stepfunctions as states

FATAL = re.compile(r"Execution(Failed|TimedOut|Aborted)")
ERROR = re.compile(r".*(Failed|TimedOut|Aborted)")
LEVELS = {"ALL": re.compile(".*"), "ERROR": ERROR, "FATAL": FATAL}
DATA = ("input", "output", "parameters")


def deliver(execution: dict, event: dict) -> None:
    """Write one event of a history down, where the machine's level of logging wants it."""
    machine = states._state_machines.get(execution["stateMachineArn"]) or {}
    given = machine.get("loggingConfiguration") or {}
    level = LEVELS.get(given.get("level", "OFF"))
    if level is None or not level.fullmatch(event["type"]):
        return
    group = given["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"].removesuffix(":*")
    at = {"logGroupName": group.rpartition(":log-group:")[2]}
    at["logStreamName"] = f"states/{machine['name']}/{execution['startDate'][:16]}".replace(":", "-").replace("T", "-")
    now = datetime.datetime.fromisoformat(event["timestamp"])
    details: dict = next((value for value in event.values() if isinstance(value, dict)), {})
    if not given.get("includeExecutionData"):
        details = {name: value for name, value in details.items() if name not in DATA}
    message = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(int(now.timestamp() * 1000)),
        "execution_arn": execution["executionArn"],
        "redrive_count": "0",
    }
    logs._create_log_stream(at)
    logs._put_log_events(
        at | {"logEvents": [{"timestamp": int(now.timestamp() * 1000), "message": json.dumps(message)}]}
    )

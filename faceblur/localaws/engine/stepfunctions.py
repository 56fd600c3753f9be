"""State machines and executions: what AWS Step Functions checks and ministack lets through.

Definitions, roles and logs at creation; size and time of an execution. How one begins is in `executions`, what its
states read and write in `values`, how they are tried in `attempts`, what a task may do in `integrations`.
"""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Iterator

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import cloudwatch_logs
from ministack.services import stepfunctions as states

from ..definition import beyond_this_engine, problems
from ..resources import waits
from . import permissions
from .replacing import put_in, replaces

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_PAYLOAD_BYTES = 262_144
EXPRESS = "EXPRESS"
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LOG_DELIVERY = (
    "CreateLogDelivery",
    "GetLogDelivery",
    "UpdateLogDelivery",
    "DeleteLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "DescribeResourcePolicies",
    "DescribeLogGroups",
)


def install() -> None:
    put_in(create, run, fail, event)
    states._update_state_machine = create(states._update_state_machine)
    states._validate_state_machine_definition = validate


@replaces("_create_state_machine")
def create(original):
    def create_state_machine(request: dict):
        text = request.get("definition")
        if text is not None and (found := problems(text) or beyond_this_engine(text)):
            text = "Invalid State Machine Definition: '" + ", ".join(found) + "'"
            return error_response_json("InvalidDefinition", text, 400)
        known = states._state_machines.get(request.get("stateMachineArn")) or {}
        if (request.get("type") or known.get("type")) == EXPRESS and text and any(map(waits, tasks(json.loads(text)))):
            text = "Express state machine does not support '.sync', '.waitForTaskToken' and activities"
            return error_response_json("InvalidDefinition", f"Invalid State Machine Definition: '{text}'", 400)
        machine = permissions.own_arn("states", f"stateMachine:{request.get('name')}")
        if "roleArn" in request and not permissions.trusts(request["roleArn"], "states.amazonaws.com", machine):
            text = (
                "Neither the global service principal states.amazonaws.com, nor the regional one is "
                "authorized to assume the provided role."
            )
            return error_response_json("AccessDeniedException", text, 400)
        if not may_log(request):
            text = "The state machine IAM Role is not authorized to access the Log Destination"
            return error_response_json("AccessDeniedException", text, 400)
        if fault := log_fault(request):
            return error_response_json("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {fault}", 400)
        return original(request)

    return create_state_machine


def tasks(value) -> Iterator:
    """The Resource of every Task, wherever it lies."""
    if isinstance(value, list):
        for item in value:
            yield from tasks(item)
    elif isinstance(value, dict):
        if value.get("Type") == "Task":
            yield value.get("Resource")
        for item in value.values():
            yield from tasks(item)


def log_fault(request: dict) -> str:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_LoggingConfiguration.html"""
    given = request.get("loggingConfiguration") or {}
    if given.get("level", "OFF") == "OFF":
        return ""
    places = given.get("destinations") or []
    if len(places) != 1:
        return "Must specify exactly one Log Destination."
    group = (places[0].get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
    name = group.removesuffix(":*").rpartition(":log-group:")[2]
    return "" if name in cloudwatch_logs._log_groups else "Log Destination not found."


def may_log(request: dict) -> bool:
    """Whether the role may have its logs delivered, where logs are asked for."""
    if request.get("loggingConfiguration", {}).get("level", "OFF") == "OFF":
        return True
    machine = states._state_machines.get(request.get("stateMachineArn"), {})
    key = permissions.role_credentials(request.get("roleArn") or machine["roleArn"], "logs")["aws_access_key_id"]
    return not any(permissions.check(key, f"logs:{action}", "*") for action in LOG_DELIVERY)


def validate(request: dict):
    """ValidateStateMachineDefinition."""
    found = [
        {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": problem}
        for problem in problems(request.get("definition", ""))
    ]
    return json_response({"result": "FAIL" if found else "OK", "diagnostics": found, "truncated": False})


@replaces("_run_execution")
def run(original):
    """Keeps the state machine's TimeoutSeconds."""

    def run_execution(arn: str):
        execution = states._executions.get(arn) or {}
        machine = states._state_machines.get(execution.get("stateMachineArn")) or {}
        limit = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
        if not limit:
            return original(arn)
        timer = threading.Timer(limit, contextvars.copy_context().run, (time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            return original(arn)
        finally:
            timer.cancel()

    return run_execution


def time_out(execution: dict) -> None:
    if execution["status"] == "RUNNING":
        execution.update(status="TIMED_OUT", error="States.Timeout", stopDate=now_iso())
        states._add_event(
            execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
        )
        states._emit_execution_status_event(execution)


@replaces("_fail_execution")
def fail(original):
    """An execution that was stopped or timed out does not fail afterwards."""

    def fail_execution(execution, error, cause):
        if execution["status"] == "RUNNING":
            original(execution, error, cause)
            execution["output"] = None

    return fail_execution


@replaces("_add_event")
def event(original):
    """Results and outputs over the limit end the execution."""

    def add_event(execution, event_type, details=None):
        for detail in (details or {}).values():
            if isinstance(detail, dict) and len(str(detail.get("output", "")).encode()) > MAX_PAYLOAD_BYTES:
                text = (
                    "The state/task returned a result with a size exceeding the maximum number of bytes service limit."
                )
                raise states._ExecutionError("States.DataLimitExceeded", text)
        return original(execution, event_type, details)

    return add_event

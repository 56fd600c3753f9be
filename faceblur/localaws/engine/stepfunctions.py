"""State machines and executions: what AWS Step Functions checks and ministack lets through.

Definitions and roles at creation; input, size and time of an execution. What its states read and write is in `values`,
how they are tried in `attempts`, what a task may do in `integrations`.
"""

from __future__ import annotations

import contextvars
import json
import threading

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions as states

from ..definition import beyond_this_engine, problems
from . import permissions
from .replacing import put_in, replaces

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_PAYLOAD_BYTES = 262_144
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
    put_in(create, start, describe, run, fail, event)
    states._update_state_machine = create(states._update_state_machine)
    states._validate_state_machine_definition = validate


@replaces("_create_state_machine")
def create(original):
    def create_state_machine(request: dict):
        text = request.get("definition")
        if text is not None and (found := problems(text) or beyond_this_engine(text)):
            text = "Invalid State Machine Definition: '" + ", ".join(found) + "'"
            return error_response_json("InvalidDefinition", text, 400)
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
        return original(request)

    return create_state_machine


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


@replaces("_start_execution")
def start(original):
    """Input must be JSON of a bearable size; the same name with the same input is the same execution while it
    runs.
    """

    def start_execution(request: dict):
        text = request.get("input", "{}")
        try:
            json.loads(text)
        except ValueError as problem:
            return error_response_json(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{problem}'", 400
            )
        if len(text.encode()) > MAX_PAYLOAD_BYTES:
            reason = f"Invalid State Machine Execution Input: more than {MAX_PAYLOAD_BYTES} bytes"
            return error_response_json("InvalidExecutionInput", reason, 400)
        for known in list(states._executions.values()):
            same = (known["name"], known["stateMachineArn"]) == (
                request.get("name"),
                request.get("stateMachineArn"),
            )
            if same and known["status"] == "RUNNING" and known["input"] == text:
                return json_response({"executionArn": known["executionArn"], "startDate": known["startDate"]})
        machine = dict(states._state_machines.get(request.get("stateMachineArn")) or {})
        status, fields, body = original(request)
        if begun := states._executions.get(json.loads(body).get("executionArn")):
            begun["machine"] = {name: machine[name] for name in ("definition", "roleArn") if name in machine}
        return status, fields, body

    return start_execution


@replaces("_describe_state_machine_for_execution")
def describe(original):
    """The state machine as it was when the execution began, whatever has become of it since."""

    def describe_state_machine_for_execution(request: dict):
        status, fields, body = original(request)
        execution = states._executions.get(request.get("executionArn")) or {}
        if status == 200:
            body = json.dumps(json.loads(body) | execution.get("machine", {})).encode()
        return status, fields, body

    return describe_state_machine_for_execution


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

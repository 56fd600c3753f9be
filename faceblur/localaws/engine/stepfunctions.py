"""What AWS Step Functions checks and ministack's interpreter lets through.

Definitions and roles at creation; missing paths, payload size and time limit while an execution runs. What a
task may do is in `integrations`.
"""

from __future__ import annotations

import contextvars
import functools
import json
import random
import re
import threading
import time

from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions as states

from ..definition import beyond_this_engine, problems
from . import permissions

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_PAYLOAD_BYTES = 262_144
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
COMPARISON_WITH_FIELD = re.compile(r"(String|Numeric|Boolean|Timestamp)\w+Path")
# ministack's own longest wait before a retry.
LONGEST_WAIT_S = 60
UNCATCHABLE = ("States.Runtime", "States.DataLimitExceeded")


def install() -> None:
    for wrap in (create, start, run, fail, event, resolve, rule, matches, over_items, patience, heartbeat, callback):
        name = wrap.target
        setattr(states, name, functools.wraps(getattr(states, name))(wrap(getattr(states, name))))
    states._update_state_machine = create(states._update_state_machine)
    states._validate_state_machine_definition = validate


def replaces(name: str):
    """Marks a function that takes ministack's function of this name and gives ours."""

    def mark(wrap):
        wrap.target = name
        return wrap

    return mark


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
        return original(request)

    return create_state_machine


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
        return original(request)

    return start_execution


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


@replaces("_resolve_path")
def resolve(original):
    """A path that leads nowhere is an error, not null."""

    def resolve_path(path, data):
        value = original(path, data)
        if value is None and not leads_somewhere(path, data):
            text = f"The JSONPath '{path}' could not be found in the input '{json.dumps(data)[:400]}'"
            raise states._ExecutionError("States.Runtime", text)
        return value

    return resolve_path


def leads_somewhere(path: str, data) -> bool:
    """Whether the path exists in the data; null is a value."""
    if path in ("", "$") or not path.startswith("$"):
        return True
    tokens = states._parse_jsonpath_tokens(path)
    if tokens is None:
        return False
    for kind, key in tokens:
        if (kind == "field" and isinstance(data, dict) and key in data) or (
            kind == "index" and isinstance(data, list) and key < len(data)
        ):
            data = data[key]
        else:
            return kind == "wildcard"
    return True


@replaces("_evaluate_rule")
def rule(original):
    """IsPresent is the one comparison that may look for what is not there."""

    def evaluate_rule(choice, data, context=None):
        if "IsPresent" not in choice:
            return original(with_value(choice, data, context), data, context)
        path = choice["Variable"]
        found = leads_somewhere(path[1:], context or {}) if path.startswith("$$.") else leads_somewhere(path, data)
        return found == choice["IsPresent"]

    return evaluate_rule


def with_value(choice: dict, data, context) -> dict:
    """A comparison with another field as one with its value; ministack knows some of them."""
    key = next((name for name in choice if COMPARISON_WITH_FIELD.fullmatch(name)), "")
    if not key:
        return choice
    value = states._resolve_path_or_ctx(choice[key], data, context)
    return {name: item for name, item in choice.items() if name != key} | {key.removesuffix("Path"): value}


@replaces("_error_matches")
def matches(original):
    def error_matches(names, error):
        return error in names if error in UNCATCHABLE else original(names, error)

    return error_matches


@replaces("_find_matching_retrier")
def patience(original):
    """MaxDelaySeconds and JitterStrategy; ministack's own wait ends at a minute, so what is longer is waited here."""

    def find_matching_retrier(retriers, error, counts):
        retrier, index = original(retriers, error, counts)
        if retrier is None:
            return retrier, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        if delay > LONGEST_WAIT_S:
            states._scaled_sleep(delay - LONGEST_WAIT_S)
        return retrier | {"IntervalSeconds": min(delay, LONGEST_WAIT_S), "BackoffRate": 1}, index

    return find_matching_retrier


@replaces("_invoke_with_callback")
def callback(original):
    """A task that waits for its token and hears nothing for HeartbeatSeconds has failed."""

    def invoke_with_callback(resource, given, token, state):
        limit = state.get("HeartbeatSeconds")
        done = threading.Event()
        if limit:
            threading.Thread(target=watch, args=(token, limit, done), daemon=True).start()
        try:
            return original(resource, given, token, state)
        finally:
            done.set()

    return invoke_with_callback


def watch(token: str, limit: float, done: threading.Event) -> None:
    """Fail the task when its heart has not beaten for so many seconds."""
    last, beat = time.monotonic(), None
    while not done.wait(min(0.1, limit / 4)):
        task = states._task_tokens.get(token)
        if task and task["heartbeat"] != beat:
            last, beat = time.monotonic(), task["heartbeat"]
        if task and time.monotonic() - last > limit:
            task["error"] = {"Error": "States.HeartbeatTimeout", "Cause": f"no heartbeat in {limit} seconds"}
            task["event"].set()
            return


@replaces("_send_task_heartbeat")
def heartbeat(original):
    """Beats within one second count, too: ministack notes the second alone."""

    def send_task_heartbeat(request):
        answer = original(request)
        if task := states._task_tokens.get(request.get("taskToken")):
            task["heartbeat"] = time.monotonic()
        return answer

    return send_task_heartbeat


@replaces("_execute_map")
def over_items(original):
    """A Map over what is no array is an error."""

    def execute_map(state, raw_input, execution, context):
        source = states._apply_input_path(state, raw_input, context)
        items = states._resolve_path_or_ctx(state.get("ItemsPath", "$"), source, context)
        if not isinstance(items, list) and "ItemReader" not in state:
            text = f'Reference path "{state.get("ItemsPath", "$")}" must point to array.'
            raise states._ExecutionError("States.Runtime", text)
        return original(state, raw_input, execution, context)

    return execute_map

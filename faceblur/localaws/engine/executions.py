"""Executions as they begin and as they are asked for: of a machine as it was then, of a version, an alias, a short one.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import contextvars
import functools
import json
import random
import uuid

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions as states

from .replacing import put_in, replaces
from .stepfunctions import EXPRESS, MAX_PAYLOAD_BYTES


def install() -> None:
    put_in(start, start_at_once, describe, describe_execution)
    states._list_executions = of_standard(states._list_executions)
    states._state_machines.__class__ = pinning(type(states._state_machines))


# The machine that an execution began with: its ARN, and its record as it was then.
_pinned: contextvars.ContextVar[tuple[str, dict]] = contextvars.ContextVar("pinned", default=("", {}))


def pinning(kind: type) -> type:
    """State machines by their ARN; within an execution, its own as it was when it began."""

    class Machines(kind):
        __slots__ = ()

        def get(self, arn, *default):
            pinned, record = _pinned.get()
            return record if pinned and arn == pinned else super().get(arn, *default)

        def __getitem__(self, arn):
            pinned, record = _pinned.get()
            return record if pinned and arn == pinned else super().__getitem__(arn)

    return Machines


def begins(request: dict) -> tuple[dict, dict]:
    """The request for one version where it names an alias; and the machine's record, of that version if it is one."""
    arn = request.get("stateMachineArn", "")
    told = {}
    if routes := (states._state_machine_aliases.get(arn) or {}).get("routingConfiguration"):
        told = {"stateMachineAliasArn": arn}
        weights = [route.get("weight", 0) for route in routes]
        arn = random.choices([route["stateMachineVersionArn"] for route in routes], weights)[0]
    version = states._state_machine_versions.get(arn) or {}
    base = states._state_machines.get(version.get("stateMachineArn", arn)) or {}
    fields = {name: version[name] for name in ("definition", "roleArn", "loggingConfiguration") if version.get(name)}
    if version:
        told["stateMachineVersionArn"] = arn
    return request | {"stateMachineArn": arn}, dict(base) | fields | ({"told": told} if base else {})


def input_fault(request: dict):
    """Input must be JSON of a bearable size."""
    text = request.get("input", "{}")
    try:
        json.loads(text)
    except ValueError as problem:
        return error_response_json("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{problem}'", 400)
    if len(text.encode()) > MAX_PAYLOAD_BYTES:
        reason = f"Invalid State Machine Execution Input: more than {MAX_PAYLOAD_BYTES} bytes"
        return error_response_json("InvalidExecutionInput", reason, 400)
    return None


@replaces("_start_execution")
def start(original):
    """The same name with the same input is the same execution while it runs; a short machine's name is used again."""

    def start_execution(request: dict):
        if fault := input_fault(request):
            return fault
        asked, machine = begins(request)
        text, is_express = request.get("input", "{}"), machine.get("type") == EXPRESS
        for known in list(states._executions.values()):
            same = (known["name"], known["stateMachineArn"]) == (request.get("name"), machine.get("stateMachineArn"))
            if same and is_express and known["status"] != "RUNNING":
                states._executions.pop(known["executionArn"], None)
            elif same and known["status"] == "RUNNING" and known["input"] == text:
                return json_response({"executionArn": known["executionArn"], "startDate": known["startDate"]})
        status, fields, body = in_a_machine(machine, original, asked)
        answer = json.loads(body)
        if begun := states._executions.get(answer.get("executionArn")):
            begun["machine"] = {name: machine[name] for name in ("definition", "roleArn") if name in machine}
            begun["told"] = machine["told"]
            if is_express:
                arn = begun["executionArn"].replace(":execution:", ":express:")
                body = json.dumps(answer | {"executionArn": f"{arn}:{uuid.uuid4()}"}).encode()
        return status, fields, body

    return start_execution


def in_a_machine(machine: dict, function, request: dict):
    """What begins here keeps this machine, in threads of its own, too."""
    token = _pinned.set((machine.get("stateMachineArn", ""), machine))
    try:
        return function(request)
    finally:
        _pinned.reset(token)


@replaces("_start_sync_execution")
def start_at_once(original):
    """By its own ARN or a version's or an alias's; a task that waits for another machine (.sync) comes here, too."""

    def start_sync_execution(request: dict):
        _, machine = begins(request)
        if fault := input_fault(request):
            return fault
        base = {"stateMachineArn": machine["stateMachineArn"]} if machine else {}
        status, fields, body = in_a_machine(machine, original, request | base)
        answer = json.loads(body)
        if status == 200 and machine["type"] == EXPRESS:
            answer["executionArn"] = answer["executionArn"].replace(":execution:", ":express:") + f":{uuid.uuid4()}"
            answer["billingDetails"] = {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100}
            if answer["status"] != "SUCCEEDED":
                answer.pop("output", None)
                answer.pop("outputDetails", None)
        return status, fields, json.dumps(answer).encode()

    return start_sync_execution


def of_standard(list_executions):
    @functools.wraps(list_executions)
    def answer(request: dict):
        machine = states._state_machines.get(request.get("stateMachineArn")) or {}
        if machine.get("type") == EXPRESS:
            text = "ListExecutions is not supported by EXPRESS state machines"
            return error_response_json("StateMachineTypeNotSupported", text, 400)
        if "mapRunArn" not in request and not (machine or begins(request)[1]):
            text = f"State Machine Does Not Exist: '{request.get('stateMachineArn')}'"
            return error_response_json("StateMachineDoesNotExist", text, 400)
        return list_executions(request)

    return answer


@replaces("_describe_execution")
def describe_execution(original):
    """With the version or alias that was started, and that it cannot be gone on with."""
    why = "the embedded AWS does not run RedriveExecution"
    redrive = {"redriveCount": 0, "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": why}
    return with_noted(original, lambda execution: execution.get("told", {}) | redrive)


@replaces("_describe_state_machine_for_execution")
def describe(original):
    """The state machine as it was when the execution began, whatever has become of it since."""
    return with_noted(original, lambda execution: execution.get("machine", {}))


def with_noted(original, noted):
    """The answer, with what `noted` tells of the execution's record."""

    def answer(request: dict):
        status, fields, body = original(request)
        execution = states._executions.get(request.get("executionArn")) or {}
        if status == 200:
            body = json.dumps(json.loads(body) | noted(execution)).encode()
        return status, fields, body

    return answer

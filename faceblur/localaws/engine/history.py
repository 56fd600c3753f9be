"""An execution's history as AWS Step Functions writes it: every event says which one it follows, states inside of a Map
or a Parallel are told, too, and a task is scheduled, started and ended.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import contextvars
import functools
import json
import re
import threading

from ministack.core.responses import get_region, now_iso
from ministack.services import stepfunctions as states

# An optimised integration: what is called, and how ("lambda", "invoke.waitForTaskToken").
SERVICE = re.compile(r"arn:aws:states:::(?:aws-sdk:)?(?P<type>[^:]+):(?P<resource>.+)")
INSIDE = ("Pass", "Task", "Choice", "Wait", "Parallel", "Map")

_lock = threading.Lock()
# The id of the event before, of this line of events: one cell for each branch.
_before: contextvars.ContextVar[list[int] | None] = contextvars.ContextVar("before", default=None)
# The execution whose Map or Parallel this is inside of.
_inner: contextvars.ContextVar[dict | None] = contextvars.ContextVar("inner", default=None)
# The execution and the state of the Map whose items begin now.
_map: contextvars.ContextVar[tuple | None] = contextvars.ContextVar("map", default=None)
# What the state that runs now gives to what it calls.
_given: contextvars.ContextVar = contextvars.ContextVar("given", default=None)


def install() -> None:
    states._add_event = add_event
    states._run_execution = on_its_own(states._run_execution)
    states._apply_parameters = remembered(states._apply_parameters)
    states._run_map_items = with_items(states._run_map_items)
    states._run_parallel_branches = with_branches(states._run_parallel_branches)
    states._run_sub_machine = in_a_line_of_its_own(states._run_sub_machine)
    for kind in INSIDE:
        name = f"_execute_{kind.lower()}"
        setattr(states, name, told(kind, getattr(states, name)))


def add_event(execution: dict, kind: str, details: dict | None = None) -> dict:
    """One event of ministack's, or what AWS has for it."""
    event: dict = {}
    for name, detail in translated(kind, details or {}):
        event = append(execution, name, detail)
    return event


def append(execution: dict, kind: str, details: dict) -> dict:
    cell = _before.get()
    with _lock:
        number = len(execution["events"]) + 1
        # The execution's start and its first state follow nothing; an end that comes from outside, the last event.
        before = number - 1 if cell is None else cell[0]
        event = {"id": number, "previousEventId": 0 if number < 3 else before, "type": kind, "timestamp": now_iso()}
        execution["events"].append(event | details)
    if cell is not None:
        cell[0] = number
    return event


def translated(kind: str, details: dict):
    """(type, details) of each event that AWS writes here."""
    detail: dict = next((value for value in details.values() if isinstance(value, dict)), {})
    resource = str(detail.get("resource", ""))
    if kind not in ("TaskScheduled", "TaskSucceeded", "TaskFailed") or not resource:
        yield kind, details
        return
    rest = {name: value for name, value in detail.items() if name in ("error", "cause", "output")}
    ended = {"TaskSucceeded": "Succeeded", "TaskFailed": "Failed"}.get(kind, "Scheduled")
    if rest.get("error") == "States.Timeout":
        ended = "TimedOut"
    service = SERVICE.fullmatch(resource)
    if service is None and ":function:" in resource:
        scheduled = {"resource": resource, "input": given()} if kind == "TaskScheduled" else {}
        yield f"LambdaFunction{ended}", {f"lambdaFunction{ended}EventDetails": scheduled | rest}
        if scheduled:
            yield "LambdaFunctionStarted", {}
        return
    who = {"resourceType": service["type"], "resource": service["resource"]} if service else {"resource": resource}
    more = {"region": get_region(), "parameters": given()} if kind == "TaskScheduled" else rest
    yield f"Task{ended}", {f"task{ended}EventDetails": who | more}
    if kind == "TaskScheduled":
        yield "TaskStarted", {"taskStartedEventDetails": who}


def given() -> str:
    return json.dumps(_given.get())


def remembered(apply):
    @functools.wraps(apply)
    def apply_parameters(*arguments):
        parameters = apply(*arguments)
        _given.set(parameters)
        return parameters

    return apply_parameters


def on_its_own(run):
    @functools.wraps(run)
    def run_execution(arn: str):
        execution = states._executions.get(arn) or {"events": []}
        for first in execution["events"]:
            first.setdefault("previousEventId", 0)
        tokens = _before.set([len(execution["events"])]), _inner.set(None)
        try:
            return run(arn)
        finally:
            _before.reset(tokens[0])
            _inner.reset(tokens[1])

    return run_execution


def with_items(run):
    @functools.wraps(run)
    def run_map_items(state, raw_input, execution, ctx):
        source = states._apply_input_path(state, raw_input, ctx)
        items = states._resolve_path_or_ctx(state.get("ItemsPath", "$"), source, ctx)
        length = len(items) if isinstance(items, list) else 1
        append(execution, "MapStateStarted", {"mapStateStartedEventDetails": {"length": length}})
        token = _map.set((execution, ctx["State"]["Name"]))
        try:
            answer = run(state, raw_input, execution, ctx)
        except states._ExecutionError:
            append(execution, "MapStateFailed", {})
            raise
        finally:
            _map.reset(token)
        append(execution, "MapStateSucceeded", {})
        return answer

    return run_map_items


def with_branches(run):
    @functools.wraps(run)
    def run_parallel_branches(state, raw_input, execution, ctx):
        append(execution, "ParallelStateStarted", {})
        token = _map.set(None)
        try:
            answer = run(state, raw_input, execution, ctx)
        except states._ExecutionError:
            append(execution, "ParallelStateFailed", {})
            raise
        finally:
            _map.reset(token)
        append(execution, "ParallelStateSucceeded", {})
        return answer

    return run_parallel_branches


def in_a_line_of_its_own(run):
    """A branch or an item: its events follow each other, the first one that of the state around."""

    @functools.wraps(run)
    def run_sub_machine(machine, start, given, execution, ctx):
        around, cell = _map.get(), _before.get()
        tokens = _map.set(None), _before.set(list(cell or [len(execution["events"])])), _inner.set(execution)
        item = {"name": around[1], "index": ctx["Map"]["Item"]["Index"]} if around else {}
        try:
            if around:
                append(execution, "MapIterationStarted", {"mapIterationStartedEventDetails": item})
            answer = run(machine, start, given, execution, ctx)
            if around:
                append(execution, "MapIterationSucceeded", {"mapIterationSucceededEventDetails": item})
            return answer
        except states._ExecutionError:
            if around:
                append(execution, "MapIterationFailed", {"mapIterationFailedEventDetails": item})
            raise
        finally:
            _map.reset(tokens[0])
            _before.reset(tokens[1])
            _inner.reset(tokens[2])

    return run_sub_machine


def told(kind: str, execute):
    """A state inside of a Map or a Parallel is entered and left; ministack tells only of those outside."""

    @functools.wraps(execute)
    def execute_state(state, given, *rest):
        execution, name = _inner.get(), rest[-1]["State"]["Name"]
        if execution is None:
            return execute(state, given, *rest)
        details = {"name": name, "input": json.dumps(given)}
        append(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": details})
        output, following = execute(state, given, *rest)
        details = {"name": name, "output": json.dumps(output)}
        append(execution, f"{kind}StateExited", {"stateExitedEventDetails": details})
        return output, following

    return execute_state

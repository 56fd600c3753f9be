"""An execution's history as AWS Step Functions writes it: every event says which one it follows, states inside of a Map
or a Parallel are told, too, and a task is scheduled, started and ended.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import json
import re
import threading

from ministack.core.responses import get_region, now_iso
from ministack.services import stepfunctions as states

from .delivery import deliver

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
# A task's state, and what it is given.
_task: contextvars.ContextVar[tuple] = contextvars.ContextVar("task", default=({}, None))


def install() -> None:
    states._add_event = add_event
    states._run_execution = on_its_own(states._run_execution)
    states._run_map_items = with_items(states._run_map_items)
    states._run_parallel_branches = with_branches(states._run_parallel_branches)
    states._run_sub_machine = in_a_line_of_its_own(states._run_sub_machine)
    states._apply_parameters = noted(states._apply_parameters)
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
    if execution["status"] != "RUNNING" and not kind.startswith("Execution"):
        return {}  # what is still at work when an execution was stopped is not told
    with _lock:
        number = len(execution["events"]) + 1
        # The execution's start and its first state follow nothing; an end that comes from outside, the last event.
        before = number - 1 if cell is None else cell[0]
        event = {"id": number, "previousEventId": 0 if number < 3 else before, "type": kind, "timestamp": now_iso()}
        execution["events"].append(event | details)
    if cell is not None:
        cell[0] = number
    for one in execution["events"][:1] * (number == 2) + [event | details]:
        deliver(execution, {"previousEventId": 0} | one)
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
    state, given = _task.get()
    limits = {"timeoutInSeconds": "TimeoutSeconds", "heartbeatInSeconds": "HeartbeatSeconds"}
    more = {name: state[field] for name, field in limits.items() if field in state}
    if rest.get("error") == "States.Timeout":
        ended = "TimedOut"
    service = SERVICE.fullmatch(resource)
    if service is None and ":function:" in resource:
        more.pop("heartbeatInSeconds", None)
        scheduled = {"resource": resource, "input": json.dumps(given)} | more if kind == "TaskScheduled" else {}
        yield f"LambdaFunction{ended}", {f"lambdaFunction{ended}EventDetails": scheduled | rest}
        if scheduled:
            yield "LambdaFunctionStarted", {}
        return
    who = {"resourceType": service["type"], "resource": service["resource"]} if service else {"resource": resource}
    scheduled = {"region": get_region(), "parameters": json.dumps(given)} | more if kind == "TaskScheduled" else rest
    yield f"Task{ended}", {f"task{ended}EventDetails": who | scheduled}
    if kind == "TaskScheduled":
        yield "TaskStarted", {"taskStartedEventDetails": who}


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


@contextlib.contextmanager
def around(execution: dict, kind: str, items: tuple | None, **details):
    """A Map or a Parallel: begun, and ended well or not; `items` is what its items are to know of it."""
    started = {f"{kind[0].lower()}{kind[1:]}StateStartedEventDetails": details} if details else {}
    append(execution, f"{kind}StateStarted", started)
    token = _map.set(items)
    try:
        yield
    except states._ExecutionError:
        append(execution, f"{kind}StateFailed", {})
        raise
    finally:
        _map.reset(token)
    append(execution, f"{kind}StateSucceeded", {})


def with_items(run):
    @functools.wraps(run)
    def run_map_items(state, raw_input, execution, ctx):
        source = states._apply_input_path(state, raw_input, ctx)
        items = states._resolve_path_or_ctx(state.get("ItemsPath", "$"), source, ctx)
        length = len(items) if isinstance(items, list) else 1
        with around(execution, "Map", (execution, ctx["State"]["Name"]), length=length):
            return run(state, raw_input, execution, ctx)

    return run_map_items


def with_branches(run):
    @functools.wraps(run)
    def run_parallel_branches(state, raw_input, execution, ctx):
        with around(execution, "Parallel", None):
            return run(state, raw_input, execution, ctx)

    return run_parallel_branches


@contextlib.contextmanager
def iteration(execution: dict, of: tuple | None, ctx: dict):
    """An item of a Map: begun, and ended well or not."""
    if of is None:
        yield
        return
    item = {"name": of[1], "index": ctx["Map"]["Item"]["Index"]}
    append(execution, "MapIterationStarted", {"mapIterationStartedEventDetails": item})
    try:
        yield
    except states._ExecutionError:
        append(execution, "MapIterationFailed", {"mapIterationFailedEventDetails": item})
        raise
    append(execution, "MapIterationSucceeded", {"mapIterationSucceededEventDetails": item})


def in_a_line_of_its_own(run):
    """A branch or an item: its events follow each other, the first one that of the state around; and so does what it
    knows of the state that it is in.
    """

    @functools.wraps(run)
    def run_sub_machine(machine, start, given, execution, ctx):
        of, cell = _map.get(), _before.get()
        tokens = _map.set(None), _before.set(list(cell or [len(execution["events"])])), _inner.set(execution)
        try:
            with iteration(execution, of, ctx):
                return run(machine, start, given, execution, dict(ctx))
        finally:
            _map.reset(tokens[0])
            _before.reset(tokens[1])
            _inner.reset(tokens[2])

    return run_sub_machine


def noted(apply):
    """What a task is given, for its event."""

    @functools.wraps(apply)
    def apply_parameters(state, data, ctx=None):
        given = apply(state, data, ctx)
        _task.set((state, given))
        return given

    return apply_parameters


def told(kind: str, execute):
    """A state inside of a Map or a Parallel is entered and left; ministack tells only of those outside, and starts them
    though the execution was stopped.
    """

    @functools.wraps(execute)
    def execute_state(state, given, *rest):
        execution, name = _inner.get(), rest[-1]["State"]["Name"]
        if execution is None:
            return execute(state, given, *rest)
        if execution["status"] != "RUNNING":
            raise states._ExecutionError("States.Runtime", "the execution has ended")
        details = {"name": name, "input": json.dumps(given)}
        states._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": details})
        output, following = execute(state, given, *rest)
        details = {"name": name, "output": json.dumps(output)}
        states._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": details})
        return output, following

    return execute_state

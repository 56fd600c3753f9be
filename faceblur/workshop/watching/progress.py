"""Shows that something is going on: an execution's states in a notebook or a terminal, lines of a long task.

The notebook view is one display, updated in place; its last picture stays in the saved notebook.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING

from ...errors import WorkshopError
from ...patience import tries
from .history import Failure, StateTime, failure, readable_cause, state_times, steps
from .machine import described, machine_svg
from .timeline import DONE, FAILED, colour, timeline_svg

if TYPE_CHECKING:
    from botocore.client import BaseClient

OVER = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
STEP_TYPES = {"Task", "Map", "Parallel", "Wait"}  # a Choice or Pass takes no time worth drawing
AT_ONCE = tuple(f"{kind}StateEntered" for kind in ("Choice", "Pass", "Succeed", "Fail"))  # they take no time
SELDOM = ("RecordFailure", "StartJob")  # drawn only when they were entered


@dataclass(frozen=True)
class Execution:
    """How an execution ended: its status, seconds, the time in each state and, if it failed, why.

    passed: the states that take no time and were gone through; they are lit in the drawing alone.
    """

    arn: str
    status: str
    seconds: float
    times: tuple[StateTime, ...]
    failure: Failure | None
    output: dict | None
    passed: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"

    def to_json(self) -> dict:
        return {
            "execution_arn": self.arn,
            "status": self.status,
            "seconds": round(self.seconds, 2),
            "states": [state.to_json() for state in self.times],
            "failure": asdict(self.failure) if self.failure else None,
        }

    @classmethod
    def from_json(cls, content: Mapping) -> Execution:
        return cls(
            arn=content["execution_arn"],
            status=content["status"],
            seconds=content["seconds"],
            times=tuple(map(StateTime.from_json, content["states"])),
            failure=Failure(**content["failure"]) if content["failure"] else None,
            output=None,
        )


def follow(sfn: BaseClient, execution_arn: str, poll_s: float = 0.5, timeout_s: float = 4 * 3600) -> Execution:
    """Watch an execution until it is over. `sfn` is boto3's client. Raises WorkshopError on `timeout_s`.

    A failed execution is returned like any other: `.failure` says why.
    """
    states = main_states(sfn, execution_arn)
    view = _notebook_view(definition_of(sfn, execution_arn)) if in_notebook() else _terminal_view()
    for _ in tries(timeout_s, poll_s):
        description = sfn.describe_execution(executionArn=execution_arn)
        execution = snapshot(sfn, description)
        view(execution, states)
        if execution.status in OVER:
            return execution
    raise WorkshopError(f"the execution still runs after {timeout_s:.0f} s: stop it, or wait again")


def snapshot(sfn: BaseClient, description: Mapping) -> Execution:
    """What is known now of the execution that `description` (DescribeExecution) describes."""
    events = _events(sfn, description["executionArn"])
    began = description["startDate"]
    ended = description.get("stopDate")
    now_s = time.time() - began.timestamp() if ended is None else (ended - began).total_seconds()
    passed = {event["stateEnteredEventDetails"]["name"]: None for event in events if event["type"] in AT_ONCE}
    wanted = [step for step in steps(events) if step.state not in passed]
    return Execution(
        arn=description["executionArn"],
        status=description["status"],
        seconds=now_s,
        times=state_times(wanted, now_s),
        failure=_failure(description, events),
        output=json.loads(description["output"]) if description.get("output") else None,
        passed=tuple(passed),
    )


def main_states(sfn: BaseClient, execution_arn: str) -> tuple[str, ...]:
    """The states that take time, in the order in which the workflow's definition names them."""
    return tuple(_steps(definition_of(sfn, execution_arn)))


def _steps(machine: Mapping) -> Iterator[str]:
    """Those of a Map come behind it."""
    for name, state in machine["States"].items():
        if state["Type"] in STEP_TYPES and name not in SELDOM:
            yield name
        yield from _steps(state["ItemProcessor"]) if "ItemProcessor" in state else ()


def definition_of(sfn: BaseClient, execution_arn: str) -> dict:
    """The definition with which this execution began, as JSON has it."""
    return json.loads(sfn.describe_state_machine_for_execution(executionArn=execution_arn)["definition"])


def machine_html(definition: Mapping, execution: Execution) -> str:
    """The drawing of chapter 6 with what each state is doing, as an <img>."""
    ends = {name for name in execution.passed if definition["States"].get(name, {}).get("Type") == "Fail"}
    known = {name: FAILED if name in ends else DONE for name in execution.passed}
    known |= {time.state: colour(time) for time in execution.times}
    parts = [f"{time.state} {_doing(time)}" for time in execution.times]
    parts += [f"{name} {'reached' if name in ends else 'done'}" for name in execution.passed]
    words = ", ".join(parts) or "no state has begun"
    return picture_html(machine_svg(definition, known), f"The state machine: {words}")


def _doing(time: StateTime) -> str:
    return "failed" if time.failed else "runs" if time.running else "done"


def timeline_html(execution: Execution, states: Sequence[str] = ()) -> str:
    """The timeline as an <img>: unlike inline SVG it is also shown in a notebook that is not trusted yet."""
    picture = base64.b64encode(timeline_svg(execution.times, execution.seconds, states).encode()).decode()
    words = f"{execution.status.replace('_', ' ').lower()} · {execution.seconds:.1f} s"
    if execution.failure:
        words += f"<br><b>{escape(str(execution.failure))}</b>"
    return (
        f"<div style='font:14px system-ui,sans-serif;margin:4px 0'>{words}</div>"
        "<img alt='Seconds spent in each state' style='max-width:100%' "
        f"src='data:image/svg+xml;base64,{picture}'>"
    )


def show_machine(definition: Mapping) -> None:
    """Draw a state machine from its definition, as JSON has it."""
    from IPython.display import HTML, display

    display(HTML(picture_html(machine_svg(definition), described(definition))))


def picture_html(svg: str, words: str) -> str:
    """A drawing as an <img>, so that a notebook that is not trusted yet shows it, too. words: what it says."""
    picture = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape(words)}" style="max-width:100%" src="data:image/svg+xml;base64,{picture}">'


def show_saved(content: Mapping, states: Sequence[str] = ()) -> None:
    """Draw an execution that `Execution.to_json` saved: the execution itself may be gone."""
    from IPython.display import HTML, display

    display(HTML(timeline_html(Execution.from_json(content), states)))


def in_notebook() -> bool:
    """True in a Jupyter kernel (where displays can be updated in place)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _notebook_view(definition: Mapping) -> Callable[[Execution, Sequence[str]], None]:
    from IPython.display import HTML, display

    handle = display(HTML("starting ..."), display_id=True)

    def show(execution: Execution, states: Sequence[str]) -> None:
        handle.update(HTML(timeline_html(execution, states) + machine_html(definition, execution)))

    return show


def _terminal_view() -> Callable[[Execution, Sequence[str]], None]:
    shown: set[tuple[str, int]] = set()

    def show(execution: Execution, states: Sequence[str]) -> None:
        for state in execution.times:
            if (state.state, state.visits) not in shown:
                shown.add((state.state, state.visits))
                print(f"  {state.when_s[-1][0]:6.1f} s  {state.state}", flush=True)
        if execution.status in OVER:
            words = execution.failure or execution.status.replace("_", " ").lower()
            print(f"  {execution.seconds:6.1f} s  {words}", flush=True)

    return show


def _events(sfn: BaseClient, execution_arn: str) -> list[dict]:
    pages = sfn.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn,
        PaginationConfig={"PageSize": 1000},  # the most; 100 without it
    )
    return [event for page in pages for event in page["events"]]


def _failure(description: Mapping, events: Sequence[Mapping]) -> Failure | None:
    found = failure(events)
    if found or description["status"] not in OVER - {"SUCCEEDED"}:
        return found
    error = description.get("error") or description["status"]
    return Failure("the execution", error, readable_cause(description.get("cause", "")))

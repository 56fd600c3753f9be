"""What a Step Functions execution did, read from its event history: steps with seconds, and why it failed.

Pure functions over the events of GetExecutionHistory. Event types and fields: https://docs.aws.amazon.com/step-
functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

CAUSE_LIMIT = 600  # a Lambda's cause carries its whole stack trace; a person reads the message


@dataclass(frozen=True)
class Step:
    """One visit to a state. Seconds count from the start of the execution; `end_s` is None while it runs."""

    state: str
    start_s: float
    end_s: float | None
    failed: bool = False


@dataclass(frozen=True)
class StateTime:
    """All visits to one state, in the order in which states were first entered.

    when_s: (start, end) of each visit, in seconds since the execution began.
    """

    state: str
    visits: int
    seconds: float
    running: bool
    failed: bool
    when_s: tuple[tuple[float, float], ...]

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping) -> StateTime:
        facts = {"when_s" if key == "spans" else key: value for key, value in content.items()}  # its old name
        return cls(**{**facts, "when_s": tuple(map(tuple, facts["when_s"]))})


@dataclass(frozen=True)
class Failure:
    """Why an execution failed, for people: the state, the error's name, one readable cause."""

    state: str
    error: str
    cause: str

    def __str__(self) -> str:
        return f"{self.state} failed with {self.error}: {self.cause}"


def steps(events: Sequence[Mapping]) -> tuple[Step, ...]:
    """Every visit to a state. One ended by an uncaught error has no exit event: it ends with all."""
    by_id = {event["id"]: event for event in events}
    done: list[Step] = []
    open_visits: dict[str, list[float]] = {}
    over_s: float | None = None
    previous: Mapping = {}
    for event in events:
        now_s = (event["timestamp"] - events[0]["timestamp"]).total_seconds()
        if entered := event.get("stateEnteredEventDetails"):
            open_visits.setdefault(entered["name"], []).append(now_s)
        elif (exited := event.get("stateExitedEventDetails")) and open_visits.get(exited["name"]):
            cause = by_id.get(event.get("previousEventId"), previous)
            done.append(Step(exited["name"], open_visits[exited["name"]].pop(0), now_s, _is_failure(cause)))
        elif event["type"].startswith("Execution") and _is_failure(event):
            over_s = now_s
        previous = event
    done += [
        Step(name, start_s, over_s, failed=over_s is not None)
        for name, starts in open_visits.items()
        for start_s in starts
    ]
    return tuple(sorted(done, key=lambda step: step.start_s))


def state_times(visits: Iterable[Step], now_s: float | None = None) -> tuple[StateTime, ...]:
    """Sum the visits per state. A running visit counts until `now_s`."""
    by_state: dict[str, list[Step]] = {}
    for step in visits:
        by_state.setdefault(step.state, []).append(step)
    times = []
    for state, own in by_state.items():
        when_s = tuple((s.start_s, max(s.start_s, now_s or 0.0) if s.end_s is None else s.end_s) for s in own)
        times.append(
            StateTime(
                state=state,
                visits=len(own),
                seconds=_covered(when_s),
                running=any(step.end_s is None for step in own),
                failed=any(step.failed for step in own),
                when_s=when_s,
            )
        )
    return tuple(times)


def failure(events: Sequence[Mapping]) -> Failure | None:
    """The first error that was not retried away, or None when the execution did not fail."""
    ended = [event for event in events if event["type"].startswith("Execution") and _is_failure(event)]
    if not ended:
        return None
    final = _details(ended[-1])
    error, cause = final.get("error", ended[-1]["type"]), final.get("cause", "")
    failed_states = [step.state for step in steps(events) if step.failed]
    return Failure(failed_states[0] if failed_states else "the execution", error, readable_cause(cause))


def readable_cause(cause: str) -> str:
    """The message inside a cause: Lambda wraps it in JSON with a stack trace, a workflow again."""
    for _ in range(3):
        try:
            content = json.loads(cause)
        except (TypeError, ValueError):
            break
        if not isinstance(content, dict):
            break
        inner = next((content[key] for key in ("errorMessage", "Cause", "cause") if content.get(key)), None)
        if not isinstance(inner, str):
            break
        cause = inner
    cause = " ".join(str(cause).split()) or "no cause was given"
    return cause if len(cause) <= CAUSE_LIMIT else cause[: CAUSE_LIMIT - 1] + "…"


def _is_failure(event: Mapping) -> bool:
    return str(event.get("type", "")).endswith(("Failed", "TimedOut", "Aborted"))


def _details(event: Mapping) -> Mapping:
    """The one *EventDetails member of an event."""
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def _covered(when_s: Iterable[tuple[float, float]]) -> float:
    """Seconds in the union of the visits: parallel ones count once."""
    total, reached = 0.0, float("-inf")
    for start_s, end_s in sorted(when_s):
        total += max(0.0, end_s - max(start_s, reached))
        reached = max(reached, end_s)
    return total

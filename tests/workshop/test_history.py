"""Execution history -> steps, seconds and a readable failure. Events as GetExecutionHistory returns them."""

import json
from datetime import UTC, datetime, timedelta

from faceblur.workshop.watching.history import StateTime, failure, readable_cause, state_times, steps
from faceblur.workshop.watching.timeline import timeline_svg

START = datetime(2026, 1, 1, tzinfo=UTC)


class Events(list):
    def add(self, second, type_, **details):
        self.append({"id": len(self) + 1, "type": type_, "timestamp": START + timedelta(seconds=second), **details})

    def enter(self, second, name, kind="Task"):
        self.add(second, f"{kind}StateEntered", stateEnteredEventDetails={"name": name})

    def leave(self, second, name, kind="Task"):
        self.add(second, f"{kind}StateExited", stateExitedEventDetails={"name": name})


def loop():
    events = Events()
    events.add(0, "ExecutionStarted")
    for second in (0, 3):
        events.enter(second, "Ask")
        events.leave(second + 1, "Ask")
        events.enter(second + 1, "Wait", "Wait")
        events.leave(second + 3, "Wait", "Wait")
    return events


def test_a_loop_is_one_state_with_two_visits():
    times = {time.state: time for time in state_times(steps(loop()))}
    assert list(times) == ["Ask", "Wait"]
    assert times["Ask"].visits == 2
    assert times["Ask"].seconds == 2
    assert times["Wait"].when_s == ((1.0, 3.0), (4.0, 6.0))


def test_parallel_visits_count_once():
    events = Events()
    events.add(0, "ExecutionStarted")
    for second in (0, 1):
        events.enter(second, "Blur")
    for second in (3, 5):
        events.leave(second, "Blur")
    (time,) = state_times(steps(events))
    assert (time.visits, time.seconds) == (2, 5)


def test_a_running_state_counts_until_now():
    events = loop()
    events.enter(6, "Blur")
    time = state_times(steps(events), now_s=8.5)[-1]
    assert (time.state, time.running, time.seconds) == ("Blur", True, 2.5)


def test_a_retried_error_is_no_failure():
    events = Events()
    events.add(0, "ExecutionStarted")
    events.enter(0, "Blur")
    events.add(1, "TaskFailed", taskFailedEventDetails={"error": "ThrottlingException"})
    events.add(2, "TaskScheduled")
    events.add(3, "TaskSucceeded")
    events.leave(3, "Blur")
    events.add(3, "ExecutionSucceeded")
    assert not steps(events)[0].failed
    assert failure(events) is None


def test_a_caught_error_names_the_state_that_failed_first():
    events = Events()
    events.add(0, "ExecutionStarted")
    events.enter(0, "PlanSegments")
    events.add(1, "TaskFailed", taskFailedEventDetails={"error": "InputError"})
    events.leave(1, "PlanSegments")
    events.enter(1, "RecordFailure")
    events.add(2, "TaskSucceeded")
    events.leave(2, "RecordFailure")
    events.enter(2, "Failed", "Fail")
    cause = json.dumps({"errorType": "InputError", "errorMessage": "a.mp4: not a video", "stackTrace": ["x"]})
    events.add(2, "ExecutionFailed", executionFailedEventDetails={"error": "InputError", "cause": cause})
    assert str(failure(events)) == "PlanSegments failed with InputError: a.mp4: not a video"


def test_an_uncaught_error_ends_the_open_state():
    events = Events()
    events.add(0, "ExecutionStarted")
    events.enter(0, "Blur")
    events.add(4, "ExecutionTimedOut", executionTimedOutEventDetails={"error": "States.Timeout"})
    (step,) = steps(events)
    assert (step.end_s, step.failed) == (4, True)
    assert failure(events).cause == "no cause was given"


def test_previous_event_decides_where_branches_run_side_by_side():
    events = Events()
    events.add(0, "ExecutionStarted")
    events.enter(0, "Good")
    events.enter(0, "Bad")
    events.add(1, "LambdaFunctionSucceeded", previousEventId=2)
    events.add(1, "LambdaFunctionFailed", previousEventId=3)
    events.leave(2, "Good")
    events[-1]["previousEventId"] = 4
    events.leave(2, "Bad")
    events[-1]["previousEventId"] = 5
    assert {step.state: step.failed for step in steps(events)} == {"Good": False, "Bad": True}


def test_causes_are_unwrapped_and_kept_short():
    inner = json.dumps({"errorMessage": "no picture\n in it", "stackTrace": []})
    assert readable_cause(json.dumps({"Error": "x", "Cause": inner})) == "no picture in it"
    assert readable_cause("plain words") == "plain words"
    assert len(readable_cause("x" * 5000)) == 600
    assert readable_cause('["a list"]') == '["a list"]'


def test_times_survive_json():
    (time, _) = state_times(steps(loop()))
    content = json.loads(json.dumps(time.to_json()))
    assert StateTime.from_json(content) == time
    content["spans"] = content.pop("when_s")  # what it was called once
    assert StateTime.from_json(content) == time


def test_the_drawing_has_a_row_per_state_and_escapes_names():
    svg = timeline_svg(state_times(steps(loop())), 6, ["Ask", "Wait", "A<B"])
    assert "A&lt;B" in svg
    assert svg.count("<rect") == 4
    assert "2.0 s · 2×" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")

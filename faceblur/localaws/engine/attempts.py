"""How often and how long a state is tried: errors by name, retries, time limits, heartbeats."""

from __future__ import annotations

import contextvars
import random
import threading
import time

from ministack.core.responses import error_response_json
from ministack.services import stepfunctions as states

from .replacing import put_in, replaces
from .values import is_count, with_values

# ministack's own longest wait before a retry.
LONGEST_WAIT_S = 60
# Neither by their name nor by States.ALL; the second by its name alone.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
NEVER_CAUGHT, CAUGHT_BY_NAME = "States.Runtime", "States.DataLimitExceeded"
ONCE_AT_LEAST_S = 1


# The execution that runs now, and that of each token that was given out.
_running: contextvars.ContextVar[dict | None] = contextvars.ContextVar("running", default=None)
_owners: dict[str, dict] = {}


def install() -> None:
    put_in(task, matches, patience, callback, heartbeat)
    for name in ("_send_task_success", "_send_task_failure", "_send_task_heartbeat"):
        setattr(states, name, while_open(getattr(states, name)))


def while_open(original):
    """A token is worth nothing once its task is over: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html"""

    def send_task(request):
        token = request.get("taskToken")
        owner = _owners.get(token)
        if owner and (owner["status"] != "RUNNING" or not states._task_tokens.get(token)):
            return error_response_json("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400)
        return original(request)

    return send_task


@replaces("_execute_task")
def task(original):
    """Limits by paths; and what goes wrong before the task is scheduled is caught as well."""

    def execute_task(state, raw_input, execution, context):
        _running.set(execution)
        source = states._apply_input_path(state, raw_input, context)
        state = with_values(state, source, {"TimeoutSecondsPath": is_limit, "HeartbeatSecondsPath": is_limit})
        try:
            return original(state, raw_input, execution, context)
        except states._ExecutionError as problem:
            catcher = states._find_matching_catcher(state.get("Catch", []), problem.error)
            if catcher is None:
                raise
            told = {"Error": problem.error, "Cause": problem.cause}
            return states._apply_catcher(catcher, raw_input, context, "JSONPath", told), catcher["Next"]

    return execute_task


def is_limit(value) -> bool:
    return is_count(value) and value >= ONCE_AT_LEAST_S


@replaces("_error_matches")
def matches(original):
    def error_matches(names, error):
        if error == NEVER_CAUGHT:
            return False
        return error in names if error == CAUGHT_BY_NAME else original(names, error)

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
        if (execution := _running.get()) is not None:
            _owners[token] = execution
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

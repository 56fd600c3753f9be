"""What is wrong with states that a participant wrote: loop and second round of chapter 6, repeating of chapter 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OUTSIDE = ("GetResult", "RecordFailure")
LIST = "ErrorEquals is a list, also of one error: [...]"
THROTTLED = {"ThrottlingException", "ProvisionedThroughputExceededException"}
PASSING = THROTTLED | {"LimitExceededException", "TooManyRequestsException", "InternalServerError", "States.Timeout"}


def loop(answer: Mapping[str, Mapping]) -> str:
    if "States" in answer:
        return "the states alone are asked for, without the machine around them"
    kinds = {name: state.get("Type") for name, state in answer.items()}
    if "Wait" not in kinds.values():
        return "it asks without a pause: thousands of calls a minute, each one is paid"
    if kinds != {"Wait": "Wait", "Ask": "Task", "Ready": "Choice"}:
        return "three states are asked for: Wait (Wait), Ask (Task) and Ready (Choice)"
    if isinstance(answer["Ask"].get("Catch"), Mapping):
        return "a Catch is a list of rules, also of one: [...]"
    for name, state in answer.items():
        for goal in _goals(state):
            if goal not in {*answer, *OUTSIDE}:
                return f"{name} leads to {goal}, which is no state"
    return _way(answer) or _catch(answer["Ask"].get("Catch", ()))


def _way(answer: Mapping[str, Mapping]) -> str:
    ready, wait = answer["Ready"], answer["Wait"]
    if wait.get("Next") != "Ask" or answer["Ask"].get("Next") != "Ready":
        return "Wait leads to Ask, and Ask to Ready"
    if any(rule.get("Variable") != "$.status" for rule in ready.get("Choices", ())):
        return "each rule of the Choice reads $.status (its Variable)"
    if _after(ready, "SUCCEEDED") != "GetResult":
        return "a job that SUCCEEDED must go on to GetResult"
    if "Default" not in ready:
        return "a status that no rule fits ends the execution with States.NoChoiceMatched: a Default is missing"
    running = _after(ready, "IN_PROGRESS")
    if running == "Ask":
        return "it goes back to Ask without waiting"
    if running != "Wait":
        return "a job that is still IN_PROGRESS must lead back to Wait"
    if _after(ready, "FAILED") != "RecordFailure":
        return "nearly: a job that FAILED is waited for for ever: here that is a status, too, not an error"
    if not ({"SecondsPath", "Timestamp", "TimestampPath"} & {*wait} or _number(wait.get("Seconds")) >= 1):
        return "a Wait of no seconds is no pause: Seconds is a number, without quotes"
    return ""


def _after(choice: Mapping, status: str) -> Any:
    """Where a Choice leads with this status."""
    fits = (rule.get("Next") for rule in choice.get("Choices", ()) if rule.get("StringEquals") == status)
    return next(fits, choice.get("Default"))


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0


def _catch(rules: Any) -> str:
    if not rules:
        return "Ask has no Catch: when it fails nobody is told, and no record is written"
    all_errors = [rule for rule in rules if "States.ALL" in rule.get("ErrorEquals", ())]
    if not all_errors:
        return "the Catch names some errors; every other one ends the execution without a record (States.ALL)"
    if all_errors[-1].get("Next") != "RecordFailure":
        return "what fails must lead to RecordFailure"
    path = all_errors[-1].get("ResultPath", "$")
    if path in ("$", None):
        return "without a ResultPath the error replaces the input, and RecordFailure does not know which video it was"
    return ""


def _goals(state: Mapping) -> list[str]:
    rules = [*state.get("Choices", ()), *state.get("Catch", ())]
    return [goal for goal in (state.get("Next"), state.get("Default"), *(rule.get("Next") for rule in rules)) if goal]


def retry(answer: Mapping) -> str:
    if isinstance(answer, list) or "Retry" in answer:
        return "one rule is asked for, without the list around it"
    if isinstance(answer["ErrorEquals"], str):
        return LIST
    errors = set(answer["ErrorEquals"])
    if errors & {"States.ALL", "States.TaskFailed"}:
        return "it also repeats what will never succeed: a file that is no video fails just as often, only later"
    if "InputError" in errors:
        return "InputError is a file that cannot be read: it stays so"
    if not errors & THROTTLED:
        return f"none of these is what the service answers: {', '.join(sorted(errors))}; look for ThrottlingException"
    if lasting := {error for error in errors - PASSING if not error.startswith("Lambda.")}:
        return f"{', '.join(sorted(lasting))} does not pass by itself"
    if _number(answer.get("IntervalSeconds", 1)) < 1 or not isinstance(answer.get("IntervalSeconds", 1), int):
        return "IntervalSeconds is a whole number of seconds from 1 on, without quotes"
    if _number(answer.get("MaxAttempts", 3)) < 3:
        return "it gives up after a moment; a busy service needs longer (MaxAttempts, a number without quotes)"
    if (longest := _hours(answer)) > 24:
        return f"the pauses grow to {longest:.0f} hours together; whoever waits for the video hears nothing till then"
    if _number(answer.get("BackoffRate", 2.0)) <= 1:
        return "all pauses are alike: a service that is busy is kept busy (BackoffRate above 1)"
    if answer.get("JitterStrategy") != "FULL":
        return "nearly: forty segments that were refused together come back together (JitterStrategy FULL)"
    return ""


def _hours(rule: Mapping) -> float:
    """How long all pauses of a rule take, at most."""
    pause, most = rule.get("IntervalSeconds", 1), rule.get("MaxDelaySeconds", float("inf"))
    total = 0.0
    for _ in range(min(rule.get("MaxAttempts", 3), 10**5)):
        total += min(pause, most)
        pause = min(pause * _number(rule.get("BackoffRate", 2.0)), 1e9)
    return total / 3600


def rounds(answer: Mapping) -> str:
    if isinstance(answer["ErrorEquals"], str):
        return LIST
    errors = set(answer["ErrorEquals"])
    path = answer.get("ResultPath", "$")
    if errors & {"States.ALL", "States.TaskFailed"}:
        return "whatever fails leads back: what is missing stays missing, and the segment is blurred for ever, and paid"
    if "FacesMissedError" not in errors:
        return "none of these is what the proof says of a face that it still sees: FacesMissedError"
    if len(errors) > 1:
        return f"{', '.join(sorted(errors - {'FacesMissedError'}))} is not mended by blurring again"
    if answer.get("Next") == "ProveSegment":
        return "proving again what was not blurred again finds the same face"
    if answer.get("Next") != "BlurSegment":
        return "the segment is to be blurred again: Next is BlurSegment"
    if path == "$":
        return "nearly: without a ResultPath the error replaces the input, and nobody knows which segment it was"
    if path is None:
        return "nearly: the error is thrown away, and BlurSegment cannot tell that this is another round"
    return "" if path == "$.missed" else "nearly: BlurSegment looks for it under missed: $.missed"

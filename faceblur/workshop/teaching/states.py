"""What is wrong with states that a participant wrote: loop and second round of chapter 6, repeating of chapter 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OUTSIDE = ("GetResult", "RecordFailure")
LIST = "ErrorEquals is a list, also of one error: [...]"
PASSING = {"ThrottlingException", "ProvisionedThroughputExceededException"}


def loop(answer: Mapping[str, Mapping]) -> str:
    if "States" in answer:
        return "the states alone are asked for, without the machine around them"
    kinds = {name: state.get("Type") for name, state in answer.items()}
    if "Wait" not in kinds.values():
        return "it asks without a pause: thousands of calls a minute, each one is paid"
    if kinds != {"Wait": "Wait", "Ask": "Task", "Ready": "Choice"}:
        return "three states are asked for: Wait (Wait), Ask (Task) and Ready (Choice)"
    for name, state in answer.items():
        for goal in _goals(state):
            if goal not in {*answer, *OUTSIDE}:
                return f"{name} leads to {goal}, which is no state"
    return _way(answer) or _catch(answer["Ask"].get("Catch", ()))


def _way(answer: Mapping[str, Mapping]) -> str:
    ready = answer["Ready"]
    done = [rule.get("Next") for rule in ready.get("Choices", ()) if rule.get("StringEquals") == "SUCCEEDED"]
    if answer["Wait"].get("Next") != "Ask" or answer["Ask"].get("Next") != "Ready":
        return "Wait leads to Ask, and Ask to Ready"
    if "GetResult" not in done:
        return "a job that SUCCEEDED must go on to GetResult"
    if "Default" not in ready:
        return "a status that no rule fits ends the execution with States.NoChoiceMatched: a Default is missing"
    if ready["Default"] == "Ask":
        return "it goes back to Ask without waiting"
    if ready["Default"] != "Wait":
        return "a job that is still running must lead back to Wait"
    return "" if answer["Wait"].get("Seconds", 0) >= 1 else "a Wait of no seconds is no pause"


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
    if isinstance(answer["ErrorEquals"], str):
        return LIST
    errors = set(answer["ErrorEquals"])
    if errors & {"States.ALL", "States.TaskFailed"}:
        return "it also repeats what will never succeed: a file that is no video fails just as often, only later"
    if "InputError" in errors:
        return "InputError is a file that cannot be read: it stays so"
    if not errors & PASSING:
        return f"none of these is a service that is too busy: {', '.join(sorted(errors))}; look for ThrottlingException"
    if answer.get("MaxAttempts", 3) < 3:
        return "it gives up after a moment; a busy service needs longer"
    if answer.get("BackoffRate", 2.0) <= 1:
        return "all pauses are alike: a service that is busy is kept busy (BackoffRate above 1)"
    if answer.get("JitterStrategy") != "FULL":
        return "nearly: forty segments that were refused together come back together (JitterStrategy FULL)"
    return ""


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

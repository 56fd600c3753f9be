"""Finds the faults of a state machine definition before it runs.

`problems`: what AWS refuses at CreateStateMachine and ministack would run, by the Amazon States Language,
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
`beyond_this_engine`: what AWS runs and the embedded AWS would get wrong without saying so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .choices import COMPARISON
from .intrinsics import parse
from .paths import check_path, is_reference
from .resources import resource_faults

# Fields of JSONPath states: what selects from the input, what must lead to one place, what may be computed instead.
PATHS = ("InputPath", "OutputPath")
REFERENCES = (
    "ResultPath", "ItemsPath", "SecondsPath", "TimestampPath", "Variable", "TimeoutSecondsPath", "HeartbeatSecondsPath",
    "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "MaxItemsPath", "ErrorPath",
    "CausePath",
)  # fmt: skip
COMPUTED = ("ErrorPath", "CausePath")
TEMPLATES = ("Parameters", "ItemSelector", "ResultSelector", "Credentials", "BatchInput")
# Whatever stands in these is a state's own.
CONTENT = ("Result", "Arguments", "Output", "Assign", "Comment")
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_DEFINITION_BYTES, MAX_NAME = 1_048_576, 80
# Fields that AWS runs and this engine would pass over.
UNKNOWN = {
    "Task": ("Credentials",),
    "Map": (
        "ItemBatcher",
        "ResultWriter",
        "TimeoutSeconds",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentagePath",
    ),
    "Parallel": ("TimeoutSeconds",),
}
# Fields that a Map has in DISTRIBUTED mode alone.
DISTRIBUTED = (
    "ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailureCount", "ToleratedFailureCountPath",
    "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
)  # fmt: skip
# The largest numbers: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
LARGEST = {"Seconds": 99_999_999, "TimeoutSeconds": 99_999_999, "HeartbeatSeconds": 99_999_999,
           "IntervalSeconds": 99_999_999, "MaxAttempts": 99_999_999, "MaxDelaySeconds": 31_622_399}  # fmt: skip
LIMITS = ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")


def problems(text: str) -> list[str]:
    """One line per fault, empty when there is none."""
    if len(text.encode()) > MAX_DEFINITION_BYTES:
        return [f"a definition has {MAX_DEFINITION_BYTES} bytes at most"]
    try:
        document = json.loads(text)
    except ValueError as problem:
        return [f"INVALID_JSON_DESCRIPTION: {problem}"]
    if not isinstance(document, dict):
        return ["SCHEMA_VALIDATION_FAILED: the definition is not an object"]
    found = [*_linted(document), *_overlooked(document, "")]
    return [f"SCHEMA_VALIDATION_FAILED: {fault}" for fault in dict.fromkeys(found)]


def _linted(document: dict) -> list[str]:
    from statelint.config import Config
    from statelint.linter import Linter

    return list(Linter.validate(_plain(document), Config(evaluate_jsonata=False)))


def _plain(value: Any, key: str = "") -> Any:
    """What statelint 3.1 refuses wrongly, said so that it does not: whole backoff rates, and paths, which are looked at
    below, and how a Map reads its items.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item, name) for name, item in value.items() if name != "ReaderConfig"}
    if key == "BackoffRate" and type(value) is int:
        return float(value)
    if isinstance(value, str) and key.endswith(("Path", ".$", "Variable")):
        return "$" if value.startswith("$") else "States.UUID()" if value.startswith("States.") else value
    return value


def _overlooked(value: Any, path: str) -> Iterator[str]:
    """What statelint lets through."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _overlooked(item, f"{path}[{index}]")
        return
    if not isinstance(value, dict):
        return
    if value.get("Type") == "Task":
        yield from resource_faults(value.get("Resource"), path)
    yield from _bounds(value, path)
    yield from _misplaced_catch_all(value, path)
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        if key == "States" and isinstance(item, dict):
            for name, state in item.items():
                if len(name) > MAX_NAME:
                    yield f"{here}.{name}: a state's name has {MAX_NAME} letters at most"
                yield from _overlooked(state, f"{here}.{name}")
        elif key in TEMPLATES:
            yield from _template_faults(item, here)
        elif key in (*PATHS, *REFERENCES) or (key.endswith("Path") and COMPARISON.fullmatch(key)):
            yield from _path_faults(key, item, here)
        elif key not in CONTENT:
            yield from _overlooked(item, here)


def _bounds(value: dict, path: str) -> Iterator[str]:
    """Numbers that are too large, a heartbeat that cannot be missed, and what an INLINE Map does not have."""
    for name, most in LARGEST.items():
        if type(value.get(name)) is int and value[name] > most:
            yield f"{path}.{name}: {value[name]} is more than {most}"
    limit, beat = value.get("TimeoutSeconds"), value.get("HeartbeatSeconds")
    if type(limit) is int and type(beat) is int and beat >= limit:
        yield f"{path}.HeartbeatSeconds: it must be smaller than TimeoutSeconds"
    if value.get("Type") == "Map":
        processor = value.get("ItemProcessor") or value.get("Iterator") or {}
        mode = (processor.get("ProcessorConfig") or {}).get("Mode", "INLINE") if isinstance(processor, dict) else ""
        odd = [name for name in DISTRIBUTED if name in value] if mode == "INLINE" else []
        yield from (f"{path}.{name}: a Map in INLINE mode has no such field" for name in odd)


def _path_faults(key: str, value: Any, here: str) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, str):
        yield f"{here}: {json.dumps(value)} is not a path"
    elif key in COMPUTED and value.startswith("States."):
        yield from _expression_faults(value, here)
    elif faults := list(_expression_faults(value, here)):
        yield from faults
    elif (
        value.startswith("States.")
        or (key not in PATHS and not is_reference(value))
        or key + value[:2] == "ResultPath$$"
    ):
        yield f"{here}: Value is not a Reference Path: {value}"


def _template_faults(value: Any, here: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _template_faults(item, f"{here}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not key.endswith(".$"):
                yield from _template_faults(item, f"{here}.{key}")
            elif isinstance(item, str):
                yield from _expression_faults(item, f"{here}.{key}")
            else:
                yield f"{here}.{key}: {json.dumps(item)} is neither a path nor an intrinsic function"


def _expression_faults(text: str, here: str) -> Iterator[str]:
    """A path, or the call of an intrinsic function."""
    try:
        if text.startswith("States."):
            parse(text)
        else:
            check_path(text)
    except ValueError as problem:
        yield f"{here}: {problem}"


def _misplaced_catch_all(state: dict, path: str) -> Iterator[str]:
    """States.ALL must stand alone and in the last retrier or catcher."""
    for name in ("Retry", "Catch"):
        given = state.get(name)
        rules = given if isinstance(given, list) else []
        for index, rule in enumerate(rules):
            errors = rule.get("ErrorEquals", []) if isinstance(rule, dict) else []
            if "States.ALL" in errors and (index < len(rules) - 1 or len(errors) > 1):
                yield f"{path}.{name}[{index}]: States.ALL must stand alone in the last one"


def beyond_this_engine(text: str) -> list[str]:
    """One line per feature of a sound definition that the embedded AWS does not run as AWS does."""
    found = [f"the embedded AWS does not run {feature}" for feature in _beyond(json.loads(text), "")]
    return list(dict.fromkeys(found))


def _beyond(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _beyond(item, f"{path}[{index}]")
        return
    if not isinstance(value, dict):
        return
    kind = value.get("Type")
    for field in UNKNOWN.get(kind, ()) if isinstance(kind, str) else ():
        if field in value:
            yield f"{field} of a {kind} ({path})"
    if kind == "Task" and ":activity:" in str(value.get("Resource")):
        yield from (f"{field} of an activity ({path})" for field in LIMITS if field in value)
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        if (key, item) == ("QueryLanguage", "JSONata") or key in ("Assign", "Arguments", "Output"):
            yield f"JSONata and variables ({here})"
        elif key == "States" and isinstance(item, dict):
            for name, state in item.items():
                yield from _beyond(state, f"{here}.{name}")
        elif key not in (*TEMPLATES, *CONTENT):
            yield from _beyond(item, here)

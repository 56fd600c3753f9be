"""Finds the faults of a state machine definition before it runs.

`problems`: what AWS refuses at CreateStateMachine and ministack would run, by the Amazon States Language,
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
`beyond_this_engine`: what AWS runs and the embedded AWS would get wrong without saying so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Fields of JSONPath states that select from the input, and those that may compute with an intrinsic function.
PATHS = ("InputPath", "OutputPath", "ResultPath", "ItemsPath", "SecondsPath", "TimestampPath", "Variable")
COMPUTED_PATHS = ("ErrorPath", "CausePath")
SLICE = re.compile(r"^\$[^\s(]*\[[^\]'\"]*[:,?][^\]]*\]|^\$[^\s(]*\.\.")


def problems(text: str) -> list[str]:
    """One line per fault, empty when there is none."""
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

    return list(Linter.validate(_with_float_rates(document), Config(evaluate_jsonata=False)))


def _with_float_rates(value: Any) -> Any:
    """statelint 3.1 takes a BackoffRate only as a float."""
    if isinstance(value, list):
        return [_with_float_rates(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: float(item) if key == "BackoffRate" and type(item) is int else _with_float_rates(item)
        for key, item in value.items()
    }


def _overlooked(value: Any, path: str) -> Iterator[str]:
    """What statelint lets through."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _overlooked(item, f"{path}[{index}]")
        return
    if not isinstance(value, dict):
        return
    if value.get("Type") == "Task" and not isinstance(value.get("Resource"), str):
        yield f"{path}: a Task needs a Resource"
    yield from _misplaced_catch_all(value, path)
    for key, item in value.items():
        starts = "$" if key in PATHS else ("$", "States.") if key in COMPUTED_PATHS else ""
        if starts and item is not None and not (isinstance(item, str) and item.startswith(starts)):
            yield f"{path}.{key}: {json.dumps(item)} is not a path"
        # Fixed content of a state's own (a result, parameters) may use any word as a key.
        if key not in ("Result", "Parameters", "ItemSelector", "ResultSelector"):
            yield from _overlooked(item, f"{path}.{key}" if path else key)


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
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}" if path else key
            if (key, item) == ("QueryLanguage", "JSONata") or key == "Assign":
                yield f"JSONata and variables ({here})"
            elif key in ("JitterStrategy", "MaxDelaySeconds", "Comment"):
                continue
            else:
                yield from _beyond(item, here)
    elif isinstance(value, str) and SLICE.match(value):
        yield f"slices, filters and descent in paths ({path}: {value})"
    elif isinstance(value, str) and "States.Format(" in value and "\\\\" in value:
        yield f"escapes in States.Format ({path})"

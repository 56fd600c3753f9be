"""Finds the faults of a state machine definition before it runs. Imports statelint and the standard library.

ministack runs whatever it can read; AWS refuses these at CreateStateMachine:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator


def problems(text: str) -> list[str]:
    """One line per fault, empty when there is none."""
    try:
        document = json.loads(text)
    except ValueError as problem:
        return [f"INVALID_JSON_DESCRIPTION: {problem}"]
    if not isinstance(document, dict):
        return ["SCHEMA_VALIDATION_FAILED: the definition is not an object"]
    found = [*_linted(document), *_misplaced_catch_all(document, "")]
    return [f"SCHEMA_VALIDATION_FAILED: {fault}" for fault in dict.fromkeys(found)]


def _linted(document: dict) -> list[str]:
    from statelint.config import Config
    from statelint.linter import Linter

    return list(Linter.validate(_with_float_rates(document), Config(evaluate_jsonata=False)))


def _with_float_rates(value):
    """statelint 3.1 takes a BackoffRate only as a float."""
    if isinstance(value, list):
        return [_with_float_rates(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: float(item) if key == "BackoffRate" and type(item) is int else _with_float_rates(item)
        for key, item in value.items()
    }


def _misplaced_catch_all(value, path: str) -> Iterator[str]:
    """States.ALL must stand alone and in the last retrier or catcher."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misplaced_catch_all(item, f"{path}[{index}]")
        return
    if not isinstance(value, dict):
        return
    for name in ("Retry", "Catch"):
        rules = value.get(name)
        for index, rule in enumerate(rules if isinstance(rules, list) else []):
            errors = rule.get("ErrorEquals", []) if isinstance(rule, dict) else []
            if "States.ALL" in errors and (index < len(rules) - 1 or len(errors) > 1):
                yield f"{path}.{name}[{index}]: States.ALL must stand alone in the last one"
    for key, item in value.items():
        yield from _misplaced_catch_all(item, f"{path}.{key}" if path else key)

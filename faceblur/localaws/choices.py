"""Rules of a Choice state: https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable
from typing import Any

from .paths import NothingThereError

COMPARISON = re.compile(r"(String|Numeric|Boolean|Timestamp)(Equals|(?:Less|Greater)Than(?:Equals)?)(Path)?")
ORDER = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
# The profile of ISO 8601 of RFC 3339, with a capital T, and a capital Z where there is no offset.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def holds(rule: dict, look: Callable[[str], Any]) -> bool:
    """Whether a rule is true; `look` gives what a path finds or raises NothingThereError, which goes on to the caller
    unless the rule asks whether something is there.
    """
    if "And" in rule:
        return all(holds(one, look) for one in rule["And"])
    if "Or" in rule:
        return any(holds(one, look) for one in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], look)
    try:
        value = look(rule["Variable"])
    except NothingThereError:
        if "IsPresent" in rule:
            return not rule["IsPresent"]
        raise
    for name, wanted in rule.items():
        if name in KINDS:
            return KINDS[name](value) == wanted
        if name == "StringMatches":
            return isinstance(value, str) and bool(pattern(wanted).fullmatch(value))
        if found := COMPARISON.fullmatch(name):
            kind, order, path = found.groups()
            both = [_as(kind, value), _as(kind, look(wanted) if path else wanted)]
            return None not in both and ORDER[order](*both)
    return False


def pattern(text: str) -> re.Pattern:
    """A star stands for any letters, unless there is a backslash before it."""
    parts = re.findall(r"\\[\\*]|.", text, re.DOTALL)
    return re.compile("".join(".*" if part == "*" else re.escape(part[-1]) for part in parts), re.DOTALL)


def moment(value: Any) -> datetime.datetime | None:
    """A timestamp with its offset, None for what is none."""
    if not isinstance(value, str) or not TIMESTAMP.fullmatch(value):
        return None
    try:
        return datetime.datetime.fromisoformat(value)
    except ValueError:
        return None


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


KINDS: dict[str, Callable[[Any], bool]] = {
    "IsPresent": lambda value: True,
    "IsNull": lambda value: value is None,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsTimestamp": lambda value: moment(value) is not None,
}


def _as(kind: str, value: Any) -> Any:
    """A value of this kind, or None."""
    if kind == "Timestamp":
        return moment(value)
    return value if KINDS[f"Is{kind}"](value) else None

"""Intrinsic functions of the Amazon States Language: their text, read strictly.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from .paths import NotAPathError, check_path

# How many arguments each takes: at least, at most.
ARGUMENTS = {
    "Format": (1, 99), "StringToJson": (1, 1), "JsonToString": (1, 1), "Array": (0, 99), "ArrayPartition": (2, 2),
    "ArrayContains": (2, 2), "ArrayRange": (3, 3), "ArrayGetItem": (2, 2), "ArrayLength": (1, 1), "ArrayUnique": (1, 1),
    "Base64Encode": (1, 1), "Base64Decode": (1, 1), "Hash": (2, 2), "JsonMerge": (3, 3), "MathRandom": (2, 3),
    "MathAdd": (2, 2), "StringSplit": (2, 2), "UUID": (0, 0),
}  # fmt: skip
MAX_NESTED = 10
QUOTED = r"'(?:[^'\\]|\\.)*'"
IN_BRACKETS = QUOTED + r'|"(?:[^"\\]|\\.)*"|[^\[\]\'"]'
PATH = rf"\$(?:\[(?:{IN_BRACKETS}|\[(?:{IN_BRACKETS})*\])*\]|[^\s,()\[\]])*"
TOKEN = re.compile(
    rf"\s*(?:(?P<call>States\.\w+)\s*\(|(?P<text>{QUOTED})|(?P<number>-?\d+(?:\.\d+)?)"
    rf"|(?P<word>true|false|null)\b|(?P<path>{PATH})|(?P<mark>[(),]))\s*"
)
WORDS = {"true": ("bool", True), "false": ("bool", False), "null": ("null", None)}
ESCAPE = re.compile(r"\\(.)")


class NotAFunctionError(ValueError):
    """The text is no call of an intrinsic function; says why."""


def parse(text: str) -> tuple:
    """("call", name, arguments), where an argument is one, too, or ("str", text), ("num", number), ("bool", value),
    ("null", None), ("path", text). What States.Format puts together keeps its escapes. Raises NotAFunctionError.
    """
    tokens = _tokens(text)
    kind, value = next(tokens, ("", ""))
    if kind != "call":
        raise NotAFunctionError(f"{text}: it does not begin with a function")
    node = _call(value, tokens, text, 1)
    if next(tokens, None) is not None:
        raise NotAFunctionError(f"{text}: something follows the last bracket")
    return node


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise NotAFunctionError(f"{text}: it cannot be read from {text[position:][:20]!r} on")
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()


def _call(name: str, tokens: Iterator[tuple[str, str]], text: str, depth: int) -> tuple:
    least, most = ARGUMENTS.get(name.removeprefix("States."), (0, -1))
    if most < 0:
        raise NotAFunctionError(f"{text}: there is no {name}")
    if depth > MAX_NESTED:
        raise NotAFunctionError(f"{text}: more than {MAX_NESTED} functions in each other")
    arguments: list[tuple] = []
    for kind, value in tokens:
        if (kind, value) == ("mark", ")") and not arguments:
            break
        is_template = name == "States.Format" and not arguments
        arguments.append(_argument(kind, value, tokens, text, depth, is_template))
        mark = next(tokens, None)
        if mark == ("mark", ")"):
            break
        if mark != ("mark", ","):
            raise NotAFunctionError(f"{text}: a comma or a bracket is missing after an argument of {name}")
    else:
        raise NotAFunctionError(f"{text}: a bracket is missing")
    if not least <= len(arguments) <= most:
        raise NotAFunctionError(f"{text}: {name} does not take {len(arguments)} arguments")
    return "call", name, arguments


def _argument(
    kind: str, value: str, tokens: Iterator[tuple[str, str]], text: str, depth: int, is_template: bool
) -> tuple:
    if kind == "call":
        return _call(value, tokens, text, depth + 1)
    if kind == "number":
        return "num", float(value) if "." in value else int(value)
    if kind == "word":
        return WORDS[value]
    if kind == "path":
        try:
            check_path(value)
        except NotAPathError as problem:
            raise NotAFunctionError(str(problem)) from None
        return "path", value
    if kind == "text":
        inside = value[1:-1]
        if stray := [letter for letter in ESCAPE.findall(inside) if letter not in "'\\{}"]:
            raise NotAFunctionError(f"{text}: \\{stray[0]} is no escape")
        return "str", inside if is_template else ESCAPE.sub(r"\1", inside)
    raise NotAFunctionError(f"{text}: {value!r} where an argument should be")


def computed(name: str, values: list) -> Any:
    """What a function gives for these values, or NotImplemented where ministack's own is as documented. Raises
    ValueError.
    """
    if name not in FUNCTIONS:
        return NotImplemented
    fits, function, wanted = FUNCTIONS[name]
    if not fits(*values):
        raise ValueError(f"it takes {wanted}")
    return function(*values)


def put_together(template: str, *values: Any) -> str:
    """Each {} of the template is a value; a backslash goes before what is to stay as it is."""
    rest = iter(values)
    parts = re.findall(r"\\.|\{\}|.", template, re.DOTALL)
    return "".join(as_text(next(rest)) if part == "{}" else part[-1] for part in parts)


def is_format(template: Any, *values: Any) -> bool:
    if not isinstance(template, str):
        return False
    return re.findall(r"\\.|\{\}", template).count("{}") == len(values)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def counted(start: int, end: int, step: int) -> list[int]:
    return list(range(start, end + (1 if step > 0 else -1), step))


def same(one: Any, other: Any) -> bool:
    """As JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def unique(values: list) -> list:
    return [value for index, value in enumerate(values) if not any(same(value, one) for one in values[:index])]


def _is_int(*values: Any) -> bool:
    return all(type(value) is int for value in values)


def _is_number(*values: Any) -> bool:
    return all(type(value) in (int, float) for value in values)


# What a function's values must be, what it gives, and the first in words.
FUNCTIONS: dict[str, tuple[Callable[..., bool], Callable[..., Any], str]] = {
    "States.Format": (is_format, put_together, "a text and as many values as it has {}"),
    "States.ArrayContains": (
        lambda array, value: isinstance(array, list),
        lambda array, value: any(same(value, one) for one in array),
        "an array and a value",
    ),
    "States.ArrayUnique": (lambda array: isinstance(array, list), unique, "an array"),
    "States.ArrayLength": (lambda array: isinstance(array, list), len, "an array"),
    "States.ArrayGetItem": (
        lambda array, index: isinstance(array, list) and _is_int(index) and 0 <= index < len(array),
        lambda array, index: array[index],
        "an array and an index in it",
    ),
    "States.ArrayPartition": (
        lambda array, size: isinstance(array, list) and _is_int(size) and size > 0,
        lambda array, size: [array[start : start + size] for start in range(0, len(array), size)],
        "an array and a size above zero",
    ),
    "States.ArrayRange": (
        lambda start, end, step: _is_int(start, end, step) and step != 0 and len(counted(start, end, step)) <= 1000,
        counted,
        "three integers, the last not zero, that give 1,000 items at most",
    ),
    "States.JsonMerge": (
        lambda one, other, is_deep: isinstance(one, dict) and isinstance(other, dict) and is_deep is False,
        lambda one, other, is_deep: one | other,
        "two objects and false: AWS merges only what lies on top",
    ),
    "States.MathRandom": (
        lambda start, end, *seed: _is_int(start, end, *seed) and start < end,
        lambda start, end, *seed: random.Random(*seed).randrange(start, end),
        "two integers, the first below the second, and an integer to begin with",
    ),
    "States.MathAdd": (
        lambda one, other: _is_number(one, other) and -(2**31) <= round(one) + round(other) < 2**31,
        lambda one, other: round(one) + round(other),
        "two numbers whose sum has 32 bits",
    ),
    "States.Base64Decode": (
        lambda text: isinstance(text, str) and len(text) <= 10_000,
        lambda text: base64.b64decode(text, validate=True).decode(),
        "a text of 10,000 letters at most",
    ),
    "States.StringToJson": (lambda text: isinstance(text, str), json.loads, "a text"),
    "States.StringSplit": (
        lambda text, marks: isinstance(text, str) and isinstance(marks, str) and marks != "",
        lambda text, marks: [part for part in re.split("[" + re.escape(marks) + "]", text) if part],
        "two texts",
    ),
}

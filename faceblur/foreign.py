"""JSON that others wrote: read within limits of size, depth, memory and magnitude, and checked for its shape.

Plans, reports, detections and the review page's requests come in through here. Whatever is wrong with them is one
DocumentError.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from .errors import DocumentError

MOST_BYTES = 320 << 20  # of a file
MOST_MEMORY = 1 << 30  # in bytes, by the estimate below: six hours with five faces in every frame take 0.95 of it
MOST_DEPTH = 32
MOST = 2**63  # what a number has to stay below: a whole number of 64 bits
# Bytes that an array, an object, a further value and half a string cost in Python (64 bits), about.
_COSTS = {b"[": 96, b"{": 200, b",": 32, b'"': 25}
NUMBER = (int, float)
_LONGEST = 200  # letters of what is repeated from a file


def read_json(path: str | Path, hint: str = "") -> object:
    """The content of a JSON file in UTF-8, UTF-16 or UTF-32. hint: what to say of a file that is no JSON.

    Raises DocumentError; it names the file.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise DocumentError(f"{path}: cannot be read ({reason})") from problem
    if len(data) > MOST_BYTES:
        raise DocumentError(f"{path}: has more than {MOST_BYTES >> 20} MiB, too much for a file of this kind")
    try:
        return parse_json(data, hint)
    except DocumentError as problem:
        raise DocumentError(f"{path}: {problem}") from problem


def parse_json(data: bytes, hint: str = "") -> object:
    """Raises DocumentError for what is no JSON, says a thing twice, or is beyond the limits of this module."""
    hint = f"; {hint}" if hint else ""
    if not data.strip():
        raise DocumentError(f"empty, so not JSON{hint}")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as problem:
        raise DocumentError(f"not JSON (not text in UTF-8){hint}") from problem
    if len(data) + sum(cost * data.count(sign) for sign, cost in _COSTS.items()) > MOST_MEMORY:
        raise DocumentError("holds too many values to be read")
    del data
    was_on = gc.isenabled()
    gc.disable()  # millions of lists that all stay: looking them through again and again doubles the time
    try:
        content = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError as problem:
        raise DocumentError("is nested too deeply") from problem
    except json.JSONDecodeError as problem:
        raise DocumentError(f"not JSON (line {problem.lineno}, column {problem.colno}){hint}") from problem
    except ValueError as problem:  # a whole number of thousands of digits
        raise DocumentError("holds a number that is too large") from problem
    finally:
        if was_on:
            gc.enable()
    _check_limits(content)
    return content


def _object(pairs: list[tuple[str, object]]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DocumentError(f"says {twice[:50]!r} twice, so what it means is not certain")
    return content


def brief(problem: object) -> str:
    """A problem's words, of which those of others' files may be long, on one line."""
    words = " ".join(str(problem).split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]} ..."


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentError(f"holds {name}, which is no number in JSON")


def _check_limits(content: Any) -> None:
    """Raises DocumentError for nesting and numbers beyond the limits."""
    level = [[content]]
    for _ in range(MOST_DEPTH + 1):
        deeper = []
        for group in level:
            for value in group.values() if type(group) is dict else group:
                kind = type(value)
                if kind is list or kind is dict:
                    deeper.append(value)
                elif (kind is float or kind is int) and not -MOST < value < MOST:
                    raise DocumentError("holds a number that is too large")
        level = deeper
        if not level:
            return
    raise DocumentError("is nested too deeply")


def check_shape(content: Any, shape: Any, where: str = "it") -> None:
    """Raises DocumentError when JSON does not have a shape.

    shape: a type or several; [shape], a list of such; {"key": shape}, an object in which what is there of these keys
    has its shape (other keys may be anything). None may stand for whatever is optional: give type(None) with the types.
    """
    if isinstance(shape, dict):
        _expect(isinstance(content, Mapping), where, "an object")
        for key, inner in shape.items():
            if key in content:
                check_shape(content[key], inner, repr(key))
    elif isinstance(shape, list):
        _expect(isinstance(content, (list, tuple)), where, "a list")
        for item in content:
            check_shape(item, shape[0], f"what is in {where}")
    else:
        kinds = shape if isinstance(shape, tuple) else (shape,)
        is_right = isinstance(content, (*kinds, tuple) if list in kinds else kinds)
        if isinstance(content, bool):  # Python's are whole numbers, JSON's are not
            is_right = bool in kinds
        elif isinstance(content, float):
            is_right = is_right and math.isfinite(content)
        _expect(is_right, where, _words(kinds))


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "an object",
          list: "a list", type(None): "null"}  # fmt: skip


def _words(kinds: tuple) -> str:
    return " or ".join(_WORDS[kind] for kind in kinds if not (kind is int and float in kinds))


def _expect(is_right: bool, where: str, what: str) -> None:
    if not is_right:
        raise DocumentError(f"{where} is to be {what}")

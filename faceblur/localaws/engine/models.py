"""What botocore's model of a service says of a request's parameters: lengths, ranges, patterns, what is required."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import botocore.session


@functools.cache
def model(service: str, operation: str):
    """The shape of an operation's input, or None."""
    try:
        return _session().get_service_model(service).operation_model(operation).input_shape
    except Exception:  # an operation that botocore does not know: ministack will say so
        return None


@functools.cache
def _session():
    return botocore.session.Session()


def faults(shape, value, path: str) -> Iterator[str]:
    """Where a value does not fit its shape."""
    if shape is None or value is None:
        return
    if not fits(shape, value):
        yield path or "the request"
    elif shape.type_name == "structure":
        yield from (f"{path}.{name}".lstrip(".") for name in shape.required_members if value.get(name) is None)
        for name, member in shape.members.items():
            yield from faults(member, value.get(name), f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from faults(shape.member, item, f"{path}.{index + 1}")


TYPES: dict[str, tuple] = {"structure": (dict,), "list": (list,), "string": (str,), "integer": (int,), "long": (int,)}


def fits(shape, value) -> bool:
    kind, limits = shape.type_name, shape.metadata
    if kind not in TYPES:
        return True
    if not isinstance(value, TYPES[kind]) or (kind in ("integer", "long") and isinstance(value, bool)):
        return False
    size = value if kind in ("integer", "long") else len(value)
    if not limits.get("min", size) <= size <= limits.get("max", size):
        return False
    if kind == "string" and "enum" in limits:
        return value in limits["enum"]
    pattern = compiled(limits.get("pattern", "")) if kind == "string" else None
    return pattern is None or bool(pattern.fullmatch(value))


@functools.cache
def compiled(pattern: str):
    """None for what there is none, and for what only Java understands."""
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None


def number_or_text(member, text: str):
    if member.type_name != "integer":
        return text
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None

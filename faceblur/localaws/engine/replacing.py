"""Functions of ministack's Step Functions in whose place ours stand."""

from __future__ import annotations

import functools

from ministack.services import stepfunctions as states


def replaces(name: str):
    """Marks a function that takes ministack's function of this name and gives ours."""

    def mark(wrap):
        wrap.target = name
        return wrap

    return mark


def put_in(*wraps) -> None:
    for wrap in wraps:
        original = getattr(states, wrap.target)
        setattr(states, wrap.target, functools.wraps(original)(wrap(original)))

"""What a long film has many of, in a bounded space: the longest, and how many others at a time. Draws nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

MOST_TRACKS = 24  # that have a line of their own
Item = TypeVar("Item")


def longest(
    items: Sequence[Item], length: Callable[[Item], Any], most: int = MOST_TRACKS
) -> tuple[list[Item], list[Item]]:
    """(the `most` longest, all others), each in the order that they had. length: what sorts them."""
    kept = set(sorted(range(len(items)), key=lambda index: length(items[index]), reverse=True)[:most])
    shown = [item for index, item in enumerate(items) if index in kept]
    return shown, [item for index, item in enumerate(items) if index not in kept]


def at_once(tracks: Iterable[Iterable[tuple[float, float]]], end: float, steps: int = 200) -> list[int]:
    """How many tracks are there in each of so many equal stretches from 0 to `end`; a track is its (start, end) pairs.

    Starts and ends are in the unit of `end`.
    """
    counts = [0] * steps
    for bars in tracks:
        touched = {
            step
            for start, stop in bars
            for step in range(max(0, int(start / end * steps)), min(steps, math.ceil(stop / end * steps)))
        }
        for step in touched:
            counts[step] += 1
    return counts

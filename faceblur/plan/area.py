"""Rectangles of one's own that are covered for a while."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import PlanError
from ..shapes import Box, JsonObject
from .track import SMALLEST

_FAR_OUT = 2.0  # a side of an area beyond this is no share of the picture, but per cent or pixels


@dataclass(frozen=True)
class Area:
    """A rectangle of one's own to blur for a while: a badge, a screen, a face that was missed.

    left, top, width, height: shares of the picture as displayed. It covers every frame that is on screen at some time
    from start_ms to end_ms. Raises PlanError when it lies outside of the picture or ends before it starts.

    >>> Area(0.4, 0.1, 0.2, 0.2, start_ms=500, end_ms=2500).width
    0.2
    """

    left: float
    top: float
    width: float
    height: float
    start_ms: float = 0.0
    end_ms: float = math.inf

    def __post_init__(self) -> None:
        sides = (self.left, self.top, self.width, self.height)
        if not all(isinstance(number, int | float) for number in (*sides, self.start_ms, self.end_ms)):
            raise PlanError("an area is left, top, width, height, start and end: numbers")
        if not all(abs(side) <= _FAR_OUT for side in sides) or self.left >= 1 or self.top >= 1:
            raise PlanError(f"{_named(sides)} lies outside of the picture: give shares of it, 0.5 for a half")
        if min(self.width, self.height) < SMALLEST:
            raise PlanError(f"{_named(sides)} needs a width and a height, in shares of the picture")
        if self.left + self.width <= 0 or self.top + self.height <= 0:
            raise PlanError(f"{_named(sides)} lies outside of the picture: its left upper corner is 0, 0")
        if not (math.isfinite(self.start_ms) and self.start_ms <= self.end_ms):
            raise PlanError(f"{_named(sides)} needs an end after its start")

    def to_json(self) -> JsonObject:
        """As it stands in a plan."""
        end = None if math.isinf(self.end_ms) else self.end_ms
        return {
            "left": self.left,
            "top": self.top,
            "width": self.width,
            "height": self.height,
            "start_ms": self.start_ms,
            "end_ms": end,
        }

    @classmethod
    def from_json(cls, content: JsonObject) -> Area:
        """Raises PlanError for what is no area."""
        left, top, width, height = (float(content[side]) for side in ("left", "top", "width", "height"))
        end_ms = math.inf if content.get("end_ms") is None else float(content["end_ms"])
        return cls(left, top, width, height, float(content.get("start_ms") or 0), end_ms)


def refuse_areas_beyond(areas: Iterable[Area], end_ms: float, *, really: Callable[[], float] | None = None) -> None:
    """Raises PlanError for an area that begins after the end of the video.

    end_ms: as the file's header says. really: finds out, when something seems to lie beyond it.
    """
    late = [area for area in areas if area.start_ms > end_ms or area.end_ms < 0]
    if late and really is not None:
        end_ms = really()
    for area in late:
        if area.start_ms > end_ms or area.end_ms < 0:
            raise PlanError(
                f"{_named((area.left, area.top, area.width, area.height))} lies outside of the video: it begins at "
                f"{area.start_ms / 1000:g} s, the video ends at {end_ms / 1000:g} s"
            )


def _named(sides: Box) -> str:
    return "the area " + ",".join(f"{side:g}" for side in sides)

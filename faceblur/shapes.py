"""Shapes that many rooms hand to each other, named once."""

from __future__ import annotations

from collections.abc import Callable

Box = tuple[float, float, float, float]  # left, top, width, height in ratios of the picture as displayed
Interval = tuple[float, float]  # from and to in milliseconds, both included; a `Span` of stamps excludes its end
Progress = Callable[[int, int], None]  # called with (done, of how many)

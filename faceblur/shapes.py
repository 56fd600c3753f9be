"""Shapes that many rooms hand to each other, named once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Box = tuple[float, float, float, float]  # left, top, width, height in ratios of the picture as displayed
Interval = tuple[float, float]  # from and to in milliseconds, both included; a `Span` of stamps excludes its end
JsonObject = dict[str, Any]  # as `json` reads and writes it; docs/formats.md has the keys of plan and report
Progress = Callable[[int, int], None]  # called with (done, of how many)

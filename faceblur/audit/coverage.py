"""Draws who is blurred when: a line a track (of many the longest), with what needs review and what can still be seen.

Works with the core dependencies alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..plan import Plan, Track
from ..plan.moments import MAX_BETWEEN_MS
from ..shapes import Interval
from ..showing.canvas import Canvas, paper
from ..showing.colours import INK, LEAK, PALETTE, SOFT
from ..showing.many import at_once, longest
from ..timecode import clock
from ..video import VideoInfo
from .verdict import Audit

WIDTH = 1600
REVIEW, GRID, STRIPE = "#f4a300", "#dfe4ea", "#9aa7b5"
_THICKNESS, _GAP = 24, 8
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 40, 78, 46
_MOST_ROWS = 40  # the others share one
_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_LEGEND = (("blurred", PALETTE[0]), ("stays visible", None), ("needs review", REVIEW), ("can be seen", LEAK))


def coverage_picture(plan: Plan, found: Audit | None = None, info: VideoInfo | None = None) -> np.ndarray:
    """H x W x 3 uint8 BGR. found: an audit, its leaks in red. info: the video, when the plan knows it not."""
    video = plan.video or (info.to_json() if info else {})
    frame_ms = 1000 / (video.get("frame_rate") or 25)
    rows = _rows(plan, found, frame_ms)
    end_ms = max([video.get("duration_ms") or 0, *(end for row in rows for _, end in row.intervals), 1.0])
    rows, others = longest(rows, _weight, _MOST_ROWS)
    height = _TOP + _BOTTOM + max(1, len(rows) + bool(others)) * (_THICKNESS + _GAP)
    canvas = Canvas(paper(height, WIDTH))
    sheet = _Sheet(canvas, end_ms, height - _BOTTOM)
    sheet.axis()
    sheet.legend()
    for number, row in enumerate(rows):
        sheet.row(row, _TOP + number * (_THICKNESS + _GAP) + _GAP // 2)
    if others:
        sheet.density(others, _TOP + len(rows) * (_THICKNESS + _GAP) + _GAP // 2)
    if not rows:
        canvas.text(_LEFT + 12, _TOP + 6, "no face in this video", SOFT, 15)
    return canvas.picture


class _Row:
    """One line of the drawing. colour: None for who stays visible."""

    def __init__(
        self,
        label: str,
        colour: str | None,
        intervals: Iterable[Interval],
        review: Iterable[Interval] = (),
        leaks: Iterable[Interval] = (),
    ):
        self.label, self.colour = label, colour
        self.intervals, self.review, self.leaks = list(intervals), list(review), list(leaks)


def _rows(plan: Plan, found: Audit | None, frame_ms: float) -> list[_Row]:
    leaks: dict[int | None, list[Interval]] = {}
    for leak in found.leaks if found else ():
        leaks.setdefault(leak.track, []).append((leak.time_ms, leak.time_ms + frame_ms))
    rows = [
        _Row(
            f"track {track.id}",
            None if track.is_visible else PALETTE[track.id % len(PALETTE)],
            intervals_of(track, frame_ms),
            track.review,
            leaks.pop(track.id, ()),
        )
        for track in plan.tracks
    ]
    if plan.areas:
        intervals = [(area.start_ms, min(area.end_ms, plan.video.get("duration_ms", 0.0))) for area in plan.areas]
        rows.append(_Row("areas", PALETTE[5], intervals, (), leaks.pop(-1, ())))
    uncovered = sorted(interval for intervals in leaks.values() for interval in intervals)
    return [*rows, _Row("not covered", LEAK, (), (), uncovered)] if uncovered else rows


def _weight(row: _Row) -> tuple[bool, bool, float]:
    """What can be seen comes first, then what needs review, then who is there longest."""
    return bool(row.leaks), bool(row.review), sum(end - start for start, end in row.intervals)


def intervals_of(track: Track, frame_ms: float) -> list[Interval]:
    """(start, end) of the stretches without a gap, the last frame's own time included."""
    breaks = np.flatnonzero(np.diff(track.times_ms) > max(MAX_BETWEEN_MS, 1.5 * frame_ms)) + 1
    return [(float(part[0]), float(part[-1]) + frame_ms) for part in np.split(track.times_ms, breaks)]


class _Sheet:
    def __init__(self, canvas: Canvas, end_ms: float, bottom: int):
        self._text, self._draw = canvas.text, canvas.draw
        self._end_ms, self._bottom = end_ms, bottom

    def axis(self) -> None:
        seconds = self._end_ms / 1000
        step = next((s for s in _TICKS_S if seconds / s <= 16), seconds / 10)
        for number in range(int(seconds / step) + 1):
            x = self._x(1000 * number * step)
            self._draw.line((x, _TOP - 4, x, self._bottom), GRID)
            self._text(x, self._bottom + 8, clock(1000 * number * step), SOFT, 13, "ma")

    def legend(self) -> None:
        self._text(_LEFT, 18, "Who is blurred when", INK, 22)
        x = WIDTH - _RIGHT - 520
        for words, colour in _LEGEND:
            self._bar(x, x + 22, 24, 14, colour)
            self._text(x + 30, 23, words, SOFT, 14)
            x += 136

    def row(self, row: _Row, y: int) -> None:
        self._text(_LEFT - 14, y + _THICKNESS / 2, row.label, INK, 15, "rm")
        for start, end in row.intervals:
            self._bar(self._x(start), self._x(end), y, _THICKNESS, row.colour)
        self._marks(row, y)

    def density(self, rows: Sequence[_Row], y: int) -> None:
        """One row for many: the darker, the more of them at a time."""
        self._text(_LEFT - 14, y + _THICKNESS / 2, f"{len(rows)} more", INK, 15, "rm")
        counts = at_once((row.intervals for row in rows), self._end_ms)
        step, most = self._end_ms / len(counts), max(1, *counts)
        for number, count in enumerate(counts):
            if count:
                shade = round(215 - 160 * count / most)
                box = (self._x(number * step), y, self._x((number + 1) * step), y + _THICKNESS - 1)
                self._draw.rectangle(box, fill=(shade, shade, shade))
        for row in rows:
            self._marks(row, y)

    def _marks(self, row: _Row, y: int) -> None:
        for start, end in row.review:
            middle = y + _THICKNESS / 2
            self._bar(self._x(start), self._x(end), middle - _THICKNESS // 8, _THICKNESS // 4, REVIEW)
        for start, end in row.leaks:
            self._bar(self._x(start), max(self._x(end), self._x(start) + 3), y - 1, _THICKNESS + 2, LEAK)

    def _x(self, time_ms: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * min(max(time_ms / self._end_ms, 0.0), 1.0)

    def _bar(self, x0: float, x1: float, y: float, thickness: float, colour: str | None) -> None:
        """A filled bar; striped in an outline for who stays visible."""
        box = (x0, y, max(x1 - 1, x0 + 1), y + thickness - 1)
        if colour:
            self._draw.rectangle(box, fill=colour)
            return
        for x in range(round(box[0]), round(box[2]), 7):
            self._draw.line((x, box[3], min(x + thickness, box[2]), max(y, box[3] - (box[2] - x))), STRIPE)
        self._draw.rectangle(box, outline=STRIPE)

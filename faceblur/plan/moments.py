"""What a plan's tracks and areas say of one moment: which boxes to cover, which to leave.

Plans are edited by hand, so times need not be a frame's to the last digit: a box counts for the frame within a
millisecond of it, and a frame between two boxes of a track that are no further apart than MAX_BETWEEN_MS gets one in
between. Longer gaps are left open: there the face is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..shapes import Box
from .area import Area
from .track import Track

SLACK_MS = 1.0
MAX_BETWEEN_MS = 500.0


class Regions:
    """Looks up what to cover at a frame's presentation time. frame_times: of all frames in ms, rising, if known."""

    def __init__(self, tracks: Sequence[Track], areas: Iterable[Area], frame_times: np.ndarray | None = None):
        self._covered = _Lookup([track for track in tracks if not track.is_visible])
        self._visible = _Lookup([track for track in tracks if track.is_visible])
        starts = [_on_screen(area.start_ms, frame_times) for area in areas]
        self._areas = [
            (start, a.end_ms, (a.left, a.top, a.width, a.height)) for start, a in zip(starts, areas, strict=True)
        ]

    def faces_at(self, time_ms: float) -> list[tuple[int, Box]]:
        """(track id, box without margin) of every face to cover in the frame at this time."""
        return self._covered.at(time_ms)

    def visible_at(self, time_ms: float) -> list[tuple[int, Box]]:
        """(track id, box) of every face that stays visible on purpose."""
        return self._visible.at(time_ms)

    def areas_at(self, time_ms: float) -> list[Box]:
        """The areas covered at this time, in ratios of the displayed picture."""
        return [box for start_ms, end_ms, box in self._areas if start_ms <= time_ms <= end_ms]


def _on_screen(time_ms: float, frame_times: np.ndarray | None) -> float:
    """The time of the frame that is on screen at this time: it may have come long before."""
    if frame_times is None:
        return time_ms
    row = int(frame_times.searchsorted(time_ms + SLACK_MS, side="right"))
    return min(time_ms, float(frame_times[row - 1])) if row else time_ms


class _Lookup:
    def __init__(self, tracks: Sequence[Track]):
        self._tracks = tracks
        self._starts = np.array([track.times_ms[0] for track in tracks]) - SLACK_MS
        self._ends = np.array([track.times_ms[-1] for track in tracks]) + SLACK_MS
        self._first, self._last = self._starts.min(initial=np.inf), self._ends.max(initial=-np.inf)

    def at(self, time_ms: float) -> list[tuple[int, Box]]:
        found: list[tuple[int, Box]] = []
        if not self._first <= time_ms <= self._last:
            return found
        for number in np.flatnonzero((self._starts <= time_ms) & (time_ms <= self._ends)).tolist():
            box = box_at(self._tracks[number], time_ms)
            if box is not None:
                found.append((self._tracks[number].id, box))
        return found


def box_at(track: Track, time_ms: float) -> Box | None:
    """The track's box at this time, one in between where it says nothing for a moment, None in a gap."""
    times, boxes = track.times_ms, track.boxes
    later = int(times.searchsorted(time_ms))
    after_ms = times.item(later) - time_ms if later < len(times) else np.inf
    before_ms = time_ms - times.item(later - 1) if later else np.inf
    if min(before_ms, after_ms) <= SLACK_MS:
        return tuple(boxes[later if after_ms < before_ms else later - 1].tolist())
    if before_ms + after_ms > MAX_BETWEEN_MS:
        return None
    share = before_ms / (before_ms + after_ms)
    return tuple(((1 - share) * boxes[later - 1].astype(float) + share * boxes[later]).tolist())

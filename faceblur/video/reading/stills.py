"""Single frames from anywhere in a video, those around the last one kept: for looking around in it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ...errors import InputError
from .frame import Frame
from .probe import probe
from .reader import Reader, Span
from .scan import scan

_KEPT_BYTES = 96 * 1024 * 1024
_MOST_KEPT = 12  # on each side of the frame that was wanted
_SLACK_MS = 1.0  # times are rounded on their way through JSON
_BACK_MS = (500.0, 10_000.0, None)  # how far before the time wanted to begin; None: at the start of the file


class Stills:
    """Looks up frames by presentation time. Raises InputError like `probe`."""

    def __init__(self, path: str | Path):
        self.path, self.info = str(path), probe(path)
        with Reader(path) as reader:
            self._offset_ms, self._time_base = reader.offset_ms, reader.time_base
        found = scan(path)
        self._can_seek = found.is_regular  # elsewhere a frame's time is known only when all before it were read
        self.end_ms = max(self.info.end_ms, found.end_ms)
        frame_bytes = 3 * self.info.width * self.info.height
        self._around = max(1, min(_MOST_KEPT, _KEPT_BYTES // (2 * frame_bytes)))
        self._stretch = _Stretch((), math.inf, -math.inf)

    def at(self, time_ms: float) -> Frame:
        """The frame that is on screen at this time; the first one before the start, the last at the end."""
        time_ms += _SLACK_MS
        if not self._stretch.holds(time_ms):
            self._stretch = self._read(time_ms)
        return self._stretch.at(time_ms)

    def _read(self, time_ms: float) -> _Stretch:
        for back_ms in _BACK_MS if self._can_seek else (None,):
            try:
                with Reader(self.path, span=self._span(time_ms, back_ms)) as reader:
                    stretch = _around(reader, time_ms, self._around, is_start=back_ms is None)
            except InputError:
                if back_ms is None:
                    raise
                continue
            if stretch.holds(time_ms):
                break
        return stretch

    def _span(self, time_ms: float, back_ms: float | None) -> Span | None:
        if back_ms is None:
            return None
        start_ms = Fraction(time_ms - back_ms + self._offset_ms)
        return Span(0, int(start_ms / 1000 / self._time_base), None)


@dataclass(frozen=True)
class _Stretch:
    """Frames that follow each other, and from when until when it is one of them that is on screen."""

    frames: tuple[Frame, ...]
    start_ms: float
    end_ms: float

    def holds(self, time_ms: float) -> bool:
        return self.start_ms <= time_ms < self.end_ms

    def at(self, time_ms: float) -> Frame:
        row = bisect_right(self.frames, time_ms, key=lambda frame: frame.time_ms) - 1
        return self.frames[max(0, row)]


def _around(reader: Reader, time_ms: float, count: int, is_start: bool) -> _Stretch:
    """Up to `count` frames before this time and after it. is_start: the first one read is the video's."""
    before: deque[Frame] = deque(maxlen=count)
    after: list[Frame] = []
    for frame in reader:
        if frame.time_ms <= time_ms:
            is_start = is_start and len(before) < count
            before.append(frame)
            continue
        after.append(frame)
        if len(after) > count:
            break
    is_end = len(after) <= count
    frames = (*before, *after)
    start_ms = -math.inf if is_start else frames[0].time_ms
    return _Stretch(frames, start_ms, math.inf if is_end else frames[-1].time_ms)

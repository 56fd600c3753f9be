"""Single frames from anywhere in a video, the last few kept, so that a person can look around in it."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

import av

from ..errors import InputError
from .fitting import Fitter
from .frame import Frame
from .planes import plane_views
from .probe import probe
from .reader import Reader, Span

_KEPT = 8
_SLACK_MS = 1.0  # times are rounded on their way through JSON
_BACK_MS = (500.0, 10_000.0, None)  # how far before the time wanted to begin; None: at the start of the file


class Stills:
    """Looks up frames by presentation time. Raises InputError like `probe`."""

    def __init__(self, path: str | Path):
        self.path, self.info = str(path), probe(path)
        with Reader(path) as reader:
            self._offset_ms, self._time_base = reader.offset_ms, reader.time_base
        self._kept: OrderedDict[float, Frame] = OrderedDict()

    def at(self, time_ms: float) -> Frame:
        """The frame that is on screen at this time; the first one before the start, the last at the end."""
        if time_ms in self._kept:
            self._kept.move_to_end(time_ms)
            return self._kept[time_ms]
        frame = self._read(time_ms)
        self._kept[time_ms] = frame
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return frame

    def _read(self, time_ms: float) -> Frame:
        for back_ms in _BACK_MS:
            shown = None
            try:
                with Reader(self.path, span=self._span(time_ms, back_ms)) as reader:
                    for frame in reader:
                        if frame.time_ms > time_ms + _SLACK_MS:
                            shown = shown or (frame if back_ms is None else None)
                            break
                        shown = frame
            except InputError:
                if back_ms is None:
                    raise
            if shown is not None:
                return shown
        raise InputError(f"{self.path}: not one frame of it can be decoded")

    def _span(self, time_ms: float, back_ms: float | None) -> Span | None:
        if back_ms is None:
            return None
        start_ms = Fraction(time_ms - back_ms + self._offset_ms)
        return Span(0, int(start_ms / 1000 / self._time_base), None)


def changeable(frame: Frame) -> Frame:
    """A copy of a frame whose planes may be written to, in the pixel format that it would be blurred in."""
    fitted = Fitter(frame.raw).fit(frame.raw)
    raw = av.VideoFrame(fitted.width, fitted.height, fitted.format.name)
    for target, source in zip(plane_views(raw), plane_views(fitted), strict=True):
        target[...] = source
    raw.color_range, raw.colorspace = fitted.color_range, fitted.colorspace
    raw.pts, raw.time_base = frame.raw.pts, frame.raw.time_base
    return Frame(raw, frame.index, frame.time_ms, frame.orientation)

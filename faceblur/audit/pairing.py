"""Walk through two videos in step: which frames belong together, which are missing, shifted or not the same
picture.

Frames belong together by presentation time. Whether they show the same picture is judged on small ones, outside of
what is blurred, and after removing differences in brightness.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..shapes import Box
from ..video import Frame, Reader

MAX_TIME_SHIFT_MS = 1.0  # Matroska counts in whole milliseconds
_WIDTH = 96  # of the pictures compared, or a little more
_NEIGHBOURS = 2  # frames before and after with which a picture is compared
_MIN_DIFFERENCE = 1.0  # grey levels: less is the encoder's doing
_TIMES_CLOSER = 3.0  # how much better another frame has to fit before it is called that one's picture
_STRANGE = 0.75  # differing by this share of the picture's own contrast: another picture altogether
_MIN_CONTRAST = 4.0
_MIN_OPEN_SHARE = 0.1  # with less of the picture left unblurred it cannot be compared


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with one frame. kind: what happened to it, in words that follow "frame 7"."""

    kind: str
    index: int
    time_ms: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The same frame before and after; the times differ when it was shifted."""

    before: Frame
    after: Frame


class Pairing:
    """Iterate over the pairs of two readers; `faults` and the frame counts fill on the way."""

    def __init__(self, before: Reader, after: Reader):
        self._before, self._after = before, after
        self._half_frame_ms = 500 / float(before.frame_rate)
        self.faults: list[Fault] = []
        self.frames_before = self.frames_after = 0

    def __iter__(self) -> Iterator[Pair]:
        originals, results = self._counted_before(), self._counted_after()
        here, there = next(originals, None), next(results, None)
        while here is not None and there is not None:
            late_ms = there.time_ms - here.time_ms
            if abs(late_ms) < max(self._half_frame_ms, MAX_TIME_SHIFT_MS):
                if abs(late_ms) > MAX_TIME_SHIFT_MS:
                    self._note(f"is shown {late_ms:+.1f} ms from its time", here)
                yield Pair(here, there)
                here, there = next(originals, None), next(results, None)
            elif late_ms > 0:
                self._note("is missing", here)
                here = next(originals, None)
            else:
                self._note("of the output is one too many", there)
                there = next(results, None)
        while here is not None:
            self._note("is missing", here)
            here = next(originals, None)
        while there is not None:
            self._note("of the output is one too many", there)
            there = next(results, None)

    def _note(self, kind: str, frame: Frame) -> None:
        self.faults.append(Fault(kind, frame.index, frame.time_ms))

    def _counted_before(self) -> Iterator[Frame]:
        for frame in self._before:
            self.frames_before += 1
            yield frame

    def _counted_after(self) -> Iterator[Frame]:
        for frame in self._after:
            self.frames_after += 1
            yield frame


@dataclass(frozen=True, slots=True)
class _Look:
    index: int
    time_ms: float
    before: np.ndarray
    after: np.ndarray
    is_open: np.ndarray


class PictureCheck:
    """Feed it every pair's luma in order; `faults` lists the frames that show another frame's picture."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()
        self._next = 0  # the place in the queue of the look to be judged next
        self.faults: list[Fault] = []

    def look(self, pair: Pair, before: np.ndarray, after: np.ndarray, covered: list[Box]) -> None:
        """before, after: luma of both frames, H x W uint8. covered: boxes in ratios that are blurred."""
        old, new = _small(before), _small(after)
        is_open = _open_pixels(covered, *before.shape[::-1])
        look = _Look(pair.before.index, pair.before.time_ms, old.astype(np.float32), new.astype(np.float32), is_open)
        self._looks.append(look)
        if len(self._looks) > self._next + _NEIGHBOURS:
            self._judge()
        if len(self._looks) > 2 * _NEIGHBOURS + 1:
            self._looks.popleft()
            self._next -= 1

    def finish(self) -> None:
        """Judge what still waits, once both videos have ended."""
        while self._next < len(self._looks):
            self._judge()

    def _judge(self) -> None:
        look = self._looks[self._next]
        self._next += 1
        if look.is_open.mean() < _MIN_OPEN_SHARE:
            return
        own = _difference(look.after, look.before, look.is_open)
        if own < _MIN_DIFFERENCE:
            return
        around = [other for other in self._looks if other is not look]
        others = {other.index: _difference(look.after, other.before, look.is_open) for other in around}
        nearest = min(others, key=others.__getitem__, default=None)
        contrast = float(look.before[look.is_open].std())
        if nearest is not None and own > _TIMES_CLOSER * others[nearest]:
            self.faults.append(Fault(f"shows frame {nearest}'s picture", look.index, look.time_ms))
        elif contrast > _MIN_CONTRAST and own > _STRANGE * contrast:
            self.faults.append(Fault("shows another picture", look.index, look.time_ms))


def _block(width: int, height: int) -> int:
    """How many pixels a side make one of the small picture: whole ones, for that takes OpenCV a third of the time."""
    return max(1, min(width // _WIDTH, height))


def _small(picture: np.ndarray) -> np.ndarray:
    """The means of its blocks; what is left at the right and at the bottom is less than one."""
    side = _block(*picture.shape[::-1])
    high, wide = (length // side for length in picture.shape)
    return cv2.resize(picture[: high * side, : wide * side], (wide, high), interpolation=cv2.INTER_AREA)


def _open_pixels(covered: list[Box], width: int, height: int) -> np.ndarray:
    """Which pixels of the small picture no region touches; width and height are those of the whole one."""
    side = _block(width, height)
    is_open = np.ones((height // side, width // side), bool)
    for left, top, wide, high in covered:
        x0, x1 = int(np.floor(left * width / side)), int(np.ceil((left + wide) * width / side))
        y0, y1 = int(np.floor(top * height / side)), int(np.ceil((top + high) * height / side))
        is_open[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = False
    return is_open


def _difference(picture: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Mean absolute difference in grey levels, apart from brightness."""
    difference = picture[where] - other[where]
    return float(np.abs(difference - difference.mean()).mean())


def in_words(faults: list[Fault]) -> list[str]:
    """One line for each run of frames with the same fault, with the times of its ends."""
    lines, start = [], 0
    for number, fault in enumerate(faults):
        follows = number + 1 < len(faults) and _belong_together(fault, faults[number + 1])
        if follows:
            continue
        first = faults[start]
        if number == start:
            lines.append(f"frame {fault.index} at {fault.time_ms:.0f} ms {fault.kind}")
        else:
            verb = _SEVERAL.get(_kind(fault), fault.kind)
            span = f"{first.time_ms:.0f} to {fault.time_ms:.0f} ms"
            lines.append(f"frames {first.index} to {fault.index} ({span}) {verb}")
        start = number + 1
    return lines


_SEVERAL = {
    "is missing": "are missing",
    "is none": "are none that the plan was made of",
    "is shown": "are shown at other times",
    "of the": "of the output are too many",
    "shows frame": "show other frames' pictures",
    "shows another": "show other pictures",
}


def _kind(fault: Fault) -> str:
    return " ".join(fault.kind.split()[:2])


def _belong_together(fault: Fault, following: Fault) -> bool:
    return _kind(fault) == _kind(following) and following.index == fault.index + 1

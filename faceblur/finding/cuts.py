"""Hard cuts between frames."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

SIZE = (32, 18)  # of the thumbnails, as displayed or not
_MIN_DIFFERENCE = 18.0  # mean absolute luma difference of the thumbnails
_MIN_HISTOGRAM_SHIFT = 0.35  # L1 distance of 16-bin luma histograms


_MIN_JUMP, _MANY_TIMES, _REMEMBERED = 6.0, 4.0, 12  # thumbnails of one scene: levels, times the usual, frames


class CutDetector:
    """Feed it every frame's grey picture or thumbnail in order; tells whether the frame begins a new shot.

    Both the thumbnail and the histogram have to jump: fast motion alone moves the first, a flash the second.
    """

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self.is_jump = False

    def is_cut(self, gray: np.ndarray) -> bool:
        small = cv2.resize(gray, SIZE, interpolation=cv2.INTER_AREA).astype(np.int16)
        histogram = np.bincount(small.ravel() >> 4, minlength=16) / small.size
        last, self._last = self._last, (small, histogram)
        if last is None:
            return False
        difference = float(np.abs(small - last[0]).mean())
        usual = float(np.median(self._recent)) if self._recent else difference
        self._recent.append(difference)
        is_cut = difference > _MIN_DIFFERENCE and float(np.abs(histogram - last[1]).sum()) > _MIN_HISTOGRAM_SHIFT
        self.is_jump = not is_cut and difference > max(_MIN_JUMP, _MANY_TIMES * usual)
        if is_cut:
            self._recent.clear()
        return is_cut

"""Hard cuts between frames."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np

SIZE = (32, 18)  # of the thumbnails, as displayed or not
_MIN_DIFFERENCE = 18.0  # mean absolute luma difference of the thumbnails
_MIN_HISTOGRAM_SHIFT = 0.35  # L1 distance of 16-bin luma histograms
_MIN_JUMP, _MANY_TIMES, _REMEMBERED = 6.0, 4.0, 12  # thumbnails of one scene: levels, times the usual, frames
_LIT, _MOST_GAIN = 96.0, 4.0  # mean luma below which thumbnails are compared as if they were lit, up to so many times


class CutDetector:
    """Feed it every frame's grey picture or thumbnail in order; tells whether the frame begins a new shot.

    Both the thumbnail and the histogram have to jump: fast motion alone moves the first, a flash the second. In the
    dark all differences are small: there both frames are compared at the brightness that the lighter one would have if
    lit, and without what a light that grows or fades explains.
    """

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self.is_jump = False

    def is_cut(self, gray: np.ndarray) -> bool:
        """Whether a hard cut lies between the last picture and this one (luma, H x W uint8)."""
        small = cv2.resize(gray, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        last, self._last = self._last, small
        if last is None:
            return False
        difference = float(np.abs(small - last).mean())
        usual = float(np.median(self._recent)) if self._recent else difference
        self._recent.append(difference)
        is_cut = _differ(small, last) or _differ_if_lit(small, last)
        self.is_jump = not is_cut and difference > max(_MIN_JUMP, _MANY_TIMES * usual)
        if is_cut:
            self._recent.clear()
        return is_cut


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether the pictures and the shares of their grey levels have little in common."""
    if float(np.abs(one - other).mean()) <= _MIN_DIFFERENCE:
        return False
    shares = [
        np.bincount(np.minimum(n, 255).astype(np.int64).ravel() >> 4, minlength=16) / n.size for n in (one, other)
    ]
    return float(np.abs(shares[0] - shares[1]).sum()) > _MIN_HISTOGRAM_SHIFT


def _differ_if_lit(one: np.ndarray, other: np.ndarray) -> bool:
    """The same of two dark pictures made lighter, if light that grows or fades does not explain it."""
    gain = min(_MOST_GAIN, _LIT / max(float(one.mean()), float(other.mean()), 1.0))
    own = float((other * other).sum())
    fading = float((one * other).sum()) / own if own else 1.0
    return (
        gain > 1
        and gain * float(np.abs(one - fading * other).mean()) > _MIN_DIFFERENCE / 2
        and _differ(gain * one, gain * other)
    )

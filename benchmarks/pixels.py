"""What of each true face can still be seen in a blurred video, on pixels. Imports `coverage` and faceblur's
reader.

A face's detail band (a difference of Gaussians of 1/40 and 1/10 of its height) of the source is projected on
the same band of the output: gain = <source, output> / <source, source>, 1 when untouched, 0 when nothing is
left. A face of gain over 0.8 is exposed, over 0.35 readable. Used where no independent scorer is at hand.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from coverage import Box, Reference

from faceblur.video import Reader

EXPOSED, READABLE = 0.8, 0.35
_SMALLEST = 14  # pixels of height: smaller faces have no detail to lose
_LEAST_ENERGY = 4.0  # mean square of the band, in grey levels: less is noise


def survival(clip: Path, output: Path, reference: Reference) -> dict:
    """Counts of scored, exposed and readable face-frames. Frames are paired by time after both starts."""
    gains = []
    with Reader(clip) as source, Reader(output) as blurred:
        shown = _Nearest(blurred)
        start_ms = None
        for index, frame in enumerate(source):
            start_ms = frame.time_ms if start_ms is None else start_ms
            result = shown.at(frame.time_ms - start_ms)
            if result is None or index >= len(reference.faces):
                break
            before = frame.bgr()[..., 1].astype(np.float32)
            after = result.bgr()[..., 1].astype(np.float32)
            if after.shape != before.shape:
                after = cv2.resize(after, before.shape[::-1])
            gains += [gain(before, after, face) for _, face in reference.faces[index]]
    scored = np.array([g for g in gains if g is not None])
    counts = {
        "scored": len(scored),
        "exposed": int((scored > EXPOSED).sum()),
        "readable": int((scored > READABLE).sum()),
    }
    return counts | {"scorer": "own"}


class _Nearest:
    """Frames by time since the first one."""

    def __init__(self, reader: Reader):
        self._frames = iter(reader)
        self._here = next(self._frames, None)
        self._ahead = next(self._frames, None)
        self._start_ms = self._here.time_ms if self._here else 0.0

    def at(self, elapsed_ms: float):
        wanted = elapsed_ms + self._start_ms
        while self._ahead and abs(self._ahead.time_ms - wanted) <= abs(self._here.time_ms - wanted):
            self._here, self._ahead = self._ahead, next(self._frames, None)
        return self._here


def gain(before: np.ndarray, after: np.ndarray, face: Box) -> float | None:
    """How much of the face's detail is left; None for a face too small, too flat or outside."""
    rows, columns = before.shape
    height = face[3] * rows
    if height < _SMALLEST:
        return None
    around = _pixels(face, -0.35, columns, rows)
    x0, y0, x1, y1 = _pixels(face, 0.12, columns, rows)
    if x1 - x0 < 6 or y1 - y0 < 6:
        return None
    inner = np.s_[y0 - around[1] : y1 - around[1], x0 - around[0] : x1 - around[0]]
    left, right = (
        _band(picture[around[1] : around[3], around[0] : around[2]], height)[inner]
        for picture in (before, after)
    )
    y, x = np.mgrid[-1 : 1 : left.shape[0] * 1j, -1 : 1 : left.shape[1] * 1j]
    inside = x**2 + y**2 <= 1
    energy = float((left[inside] ** 2).mean())
    return None if energy < _LEAST_ENERGY else float((left[inside] * right[inside]).mean()) / energy


def _pixels(face: Box, inset: float, columns: int, rows: int) -> tuple[int, int, int, int]:
    """Pixel borders of the box, each side moved inwards by `inset` of it, within the picture."""
    left, top, width, height = face
    x0, x1 = (left + inset * width) * columns, (left + (1 - inset) * width) * columns
    y0, y1 = (top + inset * height) * rows, (top + (1 - inset) * height) * rows
    return max(0, round(x0)), max(0, round(y0)), min(columns, round(x1)), min(rows, round(y1))


def _band(part: np.ndarray, height: float) -> np.ndarray:
    fine = cv2.GaussianBlur(part, (0, 0), max(0.6, height / 40))
    return fine - cv2.GaussianBlur(fine, (0, 0), max(1.2, height / 10))

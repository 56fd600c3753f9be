"""Carry boxes from one grey picture to the next by sparse optical flow. Imports nothing of ours.

Pyramidal Lucas-Kanade (Bouguet, 2001) on an 6 x 6 grid a box, forward and backward; points that do not come back
within 1.5 pixels are dropped, the box moves by the median and scales by the median spread of what is left
(Kalal, Mikolajczyk, Matas: "Forward-Backward Error", ICPR 2010).
"""

from __future__ import annotations

import cv2
import numpy as np

_GRID = (np.arange(5) + 0.5) / 5
_WINDOW = (15, 15)
_LEVELS = 3
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 12, 0.03)
_MAX_RETURN_ERROR = 1.5
_MIN_POINTS = 5
_MAX_SCALE_STEP = 1.05


def carry(start: np.ndarray, end: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move boxes (N x 4, left, top, width, height in ratios) from grey picture `start` to `end` (H x W uint8).

    Returns the moved boxes and for each whether enough points agreed; a box without them stays where it was.
    """
    moved, agreed = boxes.copy(), np.zeros(len(boxes), bool)
    if not len(boxes):
        return moved, agreed
    size = np.array(start.shape[::-1], np.float32)
    corner, extent = boxes[:, None, :2], boxes[:, None, 2:]
    grid = np.stack(np.meshgrid(_GRID, _GRID), -1).reshape(1, -1, 2)
    points = ((corner + extent * grid) * size).astype(np.float32)
    there, found = _track(start, end, points)
    back, found_back = _track(end, start, there)
    returned = np.linalg.norm(back - points, axis=-1) < _MAX_RETURN_ERROR
    inside = ((points >= 0) & (points < size)).all(-1)
    good = found & found_back & returned & inside
    for i in np.flatnonzero(good.sum(1) >= _MIN_POINTS):
        before, after = points[i, good[i]], there[i, good[i]]
        shift = np.median(after - before, axis=0) / size
        spread = np.linalg.norm(before - before.mean(0), axis=1)
        scales = np.linalg.norm(after - after.mean(0), axis=1) / np.maximum(spread, 1e-3)
        scale = float(np.clip(np.median(scales), 1 / _MAX_SCALE_STEP, _MAX_SCALE_STEP))
        centre = boxes[i, :2] + boxes[i, 2:] / 2 + shift
        moved[i, 2:] = boxes[i, 2:] * scale
        moved[i, :2] = centre - moved[i, 2:] / 2
        agreed[i] = True
    return moved, agreed


def _track(start: np.ndarray, end: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        start, end, points.reshape(-1, 1, 2), None, winSize=_WINDOW, maxLevel=_LEVELS, criteria=_CRITERIA
    )
    shape = points.shape[:2]
    return moved.reshape(*shape, 2), status.reshape(shape) == 1

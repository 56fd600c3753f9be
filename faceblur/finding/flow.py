"""Carry boxes from one grey picture to the next by sparse optical flow.

Pyramidal Lucas-Kanade (Bouguet, 2001) on a 4 x 4 grid a box, forward and backward; points that do not come back
within 1.5 pixels are dropped, the box moves by the median and scales by the median spread of what is left
(Kalal, Mikolajczyk, Matas: "Forward-Backward Error", ICPR 2010).
"""

from __future__ import annotations

import cv2
import numpy as np

_GRID = (np.arange(4) + 0.5) / 4
_WINDOW = (9, 9)  # larger ones and more points take longer and leak no less
_LEVELS = 3
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 5, 0.05)  # more takes longer and leaks no less
_MAX_RETURN_ERROR = 1.5
_MIN_POINTS = 4
_MAX_SCALE_STEP = 1.05


def carry(start: np.ndarray, end: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move boxes (N x 4, left, top, width, height in ratios) from grey picture `start` to `end` (H x W uint8).

    Returns the moved boxes and for each whether enough points agreed; a box without them stays where it was.
    """
    if not len(boxes):
        return boxes.copy(), np.zeros(0, bool)
    size = np.array(start.shape[::-1], np.float32)
    grid = np.stack(np.meshgrid(_GRID, _GRID), -1).reshape(1, -1, 2)
    points = ((boxes[:, None, :2] + boxes[:, None, 2:] * grid) * size).astype(np.float32)
    there, found = _track(start, end, points)
    back, found_back = _track(end, start, there)
    returned = np.linalg.norm(back - points, axis=-1) < _MAX_RETURN_ERROR
    inside = ((points >= 0) & (points < size)).all(-1)
    good = found & found_back & returned & inside
    agreed = good.sum(1) >= _MIN_POINTS
    moved = boxes.copy()
    if agreed.any():
        shift, scale = _motion(points[agreed], there[agreed], good[agreed])
        centre = boxes[agreed, :2] + boxes[agreed, 2:] / 2 + shift / size
        moved[agreed, 2:] *= scale[:, None]
        moved[agreed, :2] = centre - moved[agreed, 2:] / 2
    return moved, agreed


def _motion(before: np.ndarray, after: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median shift (N x 2, pixels) and change of spread (N) of each box's good points; N x P x 2, N x P bool."""
    shift = np.stack([_median(after[..., axis] - before[..., axis], good) for axis in (0, 1)], axis=-1)
    scale = _median(_spread(after, good) / np.maximum(_spread(before, good), 1e-3), good)
    return shift, np.clip(scale, 1 / _MAX_SCALE_STEP, _MAX_SCALE_STEP)


def _spread(points: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Distance of each point from the middle of its box's good ones, N x P."""
    middle = (points * good[..., None]).sum(1) / good.sum(1)[:, None]
    return np.sqrt(((points - middle[:, None]) ** 2).sum(-1))


def _median(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """The median of each row's good values."""
    rising, count = np.sort(np.where(good, values, np.inf), axis=1), good.sum(1)
    rows = np.arange(len(values))
    return (rising[rows, (count - 1) // 2] + rising[rows, count // 2]) / 2


def _track(start: np.ndarray, end: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    moved, status, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        start, end, points.reshape(-1, 1, 2), None, winSize=_WINDOW, maxLevel=_LEVELS, criteria=_CRITERIA
    )
    shape = points.shape[:2]
    return moved.reshape(*shape, 2), status.reshape(shape) == 1

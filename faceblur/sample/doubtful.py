"""One face twelve times in one picture: clear, turned, small, out of focus, half hidden. A detector doubts some."""

from __future__ import annotations

import cv2
import numpy as np

from .pictures import GRACE_HOPPER, load

_CELL, _COLUMNS = 240, 4
_HEAD = slice(60, 400), slice(120, 420)  # of the portrait
_HIDDEN = (104, 104, 104)  # what stands before a face
_AROUND = (176, 160, 148)
_TIMES = (  # degrees turned, size, sigma out of focus, share of the face that is hidden from the left
    (0, 1.0, 0.0, 0.0), (20, 0.8, 0.0, 0.0), (0, 0.5, 0.0, 0.0), (0, 0.9, 0.0, 0.5),
    (-55, 0.9, 0.0, 0.0), (0, 0.13, 0.0, 0.0), (0, 1.0, 11.0, 0.0), (0, 0.9, 0.0, 0.58),
    (-72, 0.9, 0.0, 0.0), (0, 0.10, 0.0, 0.0), (0, 1.0, 13.0, 0.0), (52, 0.9, 0.0, 0.0),
)  # fmt: skip


def doubtful_faces() -> np.ndarray:
    """H x W x 3 uint8 BGR, in three rows. Raises WorkshopError when the portrait is not installed."""
    head = load(GRACE_HOPPER)[_HEAD]
    cells = [_cell(head, *how) for how in _TIMES]
    return np.vstack([np.hstack(cells[row : row + _COLUMNS]) for row in range(0, len(cells), _COLUMNS)])


def _cell(head: np.ndarray, degrees: float, size: float, blur: float, hidden: float) -> np.ndarray:
    picture = head.copy()
    picture[:, : round(hidden * picture.shape[1])] = _HIDDEN
    scale = 0.85 * _CELL * size / picture.shape[0]
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    high, wide = picture.shape[:2]
    place = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0)
    place[:, 2] += (_CELL - wide) / 2, (_CELL - high) / 2
    placed = cv2.warpAffine(picture, place, (_CELL, _CELL), borderMode=cv2.BORDER_CONSTANT, borderValue=_AROUND)
    return cv2.GaussianBlur(placed, (0, 0), blur) if blur else placed

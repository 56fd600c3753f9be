"""How bounding boxes lie to each other. Arrays of N x 4: left, top, width, height."""

from __future__ import annotations

import numpy as np


def is_inside(boxes: np.ndarray) -> np.ndarray:
    """Which boxes (N x 4) have their centre less than half their size outside the picture."""
    return ((boxes[:, :2] < 1) & (boxes[:, :2] + boxes[:, 2:] > 0)).all(axis=1)


def overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other, N x M."""
    shared = _shared(boxes, others)
    return shared / np.maximum(_area(boxes)[:, None] + _area(others)[None] - shared, 1e-12)


def share_inside(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How much of every box lies within every other, N x M, 0 to 1."""
    return _shared(boxes, others) / np.maximum(_area(boxes)[:, None], 1e-12)


def likeness(boxes: np.ndarray, others: np.ndarray, reach: float = 1.5) -> np.ndarray:
    """How well boxes could be the same face, N x M; -1 where they cannot.

    They can when they overlap or their centres are within `reach` mean sides, and heights are within a factor
    of 2.
    """
    shared = overlap(boxes, others)
    a, b = boxes[:, None], others[None]
    sides = np.maximum((a[..., 2:] + b[..., 2:]) / 2, 1e-9)
    distance = np.linalg.norm((a[..., :2] + a[..., 2:] / 2 - b[..., :2] - b[..., 2:] / 2) / sides, axis=-1)
    ratio = a[..., 3] / np.maximum(b[..., 3], 1e-9)
    possible = ((shared > 0.05) | (distance < reach)) & (ratio < 2) & (ratio > 0.5)
    return np.where(possible, shared + 0.5 * np.clip(reach - distance, 0, None), -1.0)


def _shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Area of the intersection of every box with every other, N x M."""
    a, b = boxes[:, None], others[None]
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    sides = np.clip(high - np.maximum(a[..., :2], b[..., :2]), 0, None)
    return sides[..., 0] * sides[..., 1]


def _area(boxes: np.ndarray) -> np.ndarray:
    return boxes[..., 2] * boxes[..., 3]


def around(box: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The smallest box around both; or row by row around two arrays of boxes."""
    low = np.minimum(box[..., :2], other[..., :2])
    high = np.maximum(box[..., :2] + box[..., 2:], other[..., :2] + other[..., 2:])
    return np.concatenate([low, high - low], axis=-1)

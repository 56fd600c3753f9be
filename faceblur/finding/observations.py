"""Faces found in one frame: without doubles, and which known boxes they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..boxes import likeness, overlap
from ..detections import Face
from ..shapes import Box


@dataclass(frozen=True, slots=True)
class Observation:
    """A face found in the current frame. box: left, top, width, height in ratios. is_given: from outside,
    trusted.
    """

    box: Box
    score: float
    is_given: bool = False


def observation(face: Face, is_given: bool = False) -> Observation:
    """is_given: from outside, not found here."""
    return Observation((face.left, face.top, face.width, face.height), face.score, is_given)


def match(boxes: np.ndarray, observations: list[Observation], start_score: float) -> list[tuple[int, int]]:
    """Pairs (row of boxes, number of observation), best first, each used once. A weak one must really
    overlap.
    """
    if not len(boxes) or not observations:
        return []
    others = np.array([o.box for o in observations])
    scores = likeness(boxes, others)
    weak = np.array([o.score < start_score and not o.is_given for o in observations])
    scores[:, weak] = np.where(overlap(boxes, others[weak]) > 0.15, scores[:, weak], -1)
    pairs = []
    while scores.max() >= 0:
        row, number = (int(n) for n in np.unravel_index(int(scores.argmax()), scores.shape))
        pairs.append((row, number))
        scores[row, :] = -1
        scores[:, number] = -1
    return pairs


def without_doubles(observations: list[Observation], limit: float = 0.4) -> list[Observation]:
    """One observation a face: given ones first, then the strongest of those that overlap."""
    kept: list[Observation] = []
    for seen in sorted(observations, key=lambda o: (not o.is_given, -o.score)):
        if not kept or overlap(np.array([seen.box]), np.array([k.box for k in kept])).max() < limit:
            kept.append(seen)
    return kept

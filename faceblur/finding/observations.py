"""Faces found in one frame: without doubles, and which known boxes they belong to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..boxes import likeness, overlap
from ..detections import Face
from ..shapes import Box


@dataclass(frozen=True, slots=True)
class Observation:
    """A face found in the current frame. box: left, top, width, height in ratios. score, second: how sure the first and
    the second detector are of it, 0 for one that did not see it. is_given: given from outside, trusted.
    """

    box: Box
    score: float
    is_given: bool = False
    second: float = 0.0

    @property
    def best(self) -> float:
        """The surer detector's score."""
        return max(self.score, self.second)


def observation(face: Face, is_given: bool = False) -> Observation:
    """is_given: from outside, not found here."""
    return Observation(face.box, face.score, is_given)


def second_observation(face: Face) -> Observation:
    """What the second detector found."""
    return Observation(face.box, 0.0, second=face.score)


def match(boxes: np.ndarray, observations: list[Observation], start_score: float) -> list[tuple[int, int]]:
    """Pairs (row of boxes, number of observation), best first, each used once. A weak one must really
    overlap.
    """
    if not len(boxes) or not observations:
        return []
    others = np.array([o.box for o in observations])
    scores = likeness(boxes, others)
    weak = np.array([o.best < start_score and not o.is_given for o in observations])
    scores[:, weak] = np.where(overlap(boxes, others[weak]) > 0.15, scores[:, weak], -1)
    pairs = []
    while scores.max() >= 0:
        row, number = (int(n) for n in np.unravel_index(int(scores.argmax()), scores.shape))
        pairs.append((row, number))
        scores[row, :] = -1
        scores[:, number] = -1
    return pairs


def without_doubles(observations: list[Observation], limit: float = 0.4) -> list[Observation]:
    """One observation a face, with what either detector said of it: given ones first, then the strongest of those that
    overlap; where the first detector sees the face as well, its box is taken.
    """
    kept: list[Observation] = []
    for seen in sorted(observations, key=lambda o: (not o.is_given, -o.score, -o.second)):
        shared = overlap(np.array([seen.box]), np.array([k.box for k in kept])) if kept else np.zeros((1, 1))
        if shared.max() < limit:
            kept.append(seen)
        elif seen.second:
            same = int(shared.argmax())
            kept[same] = replace(kept[same], second=max(kept[same].second, seen.second))
    return kept

"""One face, frame by frame: where it was seen, where it was carried, and whether it is taken for a face."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from ..boxes import around

_PLAIN = 0.75  # where both are so sure, once is enough
_LEAST_ASKED, _MOST_ASKED, _UNDECIDED = 3, 8, (0.2, 0.6)


@dataclass(frozen=True)
class TrackingSettings:
    """start_score: a track needs an observation this strong; weaker ones extend it.

    Where two detectors look, the second has a say in what is a face: its opinion (0 to 1, over several looks) must
    reach doubt_score where the first was sure, trust_score where the first had but weak_score, and lone_score where
    the first saw nothing. sure_score: where the first is as sure as that, the second is not asked.
    hold_ms, look_back_ms: how long a face stays covered after it was last seen and before it was first seen.
    glimpse_ms: the same for a face that was seen once only and may be no face.
    """

    start_score: float = 0.6
    doubt_score: float = 0.2
    trust_score: float = 0.6
    lone_score: float = 0.85
    weak_score: float = 0.3
    sure_score: float = 0.9
    two_eyes: bool = False
    hold_ms: float = 800.0
    look_back_ms: float = 800.0
    cut_back_ms: float = 2000.0
    glimpse_ms: float = 200.0


class Tracklet:
    """Consecutive frames of one face: times, boxes and which of them were observed rather than carried."""

    def __init__(self, shot: int):
        self.shot = shot
        self.times = array("d")
        self.boxes = array("f")
        self.observed = array("b")
        self.velocity = np.zeros(2)
        self.last_seen_ms = self.unseen_ms = 0.0
        self.is_given = False
        self.best_score = 0.0
        self.has_looked_back = False
        self.looked_ms = self.asked_ms = -np.inf  # when a crop around it was last searched by either detector
        self.turns = 0  # how often the second one was, to find it again
        self.opinions: list[float] = []  # of the second detector, where the face was seen
        self.returns = False  # a face that was lost a moment ago near by
        self.from_cut = False  # carried back to where its shot begins
        self.seen_box = np.zeros(4)  # when it was last seen
        self._fixed = self._either = 0  # see `jump`

    def __len__(self) -> int:
        return len(self.times)

    def is_sure(self, settings: TrackingSettings) -> bool:
        """Whether it is taken for a face."""
        is_seen = self.best_score >= settings.start_score
        if self.is_given or self.returns or not settings.two_eyes:
            return self.is_given or self.returns or is_seen
        if not self.opinions or self.best_score >= settings.sure_score:
            return is_seen
        limit = settings.trust_score if self.best_score >= settings.weak_score else settings.lone_score
        return self.opinion >= (settings.doubt_score if is_seen else limit)

    @property
    def opinion(self) -> float:
        """What the second detector thinks, 0 to 1, over all that it was asked."""
        return sum(self.opinions) / len(self.opinions) if self.opinions else 0.0

    def is_settled(self) -> bool:
        """Whether asking the second detector more often would hardly change what it thinks."""
        asked = len(self.opinions)
        if asked and self.best_score >= _PLAIN and self.opinion >= _PLAIN:
            return True
        return asked >= _MOST_ASKED or (asked >= _LEAST_ASKED and not _UNDECIDED[0] < self.opinion < _UNDECIDED[1])

    def box(self, row: int) -> np.ndarray:
        """The box of a row, negative from the end: left, top, width, height in ratios."""
        row %= len(self.times)
        return np.frombuffer(self.boxes, np.float32, 4, 16 * row).astype(np.float64)

    def append(self, time_ms: float, box: np.ndarray, observed: bool) -> None:
        """One frame more. box: 4 ratios. observed: seen there, not carried."""
        self.times.append(time_ms)
        self.boxes.extend(box.tolist())
        self.observed.append(observed)

    def prepend(self, earlier: list[tuple[float, np.ndarray]]) -> None:
        """Carried boxes from before the first row, latest first."""
        self.times = array("d", [time_ms for time_ms, _ in reversed(earlier)]) + self.times
        self.boxes = array("f", [n for _, box in reversed(earlier) for n in box]) + self.boxes
        self.observed = array("b", [0] * len(earlier)) + self.observed
        self._fixed += len(earlier) if self._fixed else 0

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """times (n,), boxes (n, 4), observed (n,) as copies."""
        boxes = np.array(self.boxes, np.float64).reshape(-1, 4)
        return np.array(self.times), boxes, np.array(self.observed, bool)

    def jump(self, unseen: int) -> None:
        """Behind the last row the picture jumps: what is seen later moves no row before it. unseen: so many of the last
        rows are of frames that nobody saw, which may lie behind the jump.
        """
        self._fixed, self._either = len(self.times), unseen

    def correct(self, box: np.ndarray) -> None:
        """It was seen in the last row, at this box: the error of those that were carried there is spread over them."""
        last, error = len(self.times) - 1, box - self.box(-1)
        first = last
        while first > self._fixed and not self.observed[first - 1]:
            first -= 1
        if last == self._fixed:
            for row in range(last - self._either, last):
                self._move(row, around(self.box(row), box))
        elif first > self._fixed:
            start, end = self.times[first - 1], self.times[last]
            for row in range(first, last):
                share = (self.times[row] - start) / (end - start)
                self._move(row, self.box(row) + share * error)
        self._move(last, box)
        self.observed[-1] = 1

    def _move(self, row: int, box: np.ndarray) -> None:
        self.boxes[4 * row : 4 * row + 4] = array("f", box.tolist())

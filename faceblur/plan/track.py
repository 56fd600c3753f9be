"""One person's way through the video, as a box for each frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import PlanError
from ..shapes import Interval, JsonObject

SMALLEST, LARGEST = 1e-5, 1e3  # sides of boxes in the picture's: what the file's five digits and float32 can hold


@dataclass(frozen=True, eq=False)
class Track:
    """One person's way through the video: a box for each frame in which the face is to be covered.

    times_ms: float64 (n,), rising. boxes: float32 (n, 4) left, top, width, height. is_visible: it stays so on purpose.
    review: intervals in which the face was lost for longer than the hold: someone should look.
    Raises PlanError for times that do not rise and for boxes that are none.

    >>> track = Track(1, np.array([0.0, 40.0]), np.array([[0.4, 0.1, 0.2, 0.3]] * 2, np.float32))
    >>> track.start_ms, track.end_ms
    (0.0, 40.0)
    """

    id: int
    times_ms: np.ndarray
    boxes: np.ndarray
    is_visible: bool = False
    review: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        if len(self.times_ms) != len(self.boxes) or not len(self.boxes) or not np.isfinite(self.times_ms).all():
            raise PlanError(f"track {self.id}: boxes are at least one, each with a time")
        if (np.diff(self.times_ms) <= 0).any():
            raise PlanError(f"track {self.id}: the times of its boxes are not rising")
        if not (np.abs(self.boxes) <= LARGEST).all() or (self.boxes[:, 2:] < SMALLEST).any():
            raise PlanError(
                f"track {self.id}: boxes are left, top, width and height in shares of the picture, "
                f"none beyond {LARGEST:g} and no side under {SMALLEST:g}"
            )

    @property
    def start_ms(self) -> float:
        """The time of its first box."""
        return float(self.times_ms[0])

    @property
    def end_ms(self) -> float:
        """The time of its last box."""
        return float(self.times_ms[-1])

    @property
    def thumbnail_ms(self) -> float:
        """The time at which the face is largest."""
        return float(self.times_ms[int(np.argmax(self.boxes[:, 2] * self.boxes[:, 3]))])

    def within(self, start_ms: float, end_ms: float) -> Track | None:
        """The part of the track from start to end, both included; None when there is none."""
        inside = (self.times_ms >= start_ms) & (self.times_ms <= end_ms)
        if not inside.any():
            return None
        review = tuple((a, b) for a, b in self.review if b > start_ms and a < end_ms)
        return replace(self, times_ms=self.times_ms[inside], boxes=self.boxes[inside], review=review)

    def to_json(self) -> JsonObject:
        """As it stands in a plan."""
        return {
            "track": self.id,
            "visible": self.is_visible,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "thumbnail_ms": self.thumbnail_ms,
            "needs_review": [list(interval) for interval in self.review],
            "boxes": [
                [float(time_ms), *(round(float(n), 5) for n in box)]
                for time_ms, box in zip(self.times_ms, self.boxes, strict=True)
            ],
        }

    @classmethod
    def from_json(cls, content: JsonObject) -> Track:
        """Raises ValueError for anything that could leave a face uncovered without being meant to."""
        number, is_visible = content["track"], _is_visible(content)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(f"a track's number is a whole number from 0, not {number!r}")
        if not isinstance(is_visible, bool):
            raise ValueError(f"track {number}: visible is true or false, not {is_visible!r}")
        try:
            rows = np.array(content["boxes"], float).reshape(len(content["boxes"]), 5)
        except (TypeError, ValueError):
            rows = np.zeros((0, 5))
        if not len(rows):
            raise ValueError(f"track {number}: boxes are [time_ms, left, top, width, height] with rising times")
        review = tuple((float(a), float(b)) for a, b in content.get("needs_review", ()))
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as what it becomes
            boxes = rows[:, 1:].astype(np.float32)
        return cls(number, rows[:, 0].copy(), boxes, is_visible, review)


def _is_visible(content: JsonObject) -> object:
    """What a track's JSON says, under its old name, too. Where the two differ nobody can tell what was meant."""
    said = [content[key] for key in ("visible", "keep") if key in content]
    if len(said) == 2 and said[0] is not said[1]:
        raise ValueError(f"track {content['track']}: visible and keep, its old name, say different things")
    return said[0] if said else False

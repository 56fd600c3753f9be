"""Which frames a plan was made of: their times, so that no other frame is ever rendered with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import PlanError
from ..shapes import JsonObject

_SLACK_MS = 1.0  # as for boxes: Matroska, for one, counts in whole milliseconds


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """parts: presentation times in ms, float64 (n,), rising; one array for each segment that was searched apart.

    Raises PlanError when the times do not rise.

    >>> frames = FrameTimes.of([0.0, 40.0, 80.0])
    >>> frames.count, frames.has(40.0), frames.has(60.0)
    (3, True, False)
    """

    parts: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        if not np.isfinite(self.times_ms).all() or (np.diff(self.times_ms) <= 0).any():
            raise PlanError("the times of a plan's frames do not rise")

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> FrameTimes:
        """Those of one piece."""
        return cls((np.array(times_ms, np.float64),))

    @cached_property
    def times_ms(self) -> np.ndarray:
        """All of them, float64 (n,)."""
        return np.concatenate([np.zeros(0), *self.parts])

    @property
    def count(self) -> int:
        """How many frames."""
        return len(self.times_ms)

    def has(self, time_ms: float) -> bool:
        """Whether a frame at this time is one of them, to a millisecond."""
        times = self.times_ms
        near = int(times.searchsorted(time_ms - _SLACK_MS))
        return near < len(times) and times.item(near) <= time_ms + _SLACK_MS

    def between(self, start_ms: float, end_ms: float) -> int:
        """How many of them lie between these times, both included."""
        low, high = self.times_ms.searchsorted((start_ms - _SLACK_MS, end_ms + _SLACK_MS))
        return int(high - low)

    def to_json(self) -> list[JsonObject]:
        """For each part its count, first and last time, the SHA-256 of its times as written, and the times."""
        return [
            {
                "count": len(part),
                "first_ms": part.item(0) if len(part) else None,
                "last_ms": part.item(-1) if len(part) else None,
                "sha256": _digest(part),
                "times_ms": part.tolist(),
            }
            for part in self.parts
        ]

    @classmethod
    def from_json(cls, content: Iterable[JsonObject]) -> FrameTimes:
        """Raises PlanError when the times are not those that their digest was made of."""
        parts = []
        for part in content:
            times = np.array(part["times_ms"], np.float64).reshape(-1)
            digest = _digest(times) if np.isfinite(times).all() else None
            if part["sha256"] != digest or part["count"] != len(times):
                raise PlanError("the plan's list of frames was changed; make a new plan")
            parts.append(times)
        return cls(tuple(parts))


def _digest(times_ms: np.ndarray) -> str:
    """SHA-256 of the times as whole microseconds, 8 bytes each, little-endian."""
    return hashlib.sha256(np.rint(times_ms * 1000).astype("<i8").tobytes()).hexdigest()

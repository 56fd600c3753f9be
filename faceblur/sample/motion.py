"""How a person moves: curves through keyframes, and the pose they give at a time."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

Keys = tuple[tuple[float, float], ...]
"""(seconds, value) pairs in time order."""


@dataclass(frozen=True)
class Pose:
    """Where a bust stands in the frame and how the head is held. Angles in degrees."""

    x: float
    """Frame column of the neck while upright."""
    bottom: float
    """Frame row of the picture's lower edge; below the frame, so that the bust never floats."""
    scale: float
    """Frame pixels per pixel of the picture."""
    lean: float = 0.0
    """Of the whole bust about the middle of its lower edge, clockwise."""
    tilt: float = 0.0
    """Of the head about the neck, clockwise."""
    yaw: float = 0.0
    """The head turns, to the right of the frame when positive."""
    nod: float = 0.0
    """The head nods, down when positive."""


@dataclass(frozen=True)
class Motion:
    """Keyframes for each number of a pose; `steps` is how much of a walking bob there is (0..1)."""

    x: Keys
    bottom: Keys
    scale: Keys
    lean: Keys = ((0.0, 0.0),)
    tilt: Keys = ((0.0, 0.0),)
    yaw: Keys = ((0.0, 0.0),)
    nod: Keys = ((0.0, 0.0),)
    steps: Keys = ((0.0, 0.0),)
    phase: float = 0.0

    def at(self, seconds: float) -> Pose:
        """The pose at a time, with breath and the small sway nobody can hold back."""
        scale = ease(self.scale, seconds)
        stride = math.sin(2 * math.pi * (0.95 * seconds + self.phase))
        steps = ease(self.steps, seconds)
        breath = math.sin(2 * math.pi * (0.27 * seconds + self.phase))
        drift = math.sin(2 * math.pi * (0.41 * seconds + 1.7 * self.phase))
        return Pose(
            x=ease(self.x, seconds) + 3.0 * scale * steps * stride,
            bottom=ease(self.bottom, seconds) + scale * (13.0 * steps * stride**2 + 1.5 * breath),
            scale=scale * (1 + 0.002 * breath),
            lean=ease(self.lean, seconds) + 0.9 * steps * stride,
            tilt=ease(self.tilt, seconds) + 0.7 * drift - 0.6 * steps * stride,
            yaw=ease(self.yaw, seconds) + 1.2 * breath,
            nod=ease(self.nod, seconds) + 0.8 * drift,
        )


def ease(keys: Keys, seconds: float) -> float:
    """A smooth curve through the keys that never overshoots: a cubic with Fritsch and Carlson's tangents.

    It comes to rest at the first and last key and at every turning point.
    """
    if seconds <= keys[0][0] or len(keys) == 1:
        return keys[0][1]
    if seconds >= keys[-1][0]:
        return keys[-1][1]
    i = bisect_right([time for time, _ in keys], seconds) - 1
    (start, low), (end, high) = keys[i], keys[i + 1]
    length = end - start
    u = (seconds - start) / length
    return (
        low * (1 + 2 * u) * (1 - u) ** 2
        + high * u * u * (3 - 2 * u)
        + length * (_tangent(keys, i) * u * (1 - u) ** 2 - _tangent(keys, i + 1) * u * u * (1 - u))
    )


def _tangent(keys: Keys, i: int) -> float:
    """Value per second at key `i`: the harmonic mean of the slopes beside it, 0 where they disagree."""
    if i == 0 or i == len(keys) - 1:
        return 0.0
    before = (keys[i][1] - keys[i - 1][1]) / (keys[i][0] - keys[i - 1][0])
    after = (keys[i + 1][1] - keys[i][1]) / (keys[i + 1][0] - keys[i][0])
    return 2 * before * after / (before + after) if before * after > 0 else 0.0

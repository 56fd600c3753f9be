"""How a stored picture is turned or mirrored for display: the display matrix of ISO/IEC 14496-12, 8.3.2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...shapes import Box

_QUARTER = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}


@dataclass(frozen=True, slots=True)
class Orientation:
    """x' = a·x + c·y and y' = b·x + d·y take stored to displayed coordinates; each of a, b, c, d is -1, 0 or
    1.
    """

    a: int = 1
    b: int = 0
    c: int = 0
    d: int = 1

    @classmethod
    def from_matrix(cls, matrix: Sequence[float] | None) -> Orientation:
        """From the nine numbers of a display matrix; turns by no multiple of 90 degrees are ignored."""
        if matrix is None:
            return cls()
        a, b, _, c, d = (float(n) for n in matrix[:5])
        scale = max(abs(a), abs(b), abs(c), abs(d))
        if not scale:
            return cls()
        rounded = round(a / scale), round(b / scale), round(c / scale), round(d / scale)
        exact = all(abs(n / scale - r) < 0.01 for n, r in zip((a, b, c, d), rounded, strict=True))
        is_right_angled = sum(map(abs, rounded)) == 2 and (rounded[0] != 0) == (rounded[3] != 0)
        return cls(*rounded) if exact and is_right_angled else cls()

    @property
    def is_transposed(self) -> bool:
        """Turned by a quarter, so that width and height change places."""
        return self.a == 0

    @property
    def is_mirrored(self) -> bool:
        """Shown as in a mirror, turned or not."""
        return self.a * self.d - self.b * self.c < 0

    @property
    def degrees(self) -> int:
        """Clockwise turn for display, 0, 90, 180 or 270; a mirrored picture gives that of its unmirrored
        turn.
        """
        sign = -1 if self.is_mirrored else 1
        a, b, c, d = sign * self.a, self.b, sign * self.c, self.d
        return _QUARTER.get((a, b, c, d), 0)

    def display(self, picture: np.ndarray) -> np.ndarray:
        """A view of `picture` (H x W or H x W x C) as displayed."""
        if self.is_transposed:
            picture = picture.swapaxes(0, 1)
            along_x, along_y = self.c, self.b
        else:
            along_x, along_y = self.a, self.d
        return picture[:: 1 if along_y > 0 else -1, :: 1 if along_x > 0 else -1]

    def box_to_stored(self, left: float, top: float, width: float, height: float) -> Box:
        """A relative box as displayed -> the same box in the stored picture."""
        x, y = left + width / 2 - 0.5, top + height / 2 - 0.5
        x, y = self.a * x + self.b * y, self.c * x + self.d * y  # the inverse of a turn is its transpose
        if self.is_transposed:
            width, height = height, width
        return x + 0.5 - width / 2, y + 0.5 - height / 2, width, height

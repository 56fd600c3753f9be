"""What a blurred video still shows, on pixels, of the faces and areas that the plan covers."""

from __future__ import annotations

from array import array

import numpy as np

from ..plan import Plan
from ..shapes import Box
from .pairing import Fault, Pair
from .remains import BlurredFace, FoundFace
from .survival import READABLE, Detail, measure_detail

WORST_KEPT = 12
_MAX_READABLE = 0.02  # share of blurred faces with that much detail left: chance makes some background so
_PART_PX = 64  # areas are measured in parts of about this size


class PixelCheck:
    """What is left of every face that the plan covers."""

    def __init__(self, plan: Plan):
        self._regions, self._style, self._frames = plan.regions(), plan.style, plan.frames
        self.unplanned: list[Fault] = []
        self.details = array("f")
        self.too_small = 0
        self.leaks: list[FoundFace] = []
        self.problems: list[str] = []
        self._readable = 0
        self._size: tuple[int, int] | None = None  # of the original's first frame
        self._worst: dict[tuple[int, int], BlurredFace] = {}  # one a track and second

    def judge(self, pair: Pair, before: np.ndarray, after: np.ndarray) -> tuple[list[Box], list[Box]]:
        """Measure the faces of one frame; returns (what is covered there, which faces stay visible)."""
        self._size = self._size or pair.before.display_size
        if not _is_size_of(self._size, pair.after.display_size) and not self.problems:
            sizes = "{}x{} instead of {}x{}".format(*pair.after.display_size, *self._size)
            self.problems.append(f"the picture has {sizes} pixels")
        time_ms = pair.before.time_ms
        if self._frames is not None and not self._frames.has(time_ms):
            self.unplanned.append(Fault("is none that the plan was made of", pair.before.index, time_ms))
        faces, areas = self._regions.faces_at(time_ms), self._regions.areas_at(time_ms)
        measured = [(track, box, measure_detail(before, after, box)) for track, box in faces]
        measured += [(-1, area, _most_left(before, after, area)) for area in areas]
        for track, box, detail in measured:
            if detail is None:
                self.too_small += 1
                continue
            self.details.append(detail.left)
            self._readable += detail.is_readable
            face = BlurredFace(pair.before.index, time_ms, box, track, detail.left)
            self._remember(face, detail.is_seen(in_blocks=self._style.name == "pixelate"))
        covered = [self._style.grown(box) for _, box in faces] + areas
        return covered, [box for _, box in self._regions.visible_at(time_ms)]

    def _remember(self, face: BlurredFace, is_seen: bool) -> None:
        if is_seen:
            self.leaks.append(face.as_found())
        when = (face.track, int(face.time_ms // 1000))
        if when not in self._worst or face.detail_left > self._worst[when].detail_left:
            self._worst[when] = face

    def weakness(self) -> list[str]:
        """A line when more than a few blurred faces can still be made out, although none is plainly seen."""
        faces = len(self.details)
        if self._readable <= _MAX_READABLE * faces:
            return []
        return [
            f"the blur is too weak: {self._readable} of {faces} blurred faces can be made out "
            f"(over {READABLE:.0%} of their detail is left)"
        ]

    @property
    def summary(self) -> dict[str, float]:
        """Median, p99 and max of the detail that is left; empty without a face."""
        if not self.details:
            return {}
        values = np.frombuffer(self.details, np.float32)
        wanted = {"median": np.median(values), "p99": np.quantile(values, 0.99), "max": values.max()}
        return {name: round(float(value), 3) for name, value in wanted.items()}

    @property
    def worst(self) -> tuple[BlurredFace, ...]:
        """The faces with most detail left, the clearest first, one a track and second."""
        return tuple(sorted(self._worst.values(), key=lambda face: -face.detail_left)[:WORST_KEPT])


def _is_size_of(original: tuple[int, int], output: tuple[int, int]) -> bool:
    """Whether an output has this size, or of odd sides one pixel less: 4:2:0 has even ones."""
    return all(other in (side, side - side % 2) for side, other in zip(original, output, strict=True))


def _most_left(before: np.ndarray, after: np.ndarray, area: Box) -> Detail | None:
    """The most that is left of any part of an area: what it hides, text for one, may be small beside it."""
    left, top, width, height = area
    columns = max(1, round(width * before.shape[1] / _PART_PX))
    rows = max(1, round(height * before.shape[0] / _PART_PX))
    wide, high = width / columns, height / rows
    parts = [(left + x * wide, top + y * high, wide, high) for y in range(rows) for x in range(columns)]
    measured = (measure_detail(before, after, part) for part in parts)
    return max((detail for detail in measured if detail), key=lambda detail: detail.left, default=None)

"""Reference faces, blurred regions, and how much of the first the second cover. Imports numpy only.

Boxes are (left, top, width, height) in ratios of the picture as displayed. A face is clipped to the picture
before it is compared: what lies outside cannot be seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

COVERED = 0.9  # a face of which less is covered is a leak
_GRID = (np.arange(24) + 0.5) / 24
_COLUMNS, _ROWS = 480, 480  # of the grid on which areas are measured

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Reference:
    """True faces by frame: times_ms[i] and faces[i] = [(track, box), ...]."""

    times_ms: tuple[float, ...]
    faces: tuple[tuple[tuple[int, Box], ...], ...]

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read NAME.faces.json: {"frames": [{"time_ms", "faces": [[track, left, top, width, height], ...]},
        ...]}.
        """
        frames = json.loads(path.read_text(encoding="utf-8"))["frames"]
        return cls(
            tuple(float(frame["time_ms"]) for frame in frames),
            tuple(tuple((int(track), tuple(box)) for track, *box in frame["faces"]) for frame in frames),
        )

    def nearest(self, time_ms: float) -> int:
        return int(np.argmin(np.abs(np.array(self.times_ms) - time_ms)))

    def empty_stretches(self) -> list[tuple[float, float]]:
        """(first, last) times of the runs of frames without a face."""
        runs, start = [], None
        for i, faces in enumerate((*self.faces, ((0, (0, 0, 1, 1)),))):
            if not faces and start is None:
                start = i
            elif faces and start is not None:
                runs.append((self.times_ms[start], self.times_ms[i - 1]))
                start = None
        return runs


@dataclass(frozen=True)
class Regions:
    """What a tool blurred: times_ms[i] and boxes[i]. An ellipse is inscribed in each box; `feather` is the
    outer share of its radius that fades out and does not count as blurred.
    """

    times_ms: tuple[float, ...]
    boxes: tuple[tuple[Box, ...], ...]
    feather: float = 0.0

    def at(self, time_ms: float) -> tuple[Box, ...]:
        """Of the frame that is shown nearest to this time."""
        return self.boxes[int(np.argmin(np.abs(np.array(self.times_ms) - time_ms)))]

    @property
    def frame_ms(self) -> float:
        """How long a frame is shown: the median."""
        return float(np.median(np.diff(self.times_ms))) if len(self.times_ms) > 1 else 0.0

    def shares(self) -> list[float]:
        """Share of the picture within the ellipses, by frame."""
        return [_area(boxes, self.feather) for boxes in self.boxes]

    def longest_run_ms(self, start_ms: float = -np.inf, end_ms: float = np.inf) -> float:
        """The longest time for which some region is shown without a break, between the two times."""
        times = np.array(self.times_ms)
        frame_ms, longest, since = self.frame_ms, 0.0, None
        for time_ms, boxes in zip(times, self.boxes, strict=True):
            if not (boxes and start_ms <= time_ms <= end_ms):
                since = None
                continue
            since = time_ms if since is None else since
            longest = max(longest, float(time_ms - since) + frame_ms)
        return longest


@dataclass(frozen=True)
class Covered:
    """Counts over a clip. leaks_boxes, leaks_ellipses: face-frames less than COVERED within the regions'
    boxes, within the ellipses really blurred; area_*: blurred over face area; worst: (coverage by ellipses,
    time_ms, track).
    """

    face_frames: int
    leaks_boxes: int
    leaks_ellipses: int
    blurred_boxes: float
    blurred_ellipses: float
    face_area: float
    worst: tuple[tuple[float, float, int], ...]


def compare(reference: Reference, regions: Regions, shift_ms: float = 0.0) -> Covered:
    """shift_ms: reference time minus the regions' time."""
    count = leaks_boxes = leaks_ellipses = 0
    in_boxes = in_ellipses = face_area = 0.0
    leaks = []
    for time_ms, faces in zip(reference.times_ms, reference.faces, strict=True):
        blurred = regions.at(time_ms - shift_ms)
        for shape in (False, True):
            share = _area(blurred, regions.feather if shape else None)
            in_ellipses, in_boxes = in_ellipses + share * shape, in_boxes + share * (not shape)
        for track, face in faces:
            face = clipped(face)
            if face is None:
                continue
            count += 1
            face_area += face[2] * face[3]
            leaks_boxes += covered(face, blurred) < COVERED
            by_ellipses = covered(face, blurred, regions.feather)
            if by_ellipses < COVERED:
                leaks_ellipses += 1
                leaks.append((round(by_ellipses, 3), time_ms, track))
    return Covered(count, leaks_boxes, leaks_ellipses, in_boxes, in_ellipses, face_area, tuple(sorted(leaks)))


def clipped(box: Box) -> Box | None:
    """The part of a box within the picture; None when there is none."""
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(1.0, box[0] + box[2]), min(1.0, box[1] + box[3])
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def covered(face: Box, boxes, feather: float | None = None) -> float:
    """Share of a face's box within the union of boxes, or of the ellipses inscribed in them when `feather` is
    given.
    """
    x, y = face[0] + face[2] * _GRID, face[1] + face[3] * _GRID
    return float(_inside(x, y, boxes, feather).mean())


def _area(boxes, feather: float | None) -> float:
    """Share of the picture within the union."""
    if not boxes:
        return 0.0
    x, y = (np.arange(_COLUMNS) + 0.5) / _COLUMNS, (np.arange(_ROWS) + 0.5) / _ROWS
    return float(_inside(x, y, boxes, feather).mean())


def _inside(x: np.ndarray, y: np.ndarray, boxes, feather: float | None) -> np.ndarray:
    inside = np.zeros((len(y), len(x)), bool)
    for left, top, width, height in boxes:
        across, down = (x - left) / width * 2 - 1, (y - top) / height * 2 - 1
        if feather is None:
            inside |= (np.abs(across) <= 1)[None] & (np.abs(down) <= 1)[:, None]
        else:
            inside |= across[None] ** 2 + down[:, None] ** 2 <= (1 - feather) ** 2
    return inside

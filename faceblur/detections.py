"""Faces found at points in time, as value types, and their Rekognition JSON.

Boxes are ratios of the picture as displayed (after rotation), origin top-left, as Amazon Rekognition has them:
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_GetFaceDetection.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from .errors import DetectionsError
from .files import read_json
from .foreign import brief
from .shapes import Box, JsonObject

MAX_STEP_MS = 1000.0  # samples further apart than this do not follow each other


@dataclass(frozen=True, slots=True)
class Face:
    """One face: a box in ratios of the displayed picture (may reach past 0..1), score 0..1.

    Files of others may hold boxes that are no faces: see `is_usable`. `Detections` refuses them.

    >>> Face(0.4, 0.1, 0.2, 0.3, score=0.99).width
    0.2
    """

    left: float
    top: float
    width: float
    height: float
    score: float = 1.0

    @property
    def box(self) -> Box:
        """Left, top, width and height."""
        return self.left, self.top, self.width, self.height

    @property
    def is_usable(self) -> bool:
        """Finite, with an area, and overlapping the picture."""
        return (
            all(math.isfinite(n) for n in (*self.box, self.score))
            and self.width > 0
            and self.height > 0
            and self.left < 1
            and self.top < 1
            and self.left + self.width > 0
            and self.top + self.height > 0
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """All faces found at one presentation time.

    >>> Sample(500.0, (Face(0.4, 0.1, 0.2, 0.3, 0.99),)).time_ms
    500.0
    """

    time_ms: float
    faces: tuple[Face, ...]


@dataclass(frozen=True)
class Detections:
    """Samples in time order, at most one per time, of usable faces; else a DetectionsError.

    `rejected` counts boxes that were no boxes (NaN, no area): `from_faces` leaves them out.

    >>> found = Detections((Sample(0.0, ()), Sample(500.0, (Face(0.4, 0.1, 0.2, 0.3, 0.99),))))
    >>> sum(len(sample.faces) for sample in found.samples)
    1
    """

    samples: tuple[Sample, ...]
    rejected: int = 0

    def __post_init__(self) -> None:
        times = [sample.time_ms for sample in self.samples]
        if not all(map(math.isfinite, times)) or any(b <= a for a, b in pairwise(times)):
            raise DetectionsError("samples are to be in the order of their times, one for each")
        if not all(face.is_usable for sample in self.samples for face in sample.faces):
            raise DetectionsError("a face is to have a size and to lie in the picture")

    @classmethod
    def from_faces(cls, timed_faces: Iterable[tuple[float, Face]]) -> Detections:
        """Group (time_ms, face) pairs by time; drop exact duplicates and count unusable boxes."""
        by_time: dict[float, list[Face]] = {}
        rejected = 0
        for time_ms, face in timed_faces:
            if not (math.isfinite(time_ms) and face.is_usable):
                rejected += 1
                continue
            faces = by_time.setdefault(time_ms, [])
            if face not in faces:
                faces.append(face)
        return cls(tuple(Sample(t, tuple(by_time[t])) for t in sorted(by_time)), rejected)

    def joined(self, other: Detections) -> Detections:
        """The faces of both, by time."""
        both = self.samples + other.samples
        return Detections.from_faces((sample.time_ms, face) for sample in both for face in sample.faces)

    @classmethod
    def from_rekognition(cls, pages: Iterable[Mapping[str, Any]]) -> Detections:
        """Read pages of GetFaceDetection. Raises DetectionsError when they are not that."""

        def timed_faces() -> Iterator[tuple[float, Face]]:
            for page in pages:
                for item in page["Faces"]:
                    box = item["Face"]["BoundingBox"]
                    score = float(item["Face"].get("Confidence", 100.0)) / 100
                    left, top, width, height = (_number(box[side]) for side in ("Left", "Top", "Width", "Height"))
                    yield float(item["Timestamp"]), Face(left, top, width, height, score)

        try:
            return cls.from_faces(timed_faces())
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
            raise DetectionsError(f"not the result of GetFaceDetection: {brief(repr(problem))}") from problem

    def to_rekognition(self, metadata: Mapping[str, Any] | None = None) -> JsonObject:
        """One GetFaceDetection-shaped response that holds everything (no NextToken)."""
        faces = [
            {
                "Timestamp": round(sample.time_ms),
                "Face": {
                    "BoundingBox": {
                        "Width": face.width,
                        "Height": face.height,
                        "Left": face.left,
                        "Top": face.top,
                    },
                    "Confidence": 100 * face.score,
                },
            }
            for sample in self.samples
            for face in sample.faces
        ]
        return {"JobStatus": "SUCCEEDED", "VideoMetadata": dict(metadata or {}), "Faces": faces}

    @classmethod
    def load(cls, path: str | Path) -> Detections:
        """Read a JSON file with one GetFaceDetection response or a list of pages. Raises DocumentError."""
        content: Any = read_json(path, "it should hold what GetFaceDetection returns")
        try:
            return cls.from_rekognition(content if isinstance(content, list) else [content])
        except DetectionsError as problem:
            raise DetectionsError(f"{path}: {problem}") from problem

    @property
    def longest_step_ms(self) -> float:
        """The longest time between samples that follow each other, up to MAX_STEP_MS; longer ones are pauses."""
        times = [sample.time_ms for sample in self.samples]
        steps = [b - a for a, b in pairwise(times) if b - a <= MAX_STEP_MS]
        return max(steps, default=MAX_STEP_MS)

    @property
    def face_count(self) -> int:
        """Faces of all samples."""
        return sum(len(sample.faces) for sample in self.samples)


def _number(value: Any) -> float:
    """A JSON number; null stands for what was NaN and is rejected as a box later."""
    return math.nan if value is None else float(value)


def detections_to_json(detections: Detections | None) -> JsonObject | None:
    """Everything, also the samples without a face, which Rekognition's form cannot say."""
    if detections is None:
        return None
    samples = [[s.time_ms, [[*f.box, f.score] for f in s.faces]] for s in detections.samples]
    return {"samples": samples, "rejected": detections.rejected}


def detections_from_json(content: JsonObject | None) -> Detections | None:
    """What `detections_to_json` made."""
    if content is None:
        return None
    samples = (Sample(time_ms, tuple(Face(*f) for f in faces)) for time_ms, faces in content["samples"])
    return Detections(tuple(samples), content["rejected"])

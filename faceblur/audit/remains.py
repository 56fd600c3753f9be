"""Faces that the detector still finds in a blurred video, and which of them are leaks.

What the detector takes for a face in the output is a leak when the original shows a face there and its detail is still
there. The first alone raises false alarms: the border of a mosaic over a shirt can look like a face, and so can a knot
in wood. So a find counts with the lesser of its scores in the output and in the original; a sure one counts at once, a
likely one when it is found again in the next frame looked at.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from ..boxes import overlap, share_inside
from ..finding.detector import FaceDetector
from ..finding.observations import Observation, observation, without_doubles
from ..shapes import Box, JsonObject
from ..video import Frame
from .pairing import Pair
from .survival import measure_detail

SURE_SCORE = 0.75
LIKELY_SCORE = 0.6
SIDES = (640, 1280)  # pixels of the longer side; small videos are enlarged at most twofold
_ORIGINAL_SCORE = 0.3  # the original is asked only where the output has shown something
_SAME_PLACE = 0.3  # intersection over union
_LEFT_VISIBLE = 0.2  # the same, with a face that stays visible on purpose
_COVERED = 0.5  # share of a face inside regions, for faces whose detail cannot be judged
_MAX_PAUSE_MS = 1000.0  # found again later than this is not the same find
_MOST_AT_ONCE = 2000  # leaks of two frames, generously: the detector gives at most 750 a frame and size


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face found in the output that no blur hides: a leak, unless the original shows none there.

    box: ratios as displayed. track: None where the plan knows of none, -1 for an area. score: the detector's, 0 to 1;
    None for a face that the plan covers. detail_left: share of the face's detail, None where that cannot be told.
    """

    index: int
    time_ms: float
    box: Box
    track: int | None
    score: float | None
    detail_left: float | None

    def to_json(self) -> JsonObject:
        return {
            "frame": self.index,
            "time_ms": self.time_ms,
            "box": [round(n, 5) for n in self.box],
            "track": self.track,
            "score": None if self.score is None else round(self.score, 3),
            "detail_left": None if self.detail_left is None else round(self.detail_left, 3),
        }


@dataclass(frozen=True, slots=True)
class BlurredFace:
    """A face, or an area, that the plan covers, measured on the pixels. box, track, detail_left: as of a FoundFace."""

    index: int
    time_ms: float
    box: Box
    track: int
    detail_left: float

    def as_found(self) -> FoundFace:
        """The same face as a leak: the blur does not hide it."""
        return FoundFace(self.index, self.time_ms, self.box, self.track, None, self.detail_left)


@dataclass(frozen=True, slots=True)
class _Question:
    """A frame that is being inspected. covered: regions there; visible: faces that stay on purpose."""

    pair: Pair
    before: np.ndarray
    after: np.ndarray
    covered: list[Box]
    visible: list[Box]
    answer: Future[list[Observation]]


class Inspection:
    """Looks for faces in the output's frames, in threads of its own; `leaks` fills in the order of the frames."""

    def __init__(self, sides: tuple[int, ...] = SIDES, threads: int = 2):
        self.leaks: list[FoundFace] = []
        self.frames = self.faces = 0
        self._sides = sides
        self._threads = ThreadPoolExecutor(threads, "faceblur-audit")
        self._idle = [FaceDetector(LIKELY_SCORE) for _ in range(threads)]
        self._original_detector = FaceDetector(_ORIGINAL_SCORE)
        self._waiting: list[_Question] = []
        self._most_waiting = 2 * threads
        self._last_ms = -np.inf
        self._pending: list[FoundFace] = []  # likely ones of the last frame looked at

    def __enter__(self) -> Inspection:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def look(self, pair: Pair, before: np.ndarray, after: np.ndarray, covered: list[Box], visible: list[Box]) -> None:
        """Have the output's frame inspected. before, after: luma of both, H x W uint8."""
        answer = self._threads.submit(self._find, pair.after)
        self._waiting.append(_Question(pair, before, after, covered, visible, answer))
        if len(self._waiting) > self._most_waiting:
            self._judge(self._waiting.pop(0))

    def finish(self) -> None:
        while self._waiting:
            self._judge(self._waiting.pop(0))

    def _find(self, frame: Frame) -> list[Observation]:
        detector = self._idle.pop()
        try:
            return find_faces(detector, frame, self._sides)
        finally:
            self._idle.append(detector)

    def _judge(self, question: _Question) -> None:
        found = question.answer.result()
        self.frames += 1
        self.faces += len(found)
        suspects = [face for face in (self._suspect(seen, question) for seen in found) if face]
        likely = self._confirmed(suspects, question.pair.before)
        is_next = question.pair.before.time_ms - self._last_ms <= _MAX_PAUSE_MS
        again = [(a, b) for a in self._pending for b in likely if is_next and is_same(a, b)]
        sure = [face for face in likely if _score(face) >= SURE_SCORE]
        for leak in [a for a, _ in again] + sure + [b for _, b in again]:
            if leak not in self.leaks[-_MOST_AT_ONCE:]:
                self.leaks.append(leak)
        self._pending, self._last_ms = likely, question.pair.before.time_ms

    def _suspect(self, seen: Observation, question: _Question) -> FoundFace | None:
        """A find that is neither blurred nor visible on purpose."""
        box = np.array([seen.box])
        if question.visible and overlap(box, np.array(question.visible)).max() > _LEFT_VISIBLE:
            return None
        detail = measure_detail(question.before, question.after, seen.box)
        if detail is None:
            is_covered = question.covered and share_inside(box, np.array(question.covered)).max() > _COVERED
        else:
            is_covered = not detail.is_readable
        if is_covered:
            return None
        frame = question.pair.before
        return FoundFace(
            frame.index, frame.time_ms, seen.box, None, seen.score, None if detail is None else detail.left
        )

    def _confirmed(self, suspects: list[FoundFace], original: Frame) -> list[FoundFace]:
        """Those that the original shows as well, with the lesser of both scores."""
        if not suspects:
            return []
        there = find_faces(self._original_detector, original, self._sides)
        confirmed = []
        for face in suspects:
            scores = [o.score for o in there if _overlap(o.box, face.box) > _SAME_PLACE]
            score = min(_score(face), max(scores, default=0.0))
            if score >= LIKELY_SCORE:
                confirmed.append(replace(face, score=score))
        return confirmed


def find_faces(detector: FaceDetector, frame: Frame, sides: tuple[int, ...]) -> list[Observation]:
    """Faces of the whole picture at these sizes, each once."""
    most = 2 * max(frame.display_size)
    widths = sorted({frame.width_for(min(side, most)) for side in sides})
    found = [face for width in widths for face in detector.find(frame.bgr(width))]
    return without_doubles([observation(face) for face in found])


def _score(face: FoundFace) -> float:
    """Of a face that the detector has seen, as all suspects are."""
    assert face.score is not None
    return face.score


def is_same(face: FoundFace, other: FoundFace) -> bool:
    return _overlap(face.box, other.box) > _SAME_PLACE


def _overlap(box: Box, other: Box) -> float:
    return float(overlap(np.array([box]), np.array([other]))[0, 0])

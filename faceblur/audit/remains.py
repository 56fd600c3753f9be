"""Faces that are still found in a blurred video, and which of them are leaks.

Two unrelated detectors look: RetinaFace, which did not lead when the faces were found, at sizes of its own, and YuNet.
What either takes for a face in the output is a leak when the original shows a face there and its detail is still there.
The first alone raises false alarms: the border of a mosaic over a shirt can look like a face, and so can a knot in
wood. So the original is shown to both, close up. Where one is certain or both are fairly sure, it counts at once; what
is likely counts when it is found again in the next frame looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..boxes import overlap, share_inside
from ..detections import Face
from ..finding.detector import FaceDetector
from ..finding.flow import carry
from ..finding.observations import Observation, observation, second_observation, without_doubles
from ..finding.opinions import Eyes, is_face
from ..finding.retinaface import RetinaFace, is_there
from ..shapes import Box, JsonObject
from ..video import Frame
from .pairing import Pair
from .survival import measure_detail

FIRST, SECOND = "YuNet", "RetinaFace"
SIDES = {
    FIRST: (640, 1280),
    SECOND: (800, 1440),
}  # pixels of the longer side; small videos are enlarged at most twofold
_FOLLOWED = {FIRST: 0.5, SECOND: 0.4}  # scores in the output that are followed up
_ALONE_SCORE = 0.75  # of the leader, where there is no other detector
_LIKELY_ALONE = 0.6
_HINT_SCORE = 0.2  # of a leak that was found a moment ago
_NEARLY = 0.1  # intersection over union of a leak and where it has moved to
_SEEN_SCORE = 0.5  # a detector that is less sure did not see it
_SAME_PLACE = 0.3  # intersection over union
_LEFT_VISIBLE = 0.2  # the same, with a face that stays visible on purpose
_COVERED = 0.5  # share of a face inside regions, for faces whose detail cannot be judged
_SMALL_SIDE = 320  # pixels across, of the pictures for optical flow
_KEPT = 5  # frames looked at before this one
_MAX_PAUSE_MS = 1000.0  # found again later than this is not the same find
_MOST_AT_ONCE = 2000  # leaks of two frames, generously: the detector gives at most 750 a frame and size


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face found in the output that no blur hides: a leak, unless the original shows none there.

    box: ratios as displayed. track: None where the plan knows of none, -1 for an area. score: the detector's, 0 to 1;
    None for a face that the plan covers. seen_by: the detectors that saw it. detail_left: share of the face's detail,
    None where that cannot be told.
    """

    index: int
    time_ms: float
    box: Box
    track: int | None
    score: float | None
    detail_left: float | None
    seen_by: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """As it stands in the audit's JSON."""
        return {
            "frame": self.index,
            "time_ms": self.time_ms,
            "box": [round(n, 5) for n in self.box],
            "track": self.track,
            "score": None if self.score is None else round(self.score, 3),
            "seen_by": list(self.seen_by),
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
    """A frame that is being inspected. covered: regions there; visible: faces that stay on purpose. small: the picture,
    grey, for following faces.
    """

    pair: Pair
    before: np.ndarray
    after: np.ndarray
    covered: list[Box]
    visible: list[Box]
    small: np.ndarray
    answer: Future[list[Observation]]


class _Searching:
    """Both detectors, or the one that is there; one instance a thread."""

    def __init__(self) -> None:
        self._first = FaceDetector(_FOLLOWED[FIRST])
        self._second = RetinaFace(_FOLLOWED[SECOND]) if is_there() else None

    def find(self, frame: Frame) -> list[Observation]:
        """Faces of the whole picture, each once."""
        seen = [observation(face) for face in _search(self._first, frame, SIDES[FIRST])]
        if self._second:
            seen += [second_observation(face) for face in _search(self._second, frame, SIDES[SECOND])]
        return without_doubles(seen)


class Inspection:
    """Looks for faces in the output's frames, in threads of its own; `leaks` fills about in the order of the frames.

    has_both: whether the second detector is there; without it the audit sees with the eyes that led.
    """

    def __init__(self, threads: int = 2):
        self.leaks: list[FoundFace] = []
        self.frames = self.faces = 0
        self.has_both = is_there()
        self._threads = ThreadPoolExecutor(threads, "faceblur-audit")
        self._idle = [_Searching() for _ in range(threads)]
        self._eyes = Eyes()
        self._waiting: list[_Question] = []
        self._most_waiting = 2 * threads
        self._last_ms = -np.inf
        self._pending: list[FoundFace] = []  # likely ones of the last frame looked at
        self._named: dict[FoundFace, float] = {}  # its leaks, and when each was last found
        self._recent: deque[_Question] = deque(maxlen=_KEPT)

    def __enter__(self) -> Inspection:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def look(self, pair: Pair, before: np.ndarray, after: np.ndarray, covered: list[Box], visible: list[Box]) -> None:
        """Have the output's frame inspected. before, after: luma of both, H x W uint8."""
        answer = self._threads.submit(self._find, pair.after)
        side = (_SMALL_SIDE, max(1, round(_SMALL_SIDE * before.shape[0] / before.shape[1])))
        small = cv2.resize(before, side, interpolation=cv2.INTER_AREA)
        self._waiting.append(_Question(pair, before, after, covered, visible, small, answer))
        if len(self._waiting) > self._most_waiting:
            self._judge(self._waiting.pop(0))

    def finish(self) -> None:
        """Judge the frames that still wait."""
        while self._waiting:
            self._judge(self._waiting.pop(0))

    def _find(self, frame: Frame) -> list[Observation]:
        eyes = self._idle.pop()
        try:
            return eyes.find(frame)
        finally:
            self._idle.append(eyes)

    def _judge(self, question: _Question) -> None:
        found = question.answer.result()
        self.frames += 1
        self.faces += len(found)
        suspects = [face for face in (self._suspect(seen, question) for seen in found) if face]
        judged = [(face, self._eyes.opinions(question.pair.before, face.box)) for face in suspects]
        likely = [self._named_by(face, *said) for face, said in judged if self._is_face(*said, likely=True)]
        sure = [self._named_by(face, *said) for face, said in judged if self._is_face(*said)]
        now = question.pair.before.time_ms
        is_next = now - self._last_ms <= _MAX_PAUSE_MS
        again = [(a, b) for a in self._pending for b in likely if is_next and is_same(a, b)]
        named = dict.fromkeys(sure + [b for _, b in again], now)
        followed = dict(self._followed(question, [leak.box for leak in named]))
        for leak in [*(a for a, _ in again), *named, *followed]:
            if leak not in self.leaks[-_MOST_AT_ONCE:]:
                self.leaks.append(leak)
        for leak in named:
            self._follow_back(question, leak)
        self._pending, self._named, self._last_ms = likely, named | followed, now
        self._recent.append(question)

    def _followed(self, question: _Question, named: list[Box]) -> Iterator[tuple[FoundFace, float]]:
        """Leaks of the last frame looked at that nobody finds in this one, where flow carries them or where something
        still hints at them; and when each was last found.
        """
        now = question.pair.before.time_ms
        for leak, seen_ms in self._named.items() if self._recent else ():
            moved = _carried(self._recent[-1], question, leak.box)
            box = moved or leak.box
            if now - seen_ms > _MAX_PAUSE_MS or any(_overlap(box, other) > _NEARLY for other in named):
                continue
            still = self._suspect(Observation(box, 0.0), question)
            if still and (moved or max(self._eyes.opinions(question.pair.before, box)) >= _HINT_SCORE):
                yield replace(still, score=leak.score, seen_by=leak.seen_by), seen_ms

    def _follow_back(self, question: _Question, leak: FoundFace) -> None:
        """Name a leak in the frames before, too, as far as flow carries it and nobody has found it there."""
        later, box = question, leak.box
        for earlier in reversed(self._recent):
            moved = _carried(later, earlier, box)
            if moved is None or question.pair.before.time_ms - earlier.pair.before.time_ms > _MAX_PAUSE_MS:
                return
            index = earlier.pair.before.index
            there = [other.box for other in self.leaks[-_MOST_AT_ONCE:] if other.index == index]
            still = self._suspect(Observation(moved, 0.0), earlier)
            if still is None or any(_overlap(moved, other) > _NEARLY for other in there):
                return
            self.leaks.append(replace(still, score=leak.score, seen_by=leak.seen_by))
            later, box = earlier, moved

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
        return FoundFace(frame.index, frame.time_ms, seen.box, None, seen.best, None if detail is None else detail.left)

    def _is_face(self, first: float, second: float, likely: bool = False) -> bool:
        """Whether what the original shows is surely a face, or likely one; without a second detector by the first."""
        if not self._eyes.are_two:
            return first >= (_LIKELY_ALONE if likely else _ALONE_SCORE)
        return is_face(first, second, likely)

    def _named_by(self, face: FoundFace, first: float, second: float) -> FoundFace:
        """The find with the surer score, and who has it."""
        best = max(first, second)
        seen_by = tuple(name for name, score in ((FIRST, first), (SECOND, second)) if score >= min(best, _SEEN_SCORE))
        return replace(face, score=best, seen_by=seen_by)


def _carried(start: _Question, end: _Question, box: Box) -> Box | None:
    """Where flow carries a box (ratios) from one frame to another; None where it does not know."""
    moved, agreed = carry(start.small, end.small, np.array([box]))
    left, top, width, height = moved[0].tolist()
    return (left, top, width, height) if agreed[0] else None


def _search(detector: FaceDetector | RetinaFace, frame: Frame, sides: tuple[int, ...]) -> list[Face]:
    """Faces of the whole picture at these sizes."""
    most = 2 * max(frame.display_size)
    widths = sorted({frame.width_for(min(side, most)) for side in sides})
    return [face for width in widths for face in detector.find(frame.bgr(width))]


def is_same(face: FoundFace, other: FoundFace) -> bool:
    """Whether both lie in one place, by the intersection over union of their boxes."""
    return _overlap(face.box, other.box) > _SAME_PLACE


def _overlap(box: Box, other: Box) -> float:
    return float(overlap(np.array([box]), np.array([other]))[0, 0])

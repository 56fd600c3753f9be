"""Look at a blurred video again: is everything there, and is every face gone?

Three independent looks. Frame by frame, the output has what the original has, at the same times. Every face
that the plan covers has lost its detail, on pixels. And whatever the detector still finds in the output is
no face of the original's. The sound is compared packet by packet.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise

import cv2
import numpy as np

from ..finding.retinaface import HOW_TO_GET_IT
from ..plan import Plan
from ..process import one_thread
from ..shapes import Box, JsonObject, Progress
from ..video import Reader, Source, Span
from ..video.reading.sound import compare_sound
from .pairing import Fault, Pair, Pairing, PictureCheck, in_words
from .remains import FIRST, SECOND, BlurredFace, FoundFace, Inspection, is_same
from .survival import READABLE, Detail, measure_detail

LOOK_MS = 200.0  # on screen between the detector's looks in the pipeline; on pixels every frame is judged
WORST_KEPT = 12
_ROUNDING_MS = 1.0
_MAX_READABLE = 0.02  # share of blurred faces with that much detail left: chance makes some background so
_PART_PX = 64  # areas are measured in parts of about this size
_MAX_LINES = 12  # problems of one sort that are written out


@dataclass(frozen=True)
class Audit:
    """passed: True, False, or None when it could not tell. problems, notes: one line each.

    faces_judged: blurred faces, frame by frame, whose detail was measured; too_small: those that could not
    be. detail_summary: median, p99 and max of the detail left of those judged (1 untouched, 0 gone). leaks: faces that
    can be seen. worst: the blurred faces with most detail left, whether they are leaks or not.
    """

    passed: bool | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    frames: int
    frames_looked_at: int
    faces_found: int
    faces_judged: int
    faces_too_small: int
    detail_summary: dict[str, float] = field(default_factory=dict)
    leaks: tuple[FoundFace, ...] = ()
    worst: tuple[BlurredFace, ...] = ()

    def to_json(self) -> JsonObject:
        """As `faceblur audit` writes it."""
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "notes": list(self.notes),
            "frames": self.frames,
            "frames_looked_at": self.frames_looked_at,
            "faces_found": self.faces_found,
            "faces_judged": self.faces_judged,
            "faces_too_small": self.faces_too_small,
            "detail_summary": self.detail_summary,
            "faces_left": [leak.to_json() for leak in self.leaks],
        }


@one_thread()
def verify(
    original: Source,
    output: Source,
    plan: Plan | None,
    *,
    span: Span | None = None,
    every_ms: float = LOOK_MS,
    said: Iterable[str] = (),
    progress: Progress | None = None,
) -> Audit:
    """Compare the output with the original, frame by frame, and look for faces that are left in it.

    span: the output is this part of the original alone, without its sound (a piece that is to be joined).
    every_ms: the longest time on screen that the detector lets pass without a look; 0 looks at every frame. said: the
    report's notes, for streams that were left out. Without a plan it finds leaks but cannot pass. Raises InputError
    when one of the files cannot be read.

    >>> plan = faceblur.analyse("in.mp4")
    >>> report = faceblur.render("in.mp4", "checked.mp4", plan)
    >>> verify("in.mp4", "checked.mp4", plan).passed
    True
    """
    with Reader(original, span=span) as before, Reader(output) as after, Inspection() as inspection:
        pairing, pictures = Pairing(before, after), PictureCheck()
        pixels = _PixelCheck(plan or Plan(()))
        total, unseen_ms = before.expected_frames, every_ms
        for number, (pair, following) in enumerate(pairwise(chain(pairing, [None]))):
            assert pair is not None  # None comes last, as what follows
            lumas = _lumas(pair)
            covered, visible = pixels.judge(pair, *lumas)
            pictures.look(pair, *lumas, covered)
            unseen_ms += following.before.time_ms - pair.before.time_ms if following else every_ms
            if unseen_ms >= every_ms - _ROUNDING_MS:
                inspection.look(pair, *lumas, covered, visible)
                unseen_ms = 0.0
            if progress:
                progress(number + 1, max(total, number + 1))
        inspection.finish()
        pictures.finish()
    sound_problems, sound_notes = ([], []) if span else compare_sound(original, output, tuple(said))
    leaks = _once_each(pixels.leaks, inspection.leaks)
    problems = _leak_lines(leaks)
    for faults in (pixels.unplanned, pairing.faults, pictures.faults):
        problems += _short(in_words(faults))
    problems += pixels.problems + pixels.weakness() + sound_problems
    notes = list(sound_notes)
    if not inspection.has_both:
        notes.append("only the detector that finds the faces looked at the output; " + HOW_TO_GET_IT)
    if plan is None:
        notes.append("without a plan or a report nothing says which faces were to be blurred")
    return Audit(
        passed=False if problems else (None if plan is None else True),
        problems=tuple(problems),
        notes=tuple(notes),
        frames=pairing.frames_before,
        frames_looked_at=inspection.frames,
        faces_found=inspection.faces,
        faces_judged=len(pixels.details),
        faces_too_small=pixels.too_small,
        detail_summary=_summary(pixels.details),
        leaks=leaks,
        worst=pixels.worst,
    )


class _PixelCheck:
    """What is left of every face that the plan covers."""

    def __init__(self, plan: Plan):
        self._regions, self._style, self._frames = plan.regions(), plan.style, plan.frames
        self.unplanned: list[Fault] = []
        self.details = array("f")
        self.too_small = 0
        self.leaks: list[FoundFace] = []
        self.problems: list[str] = []
        self._readable = 0
        self._worst: dict[tuple[int, int], BlurredFace] = {}  # one a track and second

    def judge(self, pair: Pair, before: np.ndarray, after: np.ndarray) -> tuple[list[Box], list[Box]]:
        """Measure the faces of one frame; returns (what is covered there, which faces stay visible)."""
        if pair.before.display_size != pair.after.display_size and not self.problems:
            sizes = "{}x{} instead of {}x{}".format(*pair.after.display_size, *pair.before.display_size)
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
    def worst(self) -> tuple[BlurredFace, ...]:
        return tuple(sorted(self._worst.values(), key=lambda face: -face.detail_left)[:WORST_KEPT])


def _most_left(before: np.ndarray, after: np.ndarray, area: Box) -> Detail | None:
    """The most that is left of any part of an area: what it hides, text for one, may be small beside it."""
    left, top, width, height = area
    columns = max(1, round(width * before.shape[1] / _PART_PX))
    rows = max(1, round(height * before.shape[0] / _PART_PX))
    wide, high = width / columns, height / rows
    parts = [(left + x * wide, top + y * high, wide, high) for y in range(rows) for x in range(columns)]
    measured = (measure_detail(before, after, part) for part in parts)
    return max((detail for detail in measured if detail), key=lambda detail: detail.left, default=None)


def _lumas(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures' luma as displayed, in the original's size."""
    before = pair.before.gray(pair.before.display_size[0])
    after = pair.after.gray(pair.after.display_size[0])
    if after.shape != before.shape:
        after = cv2.resize(after, before.shape[::-1], interpolation=cv2.INTER_AREA)
    return before, after


def _once_each(covered: list[FoundFace], found: list[FoundFace]) -> tuple[FoundFace, ...]:
    """In order of time; what the plan covers and the detector finds is one face, with the latter's score."""
    by_frame: dict[int, list[FoundFace]] = {}
    for leak in covered:
        by_frame.setdefault(leak.index, []).append(leak)
    for leak in found:
        there = by_frame.setdefault(leak.index, [])
        same = next((number for number, other in enumerate(there) if is_same(leak, other)), None)
        if same is None:
            there.append(leak)
        else:
            there[same] = replace(there[same], score=leak.score, seen_by=leak.seen_by)
    return tuple(leak for index in sorted(by_frame) for leak in by_frame[index])


def _leak_lines(leaks: tuple[FoundFace, ...]) -> list[str]:
    if not leaks:
        return []
    frames = len({leak.index for leak in leaks})
    where = f"first in frame {leaks[0].index} at {leaks[0].time_ms:.0f} ms"
    seen = [f"{sum(name in leak.seen_by for leak in leaks)} by {name}" for name in (FIRST, SECOND)]
    who = f"; seen {', '.join(seen)}" if any(leak.seen_by for leak in leaks) else ""
    return [f"{len(leaks)} faces are left in {frames} frames, {where}{who}"]


def _short(lines: list[str]) -> list[str]:
    more = len(lines) - _MAX_LINES
    return [*lines[:_MAX_LINES], f"and {more} more like these"] if more > 0 else lines


def _summary(details: array[float]) -> dict[str, float]:
    if not details:
        return {}
    values = np.frombuffer(details, np.float32)
    wanted = {"median": np.median(values), "p99": np.quantile(values, 0.99), "max": values.max()}
    return {name: round(float(value), 3) for name, value in wanted.items()}

"""Look at a blurred video again: is everything there, and is every face gone?

Three independent looks. Frame by frame, the output has what the original has, at the same times. Every face
that the plan covers has lost its detail, on pixels. And whatever the detector still finds in the output is
no face of the original's. The sound is compared packet by packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise

import cv2
import numpy as np

from ..detections import Detections, Face
from ..finding.retinaface import HOW_TO_GET_IT
from ..plan import Plan
from ..process import one_thread
from ..shapes import JsonObject, Progress
from ..video import Reader, Source, Span
from ..video.reading.sound import compare_sound
from .pairing import Pair, Pairing, PictureCheck, in_words
from .pixels import PixelCheck
from .remains import FIRST, SECOND, BlurredFace, FoundFace, Inspection, is_same

LOOK_MS = 200.0  # on screen between the detector's looks in the pipeline; on pixels every frame is judged
_ROUNDING_MS = 1.0
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

    @property
    def missed(self) -> Detections:
        """The faces left, if they are all that is wrong and the plan knows none of them; else none."""
        if any(leak.track is not None for leak in self.leaks) or list(self.problems) != _leak_lines(self.leaks):
            return Detections(())
        return Detections.from_faces((leak.time_ms, Face(*leak.box, leak.score or 1.0)) for leak in self.leaks)

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
    pixels = PixelCheck(plan or Plan(()))
    with Reader(original, span=span) as before, Reader(output) as after, Inspection() as inspection:
        pairing, pictures = _compare(before, after, pixels, inspection, every_ms, progress)
    sound_problems, sound_notes = ([], []) if span else compare_sound(original, output, tuple(said))
    leaks = _once_each(pixels.leaks, inspection.leaks)
    problems = _leak_lines(leaks)
    for faults in (pixels.unplanned, pairing.faults, pictures.faults):
        problems += _short(in_words(faults))
    problems += pixels.problems + pixels.weakness() + sound_problems
    return Audit(
        passed=False if problems else (None if plan is None else True),
        problems=tuple(problems),
        notes=(*sound_notes, *_notes(inspection, plan)),
        frames=pairing.frames_before,
        frames_looked_at=inspection.frames,
        faces_found=inspection.faces,
        faces_judged=len(pixels.details),
        faces_too_small=pixels.too_small,
        detail_summary=pixels.summary,
        leaks=leaks,
        worst=pixels.worst,
    )


def _compare(
    before: Reader,
    after: Reader,
    pixels: PixelCheck,
    inspection: Inspection,
    every_ms: float,
    progress: Progress | None,
) -> tuple[Pairing, PictureCheck]:
    """Show every pair of frames to the checks."""
    pairing, pictures = Pairing(before, after), PictureCheck()
    total, unseen_ms = before.expected_frames, every_ms
    shape: tuple[int, ...] | None = None
    for number, (pair, following) in enumerate(pairwise(chain(pairing, [None])), 1):
        assert pair is not None  # None comes last, as what follows
        lumas = _lumas(pair, shape)
        shape = lumas[0].shape
        covered, visible = pixels.judge(pair, *lumas)
        pictures.look(pair, *lumas, covered)
        unseen_ms += following.before.time_ms - pair.before.time_ms if following else every_ms
        if unseen_ms >= every_ms - _ROUNDING_MS:
            inspection.look(pair, *lumas, covered, visible)
            unseen_ms = 0.0
        if progress:
            progress(number, max(total, number))
    inspection.finish()
    pictures.finish()
    return pairing, pictures


def _notes(inspection: Inspection, plan: Plan | None) -> Iterator[str]:
    if not inspection.has_both:
        yield "only the detector that finds the faces looked at the output; " + HOW_TO_GET_IT
    if plan is None:
        yield "without a plan or a report nothing says which faces were to be blurred"


def _lumas(pair: Pair, shape: tuple[int, ...] | None) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures' luma as displayed. shape: rows and columns that they are scaled to; None is the original's."""
    before, after = (frame.gray(frame.display_size[0]) for frame in (pair.before, pair.after))
    size = before.shape[::-1] if shape is None else shape[::-1]
    before, after = (
        luma if luma.shape[::-1] == size else cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
        for luma in (before, after)
    )
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

"""Blur, look again, blur again: the second detector looks at the result, and what it finds goes back into the plan.

It looks at other moments than while the faces were found. What it sees in the open is shown to both detectors close
up; what either is certain of, or both are fairly sure of, is tracked through the original from there and blurred, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..boxes import overlap, share_inside
from ..detections import Detections, Face, Sample
from ..finding.analysis import analyse
from ..finding.opinions import Eyes, is_face
from ..finding.retinaface import HOW_TO_GET_IT, RetinaFace, is_there
from ..plan import Plan, Track
from ..process import one_thread
from ..shapes import JsonObject, Progress
from ..video import Frame, Irregular, Passed, Reader, Source, Span, SparseReader

EVERY_MS = 500.0
SIDE = 960  # pixels of the longer side; small videos are enlarged, at most twofold
_ROUNDS = 2
_FOLLOWED = 0.5  # the score of what is shown to both
_INSIDE = 0.5  # a face of which more lies in a region is covered
_SAME_PLACE = 0.2  # intersection over union
_AROUND_MS = 2500.0  # before and after a find, in which the face is tracked


@dataclass(frozen=True)
class SecondLook:
    """What came of it. looks: frames looked at. added: what was found and covered; open: what is still seen."""

    looks: int
    added: Detections
    open: Detections

    def to_json(self) -> JsonObject:
        """As it stands in a report."""
        return {"looks": self.looks, "added": _listed(self.added), "open": _listed(self.open)}


@contextmanager
def _unwatched(name: str) -> Iterator[None]:
    yield None


def blur_and_look(
    source: Source,
    output: str | Path,
    plan: Plan,
    render: Callable[[Plan], JsonObject],
    *,
    span: Span | None = None,
    missed: Detections | None = None,
    watch: Callable[[str], AbstractContextManager[Progress | None]] = _unwatched,
) -> tuple[JsonObject, Plan]:
    """Render a plan, look at the output, and render it again with what was missed, at most twice.

    render: makes `output` of a plan and returns the report. span: the part of the source that the output holds. missed:
    faces that an audit found in an earlier output, covered from the beginning. watch: makes the progress of a look, for
    its name. Returns the last report, with what the second look did under "second_look", and the last plan. Without the
    second detector nothing is looked at, and a note says so.
    """
    if missed and missed.samples:
        plan = replace(plan, tracks=plan.tracks + _tracked(source, missed, plan, span))
    report = render(plan)
    if not is_there():
        report["notes"] = report["notes"] + [f"only one detector looked; {HOW_TO_GET_IT}"]
        return report, plan

    def watched(plan: Plan) -> tuple[int, Detections]:
        with watch("looking again") as progress:
            return look(output, plan, progress=progress)

    looks, added = 0, Detections(())
    for _ in range(_ROUNDS):
        number, seen = watched(plan)
        looks += number
        more = _tracked(source, seen, plan, span) if seen.samples else ()
        if not more:
            break
        added = added.joined(seen)
        plan = replace(plan, tracks=plan.tracks + more)
        report, seen = render(plan), Detections(())
    else:
        number, seen = watched(plan)
        looks += number
    report["second_look"] = SecondLook(looks, added, seen).to_json()
    report["notes"] = report["notes"] + _notes(seen)
    return report, plan


@one_thread()
def look(output: str | Path, plan: Plan, *, progress: Progress | None = None) -> tuple[int, Detections]:
    """How many frames of a blurred video were looked at, and the faces in them that the plan neither covers nor shows.

    Raises InputError when it cannot be read.
    """
    for kind in (SparseReader, Reader):
        try:
            with kind(output) as reader:
                return _look(reader, plan, progress)
        except Irregular:
            continue
    raise AssertionError("a Reader reads whatever there is")


def _look(reader: Reader, plan: Plan, progress: Progress | None) -> tuple[int, Detections]:
    searching, regions = _Searching(), plan.regions()
    samples, due_ms, looks = [], None, 0
    for number, frame in enumerate(reader, 1):
        due_ms = frame.time_ms if due_ms is None else due_ms
        if not isinstance(frame, Passed) and frame.time_ms >= due_ms:
            due_ms, looks = frame.time_ms + (EVERY_MS if looks else EVERY_MS / 2), looks + 1
            covered = [plan.style.grown(box) for _, box in regions.faces_at(frame.time_ms)]
            covered += regions.areas_at(frame.time_ms)
            covered += [box for _, box in regions.visible_at(frame.time_ms)]
            faces = searching.find(frame, np.array(covered).reshape(-1, 4))
            samples += [Sample(frame.time_ms, faces)] if faces else []
        if progress:
            progress(number, max(reader.expected_frames, number))
    return looks, Detections(tuple(samples))


class _Searching:
    def __init__(self) -> None:
        self._searching = RetinaFace(_FOLLOWED)
        self._close_up = Eyes()

    def find(self, frame: Frame, known: np.ndarray) -> tuple[Face, ...]:
        """Faces of the picture that do not lie in known boxes (N x 4, ratios)."""
        side = min(SIDE, 2 * max(frame.display_size))
        seen = self._searching.find(frame.bgr(frame.width_for(side)))
        seen = [face for face in seen if face.is_usable and not _is_known(face, known)]
        return tuple(face for face in seen if self._is_face(frame, face))

    def _is_face(self, frame: Frame, face: Face) -> bool:
        return is_face(*self._close_up.opinions(frame, face.box))


def _is_known(face: Face, known: np.ndarray) -> bool:
    return bool(len(known)) and bool(share_inside(_box(face), known).max() > _INSIDE)


def _tracked(source: Source, seen: Detections, plan: Plan, span: Span | None) -> tuple[Track, ...]:
    """The faces followed through the original around where they were seen, as tracks numbered after the plan's."""
    number = max((track.id for track in plan.tracks), default=-1) + 1
    found: list[Track] = []
    for part in _parts(seen):
        with Reader(source) as reader:
            around = _around(reader, part, span)
        for track in analyse(source, part, span=around).tracks:
            if any(_passes(track, sample) for sample in part.samples):
                found.append(replace(track, id=number + len(found)))
    return tuple(found)


def _parts(seen: Detections) -> list[Detections]:
    """Samples that lie close together are one part."""
    parts: list[list[Sample]] = []
    for sample in seen.samples:
        if parts and sample.time_ms - parts[-1][-1].time_ms <= 2 * _AROUND_MS:
            parts[-1].append(sample)
        else:
            parts.append([sample])
    return [Detections(tuple(part)) for part in parts]


def _around(reader: Reader, part: Detections, span: Span | None) -> Span:
    """The stretch of the video around a part, within the span."""
    start, end = part.samples[0].time_ms - _AROUND_MS, part.samples[-1].time_ms + _AROUND_MS
    start_pts, end_pts = reader.pts_of(start), reader.pts_of(end)
    if span is not None and span.start_pts is not None:
        start_pts = max(start_pts, span.start_pts)
    if span is not None and span.end_pts is not None:
        end_pts = min(end_pts, span.end_pts)
    return Span(0, start_pts, end_pts)


def _passes(track: Track, sample: Sample) -> bool:
    """Whether a track holds one of a sample's faces at its time."""
    row = int(np.abs(track.times_ms - sample.time_ms).argmin())
    if abs(track.times_ms[row] - sample.time_ms) > EVERY_MS:
        return False
    boxes = np.concatenate([_box(face) for face in sample.faces])
    return bool(overlap(track.boxes[row][None], boxes).max() > _SAME_PLACE)


def _box(face: Face) -> np.ndarray:
    return np.array([face.box])


def _listed(found: Detections) -> list[JsonObject]:
    return [
        {
            "time_ms": round(sample.time_ms, 3),
            "boxes": [[round(n, 5) for n in face.box] for face in sample.faces],
        }
        for sample in found.samples
    ]


def _notes(seen: Detections) -> list[str]:
    if not seen.samples:
        return []
    times = ", ".join(f"{sample.time_ms:.0f} ms" for sample in seen.samples[:12])
    return [f"the second look still sees {seen.face_count} faces: at {times}; look at them and cover them by hand"]

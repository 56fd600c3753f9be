"""Plans and reports of segments -> those of the whole video, one number per person across segment borders.

Segments are half open and in order, so no time occurs twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..boxes import overlap
from ..documents import across_borders
from ..plan import Plan, Track
from ..plan.frame_times import FrameTimes
from ..rendering.report import count
from ..shapes import JsonObject

# A face on both sides of a border is the same person's when the boxes overlap by this much (IoU) ...
SAME_FACE_IOU = 0.3
# ... and no more time than this lies between the last frame here and the first one there.
SAME_FACE_GAP_MS = 250.0
ADDING = ("frames", "cuts", "searches", "unplaced_samples")


class SegmentMerge:
    """Takes the plans and reports of segments in their order, one at a time, and keeps what the whole has beside
    their lists: memory grows by the numbers of its people alone.
    """

    def __init__(self) -> None:
        self._numbering = _Numbering()
        self._plan: Plan | None = None
        self._report: JsonObject = {}
        self._counts = dict.fromkeys(ADDING, 0)
        self._shown = {"frames": 0, "frames_with_regions": 0, "face_frames": 0}
        self._people: set[int] = set()
        self._visible: dict[int, bool] = {}
        self._notes: dict[str, None] = {}
        self._second_look: JsonObject = {}

    def add(self, plan: Plan, report: JsonObject) -> tuple[JsonObject, JsonObject]:
        """What the segment adds to the lists of both documents: (frames and tracks, frames and parts to review)."""
        ids = self._numbering.next(plan.tracks)
        tracks = [_merge_tracks(ids[track.id], [track]) for track in plan.tracks]
        renumbered = _renumber(report, ids)
        if self._plan is None:
            self._plan, self._report = plan, report
        for key in ADDING:
            self._counts[key] += plan.counts.get(key, 0)
        for key, number in count(renumbered["frames"]).items():
            if key in self._shown:
                self._shown[key] += number
        self._people |= {region[0] for row in renumbered["frames"] for region in row["regions"] if region[0] >= 0}
        for track in tracks:  # visible is only who is so in every part
            self._visible[track.id] = self._visible.get(track.id, True) and track.is_visible
        self._notes |= dict.fromkeys(report["notes"])
        for key, seen in report.get("second_look", {}).items():  # numbers and lists add up
            self._second_look[key] = self._second_look[key] + seen if key in self._second_look else seen
        frames = {} if plan.frames is None else {"frames": plan.frames.to_json()}
        part = frames | {"tracks": [track.to_json() for track in tracks]}
        return part, {key: renumbered[key] for key in ("frames", "needs_review")}

    def heads(self) -> tuple[JsonObject, JsonObject]:
        """All else of both documents, once every segment was added. Raises ValueError when there was none."""
        if self._plan is None:
            raise ValueError("there is no segment")
        counts = self._plan.counts | {key: self._counts[key] for key in ADDING if key in self._plan.counts}
        plan = replace(self._plan, tracks=(), frames=None, counts=counts).to_json()
        told = {
            "counts": self._shown | {"tracks": len(self._people)},
            "kept_visible": sorted(number for number, is_so in self._visible.items() if is_so),
        }
        told |= {"second_look": self._second_look} if self._second_look else {}
        report = self._report | told | {"notes": list(self._notes)}
        return _without_lists(plan), _without_lists(report)


def _without_lists(document: JsonObject) -> JsonObject:
    return {key: value for key, value in document.items() if key not in ("frames", "tracks", "needs_review")}


class _Numbering:
    """Gives the tracks of segments, taken in order, numbers in the whole video; who crosses a border keeps his."""

    def __init__(self) -> None:
        self._before: list[tuple[int, Track]] = []
        self._used = 0

    def next(self, tracks: Sequence[Track]) -> dict[int, int]:
        """Track id -> number, for those of the next segment."""
        ids = _continued(self._before, tracks)
        for track in tracks:
            if track.id not in ids:
                self._used += 1
                ids[track.id] = self._used
        self._before = [(ids[track.id], track) for track in tracks]
        return ids


def number_tracks(plans: Sequence[Plan]) -> list[dict[int, int]]:
    """For each plan, its track ids -> ids in the whole video; who crosses a border keeps the number."""
    numbering = _Numbering()
    return [numbering.next(plan.tracks) for plan in plans]


def _continued(before: Sequence[tuple[int, Track]], tracks: Sequence[Track]) -> dict[int, int]:
    """Track id -> number of the track that it goes on from; the best overlaps are taken first, each once."""
    pairs = sorted(
        (
            (float(overlap(earlier.boxes[-1:], track.boxes[:1])[0, 0]), number, track.id)
            for number, earlier in before
            for track in tracks
            if track.start_ms - earlier.end_ms <= SAME_FACE_GAP_MS
        ),
        reverse=True,
    )
    found: dict[int, int] = {}
    for shared, number, track_id in pairs:
        if shared >= SAME_FACE_IOU and track_id not in found and number not in found.values():
            found[track_id] = number
    return found


def merge_plans(plans: Sequence[Plan], numbers: Sequence[dict[int, int]] | None = None) -> Plan:
    """One plan for the whole video; numbers: what `number_tracks` gave."""
    numbers = number_tracks(plans) if numbers is None else numbers
    parts: dict[int, list[Track]] = {}
    for plan, ids in zip(plans, numbers, strict=True):
        for track in plan.tracks:
            parts.setdefault(ids[track.id], []).append(track)
    # The given samples are those of the whole video in every segment; what was decoded and searched adds up.
    adding = {key: sum(plan.counts[key] for plan in plans) for key in ADDING if key in plans[0].counts}
    tracks = tuple(_merge_tracks(number, parts[number]) for number in sorted(parts))
    return replace(plans[0], tracks=tracks, counts=plans[0].counts | adding, frames=_joined(plans))


def _joined(plans: Sequence[Plan]) -> FrameTimes | None:
    """The frames of all of them; None when one does not know its own."""
    known = [plan.frames for plan in plans if plan.frames is not None]
    return FrameTimes(tuple(part for each in known for part in each.parts)) if len(known) == len(plans) else None


def _merge_tracks(number: int, parts: Sequence[Track]) -> Track:
    return Track(
        id=number,
        times_ms=np.concatenate([part.times_ms for part in parts]),
        boxes=np.concatenate([part.boxes for part in parts]),
        is_visible=all(part.is_visible for part in parts),  # visible is only who was so in every part
        review=tuple(across_borders(part.review for part in parts)),
    )


def _renumber(report: JsonObject, ids: dict[int, int]) -> JsonObject:
    """The report with the whole video's track numbers; negative ones are areas, not people."""

    def number(track: int) -> int:
        return ids[track] if track >= 0 else track

    def renumbered(row: JsonObject) -> JsonObject:
        named = {key: row[key] for key in ("regions", "visible") if key in row}
        return row | {key: [[number(track), *box] for track, *box in boxes] for key, boxes in named.items()}

    return report | {
        "frames": [renumbered(row) for row in report["frames"]],
        "needs_review": [item | {"track": number(item["track"])} for item in report["needs_review"]],
    }

"""Plans and reports of segments -> those of the whole video, one number per person across segment borders.

Segments are half open and in order, so no time occurs twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..boxes import overlap
from ..plan import Plan, Track
from ..plan.frame_times import FrameTimes
from ..rendering.report import merge_reports
from ..shapes import JsonObject

# A face on both sides of a border is the same person's when the boxes overlap by this much (IoU) ...
SAME_FACE_IOU = 0.3
# ... and no more time than this lies between the last frame here and the first one there.
SAME_FACE_GAP_MS = 250.0
ADDING = ("frames", "cuts", "searches", "unplaced_samples")


def merge_segments(
    source: str | Path, output: str | Path, plans: Sequence[Plan], reports: Sequence[JsonObject]
) -> tuple[Plan, JsonObject]:
    """(plan, report) of a video that was rendered in segments and joined into `output`."""
    numbers = number_tracks(plans)
    plan = merge_plans(plans, numbers)
    report = merge_reports(source, output, list(map(_renumber, reports, numbers)))
    report["kept_visible"] = [track.id for track in plan.tracks if track.is_visible]
    return plan, report


def number_tracks(plans: Sequence[Plan]) -> list[dict[int, int]]:
    """For each plan, its track ids -> ids in the whole video; who crosses a border keeps the number."""
    numbers: list[dict[int, int]] = []
    before: list[tuple[int, Track]] = []
    used = 0
    for plan in plans:
        ids = _continued(before, plan.tracks)
        for track in plan.tracks:
            if track.id not in ids:
                used += 1
                ids[track.id] = used
        numbers.append(ids)
        before = [(ids[track.id], track) for track in plan.tracks]
    return numbers


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
        review=tuple(interval for part in parts for interval in part.review),
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

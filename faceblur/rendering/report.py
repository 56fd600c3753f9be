"""report.json: what was blurred in every frame, in which files, with which settings."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

from .. import __version__
from ..plan import Plan
from ..shapes import Box, JsonObject
from ..video import EncoderSettings, RangedFile, Source, probe

AREA = -1  # the track number of an area: it is nobody
_UNITS = 1e-5  # boxes are kept and written in hundred-thousandths of the picture


class Rows:
    """What was covered in each frame, a few dozen bytes a frame, so that hours of video fit in memory."""

    def __init__(self) -> None:
        self._times = array("d")
        self._regions, self._visible = _Boxes(), _Boxes()

    def __len__(self) -> int:
        return len(self._times)

    def add(self, time_ms: float, regions: Iterable[tuple[int, Box]], visible: Iterable[tuple[int, Box]]) -> None:
        """regions: (track or AREA, box as displayed, margin included); visible: faces left on purpose,
        ungrown.
        """
        self._times.append(time_ms)
        self._regions.add(regions)
        self._visible.add(visible)

    def to_json(self) -> list[JsonObject]:
        """One dictionary a frame, `visible` only where there are such."""
        frames = zip(self._times, self._regions, self._visible, strict=True)
        return [
            {"time_ms": time_ms, "regions": regions} | ({"visible": visible} if visible else {})
            for time_ms, regions, visible in frames
        ]


class _Boxes:
    """Lists of numbered boxes, packed."""

    def __init__(self) -> None:
        self._ends, self._numbers, self._sides = array("L"), array("l"), array("l")

    def add(self, boxes: Iterable[tuple[int, Box]]) -> None:
        for number, box in boxes:
            self._numbers.append(number)
            self._sides.extend(round(side / _UNITS) for side in box)
        self._ends.append(len(self._numbers))

    def __iter__(self) -> Iterator[list[list[float]]]:
        start = 0
        for end in self._ends:
            yield [self._box(row) for row in range(start, end)]
            start = end

    def _box(self, row: int) -> list[float]:
        return [self._numbers[row], *(round(side * _UNITS, 5) for side in self._sides[4 * row : 4 * row + 4])]


def make_report(
    source: Source,
    output: str | Path,
    plan: Plan,
    rows: list[JsonObject],
    encoder: EncoderSettings,
    notes: list[str],
) -> JsonObject:
    """What docs/formats.md describes. rows: one for each frame of the output. notes: what is to be said beside it."""
    return {
        "faceblur": __version__,
        "input": describe_file(source),
        "output": describe_file(output),
        "video": probe(source).to_json(),
        "settings": {
            "style": plan.style.to_json(),
            "encoder": encoder.to_json(),
            "analysis": plan.settings,
        },
        "counts": count(rows),
        "kept_visible": [track.id for track in plan.tracks if track.is_visible],
        "needs_review": review_items(plan),
        "notes": once([*notes, *_plan_notes(plan, rows)]),
        "frames": rows,
    }


def review_items(plan: Plan) -> list[JsonObject]:
    """The plan's intervals that need review, as a report lists them."""
    return [
        {"track": track.id, "start_ms": start, "end_ms": end} for track in plan.tracks for start, end in track.review
    ]


def _plan_notes(plan: Plan, rows: list[JsonObject]) -> list[str]:
    """What is to be said of the plan, and of how its frames and those of the output fit."""
    notes = []
    if plan.counts.get("rejected_boxes"):
        notes.append(f"{plan.counts['rejected_boxes']} of the given boxes are none and were left out")
    if plan.counts.get("unplaced_samples"):
        notes.append(f"{plan.counts['unplaced_samples']} of the given samples lie outside of the video's time")
    if plan.frames is not None and rows:
        planned = plan.frames.between(rows[0]["time_ms"], rows[-1]["time_ms"])
        if planned > len(rows):
            notes.append(f"{planned - len(rows)} frames that the plan was made of could not be decoded again")
    return notes


def count(rows: list[JsonObject]) -> JsonObject:
    """Frames, frames with something covered, faces in frames and people among these rows."""
    return {
        "frames": len(rows),
        "frames_with_regions": sum(1 for row in rows if row["regions"]),
        "face_frames": sum(1 for row in rows for region in row["regions"] if region[0] >= 0),
        "tracks": len({region[0] for row in rows for region in row["regions"] if region[0] >= 0}),
    }


def once(notes: Iterable[str]) -> list[str]:
    """The notes without repetitions, in their order."""
    return list(dict.fromkeys(notes))


def describe_file(path: Source) -> JsonObject:
    """Name, size and SHA-256 of a file; None in place of the last where it lies elsewhere: nobody read it whole."""
    if isinstance(path, RangedFile):
        return {"name": Path(path.name).name, "bytes": path.size, "sha256": None}
    path = Path(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}

"""The redaction plan: who is where in every frame, what is blurred and how. JSON that a person can edit.

Imports `styles`, `regions`, `files` and `errors`. A plan is made by `analysis.analyse`, edited by hand or
by the review tools, and rendered by `render`. Times are presentation times in ms; boxes are ratios as
displayed, without margin. Boxes need not be given for every frame: see `regions`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .errors import DetectionsError
from .files import read_json, write_text
from .foreign import NUMBER, check_shape
from .regions import Regions
from .styles import Style

VERSION = 1
_SHAPE = {
    "source": {"name": (str, type(None)), "sha256": (str, type(None))},
    "video": {},
    "settings": {},
    "counts": {},
    "style": {},
    "areas": [dict.fromkeys(("left", "top", "width", "height"), NUMBER) | {"end_ms": (*NUMBER, type(None))}],
    "tracks": [{"needs_review": [list]}],
}


@dataclass(frozen=True, eq=False)
class Track:
    """One person's way through the video: a box for each frame in which the face is to be covered.

    times_ms: float64 (n,), rising. boxes: float32 (n, 4) left, top, width, height.
    review: spans (start_ms, end_ms) in which the face was lost for longer than the hold: someone should look.
    """

    id: int
    times_ms: np.ndarray
    boxes: np.ndarray
    keep: bool = False
    review: tuple[tuple[float, float], ...] = ()

    @property
    def start_ms(self) -> float:
        return float(self.times_ms[0])

    @property
    def end_ms(self) -> float:
        return float(self.times_ms[-1])

    @property
    def thumbnail_ms(self) -> float:
        """The time at which the face is largest."""
        return float(self.times_ms[int(np.argmax(self.boxes[:, 2] * self.boxes[:, 3]))])

    def within(self, start_ms: float, end_ms: float) -> Track | None:
        """The part of the track from start to end, both included; None when there is none."""
        inside = (self.times_ms >= start_ms) & (self.times_ms <= end_ms)
        if not inside.any():
            return None
        review = tuple((a, b) for a, b in self.review if b > start_ms and a < end_ms)
        return replace(self, times_ms=self.times_ms[inside], boxes=self.boxes[inside], review=review)

    def to_json(self) -> dict:
        return {
            "track": self.id,
            "keep": self.keep,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "thumbnail_ms": self.thumbnail_ms,
            "needs_review": [list(span) for span in self.review],
            "boxes": [
                [float(time_ms), *(round(float(n), 5) for n in box)]
                for time_ms, box in zip(self.times_ms, self.boxes, strict=True)
            ],
        }

    @classmethod
    def from_json(cls, content: dict) -> Track:
        """Raises ValueError for anything that could leave a face uncovered without being meant to."""
        number, keep = content["track"], content.get("keep", False)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(f"a track's number is a whole number from 0, not {number!r}")
        if not isinstance(keep, bool):
            raise ValueError(f"track {number}: keep is true or false, not {keep!r}")
        try:
            rows = np.array(content["boxes"], float).reshape(len(content["boxes"]), 5)
        except (TypeError, ValueError):
            rows = np.zeros((0, 5))
        are_boxes = len(rows) and np.isfinite(rows).all() and (rows[:, 3:] > 0).all()
        if not are_boxes or (np.diff(rows[:, 0]) <= 0).any():
            raise ValueError(
                f"track {number}: boxes are [time_ms, left, top, width, height] with rising times"
            )
        review = tuple((float(a), float(b)) for a, b in content.get("needs_review", ()))
        return cls(number, rows[:, 0].copy(), rows[:, 1:].astype(np.float32), keep, review)


@dataclass(frozen=True)
class Area:
    """A rectangle of one's own to blur during a time span: a badge, a screen, a face that was missed."""

    left: float
    top: float
    width: float
    height: float
    start_ms: float = 0.0
    end_ms: float = math.inf

    def to_json(self) -> dict:
        end = None if math.isinf(self.end_ms) else self.end_ms
        return {
            "left": self.left,
            "top": self.top,
            "width": self.width,
            "height": self.height,
            "start_ms": self.start_ms,
            "end_ms": end,
        }

    @classmethod
    def from_json(cls, content: dict) -> Area:
        sides = [float(content[side]) for side in ("left", "top", "width", "height")]
        end = content.get("end_ms")
        area = cls(*sides, float(content.get("start_ms") or 0), math.inf if end is None else float(end))
        is_box = all(map(math.isfinite, sides)) and area.width > 0 and area.height > 0
        if not is_box or not area.start_ms <= area.end_ms:
            raise ValueError("an area needs a width, a height and an end after its start")
        return area


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that `render` needs to know.

    video: what `probe` said of the input. source: its name and, when a file was made of the plan, its
    SHA-256.
    """

    tracks: tuple[Track, ...]
    areas: tuple[Area, ...] = ()
    style: Style = field(default_factory=Style)
    source: dict = field(default_factory=dict)
    video: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)

    def regions(self) -> Regions:
        return Regions(self.tracks, self.areas)

    def keeping(self, track_ids: Iterable[int]) -> Plan:
        """The same plan with these tracks left visible. Raises DetectionsError for one that is not there."""
        wanted = set(track_ids)
        unknown = wanted - {track.id for track in self.tracks}
        if unknown:
            known = ", ".join(str(track.id) for track in self.tracks) or "none"
            missing = ", ".join(map(str, sorted(unknown)))
            raise DetectionsError(f"no track {missing} in the plan; it has: {known}")
        return replace(self, tracks=tuple(replace(t, keep=t.keep or t.id in wanted) for t in self.tracks))

    def to_json(self) -> dict:
        return {
            "plan": VERSION,
            "source": self.source,
            "video": self.video,
            "settings": self.settings,
            "counts": self.counts,
            "style": self.style.to_json(),
            "areas": [area.to_json() for area in self.areas],
            "tracks": [track.to_json() for track in self.tracks],
        }

    @classmethod
    def from_json(cls, content: dict) -> Plan:
        """Raises DetectionsError when it is no plan of this version."""
        if not isinstance(content, dict) or "plan" not in content:
            raise DetectionsError("not a redaction plan: it does not say its version, {'plan': 1}")
        if content["plan"] != VERSION:
            raise DetectionsError(f"the plan has version {content['plan']}, this faceblur reads {VERSION}")
        try:
            check_shape(content, _SHAPE)
            tracks = tuple(Track.from_json(track) for track in content["tracks"])
            if len({track.id for track in tracks}) < len(tracks):
                raise ValueError("two tracks have the same number")
            return cls(
                tracks=tracks,
                areas=tuple(Area.from_json(area) for area in content.get("areas", ())),
                style=Style.from_json(content.get("style", {})),
                source=content.get("source", {}),
                video=content.get("video", {}),
                settings=content.get("settings", {}),
                counts=content.get("counts", {}),
            )
        except KeyError as problem:
            raise DetectionsError(f"not a redaction plan: {problem} is missing") from problem
        except (TypeError, ValueError, AttributeError, DetectionsError) as problem:
            raise DetectionsError(f"not a redaction plan: {problem}") from problem

    @classmethod
    def from_report(cls, report: dict) -> Plan:
        """What a report says was covered or left visible in every frame. Raises DetectionsError."""
        try:
            style = Style.from_json(report["settings"]["style"])
            rows: dict[tuple[int, bool], list[list[float]]] = {}
            areas: list[Area] = []
            last_ms = None
            for frame in report["frames"]:
                for track, *region in frame["regions"]:
                    if track < 0:
                        _extend(areas, Area(*region, frame["time_ms"], frame["time_ms"]), last_ms)
                    else:
                        box = style.shrunk(region)
                        rows.setdefault((track, False), []).append([frame["time_ms"], *box])
                for track, *box in frame.get("visible", ()):
                    rows.setdefault((track, True), []).append([frame["time_ms"], *box])
                last_ms = frame["time_ms"]
            tracks = tuple(
                Track.from_json({"track": track, "keep": keep, "boxes": boxes})
                for (track, keep), boxes in sorted(rows.items())
            )
            return cls(tracks, tuple(areas), style, source=report["input"], video=report["video"])
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise DetectionsError(f"not a report of faceblur: {problem!r}") from problem

    def save(self, path: str | Path) -> None:
        """One box a line, so that the file can be read, searched and edited."""
        content = self.to_json()
        tracks = content.pop("tracks")
        head = json.dumps(content, indent=1)[:-2]
        written = []
        for track in tracks:
            boxes = ",\n   ".join(json.dumps(box) for box in track.pop("boxes"))
            written.append(json.dumps(track)[:-1] + f', "boxes": [\n   {boxes}]}}')
        text = head + ',\n "tracks": [\n  ' + ",\n  ".join(written) + "]\n}\n"
        write_text(path, text)

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Raises DetectionsError."""
        content = read_json(path, "not a redaction plan")
        try:
            return cls.from_json(content)
        except DetectionsError as problem:
            raise DetectionsError(f"{path}: {problem}") from problem


def _extend(areas: list[Area], area: Area, last_ms: float | None) -> None:
    """Add an area of one frame, or lengthen the same one of the frame before."""
    for number, earlier in enumerate(areas):
        if replace(area, start_ms=earlier.start_ms, end_ms=last_ms) == earlier:
            areas[number] = replace(earlier, end_ms=area.end_ms)
            return
    areas.append(area)

"""The redaction plan: who is where in every frame, what is blurred and how. JSON that a person can edit.

A plan is made by `analysis.analyse`, edited by hand or by the review tools, and rendered by `render`. Times are
presentation times in ms; boxes are ratios as displayed, without margin. Boxes need not be given for every frame: see
`regions`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import DetectionsError, PlanError
from ..files import read_json, write_text
from ..foreign import NUMBER, brief, check_shape
from .frame_times import FrameTimes
from .moments import Regions
from .style import Style

VERSION = 1
SMALLEST, LARGEST = 1e-5, 1e3  # sides of boxes in the picture's: what the file's five digits and float32 can hold
_FAR_OUT = 2.0  # a side of an area beyond this is no share of the picture, but per cent or pixels
_SHAPE = {
    "source": {"name": (str, type(None)), "sha256": (str, type(None))},
    "video": {},
    "settings": {},
    "counts": {},
    "style": {},
    "areas": [dict.fromkeys(("left", "top", "width", "height"), NUMBER) | {"end_ms": (*NUMBER, type(None))}],
    "tracks": [{"needs_review": [list]}],
    "frames": [{"count": int, "sha256": str, "times_ms": list}],
}


@dataclass(frozen=True, eq=False)
class Track:
    """One person's way through the video: a box for each frame in which the face is to be covered.

    times_ms: float64 (n,), rising. boxes: float32 (n, 4) left, top, width, height.
    review: spans (start_ms, end_ms) in which the face was lost for longer than the hold: someone should look.
    Raises PlanError for times that do not rise and for boxes that are none.

    >>> track = Track(1, np.array([0.0, 40.0]), np.array([[0.4, 0.1, 0.2, 0.3]] * 2, np.float32))
    >>> track.start_ms, track.end_ms
    (0.0, 40.0)
    """

    id: int
    times_ms: np.ndarray
    boxes: np.ndarray
    keep: bool = False
    review: tuple[tuple[float, float], ...] = ()

    def __post_init__(self):
        if len(self.times_ms) != len(self.boxes) or not len(self.boxes) or not np.isfinite(self.times_ms).all():
            raise PlanError(f"track {self.id}: boxes are at least one, each with a time")
        if (np.diff(self.times_ms) <= 0).any():
            raise PlanError(f"track {self.id}: the times of its boxes are not rising")
        if not (np.abs(self.boxes) <= LARGEST).all() or (self.boxes[:, 2:] < SMALLEST).any():
            raise PlanError(
                f"track {self.id}: boxes are left, top, width and height in shares of the picture, "
                f"none beyond {LARGEST:g} and no side under {SMALLEST:g}"
            )

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
        if not len(rows):
            raise ValueError(f"track {number}: boxes are [time_ms, left, top, width, height] with rising times")
        review = tuple((float(a), float(b)) for a, b in content.get("needs_review", ()))
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as what it becomes
            boxes = rows[:, 1:].astype(np.float32)
        return cls(number, rows[:, 0].copy(), boxes, keep, review)


@dataclass(frozen=True)
class Area:
    """A rectangle of one's own to blur during a time span: a badge, a screen, a face that was missed.

    left, top, width, height: shares of the picture as displayed. It covers every frame that is on screen at some time
    from start_ms to end_ms. Raises PlanError when it lies outside of the picture or ends before it starts.

    >>> Area(0.4, 0.1, 0.2, 0.2, start_ms=500, end_ms=2500).width
    0.2
    """

    left: float
    top: float
    width: float
    height: float
    start_ms: float = 0.0
    end_ms: float = math.inf

    def __post_init__(self):
        sides = (self.left, self.top, self.width, self.height)
        if not all(isinstance(number, int | float) for number in (*sides, self.start_ms, self.end_ms)):
            raise PlanError("an area is left, top, width, height, start and end: numbers")
        if not all(abs(side) <= _FAR_OUT for side in sides) or self.left >= 1 or self.top >= 1:
            raise PlanError(f"{_named(sides)} lies outside of the picture: give shares of it, 0.5 for a half")
        if min(self.width, self.height) < SMALLEST:
            raise PlanError(f"{_named(sides)} needs a width and a height, in shares of the picture")
        if self.left + self.width <= 0 or self.top + self.height <= 0:
            raise PlanError(f"{_named(sides)} lies outside of the picture: its left upper corner is 0, 0")
        if not (math.isfinite(self.start_ms) and self.start_ms <= self.end_ms):
            raise PlanError(f"{_named(sides)} needs an end after its start")

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
        return cls(*sides, float(content.get("start_ms") or 0), math.inf if end is None else float(end))


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that `render` needs to know.

    video: what `probe` said of the input. source: its name and, when a file was made of the plan, its
    SHA-256. frames: those that were looked through; None in a plan that somebody wrote, which cannot tell.

    >>> plan = Plan(tracks=(), areas=(Area(0, 0.8, 1, 0.2),))
    >>> Plan.from_json(plan.to_json()).areas[0].top
    0.8
    """

    tracks: tuple[Track, ...]
    areas: tuple[Area, ...] = ()
    style: Style = field(default_factory=Style)
    source: dict = field(default_factory=dict)
    video: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)
    frames: FrameTimes | None = None

    def regions(self) -> Regions:
        return Regions(self.tracks, self.areas, None if self.frames is None else self.frames.times_ms)

    def keeping(self, track_ids: Iterable[int]) -> Plan:
        """The same plan with these tracks left visible. Raises DetectionsError for one that is not there.

        >>> track = Track(1, np.array([0.0]), np.array([[0.4, 0.1, 0.2, 0.3]], np.float32))
        >>> Plan((track,)).keeping([1]).tracks[0].keep
        True
        """
        wanted = set(track_ids)
        unknown = wanted - {track.id for track in self.tracks}
        if unknown:
            known = ", ".join(str(track.id) for track in self.tracks) or "none"
            missing = ", ".join(map(str, sorted(unknown)))
            raise DetectionsError(f"no track {missing} in the plan; it has: {known}")
        return replace(self, tracks=tuple(replace(t, keep=t.keep or t.id in wanted) for t in self.tracks))

    def to_json(self) -> dict:
        frames = {} if self.frames is None else {"frames": self.frames.to_json()}
        return {
            "plan": VERSION,
            "source": self.source,
            "video": self.video,
            "settings": self.settings,
            "counts": self.counts,
            "style": self.style.to_json(),
            "areas": [area.to_json() for area in self.areas],
            **frames,
            "tracks": [track.to_json() for track in self.tracks],
        }

    @classmethod
    def from_json(cls, content: dict) -> Plan:
        """Raises DetectionsError when it is no plan of this version."""
        if not isinstance(content, dict) or "plan" not in content:
            raise DetectionsError("not a redaction plan: it does not say its version, {'plan': 1}")
        if content["plan"] != VERSION:
            raise DetectionsError(f"the plan has version {brief(content['plan'])}, this faceblur reads {VERSION}")
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
                frames=FrameTimes.from_json(content["frames"]) if "frames" in content else None,
            )
        except KeyError as problem:
            raise DetectionsError(f"not a redaction plan: {brief(problem)} is missing") from problem
        except (TypeError, ValueError, AttributeError, DetectionsError) as problem:
            raise DetectionsError(f"not a redaction plan: {brief(problem)}") from problem

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
            frames = FrameTimes.of([frame["time_ms"] for frame in report["frames"]])
            return cls(tracks, tuple(areas), style, source=report["input"], video=report["video"], frames=frames)
        except PlanError as problem:
            raise PlanError(f"not a report of faceblur: {brief(problem)}") from problem
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise DetectionsError(f"not a report of faceblur: {brief(repr(problem))}") from problem

    def save(self, path: str | Path) -> None:
        """One box a line, so that the file can be read, searched and edited."""
        content = self.to_json()
        tracks, frames = content.pop("tracks"), content.pop("frames", None)
        head = json.dumps(content, indent=1)[:-2]
        if frames:
            head += ',\n "frames": [\n  ' + ",\n  ".join(map(json.dumps, frames)) + "]"
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


def refuse_areas_beyond(areas: Iterable[Area], end_ms: float, *, really: Callable[[], float] | None = None) -> None:
    """Raises PlanError for an area that begins after the end of the video.

    end_ms: as the file's header says. really: finds out, when something seems to lie beyond it.
    """
    late = [area for area in areas if area.start_ms > end_ms or area.end_ms < 0]
    if late and really is not None:
        end_ms = really()
    for area in late:
        if area.start_ms > end_ms or area.end_ms < 0:
            raise PlanError(
                f"{_named((area.left, area.top, area.width, area.height))} lies outside of the video: it begins at "
                f"{area.start_ms / 1000:g} s, the video ends at {end_ms / 1000:g} s"
            )


def _named(sides) -> str:
    return "the area " + ",".join(f"{side:g}" for side in sides)


def _extend(areas: list[Area], area: Area, last_ms: float | None) -> None:
    """Add an area of one frame, or lengthen the same one of the frame before."""
    for number, earlier in enumerate(areas):
        if replace(area, start_ms=earlier.start_ms, end_ms=last_ms) == earlier:
            areas[number] = replace(earlier, end_ms=area.end_ms)
            return
    areas.append(area)

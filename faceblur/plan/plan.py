"""The redaction plan: who is where in every frame, what is blurred and how. JSON that a person can edit.

A plan is made by `finding.analyse`, edited by hand or by the review tools, and rendered by `render`. Times are
presentation times in ms; boxes are ratios as displayed, without margin. Boxes need not be given for every frame: see
`moments`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..documents import read_document
from ..errors import DocumentError, PlanError
from ..files import write_text
from ..foreign import NUMBER, brief, check_shape
from ..shapes import JsonObject
from .area import Area
from .frame_times import FrameTimes
from .moments import Regions
from .style import Style
from .track import Track

VERSION = 1
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
class Plan:
    """Everything that `render` needs to know.

    video: what `probe` said of the input. source: its name and, when a file was made of the plan, its
    SHA-256. frames: those that were searched; None in a plan that somebody wrote by hand.

    >>> plan = Plan(tracks=(), areas=(Area(0, 0.8, 1, 0.2),))
    >>> Plan.from_json(plan.to_json()).areas[0].top
    0.8
    """

    tracks: tuple[Track, ...]
    areas: tuple[Area, ...] = ()
    style: Style = field(default_factory=Style)
    source: JsonObject = field(default_factory=dict)
    video: JsonObject = field(default_factory=dict)
    settings: JsonObject = field(default_factory=dict)
    counts: JsonObject = field(default_factory=dict)
    frames: FrameTimes | None = None

    def regions(self) -> Regions:
        """What is covered and what stays visible, to be asked by time."""
        return Regions(self.tracks, self.areas, None if self.frames is None else self.frames.times_ms)

    def showing(self, track_ids: Iterable[int]) -> Plan:
        """The same plan with these tracks left visible. Raises PlanError for one that is not there.

        >>> plan = faceblur.analyse("in.mp4").showing([1])
        >>> [track.is_visible for track in plan.tracks]
        [False, True]
        """
        wanted = set(track_ids)
        unknown = wanted - {track.id for track in self.tracks}
        if unknown:
            known = ", ".join(str(track.id) for track in self.tracks) or "none"
            missing = ", ".join(map(str, sorted(unknown)))
            raise PlanError(f"no track {missing} in the plan; it has: {known}")
        return replace(self, tracks=tuple(replace(t, is_visible=t.is_visible or t.id in wanted) for t in self.tracks))

    def to_json(self) -> JsonObject:
        """As docs/formats.md has it."""
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
    def from_json(cls, content: object) -> Plan:
        """Raises PlanError when it is no plan of this version."""
        if not isinstance(content, dict) or "plan" not in content:
            raise PlanError("not a redaction plan: it does not say its version, {'plan': 1}")
        if content["plan"] != VERSION:
            raise PlanError(f"the plan has version {brief(content['plan'])}, this faceblur reads {VERSION}")
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
            raise PlanError(f"not a redaction plan: {brief(problem)} is missing") from problem
        except (TypeError, ValueError, AttributeError, DocumentError) as problem:
            raise PlanError(f"not a redaction plan: {brief(problem)}") from problem

    @classmethod
    def from_report(cls, report: JsonObject) -> Plan:
        """What a report says was covered or left visible in every frame. Raises DocumentError."""
        try:
            style = Style.from_json(report["settings"]["style"])
            rows: dict[tuple[int, bool], list[list[float]]] = {}
            areas: list[Area] = []
            last_ms = None
            for frame in report["frames"]:
                for track, left, top, width, height in frame["regions"]:
                    if track < 0:
                        area = Area(left, top, width, height, start_ms=frame["time_ms"], end_ms=frame["time_ms"])
                        _extend(areas, area, last_ms)
                    else:
                        box = style.shrunk((left, top, width, height))
                        rows.setdefault((track, False), []).append([frame["time_ms"], *box])
                for track, *box in frame.get("visible", ()):
                    rows.setdefault((track, True), []).append([frame["time_ms"], *box])
                last_ms = frame["time_ms"]
            tracks = tuple(
                Track.from_json({"track": track, "visible": is_visible, "boxes": boxes})
                for (track, is_visible), boxes in sorted(rows.items())
            )
            frames = FrameTimes.of([frame["time_ms"] for frame in report["frames"]])
            return cls(tracks, tuple(areas), style, source=report["input"], video=report["video"], frames=frames)
        except PlanError as problem:
            raise PlanError(f"not a report of faceblur: {brief(problem)}") from problem
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise DocumentError(f"not a report of faceblur: {brief(repr(problem))}") from problem

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
        """Raises PlanError."""
        content = read_document(path, "not a redaction plan")
        try:
            return cls.from_json(content)
        except DocumentError as problem:
            raise PlanError(f"{path}: {problem}") from problem


def _extend(areas: list[Area], area: Area, last_ms: float | None) -> None:
    """Add an area of one frame, or lengthen the same one of the frame before."""
    for number, earlier in enumerate(areas):
        if earlier.end_ms == last_ms and replace(area, start_ms=earlier.start_ms, end_ms=last_ms) == earlier:
            areas[number] = replace(earlier, end_ms=area.end_ms)
            return
    areas.append(area)

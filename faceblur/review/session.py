"""Look over a plan before it is rendered: who stays visible, what else is covered, how. No user interface.

Shown by `widget` in a notebook and by `page` in a browser. Whatever a person does not choose stays as
the plan has it: nothing is blurred less by looking.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ..audit.verdict import verify
from ..detections import Face
from ..errors import DocumentError, PlanError, VerificationError
from ..files import free_name, sha256_of
from ..finding import FaceDetector
from ..plan import Area, Plan, Track, refuse_areas_beyond
from ..plan.style import Style
from ..rendering.covering import Covered, Covering
from ..rendering.renderer import render
from ..rendering.report import describe_file
from ..shapes import Box, Progress
from ..video import Stills, VideoFrame, changeable, check_output

THUMBNAIL_PX = 144
_AROUND = 1.8  # side of a thumbnail over the longer side of the face's box


class Review:
    """A plan that is being looked over, and its video. May be used from several threads.

    Raises InputError when the video cannot be read.
    """

    def __init__(self, plan: Plan, source: str | Path):
        self.plan, self.source = plan, Path(source)
        self._stills = Stills(source)
        self._given = self._saved = _choices(plan)
        self.saves = 0
        self._portraits: dict[int, tuple[float, np.ndarray]] = {}
        self._lock = threading.RLock()

    @cached_property
    def _detector(self) -> FaceDetector:
        return FaceDetector()

    @property
    def duration_ms(self) -> float:
        """Until when there is a picture, on the player's clock."""
        return self._stills.end_ms

    @property
    def frame_ms(self) -> float:
        """How long a frame is on screen, on average."""
        return 1000 / (self._stills.info.frame_rate or 25)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture as displayed."""
        return self._stills.info.width, self._stills.info.height

    @property
    def is_changed(self) -> bool:
        """Whether the plan says something else than the one that was given."""
        return _choices(self.plan) != self._given

    @property
    def is_saved(self) -> bool:
        """Whether everything that was chosen is in the file."""
        return _choices(self.plan) == self._saved

    @property
    def kept_visible(self) -> list[int]:
        """The tracks that stay visible, as the report will list them."""
        return [track.id for track in self.plan.tracks if track.is_visible]

    def track(self, track_id: int) -> Track:
        """Raises PlanError for one that is not there."""
        for track in self.plan.tracks:
            if track.id == track_id:
                return track
        raise PlanError(f"no track {track_id} in the plan")

    def set_visible(self, track_id: int, is_visible: bool = True) -> None:
        """Leave a person visible on purpose, or blur them after all."""
        if not isinstance(is_visible, bool):
            raise DocumentError("a person stays visible or not: true or false")
        with self._lock:
            wanted = self.track(track_id)
            tracks = (replace(t, is_visible=is_visible) if t is wanted else t for t in self.plan.tracks)
            self.plan = replace(self.plan, tracks=tuple(tracks))

    def add_area(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        start_ms: float = 0.0,
        end_ms: float = math.inf,
    ) -> None:
        """Cover a rectangle (ratios of the picture as displayed) too. Raises PlanError for one outside of it."""
        area = Area(left, top, width, height, start_ms, end_ms)
        refuse_areas_beyond([area], self.duration_ms)
        with self._lock:
            self.plan = replace(self.plan, areas=(*self.plan.areas, area))

    def remove_area(self, index: int) -> None:
        """Take an area out again, by its place in `plan.areas`."""
        with self._lock:
            if not 0 <= index < len(self.plan.areas):
                raise PlanError(f"no area {index} in the plan")
            areas = self.plan.areas
            self.plan = replace(self.plan, areas=areas[:index] + areas[index + 1 :])

    def with_style(self, style: Style) -> None:
        """Blur everyone in another way. A style that could be undone cannot be made: see `Style`."""
        with self._lock:
            self.plan = replace(self.plan, style=style)

    def thumbnail(self, track_id: int) -> np.ndarray:
        """A person's unblurred face at `seen_ms`, THUMBNAIL_PX square, BGR."""
        return self._portrait(track_id)[1]

    def seen_ms(self, track_id: int) -> float:
        """When the person is seen well: where the face is largest, if it is still there (a box outlasts its face)."""
        return self._portrait(track_id)[0]

    def _portrait(self, track_id: int) -> tuple[float, np.ndarray]:
        track = self.track(track_id)
        with self._lock:
            if track_id not in self._portraits:
                self._portraits[track_id] = self._look_for(track)
            return self._portraits[track_id]

    def _look_for(self, track: Track) -> tuple[float, np.ndarray]:
        """(time, picture) of the first of a few moments at which the detector sees a face; else of the first one."""
        first = None
        for time_ms, box in _candidates(track):
            square = _square(box, self.size)
            portrait = time_ms, self._stills.at(time_ms).crop_bgr(square, THUMBNAIL_PX, THUMBNAIL_PX)
            if any(_is_centre_within(face, square, box) for face in self._detector.find(portrait[1])):
                return portrait
            first = first or portrait
        assert first
        return first

    def frame(self, time_ms: float, width: int | None = None) -> np.ndarray:
        """The frame on screen at this time as the plan would have it now: H x W x 3 uint8 BGR as displayed.

        It is blurred on its planes at full size, as `render` does, and only then scaled to `width`.
        """
        with self._lock:
            frame, covering = self._stills.at(time_ms), Covering(self.plan)
            shown = frame

            def writable() -> VideoFrame:
                nonlocal shown
                shown = changeable(frame)
                return shown.raw

            covering.cover(frame.time_ms, frame.orientation, writable)
            picture = shown.bgr()
        if width is None or width >= picture.shape[1]:
            return picture
        height = max(1, round(picture.shape[0] * width / picture.shape[1]))
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)

    def marks(self, time_ms: float) -> tuple[float, Covered, Covered]:
        """(time of the frame on screen, what is covered in it, who stays visible): see `Covering`."""
        with self._lock:
            shown_ms, covering = self._stills.at(time_ms).time_ms, Covering(self.plan)
        return shown_ms, covering.at(shown_ms), covering.left_visible_at(shown_ms)

    def save(self, path: str | Path) -> None:
        """Write the plan as it stands, beside and then renamed. Raises OutputError."""
        with self._lock:
            self.plan.save(path)
            self._saved, self.saves = _choices(self.plan), self.saves + 1

    def blur(self, output: str | Path, progress: Progress | None = None) -> dict:
        """Render the plan as it stands and look at the result again; return the report with its audit.

        Nothing appears under the name of `output` that did not pass; until then it is NAME_unchecked, or
        NAME_unchecked_2 where that is somebody's. progress counts both passes. Raises OutputError, also when `output`
        is the original by whatever name, and VerificationError when a face that is to be covered can be seen.
        """
        check_output(self.source, output)
        output, plan = Path(os.path.realpath(output)), self.plan
        unchecked = free_name(output, "_unchecked")
        first, second = _halves(progress)
        try:
            report = render(self.source, unchecked, plan, progress=first)
            found = verify(self.source, unchecked, plan, said=report["notes"], progress=second)
        except BaseException:
            unchecked.unlink(missing_ok=True)
            raise
        if found.passed is not True:
            problems = "; ".join(found.problems) or "it could not be told"
            raise VerificationError(f"{unchecked} did not pass its check, do not publish it: {problems}")
        check_output(self.source, output)  # it may have been made a link to it meanwhile
        unchecked.replace(output)
        return report | {"output": describe_file(output), "audit": found.to_json()}


def find_video(plan: Plan, plan_path: str | Path) -> Path:
    """The video a plan was made of: beside the plan or in the working folder. Raises DocumentError.

    A file of the right name and other content is not taken.
    """
    name, digest = plan.source.get("name"), plan.source.get("sha256")
    if not name:
        raise DocumentError(f"{plan_path} does not name its video: give it with --video FILE")
    others = []
    for folder in (Path(plan_path).parent, Path()):
        candidate = folder / Path(name).name
        if candidate.is_file():
            if digest in (None, sha256_of(candidate)):
                return candidate
            others.append(candidate)
    if others:
        raise DocumentError(
            f"{others[0]} is not the file that {plan_path} was made of (its SHA-256 differs): "
            "give the video with --video FILE"
        )
    raise DocumentError(f"{name} is not beside {plan_path}: give the video with --video FILE")


def changed_style(style: Style, changes: dict) -> Style:
    """The style with changes of name, strength, shape, margin_ratio or feather_ratio. Raises PlanError.

    A strength belongs to its name and the leave to use a weak one to both: another choice starts without.
    """
    allowed = {"name", "strength", "shape", "margin_ratio", "feather_ratio"}
    if not set(changes) <= allowed:
        raise PlanError(f"a style has {', '.join(sorted(allowed))}")
    if changes.get("name", style.name) != style.name:
        changes = {"strength": None} | changes
    is_same = {"name": style.name, "strength": style.strength}.items() <= (asdict(style) | changes).items()
    try:
        return replace(style, **changes, forced=style.forced and is_same)
    except TypeError as problem:
        raise PlanError(f"not a style: {problem}") from problem


def _halves(progress: Progress | None) -> tuple[Progress | None, Progress | None]:
    """One progress as two that follow each other."""
    if progress is None:
        return None, None
    return (
        lambda done, total: progress(done, 2 * total),
        lambda done, total: progress(total + done, 2 * total),
    )


def _choices(plan: Plan) -> tuple:
    return tuple((track.id, track.is_visible) for track in plan.tracks), plan.areas, plan.style


def _candidates(track: Track) -> list[tuple[float, Box]]:
    """Times and boxes to look for a person's face: the largest, the largest without the ends, those in the middle."""
    times, areas = track.times_ms, track.boxes[:, 2] * track.boxes[:, 3]
    ends = len(times) // 5
    inner = ends + int(np.argmax(areas[ends : len(times) - ends]))
    indices = [int(np.argmax(areas)), inner, len(times) // 2, len(times) // 4, 3 * len(times) // 4]
    return [(times.item(index), _box(track, index)) for index in dict.fromkeys(indices)]


def _box(track: Track, index: int) -> Box:
    left, top, width, height = track.boxes[index].tolist()
    return left, top, width, height


def _is_centre_within(face: Face, square: Box, box: Box) -> bool:
    """Whether the middle of a face that was found in a square of the picture lies in the box: not a neighbour's."""
    x = square[0] + (face.left + face.width / 2) * square[2]
    y = square[1] + (face.top + face.height / 2) * square[3]
    return box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]


def _square(box: Box, size: tuple[int, int]) -> Box:
    """A square (in pixels) around a box, within the picture where it fits, in ratios."""
    wide, high = size
    left, top, width, height = box
    side = min(_AROUND * max(width * wide, height * high), wide, high)
    x = min(max(0.0, (left + width / 2) * wide - side / 2), wide - side)
    y = min(max(0.0, (top + height / 2) * high - side / 2), high - side)
    return x / wide, y / high, side / wide, side / high

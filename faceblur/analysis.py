"""Video (+ given detections) -> plan: decode, look for faces, track them. Imports everything below `plan` and `video`.

Whole pictures are searched several times a second, at two widths because YuNet misses faces under about 12 pixels;
between searches each known face is looked for in a small crop around where it should be, scaled so that the face
has the size the detector likes best. Optical flow carries boxes through the frames in between.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from .cuts import CutDetector
from .detections import Detections, Face, Sample
from .detector import FaceDetector
from .light import brightened
from .linking import link
from .plan import Plan
from .tracking import Observation, Tracker, TrackingSettings, without_doubles
from .video import Frame, Reader, Span, probe

Progress = Callable[[int, int], None]

_RIM = 0.02  # of a crop's side
_SAMPLE_SLACK = 1.1  # samples' times are rounded and drift by a frame or two
SPAN_MARGIN_MS = 1500.0  # a span is analysed with this much before and after, so that its borders lose nothing


@dataclass(frozen=True)
class AnalysisSettings:
    """Sizes in pixels: the longer side of the pictures searched. Small videos are enlarged, at most twofold.

    search_ms, fine_search_ms: how often the whole picture is searched at either width. crop_every: frames between
    looks at a known face. weak_score, crop_score: hits weaker than this are ignored.
    """

    flow_side: int = 320
    search_side: int = 640
    fine_side: int = 1280
    search_ms: float = 100.0
    fine_search_ms: float = 400.0
    crop_every: int = 2
    crop_pixels: int = 160
    crop_reach: float = 2.2
    weak_score: float = 0.4
    crop_score: float = 0.3
    tracking: TrackingSettings = field(default_factory=TrackingSettings)


def analyse(
    source: str | Path,
    detections: Detections | None = None,
    *,
    span: Span | None = None,
    settings: AnalysisSettings | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Find and follow every face. Given detections lead and the detector fills in; without them it leads.

    A span is analysed with a margin, the plan holds the span's frames only. Raises InputError, DetectorError.
    """
    settings = _reaching(settings or AnalysisSettings(), detections)
    with Reader(source, span=span, margin_ms=SPAN_MARGIN_MS) as reader:
        watcher = _Watcher(settings, detections, float(1000 / reader.frame_rate))
        inside = array("d")
        total = reader.expected_frames
        for frame in reader:
            watcher.look_at(frame)
            if span is None or span.holds(frame.pts):
                inside.append(frame.time_ms)
            if progress:
                progress(frame.index + 1, max(total, frame.index + 1))
    frame_times = np.array(watcher.times)
    tracks = link(watcher.tracker.finish(), frame_times, settings.tracking)
    if span is not None:
        tracks = tuple(t for t in (track.within(inside[0], inside[-1]) for track in tracks) if t) if inside else ()
    counts = {"frames": len(inside), "cuts": watcher.cuts_found, "searches": watcher.searches}
    if detections is not None:
        counts |= {"samples": len(detections.samples), "sampled_faces": detections.face_count}
        counts["rejected_boxes"] = detections.rejected
    return Plan(
        tracks,
        source={"name": Path(source).name},
        video=probe(source).to_json(),
        settings=asdict(settings),
        counts=counts,
    )


def _reaching(settings: AnalysisSettings, detections: Detections | None) -> AnalysisSettings:
    """Settings under which a face stays covered from one given sample to the next, whatever the detector sees."""
    if detections is None:
        return settings
    reach = _SAMPLE_SLACK * detections.longest_step_ms
    hold, back = max(settings.tracking.hold_ms, reach), max(settings.tracking.look_back_ms, reach)
    return replace(settings, tracking=replace(settings.tracking, hold_ms=hold, look_back_ms=back))


def detect(source: str | Path, *, every_ms: float = 500.0, progress: Progress | None = None) -> Detections:
    """Faces about every `every_ms`, found by the embedded detector: samples like those Rekognition Video takes."""
    settings = AnalysisSettings()
    detector = FaceDetector(settings.tracking.start_score)
    samples, due = [], None
    with Reader(source) as reader:
        total = reader.expected_frames
        for frame in reader:
            due = frame.time_ms if due is None else due
            if frame.time_ms >= due:
                due += every_ms * (1 + (frame.time_ms - due) // every_ms)
                seen = _search(detector, frame, (settings.search_side, settings.fine_side))
                faces = tuple(Face(*o.box, o.score) for o in without_doubles(seen))
                samples.append(Sample(frame.time_ms, faces))
            if progress:
                progress(frame.index + 1, max(total, frame.index + 1))
    return Detections(tuple(samples))


def _search(detector: FaceDetector, frame: Frame, long_sides: list[int]) -> list[Observation]:
    """Search the whole picture at these sizes; one that would enlarge it more than twofold is done at twofold."""
    most = 2 * max(frame.display_size)
    widths = sorted({frame.width_for(min(side, most)) for side in long_sides})
    pictures = [frame.bgr(width) for width in widths]
    pictures += [bright for bright in map(brightened, pictures) if bright is not None]
    return [_observation(face) for picture in pictures for face in detector.find(picture)]


def _observation(face: Face, leads: bool = False) -> Observation:
    return Observation((face.left, face.top, face.width, face.height), face.confidence, leads)


class _Watcher:
    """Looks at the frames in order and tells the tracker what it sees."""

    def __init__(self, settings: AnalysisSettings, detections: Detections | None, frame_ms: float):
        self.settings = settings
        self.tracker = Tracker(settings.tracking)
        self.times = array("d")
        self.cuts_found = self.searches = 0
        self._detector = FaceDetector(settings.weak_score)
        self._crop_detector = FaceDetector(settings.crop_score)
        self._cuts = CutDetector()
        self._samples = list(detections.samples) if detections else []
        self._next_sample = 0
        self._half_frame_ms = frame_ms / 2
        self._next_search = self._next_fine_search = -np.inf

    def look_at(self, frame: Frame) -> None:
        gray = frame.gray(frame.width_for(self.settings.flow_side))
        is_cut = self._cuts.is_cut(gray)
        self.cuts_found += is_cut
        self.times.append(frame.time_ms)
        self.tracker.advance(frame.time_ms, gray, is_cut)
        seen = self._given(frame.time_ms) + self._search(frame, is_cut)
        if frame.index % self.settings.crop_every == 0:
            for box in self.tracker.boxes:
                seen += self._look_closely(frame, box)
        self.tracker.observe(seen)

    def _given(self, time_ms: float) -> list[Observation]:
        """The given samples whose nearest frame this is."""
        seen = []
        while self._next_sample < len(self._samples):
            sample = self._samples[self._next_sample]
            if sample.time_ms > time_ms + self._half_frame_ms:
                break
            if sample.time_ms >= time_ms - 2 * self._half_frame_ms:
                seen += [_observation(face, leads=True) for face in sample.faces]
            self._next_sample += 1
        return seen

    def _search(self, frame: Frame, is_cut: bool) -> list[Observation]:
        sides = []
        if is_cut or frame.time_ms >= self._next_search:
            self._next_search = frame.time_ms + self.settings.search_ms
            sides.append(self.settings.search_side)
        if is_cut or frame.time_ms >= self._next_fine_search:
            self._next_fine_search = frame.time_ms + self.settings.fine_search_ms
            sides.append(self.settings.fine_side)
        self.searches += len(sides)
        return _search(self._detector, frame, sides)

    def _look_closely(self, frame: Frame, box: np.ndarray) -> list[Observation]:
        """Search a crop around a known face; boxes come back in ratios of the whole picture."""
        pixels, reach = self.settings.crop_pixels, self.settings.crop_reach
        wide, high = frame.display_size
        side = reach * max(box[2] * wide, box[3] * high)
        x, y = (box[0] + box[2] / 2) * wide, (box[1] + box[3] / 2) * high
        left, top = max(0.0, (x - side / 2) / wide), max(0.0, (y - side / 2) / high)
        width, height = min(1.0, (x + side / 2) / wide) - left, min(1.0, (y + side / 2) / high) - top
        if width * wide < 8 or height * high < 8:
            return []
        columns, rows = (_multiple_of_32(pixels * n / side) for n in (width * wide, height * high))
        crop = (left, top, width, height)
        picture = frame.crop_bgr(crop, columns, rows)
        bright = brightened(picture)
        found = self._crop_detector.find(picture if bright is None else bright)
        return [
            Observation(
                (left + f.left * width, top + f.top * height, f.width * width, f.height * height), f.confidence
            )
            for f in found
            if not _is_cut_off(f, crop)
        ]


def _is_cut_off(face: Face, crop: tuple[float, float, float, float]) -> bool:
    """A face at the border of its crop is a part of a face, unless the picture ends there, too."""
    left, top, width, height = crop
    return (
        (face.left < _RIM and left > 0)
        or (face.top < _RIM and top > 0)
        or (face.left + face.width > 1 - _RIM and left + width < 1 - 1e-6)
        or (face.top + face.height > 1 - _RIM and top + height < 1 - 1e-6)
    )


def _multiple_of_32(pixels: float) -> int:
    return max(32, 32 * round(pixels / 32))

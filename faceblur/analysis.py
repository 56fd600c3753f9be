"""Video (+ given detections) -> plan: decode, look for faces, track them. Imports everything below `plan` and `video`.

Every frame that others refer to is decoded and checked for a cut; about fifteen a second are looked at (`search`),
and optical flow carries boxes from one of them to the next. The frames in between get the boxes in between.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from .cuts import SIZE, CutDetector
from .detections import Detections, Face, Sample
from .detector import FaceDetector
from .linking import link
from .memory import hand_back
from .observations import Observation, observation, without_doubles
from .plan import Plan
from .search import Searcher, SearchSettings, search_picture
from .threads import one_thread
from .tracking import Tracker, TrackingSettings
from .video import Frame, Passed, Reader, Span, SparseReader, probe

Progress = Callable[[int, int], None]

_ROUNDING_MS = 1.0
_SAMPLE_SLACK = 1.1  # samples' times are rounded and drift by a frame or two
SPAN_MARGIN_MS = 1500.0  # a span is analysed with this much before and after, so that its borders lose nothing


@dataclass(frozen=True)
class AnalysisSettings:
    """step_ms: time between frames that are looked at. flow_side: longer side of the pictures for optical flow, in
    pixels.
    """

    step_ms: float = 60.0
    flow_side: int = 320
    search: SearchSettings = field(default_factory=SearchSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)


@one_thread()
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
    hand_back()
    settings = _reaching(settings or AnalysisSettings(), detections)
    # Given samples belong to certain frames, which must all be there.
    kind = SparseReader if detections is None else Reader
    with kind(source, span=span, margin_ms=SPAN_MARGIN_MS) as reader:
        watcher = _Watcher(settings, detections, float(1000 / reader.frame_rate))
        inside = array("d")
        total = reader.expected_frames
        for number, (frame, following) in enumerate(pairwise(chain(reader, [None])), 1):
            if isinstance(frame, Passed):
                watcher.pass_over(frame.time_ms)
            else:
                watcher.look_at(frame, following.time_ms if isinstance(following, Passed) else None)
            if span is None or span.holds(frame.pts):
                inside.append(frame.time_ms)
            if progress:
                progress(number, max(total, number))
    frame_times = np.array(watcher.times)
    tracks = link(watcher.tracker.finish(), frame_times, settings.tracking)
    if span is not None:
        tracks = tuple(t for t in (track.within(inside[0], inside[-1]) for track in tracks) if t) if inside else ()
    counts = {"frames": len(inside), "cuts": watcher.cuts_found, "searches": watcher.searcher.searches}
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


@one_thread()
def detect(source: str | Path, *, every_ms: float = 500.0, progress: Progress | None = None) -> Detections:
    """Faces about every `every_ms`, found by the embedded detector: samples like those Rekognition Video takes."""
    settings = SearchSettings()
    detector = FaceDetector(TrackingSettings().start_score)
    samples, due = [], None
    with Reader(source) as reader:
        total = reader.expected_frames
        for frame in reader:
            due = frame.time_ms if due is None else due
            if frame.time_ms >= due:
                due += every_ms * (1 + (frame.time_ms - due) // every_ms)
                seen = search_picture(detector, frame, [settings.coarse_side, settings.fine_side])
                faces = tuple(Face(*o.box, o.score) for o in without_doubles(seen))
                samples.append(Sample(frame.time_ms, faces))
            if progress:
                progress(frame.index + 1, max(total, frame.index + 1))
    return Detections(tuple(samples))


class _Watcher:
    """Looks at the frames in order and tells the tracker what it sees."""

    def __init__(self, settings: AnalysisSettings, detections: Detections | None, frame_ms: float):
        self.settings = settings
        self.tracker = Tracker(settings.tracking)
        self.searcher = Searcher(settings.search)
        self.times = array("d")
        self.cuts_found = 0
        self._cuts = CutDetector()
        self._samples = list(detections.samples) if detections else []
        self._next_sample = 0
        self._half_frame_ms = frame_ms / 2
        self._next_look = -np.inf
        self._unseen: list[float] = []  # times of frames passed over since the last one that was decoded

    def pass_over(self, time_ms: float) -> None:
        """A frame that was not decoded: if the next one begins a shot, it may belong to either."""
        self.times.append(time_ms)
        self.tracker.skip(time_ms)
        self._unseen.append(time_ms)

    def look_at(self, frame: Frame, passed_ms: float | None) -> None:
        """passed_ms: the time of the frame after this one, if that will be passed over."""
        unseen, self._unseen = self._unseen, []
        is_cut = self._cuts.is_cut(frame.thumbnail(*SIZE))
        self.cuts_found += is_cut
        self.times.append(frame.time_ms)
        given = self._given(frame.time_ms)
        # When the next frame is passed over, this one is the nearer to every look that is due until then.
        until_ms = frame.time_ms if passed_ms is None else passed_ms
        if not (is_cut or given or until_ms >= self._next_look):
            self.tracker.skip(frame.time_ms)
            return
        self._next_look = frame.time_ms + self.settings.step_ms - _ROUNDING_MS
        luma = frame.gray(frame.width_for(self.settings.flow_side))
        self.tracker.advance(frame.time_ms, luma, is_cut, unseen)
        self.tracker.observe(given + self.searcher.look(frame, luma, is_cut, self.tracker.active))

    def _given(self, time_ms: float) -> list[Observation]:
        """The given samples whose nearest frame this is."""
        seen = []
        while self._next_sample < len(self._samples):
            sample = self._samples[self._next_sample]
            if sample.time_ms > time_ms + self._half_frame_ms:
                break
            if sample.time_ms >= time_ms - 2 * self._half_frame_ms:
                seen += [observation(face, leads=True) for face in sample.faces]
            self._next_sample += 1
        return seen

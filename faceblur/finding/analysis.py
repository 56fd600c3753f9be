"""Video (+ given detections) -> plan: decode, look for faces, track them.

Every frame that others refer to is decoded and checked for a cut; about fifteen a second are looked at (`search`),
and optical flow carries boxes from one of them to the next. The frames in between get the boxes in between.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from ..detections import MAX_STEP_MS, Detections, Face, Sample
from ..plan import Plan
from ..plan.frame_times import FrameTimes
from ..process import hand_back, one_thread
from ..shapes import Progress
from ..video import Frame, Irregular, Passed, Reader, Source, Span, SparseReader, probe
from .cuts import SIZE, CutDetector
from .detector import FaceDetector
from .linking import Looks, link
from .observations import Observation, observation, second_observation, without_doubles
from .opinions import Eyes, is_face
from .retinaface import RetinaFace, is_there
from .search import Searcher, SearchSettings, search_picture
from .tracking import Tracker
from .tracklet import TrackingSettings

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
    source: Source,
    detections: Detections | None = None,
    *,
    span: Span | None = None,
    settings: AnalysisSettings | None = None,
    every_frame: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Find and follow every face. Given detections are trusted and the detector fills in; without them it finds all.

    A span is analysed with a margin, the plan holds the span's frames only. every_frame: decode all, also those that no
    other frame refers to. Raises InputError, DetectorError.

    >>> plan = analyse("in.mp4")
    >>> [track.id for track in plan.tracks]
    [0, 1]
    """
    hand_back()
    settings = _reaching(settings or AnalysisSettings(tracking=TrackingSettings(two_eyes=is_there())), detections)
    # Given samples belong to certain frames, which must all be there.
    kinds = (SparseReader, Reader) if detections is None and not every_frame else (Reader,)
    for kind in kinds:
        with contextlib.suppress(Irregular), kind(source, span=span, margin_ms=SPAN_MARGIN_MS) as reader:
            watcher = _Watcher(settings, detections, span, reader.end_ms)
            inside = _watch(reader, watcher, progress)
            break
    tracks = link(watcher.tracker.finish(), np.array(watcher.times), settings.tracking, watcher.looks)
    if span is not None:
        tracks = tuple(t for t in (track.within(inside[0], inside[-1]) for track in tracks) if t) if inside else ()
    counts = {"frames": len(inside), "cuts": watcher.cuts_in(inside), "searches": watcher.searcher.searches}
    if detections is not None:
        counts |= {"samples": len(detections.samples), "sampled_faces": detections.face_count}
        counts |= {"rejected_boxes": detections.rejected, "unplaced_samples": watcher.unplaced}
    return Plan(
        tracks,
        source={"name": Path(str(source)).name},
        video=probe(source).to_json(),
        settings=asdict(settings),
        counts=counts,
        frames=FrameTimes.of(inside),
    )


def _watch(reader: Reader, watcher: _Watcher, progress: Progress | None) -> array[float]:
    """Show the watcher all frames; the times of those that belong to the reader's span, without its margin."""
    inside, total = array("d"), reader.expected_frames
    for number, (frame, following) in enumerate(pairwise(chain(reader, [None])), 1):
        assert frame is not None  # None comes last, as what follows
        if isinstance(frame, Passed):
            watcher.pass_over(frame.time_ms)
        else:
            watcher.look_at(frame, following)
        if reader.span is None or reader.span.holds(frame.pts):
            inside.append(frame.time_ms)
        if progress:
            progress(number, max(total, number))
    return inside


def _reaching(settings: AnalysisSettings, detections: Detections | None) -> AnalysisSettings:
    """Settings under which a face stays covered from one given sample to the next, whatever the detector sees."""
    if detections is None:
        return settings
    reach = _SAMPLE_SLACK * detections.longest_step_ms
    hold, back = max(settings.tracking.hold_ms, reach), max(settings.tracking.look_back_ms, reach)
    return replace(settings, tracking=replace(settings.tracking, hold_ms=hold, look_back_ms=back))


@one_thread()
def detect(source: Source, *, every_ms: float = 500.0, progress: Progress | None = None) -> Detections:
    """Faces about every `every_ms`, found by the embedded detectors: samples like those Rekognition Video takes.

    >>> found = detect("in.mp4")
    >>> max(len(sample.faces) for sample in found.samples)
    2
    """
    search = _Sampling()
    samples, due = [], None
    with Reader(source) as reader:
        total = reader.expected_frames
        for frame in reader:
            due = frame.time_ms if due is None else due
            if frame.time_ms >= due:
                due += every_ms * (1 + (frame.time_ms - due) // every_ms)
                samples.append(Sample(frame.time_ms, search.faces(frame)))
            if progress:
                progress(frame.index + 1, max(total, frame.index + 1))
    return Detections(tuple(samples))


class _Sampling:
    """Searches whole pictures, with both detectors where they are there."""

    def __init__(self) -> None:
        self._settings, self._eyes = SearchSettings(), Eyes()
        self._first = FaceDetector(TrackingSettings().start_score)
        self._second = RetinaFace(TrackingSettings().start_score) if self._eyes.are_two else None

    def faces(self, frame: Frame) -> tuple[Face, ...]:
        settings = self._settings
        seen = [observation(f) for f in search_picture(self._first, frame, [settings.coarse_side, settings.fine_side])]
        if self._second:
            found = search_picture(self._second, frame, [settings.second_new_side])
            seen += [second_observation(face) for face in found]
        kept = [o for o in without_doubles(seen) if self._is_face(frame, o)]
        faces = (Face(*o.box, o.best) for o in kept)
        return tuple(face for face in faces if face.is_usable)

    def _is_face(self, frame: Frame, seen: Observation) -> bool:
        if not self._eyes.are_two:
            return True
        first, second = self._eyes.opinions(frame, seen.box)
        return second >= TrackingSettings().doubt_score if seen.score else is_face(first, second)


class _Watcher:
    """Looks at the frames in order and tells the tracker what it sees."""

    def __init__(self, settings: AnalysisSettings, detections: Detections | None, span: Span | None, end_ms: float):
        """span: what it will be shown of the video. end_ms: when the video ends, sound and all."""
        self.settings = settings
        self.tracker = Tracker(settings.tracking)
        self.searcher = Searcher(settings.search, settings.tracking.two_eyes)
        self.times = array("d")
        self._looks: list[tuple[float, int]] = []  # (time, number of the shot)
        self.unplaced = 0
        self._cut_times: list[float] = []
        self._cuts = CutDetector()
        self._samples = deque(detections.samples if detections else ())
        self._is_whole = (span is None or span.start_pts is None, span is None or span.end_pts is None)  # at either end
        self._end_ms = end_ms
        self._next_look = -np.inf
        self._unseen: list[float] = []  # times of frames passed over since the last one that was decoded

    @property
    def looks(self) -> Looks:
        times, shots = np.array(self._looks).reshape(-1, 2).T
        return Looks(times, shots)

    def cuts_in(self, inside: array[float]) -> int:
        """How many of the frames with these times, rising, begin a shot: a cut on a border counts behind it alone."""
        return sum(inside[0] <= time_ms <= inside[-1] for time_ms in self._cut_times) if inside else 0

    def pass_over(self, time_ms: float) -> None:
        """A frame that was not decoded: if the next one begins a shot, it may belong to either."""
        self.times.append(time_ms)
        self.tracker.skip(time_ms)
        self._unseen.append(time_ms)

    def look_at(self, frame: Frame, following: Frame | Passed | None) -> None:
        """following: what comes after this frame, None at the end."""
        unseen, self._unseen = self._unseen, []
        is_cut = self._cuts.is_cut(frame.thumbnail(*SIZE))
        self._cut_times += [frame.time_ms] if is_cut else []
        self.times.append(frame.time_ms)
        given = self._given(frame.time_ms, following)
        is_jump = self._cuts.is_jump
        if not (is_cut or is_jump or given or self._is_due(frame.time_ms, following)):
            self.tracker.skip(frame.time_ms)
            return
        self._next_look = frame.time_ms + self.settings.step_ms - _ROUNDING_MS
        self._looks.append((frame.time_ms, len(self._cut_times)))
        luma = frame.gray(frame.width_for(self.settings.flow_side))
        is_new = is_cut or is_jump
        self.tracker.advance(frame.time_ms, luma, is_cut, unseen, is_jump)
        self.tracker.observe(given + self.searcher.look(frame, luma, is_new, self.tracker))
        self.searcher.ask(frame, self.tracker)

    def _is_due(self, time_ms: float, following: Frame | Passed | None) -> bool:
        """When the next frame is passed over, this one is the nearer to every look that is due until then; and one that
        stays on screen for longer than from one look to the next is looked at, whenever it comes.
        """
        if following is None:
            return time_ms >= self._next_look
        until_ms = following.time_ms if isinstance(following, Passed) else time_ms
        return until_ms >= self._next_look or following.time_ms - time_ms > self.settings.step_ms

    def _given(self, time_ms: float, following: Frame | Passed | None) -> list[Observation]:
        """The given samples of the time in which this frame is on screen."""
        until_ms = np.inf if following is None else following.time_ms - _ROUNDING_MS
        seen = []
        while self._samples and self._samples[0].time_ms < until_ms:
            sample = self._samples.popleft()
            if self._is_placed(sample.time_ms, time_ms, is_last=following is None):
                seen += [observation(face, is_given=True) for face in sample.faces]
        return seen

    def _is_placed(self, sample_ms: float, time_ms: float, *, is_last: bool) -> bool:
        """Whether a sample whose time is over belongs to this frame; those that belong to no frame are counted."""
        if sample_ms < time_ms - _ROUNDING_MS:  # before the first one: players show that as soon as they can
            return self._is_whole[0] and len(self.times) == 1
        if not is_last:
            return True
        is_within = sample_ms <= max(self._end_ms, time_ms + MAX_STEP_MS)
        self.unplaced += self._is_whole[1] and not is_within
        return self._is_whole[1] and is_within

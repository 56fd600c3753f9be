"""Tracklets -> tracks: close gaps, trim glimpses, smooth. Needs no pictures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..boxes import around, likeness
from ..plan import Track
from ..plan.moments import MAX_BETWEEN_MS
from ..shapes import Interval
from .tracking import PAUSE_MS
from .tracklet import TrackingSettings, Tracklet

BRIDGE_MS = 2000.0  # a face lost for up to this long and found again near by was there all the time
GROWTH_PER_S = 0.4  # how much each side of a box grows per second without a sighting, in box sides
Filled = tuple[np.ndarray, np.ndarray, tuple[Interval, ...]]  # times, boxes, what needs review
_REACH = 1.5  # mean sides a face may move while it is lost


@dataclass(frozen=True)
class Looks:
    """The frames that were looked at: times in ms, rising, and for each the number of its shot."""

    times: np.ndarray
    shots: np.ndarray


def link(
    tracklets: list[Tracklet], frame_times: np.ndarray, settings: TrackingSettings, looks: Looks | None = None
) -> tuple[Track, ...]:
    """One track a person, one box a frame. frame_times: all presentation times in ms, rising. looks: None is all."""
    looks = looks or Looks(frame_times, np.zeros(len(frame_times), int))
    trimmed = [_trim(tracklet, settings) for tracklet in tracklets]
    tracks = []
    for chain in _chains(trimmed):
        if not any(part.is_sure for part in chain):
            continue
        times, boxes, review = _fill(chain, frame_times, settings)
        times, boxes = _on_every_frame(times, boxes, frame_times, looks)
        tracks.append((times, steady(times, boxes), review))
    tracks.sort(key=lambda track: (track[0][0], track[1][0, 0]))
    return tuple(Track(number, *track[:2], review=track[2]) for number, track in enumerate(tracks))


@dataclass
class _Part:
    """A tracklet as arrays. first, last: rows of the first and the last sighting."""

    shot: int
    is_sure: bool
    times: np.ndarray
    boxes: np.ndarray
    first: int
    last: int


def _trim(tracklet: Tracklet, settings: TrackingSettings) -> _Part:
    times, boxes, observed = tracklet.arrays()
    seen = np.flatnonzero(observed)
    first, last = int(seen[0]), int(seen[-1])
    before, after = settings.look_back_ms, settings.hold_ms
    if tracklet.from_cut:
        before = np.inf
    if len(seen) == 1 and not (tracklet.is_given or tracklet.returns):
        before = after = settings.glimpse_ms
    clock = _without_pauses(times)
    keep = (clock >= clock[first] - before) & (clock <= clock[last] + after)
    offset = int(np.argmax(keep))
    boxes = _widened(times, boxes, times[observed], max(settings.look_back_ms, after))
    return _Part(tracklet.shot, tracklet.is_sure(settings), times[keep], boxes[keep], first - offset, last - offset)


def _without_pauses(times: np.ndarray) -> np.ndarray:
    """The same times on a clock that stands still in pauses: a face is not lost while one frame stays on screen."""
    return np.cumsum(np.minimum(np.diff(times, prepend=times[0]), PAUSE_MS))


def _widened(times: np.ndarray, boxes: np.ndarray, seen: np.ndarray, most_ms: float) -> np.ndarray:
    """Grow boxes by how long ago, or ahead, the face was last really seen, up to `most_ms`: flow drifts."""
    after = np.searchsorted(seen, times).clip(0, len(seen) - 1)
    before = (after - 1).clip(0)
    away_ms = np.minimum(np.abs(times - seen[after]), np.abs(times - seen[before]))
    margin = (GROWTH_PER_S * np.minimum(away_ms, most_ms) / 1000)[:, None] * boxes[:, 2:]
    return np.hstack([boxes[:, :2] - margin, boxes[:, 2:] + 2 * margin])


def _chains(parts: list[_Part]) -> list[list[_Part]]:
    """Join each part to the likeliest earlier one of the same shot whose face was lost before this one appeared."""
    chains: list[list[_Part]] = []
    for part in sorted(parts, key=lambda part: part.times[part.first]):
        start = part.times[part.first]
        lost = [c for c in chains if c[-1].shot == part.shot and 0 < start - c[-1].times[c[-1].last] <= BRIDGE_MS]
        scores = _continuity([chain[-1] for chain in lost], part)
        if scores.max(initial=0.0) > 0:
            lost[scores.argmax()].append(part)
        else:
            chains.append([part])
    return chains


def _continuity(tails: list[_Part], head: _Part) -> np.ndarray:
    """How well `head` goes on with each face's last sighting, or with where it was believed to be."""
    if not tails:
        return np.zeros(0)
    appeared = head.boxes[head.first][None]
    seen = likeness(np.array([tail.boxes[tail.last] for tail in tails]), appeared, _REACH)[:, 0]
    held = likeness(np.array([tail.boxes[-1] for tail in tails]), appeared, _REACH)[:, 0]
    return np.maximum(seen, held)


def _fill(chain: list[_Part], frame_times: np.ndarray, settings: TrackingSettings) -> Filled:
    """The chain's boxes by frame, gaps covered, and the longer gaps to be reviewed -> times, boxes, review."""
    at: dict[float, np.ndarray] = {}
    review = []
    for part in chain:
        for time_ms, box in zip(part.times, part.boxes, strict=True):
            at[time_ms] = around(at[time_ms], box) if time_ms in at else box
    for tail, head in pairwise(chain):
        start, end = tail.times[tail.last], head.times[head.first]
        if end - start > settings.hold_ms:
            review.append((float(start), float(end)))
        for time_ms in frame_times[(frame_times > start) & (frame_times < end)]:
            share = (time_ms - start) / (end - start)
            between = (1 - share) * tail.boxes[tail.last] + share * head.boxes[head.first]
            at[time_ms] = around(at[time_ms], between) if time_ms in at else between
    times = np.array(sorted(at))
    return times, np.array([at[t] for t in times]), tuple(review)


def _on_every_frame(
    times: np.ndarray, boxes: np.ndarray, frame_times: np.ndarray, looks: Looks
) -> tuple[np.ndarray, np.ndarray]:
    """Rows for the frames that were not looked at, too: there a face is where it is in the looks before and after.

    A frame that was looked at and has no box stays open, but for gaps so short that nobody left.
    """
    first, last = looks.times.searchsorted((times[0], times[-1]))
    low = looks.times[max(first - 1, 0)]
    high = looks.times[last + 1] if last + 1 < len(looks.times) else np.inf
    near = frame_times[(frame_times >= min(low, times[0])) & (frame_times <= max(high, times[-1]))]
    before = (looks.times.searchsorted(near, side="right") - 1).clip(0)
    after = looks.times.searchsorted(near).clip(0, len(looks.times) - 1)
    is_unseen = looks.times[before] != near
    follows = is_unseen & np.isin(looks.times[before], times) & (looks.times[before] < near)
    precedes = is_unseen & np.isin(looks.times[after], times) & (looks.times[after] > near)
    precedes &= looks.shots[before] == looks.shots[after]
    later = times.searchsorted(near).clip(0, len(times) - 1)
    is_between = (near > times[0]) & (near < times[-1])
    is_short = is_between & (times[later] - times[np.maximum(later - 1, 0)] <= MAX_BETWEEN_MS)
    has_row = times[later] == near
    like = np.where(has_row | is_short | (follows & precedes), near, looks.times[np.where(follows, before, after)])
    kept = has_row | is_short | follows | precedes
    return near[kept], np.stack([np.interp(like[kept], times, side) for side in boxes.T], axis=1)


def steady(times: np.ndarray, boxes: np.ndarray, window_ms: float = 200.0) -> np.ndarray:
    """Calm the detector's jitter without uncovering anything: average over the window, then around the original.

    Only jitter is averaged away: where the face moves, its own box still lies within the result.
    """
    low = np.searchsorted(times, times - window_ms / 2)
    high = np.searchsorted(times, times + window_ms / 2, side="right")
    sums = np.concatenate([np.zeros((1, 4)), np.cumsum(boxes, axis=0)])
    smooth = (sums[high] - sums[low]) / (high - low)[:, None]
    return around(smooth, boxes).astype(np.float32)

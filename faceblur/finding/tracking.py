"""Observations of faces, frame by frame -> tracklets: unbroken runs of boxes.

Streaming: `advance` with each frame's picture, then `observe` with whatever was found in it. Between
observations boxes are carried by optical flow; the next observation corrects the drift backwards. A new
tracklet is carried backwards through the pictures kept, a lost one is held for a while. Nothing is carried
across a cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from ..boxes import is_inside, likeness, share_inside
from ..shapes import Box
from .flow import carry
from .observations import Observation, match, without_doubles
from .tracklet import TrackingSettings, Tracklet

PAUSE_MS = 250.0  # from one frame to the next, no more time than this counts as time in which a face was not seen
RETURN_MS = 3000.0  # within which a face that was lost is taken for the same when it appears near by
_MOST_LOST = 100
DOUBT_MS = 1000.0  # within which the second detector has said what it thinks of a new face
MOST_CHANGE = 1.3  # of a face's sides while it is carried unseen: what grows more is no head
SHRINKING_PER_S = 1.5  # of a face's size: what shrinks faster is half hidden, or leaving the picture


class Tracker:
    """See the module's text. `finished` collects tracklets in the order in which they ended."""

    def __init__(self, settings: TrackingSettings | None = None):
        self.settings = settings or TrackingSettings()
        self.finished: list[Tracklet] = []
        doubt_ms = DOUBT_MS if self.settings.two_eyes else 0.0
        self._memory_ms = max(self.settings.look_back_ms, self.settings.cut_back_ms) + doubt_ms
        self._active: list[Tracklet] = []
        self._history: deque[tuple[float, np.ndarray]] = deque()
        self._time_ms = 0.0
        self._shot = 0
        self._before_shot: tuple[float, ...] = ()
        self._shot_start_ms = -np.inf
        self._passed: list[float] = []  # times of the frames that were not looked at since the last one that was

    @property
    def active(self) -> list[Tracklet]:
        """Those believed to be in the current frame."""
        return self._active

    @property
    def lost(self) -> list[Tracklet]:
        """Faces of this shot that are no longer believed to be there, but were seen within RETURN_MS."""
        since = self._time_ms - RETURN_MS
        late = [t for t in self.finished[-_MOST_LOST:] if t.shot == self._shot and t.last_seen_ms >= since]
        return [tracklet for tracklet in late if tracklet.has_looked_back]

    @property
    def boxes(self) -> np.ndarray:
        """N x 4: where the active tracklets are believed to be in the current frame."""
        return np.array([t.box(-1) for t in self._active]).reshape(-1, 4)

    def advance(
        self, time_ms: float, picture: np.ndarray, is_cut: bool, unseen: Sequence[float] = (), is_jump: bool = False
    ) -> None:
        """Go to the next frame that is looked at; `picture` is its luma, H x W uint8.

        unseen: times just before it of frames nobody saw; if this is a cut, they may belong to either shot.
        """
        if is_cut:
            self._end_shot()
        elif self._active:
            if is_jump:
                self._jump(len(unseen))
            self._carry_active(time_ms, picture, is_jump)
        if is_cut or is_jump:
            self._history.clear()
            self._before_shot, self._shot_start_ms = tuple(unseen), time_ms
        self._passed.clear()
        self._time_ms = time_ms
        self._history.append((time_ms, picture))
        while time_ms - self._history[0][0] > self._memory_ms and len(self._history) > 2:
            self._history.popleft()

    def skip(self, time_ms: float) -> None:
        """Pass over a frame of the same shot; its boxes lie between those of the frames around it."""
        self._passed.append(time_ms)

    def observe(self, observations: list[Observation]) -> None:
        """Say what was found in the current frame: once a frame, with an empty list where nothing was."""
        self._drop_outside()
        observations = without_doubles(observations)
        taken = set()
        for row, number in match(self.boxes, observations, self.settings.start_score):
            self._see(self._active[row], observations[number])
            taken.add(number)
        for number, seen in enumerate(observations):
            if number not in taken and not _is_covered(seen.box, self.boxes):
                self._active.append(self._begin(seen))
        self._let_go()

    def finish(self) -> list[Tracklet]:
        """End the video; all tracklets."""
        self._end_shot()
        return self.finished

    def _end_shot(self) -> None:
        self._carry_through_passed()
        self.finished += self._active
        self._active = []
        self._passed.clear()
        self._history.clear()
        self._shot += 1

    def _jump(self, unseen: int) -> None:
        """The frames passed over before it show the faces where they were going, not between there and here."""
        self._carry_through_passed()
        for tracklet in self._active:
            tracklet.jump(unseen)

    def _carry_through_passed(self) -> None:
        for tracklet in self._active:
            box, since_ms = tracklet.box(-1), self._time_ms
            for time_ms in self._passed:
                shift = tracklet.velocity * (time_ms - since_ms)
                tracklet.append(time_ms, box + np.concatenate([shift, (0, 0)]), False)

    def _carry_active(self, time_ms: float, picture: np.ndarray, is_jump: bool) -> None:
        """Across a jump nothing can be carried: what was there stays covered where it was."""
        before = self.boxes
        nowhere = (before.copy(), np.zeros(len(before), bool))
        moved, agreed = nowhere if is_jump else carry(self._history[-1][1], picture, before)
        elapsed = time_ms - self._time_ms
        for row, tracklet in enumerate(self._active):
            box = _of_size(moved[row], tracklet.seen_box[2:])
            if is_jump:
                tracklet.velocity = np.zeros(2)
            if agreed[row]:
                shift = _centre(box) - _centre(before[row])
                tracklet.velocity = 0.5 * tracklet.velocity + 0.5 * shift / elapsed
            else:
                box[:2] += tracklet.velocity * elapsed
            tracklet.append(time_ms, box, False)
            tracklet.unseen_ms += min(elapsed, PAUSE_MS)

    def _see(self, tracklet: Tracklet, seen: Observation) -> None:
        box = np.array(seen.box)
        if not seen.is_given:
            is_weak = seen.best < self.settings.start_score
            shrinks = 0.0 if is_weak else SHRINKING_PER_S * (self._time_ms - tracklet.last_seen_ms) / 1000
            box = _not_smaller(box, max(0.5, 1 - shrinks) * tracklet.box(-1)[2:])
        tracklet.correct(box)
        self._note(tracklet, seen)

    def _begin(self, seen: Observation) -> Tracklet:
        tracklet = Tracklet(self._shot)
        tracklet.append(self._time_ms, np.array(seen.box), True)
        tracklet.returns = self._was_lost_near(tracklet.box(0))
        self._note(tracklet, seen)
        return tracklet

    def _was_lost_near(self, box: np.ndarray) -> bool:
        """Whether a face of this shot was last seen there a moment ago: then even a weak hit is its return."""
        boxes = [tracklet.seen_box for tracklet in self.lost]
        return bool(boxes) and bool(likeness(np.array(boxes), box[None]).max() > 0)

    def _note(self, tracklet: Tracklet, seen: Observation) -> None:
        """Bookkeeping of a sighting. The first strong one is the time to look back: a weak one may be no
        face.
        """
        tracklet.last_seen_ms, tracklet.unseen_ms = self._time_ms, 0.0
        tracklet.seen_box = tracklet.box(-1)
        tracklet.is_given |= seen.is_given
        tracklet.best_score = max(tracklet.best_score, seen.score)
        self._decide(tracklet)

    def hear(self, tracklet: Tracklet, opinion: float) -> None:
        """What the second detector thinks of an active tracklet that was seen in the current frame, 0 to 1."""
        tracklet.opinions.append(opinion)
        self._decide(tracklet)

    def _decide(self, tracklet: Tracklet) -> None:
        is_heard = tracklet.opinions or tracklet.is_given or tracklet.returns or not self.settings.two_eyes
        if is_heard and tracklet.is_sure(self.settings) and not tracklet.has_looked_back:
            tracklet.has_looked_back = True
            start_ms = tracklet.times[0]
            tracklet.from_cut = start_ms - self._shot_start_ms <= self.settings.cut_back_ms
            reach_ms = np.inf if tracklet.from_cut else self.settings.look_back_ms
            earlier = self._look_back(start_ms, tracklet.box(0), reach_ms)
            tracklet.prepend(earlier)
            if earlier and len(tracklet.times) == len(earlier) + 1:
                start_ms, start = earlier[-1]
                shift = _centre(tracklet.box(-1)) - _centre(start)
                tracklet.velocity = shift / (self._time_ms - start_ms)

    def _look_back(self, time_ms: float, box: np.ndarray, reach_ms: float) -> list[tuple[float, np.ndarray]]:
        """The box carried backwards through the pictures of this shot before `time_ms`, latest first."""
        found: list[tuple[float, np.ndarray]] = []
        velocity = np.zeros(2)
        pictures = [entry for entry in self._history if time_ms - reach_ms <= entry[0] <= time_ms]
        for (earlier_ms, earlier), (later_ms, later) in zip(pictures[-2::-1], pictures[:0:-1], strict=True):
            moved, agreed = carry(later, earlier, box[None])
            elapsed = later_ms - earlier_ms
            if agreed[0]:
                velocity = 0.5 * velocity + 0.5 * (_centre(moved[0]) - _centre(box)) / elapsed
            elif time_ms - earlier_ms > self.settings.look_back_ms:
                return found
            else:
                moved[0, :2] += velocity * elapsed
            box = moved[0]
            if not is_inside(box[None])[0]:
                return found
            found.append((earlier_ms, box.copy()))
        if pictures and pictures[0][0] == self._shot_start_ms:
            found += [(unseen_ms, box.copy()) for unseen_ms in reversed(self._before_shot)]
        return found

    def _drop_outside(self) -> None:
        """A box that was carried out of the picture has left it."""
        inside = is_inside(self.boxes)
        self.finished += [t for t, stays in zip(self._active, inside, strict=True) if not stays]
        self._active = [t for t, stays in zip(self._active, inside, strict=True) if stays]

    def _let_go(self) -> None:
        lost = [t.unseen_ms > self.settings.hold_ms for t in self._active]
        self.finished += [t for t, gone in zip(self._active, lost, strict=True) if gone]
        self._active = [t for t, gone in zip(self._active, lost, strict=True) if not gone]


def _centre(box: np.ndarray) -> np.ndarray:
    return box[:2] + box[2:] / 2


def _is_covered(box: Box, held: np.ndarray) -> bool:
    """Almost wholly inside a tracklet's box: a second view of the same face, or a part of it."""
    return bool(len(held)) and bool(share_inside(np.array([box]), held).max() > 0.8)


def _of_size(box: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The box about its own centre, its sides near those that were seen."""
    size = np.clip(box[2:], seen / MOST_CHANGE, seen * MOST_CHANGE)
    return np.concatenate([box[:2] + box[2:] / 2 - size / 2, size])


def _not_smaller(box: np.ndarray, least: np.ndarray) -> np.ndarray:
    """The box about its own centre, its sides at least this long: a hit may hold the part of a face that is
    seen.
    """
    size = np.maximum(box[2:], least)
    return np.concatenate([box[:2] + box[2:] / 2 - size / 2, size])

"""Where and when to look for faces in a frame, and with which eyes.

Whole pictures are searched several times a second by the first detector, at two sizes because YuNet misses faces under
about 12 pixels, once a second at full resolution, and about twice a second by the second detector. In between, each
known face is looked for in a small crop around where it should be, scaled so that the face has the size the detector
likes best: longest not looked at first, so many a frame and no more. The second detector is asked in the same way about
faces that are in doubt or lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..detections import Face
from ..video import Frame
from .brightening import brightened
from .crops import RIM, Crop
from .detector import FaceDetector
from .observations import Observation, observation, second_observation
from .opinions import opinion
from .retinaface import RetinaFace
from .tracking import Tracker
from .tracklet import Tracklet

_LIKE_SCALE = 1.6
_WORTH = 1.25  # a picture that is larger than the fine one by less than this shows no more faces
_NOISE, _CELL, _LEAST_SHARE = 10, 8, 2 / 64  # grey levels, pixels, and the share of a cell's pixels that differ
# How a face that is lost is shown, turn by turn: sides of the box, pixels, degrees; and one lost for longer.
_LOST = ((2.2, 160, 0.0), (2.2, 160, 25.0), (2.2, 96, 0.0), (2.2, 160, -25.0))
_GONE = ((3.2, 160, 0.0), (3.2, 256, 0.0), (3.2, 160, 25.0), (3.2, 160, -25.0))


@dataclass(frozen=True)
class SearchSettings:
    """Sizes in pixels: the longer side of the pictures searched. Small videos are enlarged, at most twofold.

    coarse_ms, fine_ms, full_ms: how often the whole picture is searched at each size; the fine search may rest for
    fine_rest_ms while no face known has fewer than small_pixels in the coarse one. crops: known faces looked at closely
    in a frame that is not searched whole. weak_score, crop_score: hits weaker than this are ignored. second_*: the
    same for the second detector, which looks closely at second_crops faces a frame, in doubt or unseen for lost_ms.
    """

    coarse_side: int = 640
    fine_side: int = 1120
    full_side: int = 1920
    coarse_ms: float = 200.0
    fine_ms: float = 400.0
    fine_rest_ms: float = 800.0
    full_ms: float = 1000.0
    long_ms: float = 180.0
    small_pixels: float = 48.0
    small_ms: float = 3000.0
    crops: int = 2
    crop_pixels: int = 160
    crop_reach: float = 2.2
    weak_score: float = 0.4
    crop_score: float = 0.3
    second_side: int = 960
    second_new_side: int = 1280
    second_ms: float = 1000.0
    second_score: float = 0.4
    opinions: int = 3
    second_crops: int = 2
    lost_ms: float = 150.0


def search_picture(detector: FaceDetector | RetinaFace, frame: Frame, long_sides: list[int]) -> list[Face]:
    """Search the whole picture at these sizes; one that would enlarge it more than twofold is done at twofold."""
    most = 2 * max(frame.display_size)
    widths = sorted({frame.width_for(min(side, most)) for side in long_sides})
    pictures = [frame.bgr(width) for width in widths]
    if isinstance(detector, FaceDetector):  # the other one sees as much in the dark
        pictures += [bright for bright in map(brightened, pictures) if bright is not None]
    return [face for picture in pictures for face in detector.find(picture)]


class Searcher:
    """Looks at frames in order. searches: whole pictures searched so far, by either detector."""

    def __init__(self, settings: SearchSettings, two_eyes: bool):
        self.settings = settings
        self.searches = 0
        self._detector = FaceDetector(settings.weak_score)
        self._crop_detector = FaceDetector(settings.crop_score)
        self._second = RetinaFace(settings.second_score) if two_eyes else None
        self._last_coarse = self._last_fine = self._last_full = self._last_small = self._last_second = -np.inf
        self._last_look: float | None = None
        self._found: dict[tuple[bool, int], tuple[np.ndarray, list[Face]]] = {}

    def look(self, frame: Frame, luma: np.ndarray, is_new: bool, tracker: Tracker) -> list[Observation]:
        """What is seen in this frame. luma: a small grey picture of it; is_new: after a cut or a jump; tracker: knows
        the faces believed to be in it.
        """
        known = tracker.active
        is_long = self._last_look is not None and frame.time_ms - self._last_look >= self.settings.long_ms
        is_new |= is_long
        self._last_look = frame.time_ms
        boxes = np.array([tracklet.box(-1) for tracklet in known]).reshape(-1, 4) * np.tile(frame.display_size, 2)
        sides = self._sides(frame, is_new, boxes)
        seen = [observation(face) for side in sides for face in self._search(frame, luma, side, self._detector)]
        if is_long or not sides:
            crops = [self._crop(frame, box) for box in self._chosen(frame.time_ms, known, boxes, is_long)]
            seen += [observation(f) for crop in crops if crop for f in crop.find(frame, self._find_in_crop)]
        return seen + (self._look_again(self._second, frame, luma, is_new, tracker) if self._second else [])

    def _look_again(
        self, second: RetinaFace, frame: Frame, luma: np.ndarray, is_new: bool, tracker: Tracker
    ) -> list[Observation]:
        """What the second detector sees: in the whole picture when that is due, else of the faces in doubt or lost."""
        settings = self.settings
        if is_new or frame.time_ms - self._last_second >= settings.second_ms:
            self._last_second = frame.time_ms
            side = settings.second_new_side if is_new else settings.second_side
            found = self._search(frame, luma, side, second)
            return [second_observation(face) for face in found]
        lost = [(t, t.box(-1), _LOST) for t in tracker.active if t.has_looked_back and t.unseen_ms > settings.lost_ms]
        lost += [(t, t.seen_box, _GONE) for t in tracker.lost]
        seen = []
        for tracklet, box, ways in sorted(lost, key=lambda entry: entry[0].asked_ms)[: settings.second_crops]:
            reach, pixels, turn = ways[tracklet.turns % len(ways)]
            tracklet.asked_ms, tracklet.turns = frame.time_ms, tracklet.turns + 1
            crop = Crop.around(frame, box * np.tile(frame.display_size, 2), reach, pixels, turn)
            seen += [second_observation(face) for face in crop.find(frame, second.find)] if crop else []
        return seen

    def ask(self, frame: Frame, tracker: Tracker) -> None:
        """Ask the second detector about faces seen in this frame that it has not settled yet."""
        second = self._second
        if second is None:
            return

        def find(picture: np.ndarray) -> list[Face]:
            """As it is and, in the dark, brightened: what one of them hides the other may show."""
            bright = brightened(picture)
            return second.find(picture) + ([] if bright is None else second.find(bright))

        open_ones = [t for t in tracker.active if t.observed[-1] and not t.is_given and not t.is_settled()]
        for tracklet in sorted(open_ones, key=lambda t: len(t.opinions))[: self.settings.opinions]:
            tracker.hear(tracklet, opinion(find, frame, tracklet.box(-1)))

    def _search(self, frame: Frame, luma: np.ndarray, side: int, detector: FaceDetector | RetinaFace) -> list[Face]:
        """What is in the whole picture; where nothing has moved since it was last searched, that is known."""
        before, found = self._found.get((detector is self._second, side), (None, []))
        if before is None or has_changed(before, luma):
            self.searches += 1
            found = search_picture(detector, frame, [side])
            self._found[detector is self._second, side] = (luma, found)
        return found

    def _find_in_crop(self, picture: np.ndarray) -> list[Face]:
        bright = brightened(picture)
        return self._crop_detector.find(picture if bright is None else bright)

    def _crop(self, frame: Frame, box: np.ndarray) -> Crop | None:
        return Crop.around(frame, box, self.settings.crop_reach, self.settings.crop_pixels)

    def _sides(self, frame: Frame, is_new: bool, known: np.ndarray) -> list[int]:
        """The sizes at which the whole picture is due to be searched: all after a cut, else one or none.

        known: boxes in pixels, N x 4.
        """
        settings, now = self.settings, frame.time_ms
        scale = settings.coarse_side / max(frame.display_size)
        if (known[:, 2:].max(axis=1) * scale < settings.small_pixels).any():
            self._last_small = now
        has_small = now - self._last_small <= settings.small_ms
        fine_ms = settings.fine_ms if has_small else settings.fine_rest_ms
        sides = []
        full_side = min(settings.full_side, max(frame.display_size))
        if full_side > _WORTH * settings.fine_side and (is_new or now - self._last_full >= settings.full_ms):
            sides.append(full_side)
            self._last_full = now
        elif is_new or now - self._last_fine >= fine_ms:
            sides.append(settings.fine_side)
        if is_new or (not sides and now - self._last_coarse >= settings.coarse_ms):
            sides.append(settings.coarse_side)
        if sides and sides[0] != settings.coarse_side:
            self._last_fine, self._last_coarse = now, now - settings.coarse_ms / 2
        elif sides:
            self._last_coarse = now
        return sides

    def _chosen(self, time_ms: float, known: list[Tracklet], boxes: np.ndarray, all_of_them: bool) -> list[np.ndarray]:
        """Boxes (pixels) to look at closely. A face that one of those crops shows at about its own scale is seen with
        it.
        """
        chosen: list[np.ndarray] = []
        is_shown = np.zeros(len(known), bool)
        for number in sorted(range(len(known)), key=lambda n: known[n].looked_ms):
            if not is_shown[number] and (all_of_them or len(chosen) < self.settings.crops):
                chosen.append(boxes[number])
                is_shown |= self._shows(boxes[number], boxes)
                is_shown[number] = True
        for tracklet, shown in zip(known, is_shown, strict=True):
            if shown:
                tracklet.looked_ms = time_ms
        return chosen

    def _shows(self, around: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Which boxes (N x 4, pixels) the crop around one shows whole and at a scale like its own."""
        side, others = around[2:].max(), boxes[:, 2:].max(axis=1)
        apart = np.abs(around[:2] + around[2:] / 2 - boxes[:, :2] - boxes[:, 2:] / 2).max(axis=1)
        room = (0.5 - RIM) * self.settings.crop_reach * side - 0.6 * others
        return (apart < room) & (np.maximum(others, side) < _LIKE_SCALE * np.minimum(others, side))


def has_changed(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether anything as large as a small face differs between two grey pictures (H x W uint8)."""
    if before.shape != after.shape:
        return True
    differs = (cv2.absdiff(before, after) > _NOISE).astype(np.float32)
    cells = (max(1, after.shape[1] // _CELL), max(1, after.shape[0] // _CELL))
    return bool(cv2.resize(differs, cells, interpolation=cv2.INTER_AREA).max() >= _LEAST_SHARE)

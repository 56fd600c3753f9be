"""Where and when to look for faces in a frame.

Whole pictures are searched several times a second, at two sizes because YuNet misses faces under about 12 pixels.
In between, each known face is looked for in a small crop around where it should be, scaled so that the face has the
size the detector likes best: longest not looked at first, so many a frame and no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..detections import Face
from ..shapes import Box
from ..video import Frame
from .brightening import brightened
from .detector import FaceDetector
from .observations import Observation, observation
from .tracking import Tracklet

_RIM = 0.02  # of a crop's side
_LIKE_SCALE = 1.6
_NOISE, _CELL, _LEAST_SHARE = 10, 8, 2 / 64  # grey levels, pixels, and the share of a cell's pixels that differ


@dataclass(frozen=True)
class SearchSettings:
    """Sizes in pixels: the longer side of the pictures searched. Small videos are enlarged, at most twofold.

    coarse_ms, fine_ms: how often the whole picture is searched at either size; the fine search may rest for
    fine_rest_ms while no face known has fewer than small_pixels in the coarse one. crops: known faces looked at
    closely in a frame that is not searched whole. weak_score, crop_score: hits weaker than this are ignored.
    """

    coarse_side: int = 640
    fine_side: int = 1120
    coarse_ms: float = 200.0
    fine_ms: float = 400.0
    fine_rest_ms: float = 800.0
    small_pixels: float = 48.0
    small_ms: float = 3000.0
    crops: int = 2
    crop_pixels: int = 160
    crop_reach: float = 2.2
    weak_score: float = 0.4
    crop_score: float = 0.3


def search_picture(detector: FaceDetector, frame: Frame, long_sides: list[int]) -> list[Observation]:
    """Search the whole picture at these sizes; one that would enlarge it more than twofold is done at twofold."""
    most = 2 * max(frame.display_size)
    widths = sorted({frame.width_for(min(side, most)) for side in long_sides})
    pictures = [frame.bgr(width) for width in widths]
    pictures += [bright for bright in map(brightened, pictures) if bright is not None]
    return [observation(face) for picture in pictures for face in detector.find(picture)]


class Searcher:
    """Looks at frames in order. searches: whole pictures searched so far."""

    def __init__(self, settings: SearchSettings):
        self.settings = settings
        self.searches = 0
        self._detector = FaceDetector(settings.weak_score)
        self._crop_detector = FaceDetector(settings.crop_score)
        self._last_coarse = self._last_fine = self._last_small = -np.inf
        self._found: dict[int, tuple[np.ndarray, list[Observation]]] = {}

    def look(self, frame: Frame, luma: np.ndarray, is_cut: bool, known: list[Tracklet]) -> list[Observation]:
        """What is seen in this frame; luma: a small grey picture of it; known: the faces believed to be in it."""
        boxes = np.array([tracklet.box(-1) for tracklet in known]).reshape(-1, 4) * np.tile(frame.display_size, 2)
        sides = self._sides(frame, is_cut, boxes)
        if sides:
            return [seen for side in sides for seen in self._search(frame, luma, side)]
        return [seen for box in self._chosen(frame.time_ms, known, boxes) for seen in self._look_closely(frame, box)]

    def _search(self, frame: Frame, luma: np.ndarray, side: int) -> list[Observation]:
        """What is in the whole picture; where nothing has moved since it was last searched, that is known."""
        before, found = self._found.get(side, (None, []))
        if before is None or has_changed(before, luma):
            self.searches += 1
            found = search_picture(self._detector, frame, [side])
            self._found[side] = (luma, found)
        return found

    def _sides(self, frame: Frame, is_cut: bool, known: np.ndarray) -> list[int]:
        """The sizes at which the whole picture is due to be searched: both after a cut, else one or none.

        known: boxes in pixels, N x 4.
        """
        settings, now = self.settings, frame.time_ms
        scale = settings.coarse_side / max(frame.display_size)
        if (known[:, 2:].max(axis=1) * scale < settings.small_pixels).any():
            self._last_small = now
        has_small = now - self._last_small <= settings.small_ms
        sides = []
        if is_cut or now - self._last_fine >= (settings.fine_ms if has_small else settings.fine_rest_ms):
            sides.append(settings.fine_side)
        if is_cut or (not sides and now - self._last_coarse >= settings.coarse_ms):
            sides.append(settings.coarse_side)
        if settings.fine_side in sides:
            self._last_fine, self._last_coarse = now, now - settings.coarse_ms / 2
        elif sides:
            self._last_coarse = now
        return sides

    def _chosen(self, time_ms: float, known: list[Tracklet], boxes: np.ndarray) -> list[np.ndarray]:
        """Boxes (pixels) to look at closely. A face that one of those crops shows at about its own scale is seen with
        it.
        """
        chosen: list[np.ndarray] = []
        is_shown = np.zeros(len(known), bool)
        for number in sorted(range(len(known)), key=lambda n: known[n].looked_ms):
            if not is_shown[number] and len(chosen) < self.settings.crops:
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
        room = (0.5 - _RIM) * self.settings.crop_reach * side - 0.6 * others
        return (apart < room) & (np.maximum(others, side) < _LIKE_SCALE * np.minimum(others, side))

    def _look_closely(self, frame: Frame, box: np.ndarray) -> list[Observation]:
        """Search a crop around a box in pixels; what is found comes back in ratios of the whole picture."""
        wide, high = frame.display_size
        side = self.settings.crop_reach * max(box[2:])
        x, y = box[:2] + box[2:] / 2
        left, top = max(0.0, (x - side / 2) / wide), max(0.0, (y - side / 2) / high)
        width, height = min(1.0, (x + side / 2) / wide) - left, min(1.0, (y + side / 2) / high) - top
        if width * wide < 8 or height * high < 8:
            return []
        columns, rows = (_multiple_of_32(self.settings.crop_pixels * n / side) for n in (width * wide, height * high))
        crop = (left, top, width, height)
        picture = frame.crop_bgr(crop, columns, rows)
        bright = brightened(picture)
        found = self._crop_detector.find(picture if bright is None else bright)
        return [
            Observation((left + f.left * width, top + f.top * height, f.width * width, f.height * height), f.score)
            for f in found
            if not _is_cut_off(f, crop)
        ]


def has_changed(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether anything as large as a small face differs between two grey pictures (H x W uint8)."""
    if before.shape != after.shape:
        return True
    differs = (cv2.absdiff(before, after) > _NOISE).astype(np.float32)
    cells = (max(1, after.shape[1] // _CELL), max(1, after.shape[0] // _CELL))
    return bool(cv2.resize(differs, cells, interpolation=cv2.INTER_AREA).max() >= _LEAST_SHARE)


def _is_cut_off(face: Face, crop: Box) -> bool:
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

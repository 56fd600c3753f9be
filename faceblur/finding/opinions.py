"""What a detector thinks of a place where a face is said to be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..boxes import overlap
from ..detections import Face
from ..shapes import Box
from ..video import Frame
from .crops import Crop
from .detector import FaceDetector
from .retinaface import RetinaFace, is_there

# How a face in doubt is shown: sides of the box, pixels, degrees. Alone and small, and with what is around it: shown so
# to RetinaFace, one of 16 things that are no faces passed (a stone in gravel), and all of 50 faces
# (benchmarks/faceless.py and leak.py). And turned: of a face that lies on its side both detectors are sure only then.
WAYS = ((2.2, 96, 0.0), (3.2, 256, 0.0), (2.2, 96, 90.0), (2.2, 96, -90.0))
_LEAST, _TURNED = 0.1, 0.9  # the scores that count; shown turned, a drawn teddy reached 0.8
_CLEAR = 0.6  # an opinion that needs no second look
_SAME_PLACE = 0.25  # intersection over union
# At least one pair of opinions of the first and the second detector makes a face surely one, or likely.
_SURE = ((0.0, 0.8), (0.85, 0.0), (0.75, 0.2), (0.5, 0.4))
_LIKELY = (*_SURE, (0.0, 0.55), (0.6, 0.15), (0.3, 0.3))


def opinion(find: Callable[[np.ndarray], list[Face]], frame: Frame, box: np.ndarray, clear: float = _CLEAR) -> float:
    """How sure a detector is that there is a face in this box (ratios), 0 to 1: the best of a few looks, each
    only where those before are less than `clear`.
    """
    best = 0.0
    for reach, side, turn in WAYS:
        crop = Crop.around(frame, box * np.tile(frame.display_size, 2), reach, side, turn)
        for face in crop.find(frame, find) if crop and best < clear else []:
            there = np.array([face.box])
            is_sure = not turn or face.score >= _TURNED
            if is_sure and face.score > best and overlap(there, box[None]).max() > _SAME_PLACE:
                best = face.score
    return best


def is_face(first: float, second: float, likely: bool = False) -> bool:
    """Whether the opinions of the first and the second detector, 0 to 1, make a place surely a face, or likely one."""
    return any(first >= one and second >= other for one, other in (_LIKELY if likely else _SURE))


class Eyes:
    """Both detectors, or the one that is there, to be shown places close up; one instance a thread."""

    def __init__(self) -> None:
        self._first = FaceDetector(_LEAST)
        self._second = RetinaFace(_LEAST) if is_there() else None

    @property
    def are_two(self) -> bool:
        """Whether the second detector is there."""
        return self._second is not None

    def opinions(self, frame: Frame, box: Box) -> tuple[float, float]:
        """What the first and the second detector think of a place, 0 to 1; 0 of one that is missing."""
        place = np.array(box)
        second = opinion(self._second.find, frame, place, clear=1.0) if self._second else 0.0
        return opinion(self._first.find, frame, place, clear=1.0), second

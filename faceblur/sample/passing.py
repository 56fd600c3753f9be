"""A film of two seconds in which a face is seen between two looks of a detector that looks twice a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from .. import video
from . import backdrops
from .pictures import GRACE_HOPPER, load

RATE, FRAMES = 20, 40
SEEN = range(21, 30)  # the numbers of the frames with the face: from 1050 to 1450 ms
_SIZE = 640, 360  # width, height
_PLACE = 371, 72, 77, 90  # left, top, width, height of the face, in pixels
_FACE = slice(110, 342), slice(167, 366)  # of the portrait


def make_passing(path: Path) -> Path:
    """Write the film, its folder too, and return its path.

    Raises WorkshopError when a picture is not installed, OutputError when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    video.encode(path, _frames(), frame_rate=RATE, preset="veryfast")
    return path


def _frames() -> Iterator[np.ndarray]:
    wall = backdrops.brick_wall(_SIZE)
    left, top, width, height = _PLACE
    with_face = wall.copy()
    with_face[top : top + height, left : left + width] = cv2.resize(
        load(GRACE_HOPPER)[_FACE], (width, height), interpolation=cv2.INTER_AREA
    )
    for number in range(FRAMES):
        yield with_face if number in SEEN else wall

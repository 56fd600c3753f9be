"""From the script to frames and true boxes."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from . import matte, turning
from .figure import Figure
from .motion import ease
from .script import FRAME_RATE, HEIGHT, SCENES, WIDTH, Scene

BACKDROP = (1440, 810)
MIN_VISIBLE = 0.2
"""A face of which less is inside the frame is not in the true boxes."""


def frame_count() -> int:
    """Frames of all scenes."""
    return sum(scene.frames for scene in SCENES)


def frames() -> Iterator[np.ndarray]:
    """Every frame in order, HxWx3 uint8 BGR."""
    grain = _grain()
    portraits = {part.portrait for scene in SCENES for part in scene.parts}
    cut_outs = {portrait: matte.cut_out(portrait) for portrait in portraits}
    number = 0
    for scene in SCENES:
        backdrop = scene.backdrop(BACKDROP)
        figures = [Figure(part.portrait, cut_outs[part.portrait], scene.light) for part in scene.parts]
        for index in range(scene.frames):
            seconds = index / FRAME_RATE
            frame = _camera(scene, backdrop, seconds)
            for part, figure in zip(scene.parts, figures, strict=True):
                figure.draw(frame, part.motion.at(seconds))
            yield _grained(frame, grain, number)
            number += 1


def true_boxes() -> list[list[list]]:
    """For every frame the faces in it, by track: [track, left, top, width, height], in ratios of the frame."""
    return [_boxes(scene, index / FRAME_RATE) for scene in SCENES for index in range(scene.frames)]


def _boxes(scene: Scene, seconds: float) -> list[list]:
    boxes = []
    for part in sorted(scene.parts, key=lambda part: part.track):
        left, top, right, bottom = turning.face_box(part.portrait, part.motion.at(seconds))
        seen = (max(left, 0.0), max(top, 0.0), min(right, float(WIDTH)), min(bottom, float(HEIGHT)))
        width, height = seen[2] - seen[0], seen[3] - seen[1]
        if min(width, height) <= 0 or width * height < MIN_VISIBLE * (right - left) * (bottom - top):
            continue
        ratios = (seen[0] / WIDTH, seen[1] / HEIGHT, width / WIDTH, height / HEIGHT)
        boxes.append([part.track, *(round(ratio, 5) for ratio in ratios)])
    return boxes


def _camera(scene: Scene, backdrop: np.ndarray, seconds: float) -> np.ndarray:
    """The part of the backdrop that the camera sees, moved by fractions of a pixel."""
    shift = np.array([[1, 0, ease(scene.pan, seconds)], [0, 1, ease(scene.drop, seconds)]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(backdrop, shift, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _grain() -> np.ndarray:
    noise = np.random.default_rng(7).normal(0, 1.6, (HEIGHT + 64, WIDTH + 64, 1))
    return np.repeat(np.round(noise), 3, axis=2).astype(np.int8)


def _grained(frame: np.ndarray, grain: np.ndarray, number: int) -> np.ndarray:
    """Film grain, another piece of it each frame, so that sharp and magnified parts look of one kind."""
    y, x = (number * 37) % 64, (number * 23) % 64
    return cv2.add(frame, grain[y : y + HEIGHT, x : x + WIDTH], dtype=cv2.CV_8U)

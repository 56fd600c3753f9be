"""Looks at a video as Rekognition Video does: about twice a second.

Run as `python -m faceblur.localaws.sampling VIDEO`, a process of its own, so that a file that kills a decoder kills
one job. Prints {"metadata": VideoMetadata, "faces": [...]} in GetFaceDetection's words:
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_GetFaceDetection.html
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from .. import video
from ..errors import FaceblurError
from ..finding.detector import FaceDetector

# A real dump at 25 frames a second has samples at 480, 1000, 1480, 2000 ms, one at 29.97 at 467, 967 ms:
# the frame on display every half second, none at 0.
STEP_MS = 500
# Large faces are found at the smaller width, small ones at the larger.
WIDTHS = (640, 1280)
SAME_FACE_OVERLAP = 0.4
# Rekognition Video reads H.264 in MPEG-4 and MOV: https://docs.aws.amazon.com/rekognition/latest/dg/video.html
CODECS, CONTAINER = ("h264",), "mp4"
MAX_DURATION_MS = 6 * 3600 * 1000
# YuNet's landmarks in its order; left and right as seen in the picture, as Rekognition has them.
LANDMARKS = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")


def sampled(frames: Iterable[video.Frame], step_ms: float = STEP_MS) -> Iterator[video.Frame]:
    """The frame on display at each multiple of the step; of a video shorter than that, the last frame."""
    shown, due, none_yet = None, step_ms, True
    for frame in frames:
        if shown is None:
            due += frame.time_ms
        elif frame.time_ms > due:
            yield shown
            none_yet = False
            due += step_ms * max(1, math.ceil((frame.time_ms - due) / step_ms))
        shown = frame
    if shown is not None and (none_yet or shown.time_ms >= due):
        yield shown


def detect(path: str) -> dict:
    """All faces of a video. Raises InputError; ValueError for a video that Rekognition would not take."""
    info = video.probe(path)
    if info.codec not in CODECS or CONTAINER not in info.format.split(","):
        raise ValueError(f"Unsupported codec/format: {info.codec} in {info.format}; H.264 in MP4 or MOV is needed")
    if info.duration_ms > MAX_DURATION_MS:
        raise ValueError(f"Video duration {info.duration_ms / 3.6e6:.1f} h exceeds the maximum of 6 h")
    detector = FaceDetector()
    with video.Reader(path) as reader:
        faces = [
            {"Timestamp": int(frame.time_ms), "Face": face}
            for frame in sampled(reader)
            for face in find_faces(detector, frame.bgr())
        ]
    metadata = {
        "Codec": info.codec,
        "ColorRange": "FULL" if info.pixel_format.startswith("yuvj") else "LIMITED",
        "DurationMillis": int(info.duration_ms),
        "Format": "QuickTime / MOV",
        "FrameRate": info.frame_rate,
        "FrameHeight": info.height,
        "FrameWidth": info.width,
    }
    return {"metadata": metadata, "faces": faces}


def find_faces(detector: FaceDetector, bgr: np.ndarray) -> list[dict]:
    """FaceDetail structures, best first."""
    rows = np.concatenate([detector.find_rows(bgr, width) for width in WIDTHS])
    kept: list[np.ndarray] = []
    for row in rows[np.argsort(-rows[:, 14])]:
        if all(overlap(row, other) < SAME_FACE_OVERLAP for other in kept):
            kept.append(row)
    return [describe(row.astype(float), bgr) for row in kept]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes (left, top, width, height)."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:4], other[:2] + other[2:4])
    shared = np.prod(np.maximum(high - low, 0))
    return float(shared / (one[2] * one[3] + other[2] * other[3] - shared))


def describe(row: np.ndarray, bgr: np.ndarray) -> dict:
    """One FaceDetail. Box, confidence and landmarks are YuNet's; pose and quality are estimates from them."""
    left, top, width, height = row[:4]
    points = row[4:14].reshape(5, 2)
    return {
        "BoundingBox": {"Width": width, "Height": height, "Left": left, "Top": top},
        "Confidence": 100 * min(1.0, row[14]),
        "Landmarks": [{"Type": name, "X": x, "Y": y} for name, (x, y) in zip(LANDMARKS, points.tolist(), strict=True)],
        "Pose": pose(points * (bgr.shape[1], bgr.shape[0])),
        "Quality": quality(crop(bgr, row[:4])),
    }


def pose(points: np.ndarray) -> dict:
    """Degrees, from where the nose lies between eyes and mouth in a head of ordinary proportions."""
    eyes, mouth, nose = (points[0] + points[1]) / 2, (points[3] + points[4]) / 2, points[2]
    across, down = points[1] - points[0], mouth - eyes
    apart, drop = max(float(np.hypot(*across)), 1e-6), max(float(np.hypot(*down)), 1e-6)
    aside = float(np.dot(nose - eyes, across)) / apart**2
    below = float(np.dot(nose - eyes, down)) / drop**2
    return {
        "Roll": math.degrees(math.atan2(across[1], across[0])),
        "Yaw": math.degrees(math.asin(float(np.clip(aside, -1, 1)))),
        "Pitch": math.degrees(math.asin(float(np.clip(2 * (0.55 - below), -1, 1)))),
    }


def crop(bgr: np.ndarray, box: np.ndarray) -> np.ndarray:
    height, width = bgr.shape[:2]
    left, top = int(max(0, box[0] * width)), int(max(0, box[1] * height))
    right, bottom = int(min(width, (box[0] + box[2]) * width)), int(min(height, (box[1] + box[3]) * height))
    return bgr[top : max(bottom, top + 1), left : max(right, left + 1)]


def quality(face: np.ndarray) -> dict:
    """0 to 100: mean luma, and the Laplacian's spread on a scale that saturates like a photograph's."""
    gray = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY) if face.size else np.zeros((1, 1), np.uint8)
    spread = float(cv2.Laplacian(gray, cv2.CV_64F).std())
    return {"Brightness": float(gray.mean()) / 2.55, "Sharpness": 100 * (1 - math.exp(-spread / 20))}


def main(path: str) -> int:
    """One JSON document on standard output: the result, or {"error": one line}."""
    try:
        document, status = detect(path), 0
    except (FaceblurError, ValueError) as problem:
        document, status = {"error": str(problem).replace(f"{path}: ", "")}, 1
    print(json.dumps(document))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

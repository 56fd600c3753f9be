"""Look at the output again: is everything there, and is every face gone? Imports everything below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .detector import FaceDetector
from .plan import Plan
from .tracking import overlap
from .video import Reader

Progress = Callable[[int, int], None]

MAX_TIME_SHIFT_MS = 1.0
_LOOK_EVERY = 5  # frames between looks of the detector at the output
_SURE = 0.8  # a face this certain in the output, where the plan covers none, is a leak


@dataclass(frozen=True)
class Audit:
    """passed: True, False, or None when it could not tell. problems: one line each."""

    passed: bool | None
    problems: tuple[str, ...]
    frames: int
    frames_looked_at: int
    faces_left: tuple[dict, ...]

    def to_json(self) -> dict:
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "frames": self.frames,
            "frames_looked_at": self.frames_looked_at,
            "faces_left": list(self.faces_left),
        }


def verify(original: str | Path, output: str | Path, plan: Plan, *, progress: Progress | None = None) -> Audit:
    """Compare the output with the original, frame by frame, and look for faces that are left in it."""
    detector = FaceDetector(_SURE)
    regions, problems, left = plan.regions(), [], []
    kept = [track for track in plan.tracks if track.keep]
    frames = looked_at = 0
    with Reader(original) as before, Reader(output) as after:
        total = before.expected_frames
        shown = iter(after)
        for frame in before:
            frames += 1
            result = next(shown, None)
            if result is None:
                problems.append(f"frame {frame.index} at {frame.time_ms:.0f} ms is missing, and all after it")
                break
            if abs(result.time_ms - frame.time_ms) > MAX_TIME_SHIFT_MS:
                problems.append(f"frame {frame.index} is at {result.time_ms:.1f} ms instead of {frame.time_ms:.1f}")
                break
            if frame.index % _LOOK_EVERY == 0:
                looked_at += 1
                covered = [plan.style.grown(box) for _, box in regions.faces_at(frame.time_ms)]
                covered += regions.areas_at(frame.time_ms)
                left += _faces_left(detector, result, covered, kept)
            if progress:
                progress(frames, max(frames, total))
        else:
            if next(shown, None) is not None:
                problems.append("the output has more frames than the original")
    if left:
        times = sorted({face["time_ms"] for face in left})
        problems.append(f"{len(left)} faces are left, first at {times[0]:.0f} ms")
    return Audit(not problems, tuple(problems), frames, looked_at, tuple(left))


def _faces_left(detector: FaceDetector, frame, covered: list, kept: list) -> list[dict]:
    """Faces that the detector is sure of and that no region covers for the most part."""
    left = []
    for face in detector.find(frame.bgr(640)):
        box = np.array([face.left, face.top, face.width, face.height])
        if any(_share_inside(box, np.array(region)) > 0.5 for region in covered):
            continue
        allowed = [t.boxes[np.searchsorted(t.times_ms, frame.time_ms - 0.01).clip(0, len(t.times_ms) - 1)] for t in kept]
        if allowed and overlap(box[None], np.array(allowed, float)).max() > 0.2:
            continue
        left.append({"time_ms": frame.time_ms, "score": round(face.confidence, 3), "box": [round(float(n), 5) for n in box]})
    return left


def _share_inside(box: np.ndarray, region: np.ndarray) -> float:
    high = np.minimum(box[:2] + box[2:], region[:2] + region[2:])
    sides = np.clip(high - np.maximum(box[:2], region[:2]), 0, None)
    return float(sides.prod() / max(box[2:].prod(), 1e-12))

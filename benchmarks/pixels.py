"""What of each true face is left on the pixels of a blurred video: `faceblur.audit.survival` on paired frames.

Used where no independent scorer is at hand. Imports `truth` and faceblur's reader.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from truth import Reference

from faceblur.audit.survival import READABLE, measure_detail
from faceblur.video import Reader

EXPOSED = 0.8  # more of a face's detail than this: it is as good as untouched


def survival(clip: Path, output: Path, reference: Reference, shift_ms: float) -> dict:
    """Counts of scored, exposed and readable face-frames. shift_ms: the clip's time minus the output's."""
    details = []
    with Reader(clip) as source, Reader(output) as blurred:
        shown = _Nearest(blurred)
        for index, frame in enumerate(source):
            result = shown.at(frame.time_ms - shift_ms)
            if result is None or index >= len(reference.faces):
                break
            before, after = frame.gray(frame.display_size[0]), result.gray(result.display_size[0])
            if after.shape != before.shape:
                after = cv2.resize(after, before.shape[::-1])
            details += [measure_detail(before, after, face) for _, face in reference.faces[index]]
    scored = np.array([detail.left for detail in details if detail is not None])
    counts = {
        "scored": len(scored),
        "exposed": int((scored > EXPOSED).sum()),
        "readable": int((scored > READABLE).sum()),
    }
    return counts | {"scorer": "own"}


class _Nearest:
    """Frames by time, which must rise from call to call."""

    def __init__(self, reader: Reader):
        self._frames = iter(reader)
        self._here = next(self._frames, None)
        self._ahead = next(self._frames, None)

    def at(self, time_ms: float):
        while self._ahead and abs(self._ahead.time_ms - time_ms) <= abs(self._here.time_ms - time_ms):
            self._here, self._ahead = self._ahead, next(self._frames, None)
        return self._here

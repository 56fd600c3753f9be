"""deface's own command, which besides its output writes where it blurred. Runs in deface's Python, imports no
faceblur.

    PYTHON_OF_DEFACE deface_recorded.py BOXES.json [deface's arguments]

BOXES.json: {"frames": one list a frame of [left, top, width, height] in ratios, "peak_mb": MiB without
ffmpeg}.
"""

import json
import sys

from deface import deface


def main(path: str) -> None:
    frames = []
    anonymize, draw = deface.anonymize_frame, deface.draw_det

    def anonymize_frame(dets, frame, *args, **kwargs):
        frames.append([])
        return anonymize(dets, frame, *args, **kwargs)

    def draw_det(frame, score, number, x1, y1, x2, y2, **kwargs):
        high, wide = frame.shape[:2]
        frames[-1].append([int(x1) / wide, int(y1) / high, int(x2 - x1) / wide, int(y2 - y1) / high])
        return draw(frame, score, number, x1, y1, x2, y2, **kwargs)

    deface.anonymize_frame, deface.draw_det = anonymize_frame, draw_det
    deface.main()
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"frames": frames, "peak_mb": peak_mb()}, file)


def peak_mb() -> float | None:
    """Most memory this process used, MiB; None where the system does not tell. (A child's ru_maxrss holds its
    parent's, from before it became another program.)
    """
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except OSError:
        return None


if __name__ == "__main__":
    boxes = sys.argv.pop(1)
    main(boxes)

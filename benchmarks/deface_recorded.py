"""deface's own command, which besides its output writes where it blurred. Runs in deface's Python, imports no
faceblur.

    PYTHON_OF_DEFACE deface_recorded.py BOXES.json [deface's arguments]

BOXES.json: {"frames": one list a frame of [left, top, width, height] in ratios, "peak_mb": MiB without
ffmpeg}.
"""

import json
import sys
from pathlib import Path

from deface import deface
from peak import peak_mb


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
    with Path(path).open("w", encoding="utf-8") as file:
        json.dump({"frames": frames, "peak_mb": peak_mb()}, file)


if __name__ == "__main__":
    boxes = sys.argv.pop(1)
    main(boxes)

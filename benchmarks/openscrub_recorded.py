"""OpenScrub's own command, which besides its output writes where it blurred. Runs in OpenScrub's Python, imports no
faceblur.

    PYTHON_OF_OPENSCRUB openscrub_recorded.py BOXES.json [openscrub's arguments]

It looks for YuNet's file in ~/.openscrub/models and would download it: `methods` gives it a home that has it.
BOXES.json: {"frames": one list a frame of [left, top, width, height] in ratios, "peak_mb": MiB without ffmpeg}.
"""

import json
import sys
from pathlib import Path

import openscrub
from peak import peak_mb


def main(path: str) -> None:
    frames = []
    drawn_next, blur = openscrub._dedupe_dense, openscrub.blur_region

    def _dedupe_dense(active):  # called once a frame, before anything is drawn on it
        frames.append([])
        return drawn_next(active)

    def blur_region(frame, x1, y1, x2, y2, *args, **kwargs):
        high, wide = frame.shape[:2]
        frames[-1].append([int(x1) / wide, int(y1) / high, int(x2 - x1) / wide, int(y2 - y1) / high])
        return blur(frame, x1, y1, x2, y2, *args, **kwargs)

    openscrub._dedupe_dense, openscrub.blur_region = _dedupe_dense, blur_region
    openscrub.main()
    with Path(path).open("w", encoding="utf-8") as file:
        json.dump({"frames": frames, "peak_mb": peak_mb()}, file)


if __name__ == "__main__":
    boxes = sys.argv.pop(1)
    main(boxes)

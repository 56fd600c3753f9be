"""The project's sample video: two people, two places, one hard cut, music, and where the faces truly are.

Made on the spot from pictures in the public domain that installed packages carry:

- Rear Admiral Grace Hopper, portrait by the U.S. Navy (matplotlib, `sample_data/grace_hopper.jpg`)
- Eileen Collins, astronaut, portrait by NASA (scikit-image, `data/astronaut.png`)
- Falcon 9 before the launch of DSCOVR, public domain by SpaceX (scikit-image, `data/rocket.jpg`)
- a brick wall, CC0, from CC0Textures (scikit-image, `data/brick.png`)

The music is computed. Rooms, from the outside in: `film` makes frames and true boxes from `script` (who, where, when);
`figure` draws a person; `turning` is the geometry that pixels and boxes share; `matte` cuts people out; `portraits`
holds what was measured on the pictures; `backdrops` paints places; `motion`, `sound` and `pictures` stand alone. Never
matplotlib or scikit-image themselves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import video
from ..errors import OutputError
from ..files import write_text
from ..shapes import Progress
from . import film, pictures, sound
from .script import FRAME_RATE, HEIGHT, WIDTH

__all__ = ["make_sample"]

FACE_FIELDS = ["track", "left", "top", "width", "height"]


def make_sample(path: str | Path, faces_path: str | Path | None = None, progress: Progress | None = None) -> dict:
    """Write the sample video (1280x720, 30 fps, 12 s, H.264 and AAC) and, if asked, its true face boxes.

    Returns what the JSON at `faces_path` holds: {"clip", "sha256", "width", "height", "face_fields",
    "frames": [{"time_ms", "faces": [[track, left, top, width, height], ...]}]}, boxes relative to the frame
    and clipped to it. A track is one person's appearance in one scene. progress(done, total) is called after
    each frame.

    Raises WorkshopError when the packages with the pictures are missing, OutputError when a file cannot be
    written.
    """
    path = Path(path)
    if faces_path is not None and not Path(faces_path).parent.is_dir():
        raise OutputError(f"{faces_path}: cannot be written (no such folder)")
    for picture in (pictures.GRACE_HOPPER, pictures.EILEEN_COLLINS, pictures.LAUNCH_PAD, pictures.BRICK):
        pictures.locate(picture)
    music = sound.music(film.frame_count() / FRAME_RATE)
    frames = _counted(film.frames(), progress)
    video.encode(path, frames, frame_rate=FRAME_RATE, audio=music, preset="veryfast")
    truth = _truth(path)
    if faces_path is not None:
        write_text(faces_path, json.dumps(truth, separators=(",", ":")) + "\n")
    return truth


def _counted(frames: Iterator[np.ndarray], progress: Progress | None) -> Iterator[np.ndarray]:
    total = film.frame_count()
    for done, frame in enumerate(frames, start=1):
        yield frame
        if progress:
            progress(done, total)


def _truth(path: Path) -> dict:
    return {
        "clip": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "width": WIDTH,
        "height": HEIGHT,
        "face_fields": FACE_FIELDS,
        "frames": [
            {"time_ms": round(1000 * index / FRAME_RATE, 3), "faces": boxes}
            for index, boxes in enumerate(film.true_boxes())
        ],
    }

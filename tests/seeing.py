"""Small videos and findings for the tests of pictures, figures and widgets."""

from __future__ import annotations

import numpy as np

from faceblur import Plan, Track, video
from faceblur.detections import Detections, Face

FRAMES, RATE = 30, 10
SIZE = (320, 180)


def make_video(path, colour=0, size=SIZE):
    """A 3-second film whose brightness grows with the frame's number: a frame can be told by its pixels."""
    width, height = size

    def frames():
        for index in range(FRAMES):
            picture = np.full((height, width, 3), 8 * index, np.uint8)
            picture[:, : width // 2, :] = picture[:, : width // 2, :] // 2 + colour
            yield picture

    video.encode(path, frames(), frame_rate=RATE)
    return path


def some_faces() -> Detections:
    times = (480.0, 1000.0, 1480.0, 2000.0)
    faces = ((t, Face(0.1 + t / 5000, 0.2, 0.1, 0.3, 0.9)) for t in times)
    return Detections.from_faces([*faces, (1000.0, Face(0.7, 0.2, 0.2, 0.4, 0.55))])


def some_report() -> dict:
    def regions(index):
        first = [[0, 0.1, 0.2, 0.2, 0.4]] * (index < 10 or index >= 20)
        return first + [[3, 0.6, 0.1, 0.2, 0.3]] * (index > 25)

    frames = [{"time_ms": 100.0 * index, "regions": regions(index)} for index in range(FRAMES)]
    return {
        "frames": frames,
        "counts": {"frames": FRAMES, "frames_with_regions": 20, "tracks": 2, "face_frames": 24},
        "video": {"duration_ms": 3000.0, "width": SIZE[0], "height": SIZE[1]},
    }


def crowd(duration_ms=600_000.0, tracks=1338, gaps=57) -> Plan:
    """As ten minutes of a talk give it: the higher a track's number, the longer; the last one was lost many times."""
    spread = np.linspace(0, duration_ms * 0.9, tracks)
    lengths = np.linspace(0.01, 0.1, tracks) * duration_ms
    lost = np.linspace(duration_ms * 0.9, duration_ms * 0.99, gaps)
    box = np.full((3, 4), 0.3, np.float32)
    found = [
        Track(
            number,
            np.linspace(spread[number], spread[number] + lengths[number], 3),
            box,
            review=tuple((float(at), float(at) + 1.0 + index) for index, at in enumerate(lost))
            if number == tracks - 1
            else (),
        )
        for number in range(tracks)
    ]
    return Plan(tuple(found), video={"duration_ms": duration_ms, "frame_rate": 25.0})

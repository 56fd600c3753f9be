"""Clips in which there is no face: slow pans and zooms over photographs that scikit-image carries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from faceblur import video

# A cat, things, textures, the sky, a page, tissue. Left out: pictures of people, and coins (they bear heads).
PICTURES = (
    "chelsea", "coffee", "rocket", "brick", "gravel", "grass", "hubble_deep_field", "immunohistochemistry",
    "moon", "page", "retina", "cell", "clock",
)  # fmt: skip
_SIZES = ((640, 360), (1280, 720), (480, 270))
_SECONDS, _RATE = 4, 25


def make_all(folder: Path) -> list[Path]:
    return [make(folder / f"faceless_{name}.mp4", name, number) for number, name in enumerate(PICTURES)]


def make(path: Path, name: str, number: int) -> Path:
    """Write the clip of one picture; `number` chooses size and path. The same every time."""
    video.encode(path, _frames(name, _SIZES[number % len(_SIZES)], number), frame_rate=_RATE, crf=23, preset="veryfast")
    return path


def _frames(name: str, size: tuple[int, int], seed: int) -> Iterator[np.ndarray]:
    from skimage import data

    picture = np.asarray(getattr(data, name)())
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture[..., 2::-1]
    picture = np.ascontiguousarray(picture.astype(np.uint8))
    random = np.random.default_rng(seed)
    grain = random.normal(0, 3, (2 * size[1], 2 * size[0], 1)).astype(np.float32)
    start, end = random.uniform(0.2, 0.8, (2, 2))
    count = _SECONDS * _RATE
    for index in range(count):
        share = index / (count - 1)
        shot = _camera(picture, size, (1 - share) * start + share * end, 1.0 + 0.8 * share)
        x, y = (int(n) for n in random.integers(0, size))
        noisy = shot + grain[y : y + size[1], x : x + size[0]]
        yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _camera(picture: np.ndarray, size: tuple[int, int], centre: np.ndarray, zoom: float) -> np.ndarray:
    """What a camera of `size` sees that fills its view with the picture, enlarged by `zoom`, looking at
    `centre`.
    """
    rows, columns = picture.shape[:2]
    scale = zoom * max(size[0] / columns, size[1] / rows)
    seen = np.array(size) / scale
    middle = seen / 2 + centre * (np.array([columns, rows]) - seen)
    matrix = np.array([[scale, 0, size[0] / 2 - scale * middle[0]], [0, scale, size[1] / 2 - scale * middle[1]]])
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

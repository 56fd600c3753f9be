"""What every picture of ours is made with: paper, lettering, and the one way to PNG, JPEG and WebP.

Works with the core dependencies alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import OutputError
from ..files import write_bytes
from .colours import INK, PAPER

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
FULL_QUALITY, SMALL_QUALITY = 95, 80  # of JPEG: for a file; for what stands inside of a notebook


class Canvas:
    """A copy of a BGR picture to write and draw on; coordinates in pixels, colours as CSS has them.

    >>> canvas = Canvas(paper(40, 200))
    >>> canvas.text(4, 10, "three faces", "#000000", 15)
    >>> canvas.picture.shape, int(canvas.picture.min())
    ((40, 200, 3), 0)
    """

    def __init__(self, picture: np.ndarray):
        self._image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
        self.draw = ImageDraw.Draw(self._image)

    @property
    def picture(self) -> np.ndarray:
        """H x W x 3 uint8 BGR."""
        return np.ascontiguousarray(np.asarray(self._image)[..., ::-1])

    def text(self, x: float, y: float, words: str, colour: str, size: int, anchor: str = "la") -> None:
        """anchor: which point of the words lies at x, y, as Pillow has it."""
        self.draw.text((x, y), words, font=ImageFont.load_default(size), fill=colour, anchor=anchor)

    def label(self, left: float, bottom: float, words: str, colour: str, size: int) -> None:
        """Words on a coloured ground that ends at `bottom`, or begins there where no room is above."""
        font, pad = ImageFont.load_default(size), max(2, size // 4)
        x0, y0, x1, y1 = self.draw.textbbox((0, 0), words, font=font)
        tall, wide = y1 + 2 * pad, x1 - x0 + 2 * pad
        top = bottom - tall if bottom >= tall else bottom
        left = max(0, min(left, self._image.width - wide))
        self.draw.rectangle((left, top, left + wide, top + tall), fill=colour)
        self.draw.text((left + pad, top + pad - y0 / 3), words, font=font, fill=INK)


def paper(height: int, width: int) -> np.ndarray:
    """An empty BGR picture."""
    return np.full((height, width, 3), bgr(PAPER), np.uint8)


def bgr(colour: str) -> tuple[int, int, int]:
    """
    >>> bgr("#0102ff")
    (255, 2, 1)
    """
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red


def encode(picture: np.ndarray, suffix: str, quality: int = FULL_QUALITY) -> bytes:
    """A file's bytes of a BGR picture. suffix: one of PICTURES; quality: of JPEG, 0..100.

    Raises OutputError when there is no such kind of picture, or when it cannot hold this one.
    """
    _check_suffix(suffix, f"a picture as {suffix or 'nothing'}")
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix.lower() in (".jpg", ".jpeg") else []
    try:
        is_done, data = cv2.imencode(suffix, picture, options) if picture.size else (False, picture)
    except cv2.error:
        is_done = False
    if not is_done:
        size = " x ".join(map(str, picture.shape[1::-1]))
        raise OutputError(f"a picture of {size} pixels cannot be written as {suffix}")
    return data.tobytes()


def save_picture(path: str | Path, picture: np.ndarray) -> None:
    """Write a BGR picture, whole or not at all; the name's ending, one of PICTURES, says how.

    Raises OutputError: for another ending, for a picture without a pixel or too large for its kind, for a folder that
    is missing, and for what cannot be written to.
    """
    check_pictures([path])
    try:
        data = encode(picture, Path(path).suffix)
    except OutputError as problem:
        raise OutputError(f"{path}: {problem}") from problem
    write_bytes(path, data)


def check_pictures(paths: Iterable[str | Path | None]) -> None:
    """Raises OutputError for a name that does not say which kind of picture it is to be. None is not looked at."""
    for path in paths:
        if path is not None:
            _check_suffix(Path(path).suffix, str(path))


def _check_suffix(suffix: str, what: str) -> None:
    if suffix.lower() not in PICTURES:
        raise OutputError(f"{what}: the name of a picture ends in {', '.join(PICTURES)}")

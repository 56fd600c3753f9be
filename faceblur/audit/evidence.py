"""A contact sheet of an audit: the faces that can be seen, or else those of which most is left.

Works with the core dependencies alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..showing.canvas import Canvas, paper
from ..showing.colours import INK, LEAK, SOFT
from ..showing.preview import LabelledBox, draw_boxes, read_frames
from ..timecode import clock
from ..video import probe
from .remains import BlurredFace, FoundFace
from .verdict import Audit

MOST_FACES = 12
_SIDE, _GAP, _CAPTION, _COLUMNS = 240, 20, 48, 3
_REACH = 2.2  # how much of the surroundings a crop shows, in sides of the box
_APART_MS = 400.0  # pictures of the same face at least so far apart, as long as there are others
_MAX_WIDTH = 1920  # larger pictures are scaled to this

_Face = FoundFace | BlurredFace


def evidence_sheet(original: str | Path, output: str | Path, found: Audit) -> np.ndarray | None:
    """H x W x 3 uint8 BGR; None when there is no face to show. Raises InputError like `probe`."""
    faces = choose(found.leaks or found.worst)
    if not faces:
        return None
    times = sorted({face.time_ms for face in faces})
    width = min(probe(original).width, _MAX_WIDTH)
    befores = dict(zip(times, read_frames(original, times, width), strict=True))
    afters = dict(zip(times, read_frames(output, times, width), strict=True))
    cards = [_card(befores[f.time_ms], afters[f.time_ms], f) for f in faces]
    title = "Faces that can be seen" if found.leaks else "The blurred faces with most detail left"
    return _sheet(cards, title)


def choose(faces: Sequence[_Face]) -> list[_Face]:
    """The clearest ones, of different people and moments as far as there are such; in order of time."""
    clearest = sorted(faces, key=lambda face: -(1.0 if face.detail_left is None else face.detail_left))
    chosen: list[_Face] = []
    for face in clearest:
        if len(chosen) < MOST_FACES and all(_is_apart(face, other) for other in chosen):
            chosen.append(face)
    rest = [face for face in clearest if face not in chosen]
    return sorted(chosen + rest[: MOST_FACES - len(chosen)], key=lambda face: (face.time_ms, face.box))


def _is_apart(face: _Face, other: _Face) -> bool:
    is_elsewhere = abs(face.box[0] - other.box[0]) > face.box[2] or abs(face.box[1] - other.box[1]) > face.box[3]
    return is_elsewhere or abs(face.time_ms - other.time_ms) >= _APART_MS


def _card(before: np.ndarray, after: np.ndarray, face: _Face) -> np.ndarray:
    """The face before and after, over what is known of it."""
    after = cv2.resize(after, before.shape[1::-1]) if after.shape != before.shape else after
    pair = np.hstack([_crop(before, face), np.full((_SIDE, 4, 3), 255, np.uint8), _crop(after, face)])
    caption = Canvas(paper(_CAPTION, pair.shape[1]))
    who = "" if face.track is None else ("   area" if face.track < 0 else f"   track {face.track}")
    left = (
        "too small to measure"
        if face.detail_left is None
        else f"{max(0.0, face.detail_left):.0%} of its detail is left"
    )
    is_leak = isinstance(face, FoundFace)
    score = f", a face by {face.score:.0%}" if isinstance(face, FoundFace) and face.score is not None else ""
    caption.text(2, 4, f"frame {face.index}   {clock(face.time_ms)}{who}", INK, 16)
    caption.text(2, 25, left + score, LEAK if is_leak else SOFT, 16)
    return np.vstack([pair, caption.picture])


def _crop(picture: np.ndarray, face: _Face) -> np.ndarray:
    """A square around the face, moved into the picture, with the face's box drawn."""
    high, wide = picture.shape[:2]
    left, top, width, height = face.box
    side = round(min(_REACH * max(width * wide, height * high), wide, high))
    side = max(side, 8)
    x = round(min(max((left + width / 2) * wide - side / 2, 0), max(0, wide - side)))
    y = round(min(max((top + height / 2) * high - side / 2, 0), max(0, high - side)))
    part = cv2.resize(picture[y : y + side, x : x + side], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    box = ((left * wide - x) / side, (top * high - y) / side, width * wide / side, height * high / side)
    return draw_boxes(part, [LabelledBox(*box, number=3)])


def _sheet(cards: list[np.ndarray], title: str) -> np.ndarray:
    height, width = cards[0].shape[:2]
    columns = min(_COLUMNS, len(cards))
    rows = -(-len(cards) // columns)
    head = 56
    sheet = paper(head + rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP)
    for number, card in enumerate(cards):
        row, column = divmod(number, columns)
        y, x = head + row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[y : y + height, x : x + width] = card
    canvas = Canvas(sheet)
    canvas.text(_GAP, 16, f"{title}: before and after", INK, 22)
    return canvas.picture

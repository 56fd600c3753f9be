"""Synthetic videos in which faces move over a moving background, and the truth about them, frame by frame.

A face is either a portrait's real pixels, which the detector can find, or a textured disc, which it cannot:
then the given samples and optical flow are all there is. Times are ms, positions and sizes pixels of a WIDTH
x HEIGHT picture, boxes ratios (left, top, width, height).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from faceblur import Detections, Face, Plan, video
from faceblur.sample import pictures
from faceblur.sample.portraits import EILEEN, GRACE

WIDTH, HEIGHT = 320, 180
MIN_SEEN = 0.3  # a face of which less can be seen, because it is outside or behind others, is not in the truth
COVERED = 0.9


@dataclass(frozen=True)
class Mover:
    """A face: centre (x, y) at time 0 in pixels, speed (dx, dy) in face widths a second, size in pixels of
    width.
    """

    x: float
    y: float
    dx: float
    dy: float
    size: float
    kind: str = "disc"  # or "eileen", "grace"
    shot: int = 0

    def box(self, time_ms: float) -> tuple[float, float, float, float]:
        """Ratios; may reach past the picture."""
        height = self.size * _cut_out(self.kind)[2]
        x = self.x + self.dx * self.size * time_ms / 1000
        y = self.y + self.dy * self.size * time_ms / 1000
        return (x - self.size / 2) / WIDTH, (y - height / 2) / HEIGHT, self.size / WIDTH, height / HEIGHT


@dataclass(frozen=True)
class Scene:
    """Movers over texture, later ones in front. From cut_ms on, a hard cut, the movers of shot 1 are seen."""

    movers: tuple[Mover, ...]
    seconds: float = 2.4
    rate: int = 15
    cut_ms: float = math.inf
    seed: int = 0

    @property
    def times_ms(self) -> list[float]:
        return [1000 * i / self.rate for i in range(round(self.seconds * self.rate))]

    def on_stage(self, time_ms: float) -> list[Mover]:
        return [m for m in self.movers if m.shot == (time_ms >= self.cut_ms)]

    def truth(self, time_ms: float) -> list[tuple[float, float, float, float]]:
        """Boxes of the faces that can be seen, not clipped to the picture."""
        return [box for box, *_ in self._in_sight(time_ms)]

    def seen_points(self, time_ms: float) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each face of the truth a grid of points over its box, x and y in ratios, and which of them are
        seen.
        """
        return [points for _, *points in self._in_sight(time_ms)]

    def _in_sight(self, time_ms: float) -> list[tuple]:
        movers = self.on_stage(time_ms)
        mattes = [_placed(mover, time_ms)[1] for mover in movers]
        found = [(m.box(time_ms), *_seen(m.box(time_ms), mattes[i + 1 :])) for i, m in enumerate(movers)]
        return [entry for entry in found if entry[3].mean() > MIN_SEEN]

    def frames(self):
        """H x W x 3 uint8 pictures."""
        for time_ms in self.times_ms:
            shot = int(time_ms >= self.cut_ms)
            picture = _background(self.seed + shot, time_ms, dark=bool(shot))
            for mover in self.on_stage(time_ms):
                _paste(picture, mover, time_ms)
            yield picture

    def write(self, path: Path) -> Path:
        video.encode(path, self.frames(), frame_rate=self.rate, crf=20, preset="ultrafast")
        return path

    def samples(self, every_ms: float, phase_ms: float = 0.0, missing: frozenset[int] = frozenset()) -> Detections:
        """The truth at the frames nearest to these times, as Rekognition would have it: times in ms, faces
        given twice now and then, boxes past the border.
        """
        timed, number = [], 0
        while phase_ms + number * every_ms <= self.times_ms[-1]:
            time_ms = min(self.times_ms, key=lambda t: abs(t - phase_ms - number * every_ms))
            if number not in missing:
                timed += [(float(round(time_ms)), Face(*box)) for box in self.truth(time_ms)] * (1 + number % 2)
            number += 1
        return Detections.from_faces(timed)


def uncovered(scene: Scene, plan: Plan) -> list[tuple[float, int, float]]:
    """(time_ms, number of the face, share covered) of each true face of which the blurred ellipses leave too
    much.
    """
    regions, style, leaks = plan.regions(), plan.style, []
    for time_ms in scene.times_ms:
        blurred = [style.grown(box) for _, box in regions.faces_at(time_ms)]
        for number, (x, y, seen) in enumerate(scene.seen_points(time_ms)):
            share = _inside(x[seen], y[seen], blurred, style.feather_ratio).mean()
            if share < COVERED:
                leaks.append((round(time_ms), number, round(float(share), 2)))
    return leaks


def covered(box, regions, feather: float) -> float:
    """Share of the part of a box that is in the picture within the ellipses inscribed in the regions."""
    x, y, seen = _seen(box, [])
    return float(_inside(x[seen], y[seen], regions, feather).mean()) if seen.any() else 1.0


def _inside(x: np.ndarray, y: np.ndarray, regions, feather: float) -> np.ndarray:
    """Which points lie within the ellipses inscribed in the regions, without their soft rim."""
    inside = np.zeros(x.shape, bool)
    for left, top, width, height in regions:
        across, down = (x - left) / width * 2 - 1, (y - top) / height * 2 - 1
        inside |= across**2 + down**2 <= (1 - feather) ** 2
    return inside


@cache
def _texture(seed: int) -> np.ndarray:
    """Soft blobs of several sizes, larger than the picture, so that flow has something to hold on to."""
    random = np.random.default_rng(seed)
    texture = np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.float32)
    for cells, strength in ((6, 60), (20, 40), (70, 30)):
        noise = random.uniform(-1, 1, (cells, cells * WIDTH // HEIGHT, 3)).astype(np.float32)
        texture += strength * cv2.resize(noise, texture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return texture


def _background(seed: int, time_ms: float, dark: bool) -> np.ndarray:
    """The texture, panned by 20 pixels a second."""
    x = 20 + 20 * time_ms / 1000
    moved = np.array([[1, 0, -x], [0, 1, -10 - x / 4]])
    seen = cv2.warpAffine(_texture(seed), moved, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT_101)
    return np.clip(seen * (0.5 if dark else 1) + (70 if dark else 140), 0, 255).astype(np.uint8)


@cache
def _cut_out(kind: str) -> tuple[np.ndarray, np.ndarray, float, tuple[float, float, float]]:
    """Picture H x W x 3, its matte 0..1, the face's height over its width, (centre x, y, width) of the face
    in it.
    """
    if kind == "disc":
        side = 160
        y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        matte = np.clip((1 - np.sqrt(x**2 + y**2)) * 40, 0, 1).astype(np.float32)
        grain = np.random.default_rng(99).uniform(0, 255, (20, 20, 3)).astype(np.float32)
        skin = cv2.resize(grain, (side, side), interpolation=cv2.INTER_LINEAR)
        return skin, matte, 1.0, (side / 2, side / 2, side)
    portrait = {"eileen": EILEEN, "grace": GRACE}[kind]
    picture = pictures.load(portrait.picture)
    matte = np.zeros(picture.shape[:2], np.float32)
    cv2.fillPoly(matte, [np.rint(np.array(portrait.outline)).astype(np.int32)], 1.0, lineType=cv2.LINE_AA)
    left, top, width, height = portrait.face
    return picture.astype(np.float32), matte, height / width, (left + width / 2, top + height / 2, width)


def _paste(picture: np.ndarray, mover: Mover, time_ms: float) -> None:
    colours, matte = _placed(mover, time_ms)
    alpha = matte[..., None]
    picture[...] = np.rint(picture * (1 - alpha) + colours * alpha)


def _placed(mover: Mover, time_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """The mover's picture and matte where it stands, as large as the frame."""
    _, matte, _, (x, y, width) = _cut_out(mover.kind)
    left, top, wide, high = mover.box(time_ms)
    scale = mover.size / width
    to_x, to_y = (left + wide / 2) * WIDTH, (top + high / 2) * HEIGHT
    move = np.array([[scale, 0, to_x - scale * x], [0, scale, to_y - scale * y]])
    colours = cv2.warpAffine(_softened(mover.kind, scale), move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return colours, cv2.warpAffine(matte, move, (WIDTH, HEIGHT))


@cache
def _softened(kind: str, scale: float) -> np.ndarray:
    """So smooth that it can be shrunk by `scale` without aliasing."""
    image = _cut_out(kind)[0]
    return cv2.GaussianBlur(image, (0, 0), 0.4 / scale) if scale < 0.8 else image


def _seen(box, in_front: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of the box, x and y in ratios, and which are in the picture and behind none of the mattes."""
    grid = (np.arange(20) + 0.5) / 20
    x, y = np.meshgrid(box[0] + box[2] * grid, box[1] + box[3] * grid)
    seen = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    column = (x * WIDTH).clip(0, WIDTH - 1).astype(int)
    row = (y * HEIGHT).clip(0, HEIGHT - 1).astype(int)
    for matte in in_front:
        seen &= matte[row, column] < 0.5
    return x, y, seen

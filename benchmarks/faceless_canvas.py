"""What the scenes are drawn on: lit solids and flat shapes, with texture and grain."""

from __future__ import annotations

import cv2
import numpy as np

WIDE, HIGH = 960, 540
Y, X = np.mgrid[:HIGH, :WIDE].astype(np.float32)
_LIGHT = np.array([-0.45, -0.6, 0.66], np.float32)  # from the upper left, towards the viewer
Colour = tuple[int, int, int]


class Canvas:
    """What is drawn on, float32 BGR, and the chance that the drawing takes."""

    def __init__(self, seed: int, above: Colour = (205, 215, 220), below: Colour = (120, 140, 155)):
        self.random = np.random.default_rng(seed)
        down = (Y / HIGH)[..., None]
        self.pixels = (np.array(above) * (1 - down) + np.array(below) * down).astype(np.float32)
        self.pixels *= 1 + 0.12 * self.texture(60)[..., None]

    def texture(self, size: float) -> np.ndarray:
        """Noise of about -1 to 1 whose grains are `size` pixels wide."""
        small = self.random.normal(0, 0.5, (int(HIGH / size) + 3, int(WIDE / size) + 3)).astype(np.float32)
        return cv2.resize(small, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)

    def solid(self, x, y, rx, ry, colour: Colour, angle=0.0, rough=0.0, shine=0.0) -> None:
        """An ellipsoid, lit; rough: how much its texture shows, shine: how much it mirrors the light."""
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        across, down = ((X - x) * cos + (Y - y) * sin) / rx, ((Y - y) * cos - (X - x) * sin) / ry
        far = across**2 + down**2
        height = np.sqrt(np.clip(1 - far, 0, 1))
        light = cos * _LIGHT[0] + sin * _LIGHT[1], cos * _LIGHT[1] - sin * _LIGHT[0], _LIGHT[2]
        facing = np.clip(across * light[0] + down * light[1] + height * light[2], 0, 1)
        bright = 0.35 + 0.75 * facing
        if rough:
            bright = bright * (1 + rough * self.texture(3))
        paint = bright[..., None] * np.array(colour, np.float32) + 255 * shine * (facing**24)[..., None]
        self._lay(paint, np.clip((1 - far) * min(rx, ry) / 3, 0, 1))

    def flat(self, points, colour: Colour, rough=0.0) -> None:
        """A polygon of [(x, y), ...] of one colour."""
        mask = np.zeros((HIGH, WIDE), np.uint8)
        cv2.fillPoly(mask, [np.rint(np.array(points) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        paint = np.broadcast_to(np.array(colour, np.float32), self.pixels.shape)
        if rough:
            paint = paint * (1 + rough * self.texture(4))[..., None]
        self._lay(paint, mask / 255.0)

    def box(self, x, y, wide, high, colour: Colour, rough=0.0) -> None:
        self.flat([(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)], colour, rough)

    def limb(self, start, end, thick, colour: Colour, rough=0.03) -> None:
        """A rounded stick, lit."""
        along = np.array(end, float) - start
        middle, length = np.array(start) + along / 2, float(np.hypot(*along))
        self.solid(*middle, length / 2 + thick, thick, colour, np.degrees(np.arctan2(along[1], along[0])), rough)

    def line(self, points, colour: Colour, thick: int) -> None:
        points = [np.rint(np.array(points) * 16).astype(np.int32)]
        cv2.polylines(self.pixels, points, False, colour, thick, cv2.LINE_AA, 4)

    def text(self, words: str, x, y, size: float, colour: Colour) -> None:
        cv2.putText(
            self.pixels,
            words,
            (int(x), int(y)),
            cv2.FONT_HERSHEY_DUPLEX,
            size,
            colour,
            max(1, int(2 * size)),
            cv2.LINE_AA,
        )

    def done(self, blur: float = 0.8) -> np.ndarray:
        seen = cv2.GaussianBlur(self.pixels, (0, 0), blur) + self.random.normal(0, 2.5, self.pixels.shape)
        return np.clip(np.rint(seen), 0, 255).astype(np.uint8)

    def _lay(self, paint: np.ndarray, opaque: np.ndarray) -> None:
        opaque = opaque[..., None].astype(np.float32)
        self.pixels = (self.pixels * (1 - opaque) + paint * opaque).astype(np.float32)

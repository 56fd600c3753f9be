"""What stands behind the people: the launch pad at dusk, and a sunlit brick wall.

Both are photographs brought out of focus the way a lens does it: with a disc, in linear light, so that lamps grow into
discs of light.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import pictures

GAMMA = 2.2


def launch_pad(size: tuple[int, int]) -> np.ndarray:
    """The pad at dusk as HxWx3 uint8 BGR of `size` (width, height), out of focus, its lamps glowing."""
    linear = _magnified(pictures.load(pictures.LAUNCH_PAD), size)
    lamps = np.clip(linear.min(axis=2) - 0.45, 0, None)[..., None] * linear * 14
    warm = np.array([0.55, 0.95, 1.25], np.float32)
    soft = _disc_blur(linear * 1.25 + lamps * warm, 9)
    glow = cv2.GaussianBlur(cv2.resize(soft - np.minimum(soft, 0.5), None, fx=0.25, fy=0.25), (0, 0), 16)
    return _finished(soft + 0.5 * cv2.resize(glow, size), vignette=0.5)


def brick_wall(size: tuple[int, int]) -> np.ndarray:
    """A pale brick wall as HxWx3 uint8 BGR of `size` (width, height), sun falling on it through a window."""
    tone = _courses(size).astype(np.float32) / 255
    clay = np.array([0.62, 0.72, 0.80], np.float32)
    mortar = np.array([0.80, 0.86, 0.90], np.float32)
    grey = np.clip((tone - 0.35) / 0.4, 0, 1)[..., None]
    uneven = 1 + 0.25 * _cloud(size, seed=3)[..., None]
    wall = (clay * (1 - grey) + mortar * grey) * (0.35 + 0.9 * tone[..., None]) * uneven
    sun = _window_light(size)[..., None] * np.array([0.75, 1.05, 1.35], np.float32)
    shade = np.array([0.44, 0.47, 0.53], np.float32)
    return _finished(_disc_blur((wall**GAMMA) * (1.15 * shade + 1.7 * sun), 5), vignette=0.45)


def _courses(size: tuple[int, int]) -> np.ndarray:
    """Rows of grey bricks filling `size`: the picture straightened, repeated, seen a little from the side."""
    width, height = size
    bricks = cv2.rotate(pictures.load(pictures.BRICK), cv2.ROTATE_90_CLOCKWISE)[:, :, 0]
    # Ten courses from joint to joint, as read off the turned picture.
    seen = np.array([(0, 50), (511, 100), (511, 398), (0, 469)], np.float32)
    tile_width, tile_height = width // 2, width // 3
    straight = np.array([(0, 0), (tile_width, 0), (tile_width, tile_height), (0, tile_height)], np.float32)
    warp = cv2.getPerspectiveTransform(seen, straight)
    tile = cv2.warpPerspective(bricks, warp, (tile_width, tile_height), flags=cv2.INTER_CUBIC)
    tile = np.hstack([tile, tile[:, ::-1]])
    wall = np.vstack([tile, tile])
    corners = np.array([(0, 0), (width, 0), (width, 2 * tile_height), (0, 2 * tile_height)], np.float32)
    leaning = np.array([(0, -90), (width, -10), (width, height + 20), (0, height + 130)], np.float32)
    warp = cv2.getPerspectiveTransform(corners, leaning)
    return cv2.warpPerspective(wall, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _magnified(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture in linear light, filling `size`, its lower edge kept."""
    factor = max(size[0] / picture.shape[1], size[1] / picture.shape[0])
    large = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    left = (large.shape[1] - size[0]) // 2
    crop = large[large.shape[0] - size[1] :, left : left + size[0]]
    return (crop.astype(np.float32) / 255) ** GAMMA


def _disc_blur(linear: np.ndarray, radius: int) -> np.ndarray:
    hard = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.float32)
    disc = cv2.GaussianBlur(hard, (0, 0), 0.8)
    return cv2.filter2D(linear.astype(np.float32), -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)


def _finished(linear: np.ndarray, vignette: float) -> np.ndarray:
    """Back to display light, darker towards the corners."""
    height, width = linear.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    fall_off = 1 - vignette * np.clip((x * x + y * y) / 2, 0, 1) ** 1.2
    # A shoulder like film's: bright parts bend towards white instead of losing one colour after the other.
    shoulder = linear / np.sqrt(1 + (linear / 1.3) ** 2)
    display = np.clip(shoulder * fall_off[..., None], 0, 1) ** (1 / GAMMA)
    return np.round(display * 255).astype(np.uint8)


def _cloud(size: tuple[int, int], seed: int) -> np.ndarray:
    """Slowly varying noise in about -1..1."""
    coarse = np.random.default_rng(seed).uniform(-1, 1, (7, 12)).astype(np.float32)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def _window_light(size: tuple[int, int]) -> np.ndarray:
    """Slanting panes of light, 0..1, softer the further they fell."""
    width, height = size
    panes = np.zeros((height, width), np.float32)
    for column in range(3):
        for row in range(2):
            left, top = width * (0.30 + 0.155 * column), height * (0.06 + 0.40 * row)
            right, bottom = left + width * 0.135, top + height * 0.35
            slant = 0.28
            corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
            corners = [(x + slant * (height - y) - 0.22 * width, y + 0.10 * (x - left)) for x, y in corners]
            cv2.fillConvexPoly(panes, np.round(np.array(corners)).astype(np.int32), 1.0, cv2.LINE_AA)
    return cv2.GaussianBlur(panes, (0, 0), width / 110)

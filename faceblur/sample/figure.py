"""A portrait that can be drawn into a frame in any pose: lit for its scene, warped, throwing a shadow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import matte, turning
from .motion import Pose
from .portraits import Portrait

GRID_PX = 8
"""The warp is computed at every eighth pixel and interpolated between."""


@dataclass(frozen=True)
class Light:
    """How a scene lights people. Colours are BGR factors."""

    key: tuple[float, float, float]
    """Light from the front."""
    left: tuple[float, float, float]
    """Added along edges that face left."""
    right: tuple[float, float, float]
    """Added along edges that face right."""
    contrast: float = 1.0
    shadow: float = 0.0
    """Darkness of the shadow on what stands behind, 0..1."""


class Figure:
    """One person, lit; `draw` puts them into a frame."""

    def __init__(self, portrait: Portrait, cut_out: tuple[np.ndarray, np.ndarray], light: Light):
        self.portrait = portrait
        self._shadow = light.shadow
        colours, alpha = cut_out
        lit = _lit(_muted(colours, portrait.saturation), alpha, light)
        layer = np.dstack([lit * alpha[..., None], alpha])
        self._layers: list[tuple[float, np.ndarray]] = [(matte.SCALE, _bytes(layer))]
        while self._layers[-1][0] > 0.3:
            scale, last = self._layers[-1]
            half = cv2.resize(last, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            self._layers.append((scale / 2, half))

    def draw(self, frame: np.ndarray, pose: Pose) -> None:
        """Blend the person into `frame` (HxWx3 uint8) in place."""
        area = self._area(frame, pose)
        if area is None:
            return
        left, top, right, bottom = area
        layer = self._warped(pose, area)
        if self._shadow:
            _cast(frame, layer[..., 3], (left, top), self._shadow, pose.scale)
        view = frame[top:bottom, left:right]
        around = cv2.cvtColor(255 - layer[..., 3], cv2.COLOR_GRAY2BGR)
        view[:] = cv2.add(cv2.multiply(view, around, scale=1 / 255), cv2.cvtColor(layer, cv2.COLOR_BGRA2BGR))

    def _area(self, frame: np.ndarray, pose: Pose) -> tuple[int, int, int, int] | None:
        """The part of the frame that the person can touch, with room for a turning head."""
        corners = turning.bust_corners(self.portrait, pose)
        room = 60 * pose.scale
        left, top = np.floor(np.maximum(corners.min(axis=0) - room, 0)).astype(int)
        right, bottom = np.ceil(np.minimum(corners.max(axis=0) + room, frame.shape[1::-1])).astype(int)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _warped(self, pose: Pose, area: tuple[int, int, int, int]) -> np.ndarray:
        """Colours times matte, and matte, of the area: hxwx4 uint8."""
        left, top, right, bottom = area
        scale, layer = next(((s, a) for s, a in reversed(self._layers) if s >= 0.75 * pose.scale), self._layers[0])
        columns, rows = -(-(right - left) // GRID_PX) + 2, -(-(bottom - top) // GRID_PX) + 2
        x = left + (np.arange(columns) - 0.5) * GRID_PX
        y = top + (np.arange(rows) - 0.5) * GRID_PX
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        # Frame and picture positions are continuous; pixel i covers i..i+1, so its centre is i + 0.5.
        source = turning.to_picture(self.portrait, pose, grid).reshape(rows, columns, 2) * scale - 0.5
        fine = cv2.resize(source.astype(np.float32), (columns * GRID_PX, rows * GRID_PX))
        fine = fine[GRID_PX : GRID_PX + bottom - top, GRID_PX : GRID_PX + right - left]
        return cv2.remap(layer, fine, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)  # type: ignore[call-overload]


def _muted(colours: np.ndarray, saturation: float) -> np.ndarray:
    grey = cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)[..., None]
    return np.clip(grey + (colours - grey) * saturation, 0, 1)


def _lit(colours: np.ndarray, alpha: np.ndarray, light: Light) -> np.ndarray:
    """The portrait in the scene's light: front light, contrast, and rims along both sides."""
    grey = 0.45
    lit = (grey + (colours - grey) * light.contrast) * np.array(light.key, np.float32)
    solid = cv2.GaussianBlur(alpha, (0, 0), 7)
    slope = cv2.Sobel(solid, cv2.CV_32F, 1, 0, ksize=3) * 6
    texture = 0.35 + cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)[..., None]
    for side, colour in ((slope, light.left), (-slope, light.right)):
        rim = np.clip(side, 0, 1)[..., None] ** 1.5 * texture
        lit = lit + rim * np.array(colour, np.float32)
    return np.clip(lit, 0, 1)


def _bytes(layer: np.ndarray) -> np.ndarray:
    return np.round(layer * 255).astype(np.uint8)


def _cast(frame: np.ndarray, alpha: np.ndarray, at: tuple[int, int], darkness: float, scale: float) -> None:
    """Darken `frame` where the person's soft shadow falls: to the right, a little down."""
    small = np.zeros((frame.shape[0] // 8, frame.shape[1] // 8), np.float32)
    height, width = alpha.shape[0] // 8, alpha.shape[1] // 8
    if not height or not width:
        return
    thumb = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    left = at[0] // 8 + round(9 * scale)
    top = at[1] // 8 + round(4 * scale)
    thumb = thumb[: max(0, small.shape[0] - top), : max(0, small.shape[1] - left)]
    small[top : top + thumb.shape[0], left : left + thumb.shape[1]] = thumb
    soft = 1 - darkness * cv2.GaussianBlur(small, (0, 0), 3.5 * scale)
    large = cv2.resize(_bytes(soft), frame.shape[1::-1])
    cv2.multiply(frame, cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), dst=frame, scale=1 / 255)

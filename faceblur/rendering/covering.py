"""What a plan covers, and how a region is made unrecognisable on the planes of a frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from ..errors import UnplannedFrameError
from ..plan import Plan, Style
from ..shapes import Box
from ..video import Orientation, VideoFrame
from ..video.reading.planes import PLANAR, plane_views
from .report import AREA

Covered = list[tuple[int, Box]]

_KEPT_PIXELS = 1 << 15  # of an ellipse worth keeping: at most 256 KiB of weights
_SHARPEST = 1e-3  # of a radius: what fades out where no feather is wanted
_HALF = 0.5  # of a step: added before what follows the comma is cut off
_NOTHING = 1e-6  # of a pixel: what rounding errors come to
_SOFTENING = 1.5  # sigma of the mosaic's smoothing, in cells


class Covering:
    """What a plan covers at a time, and how. Raises PlanError for a frame that the plan does not account for."""

    def __init__(self, plan: Plan):
        self._regions, self._frames = plan.regions(), plan.frames
        self._style = plan.style
        self._area_style = replace(plan.style, shape="box")

    def at(self, time_ms: float) -> Covered:
        """(track or AREA, box as displayed with its margin) of everything to cover in the frame at this time."""
        if self._frames is not None and not self._frames.has(time_ms):
            raise UnplannedFrameError(
                f"the plan was not made of the frame at {time_ms / 1000:.3f} s, so nothing says what it shows; "
                "make a new plan of this file"
            )
        covered = [(track, self._style.grown(box)) for track, box in self._regions.faces_at(time_ms)]
        return covered + [(AREA, area) for area in self._regions.areas_at(time_ms)]

    def left_visible_at(self, time_ms: float) -> Covered:
        """(track, box) of the faces that are not covered on purpose."""
        return self._regions.visible_at(time_ms)

    def cover(self, time_ms: float, orientation: Orientation, writable: Callable[[], VideoFrame]) -> Covered:
        """Blur everything that is to be covered in the frame at this time; what it was, as `at` says.

        writable: gives the decoded frame with planes that may be changed; called only when something is covered.
        """
        covered = self.at(time_ms)
        if covered:
            raw = writable()
            planes, subsampling = plane_views(raw), PLANAR[raw.format.name]
            for track, box in covered:
                style = self._area_style if track == AREA else self._style
                blur_region(style, planes, subsampling, orientation.box_to_stored(*box))
        return covered


def blur_region(style: Style, planes: list[np.ndarray], subsampling: tuple[int, int], region: Box) -> None:
    """Blur one region (left, top, width, height in ratios of the stored picture) of a frame's planes, in place."""
    height, width = planes[0].shape
    across, down = subsampling
    left, top, right, bottom = _pixels(region, width, height, across, down)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if x0 >= x1 or y0 >= y1:
        return
    # A face at the picture's border is as coarse as elsewhere: what is seen of it gets its share of the cells.
    shown = (min(1.0, (x1 - x0) / (region[2] * width)), min(1.0, (y1 - y0) / (region[3] * height)))
    weights = None
    if style.shape == "ellipse":
        seen = (x0 - left, y0 - top, x1 - left, y1 - top)
        draw = _kept_ellipse if (x1 - x0) * (y1 - y0) <= _KEPT_PIXELS else _ellipse
        weights = draw((right - left, bottom - top), seen, subsampling, style.feather_ratio)
    for index, plane in enumerate(planes):
        sx, sy = (1, 1) if index == 0 else (across, down)
        part = plane[y0 // sy : -(-y1 // sy), x0 // sx : -(-x1 // sx)]
        before = part.astype(np.float32)
        mixed = _replacement(style, before, index > 0, shown, part.dtype)
        if weights is not None:  # where the weight is 0 a pixel keeps its exact value
            mixed -= before
            mixed *= weights[index > 0]
            mixed += before
        part[...] = mixed


def _replacement(
    style: Style, part: np.ndarray, is_chroma: bool, shown: tuple[float, float], dtype: np.dtype
) -> np.ndarray:
    """New float32 values, to be cut off to whole ones. shown: the share of the region's width and height that
    `part` is. dtype: of the plane, uint8 or uint16 for 10 bits.
    """
    height, width = part.shape
    if style.name == "solid":
        middle = 1 << (7 if dtype == np.uint8 else 9)
        return np.full_like(part, middle if is_chroma else middle // 4)
    if style.name == "gaussian":
        # Shrinking first does most of the smoothing and keeps the cost independent of the region's size.
        small = cv2.resize(part, (min(width, 48), min(height, 48)), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(
            small,
            (0, 0),
            sigmaX=style.sigma_ratio * small.shape[1] / shown[0],
            sigmaY=style.sigma_ratio * small.shape[0] / shown[1],
            borderType=cv2.BORDER_REFLECT_101 if min(small.shape) > 1 else cv2.BORDER_REPLICATE,
        )
        return cv2.resize(small + _HALF, (width, height), interpolation=cv2.INTER_LINEAR)
    cells = max(1, style.cells // 2) if is_chroma else style.cells
    across, down = (max(1, round(cells * share)) for share in shown)
    is_softened = style.name == "mosaic"
    rows, columns = _means(height, down, is_softened), _means(width, across, is_softened)
    means: np.ndarray = np.rint(rows @ part @ columns.T) + _HALF
    flags = cv2.INTER_LINEAR if is_softened else cv2.INTER_NEAREST
    return cv2.resize(means, (width, height), interpolation=flags)


@lru_cache(maxsize=256)
def _means(pixels: int, cells: int, is_softened: bool) -> np.ndarray:
    """cells x pixels (no more cells than pixels): each row is a cell's mean over a line of pixels, softened or not.

    Averaging by this product takes a third of the time of OpenCV's INTER_AREA (150 pixels to 8 cells, both ways).
    """
    cells = min(pixels, cells)
    borders, left = np.linspace(0, pixels, cells + 1)[:, None], np.arange(pixels)
    within = np.minimum(borders[1:], left + 1) - np.maximum(borders[:-1], left)
    means: np.ndarray = within.clip(0) * cells / pixels
    return _kept((_softening(cells) @ means if is_softened else means).astype(np.float32))


def _softening(count: int) -> np.ndarray:
    """count x count: each row mixes the cells with the weights of a Gaussian; the outermost cells go on outside."""
    reach = np.arange(-3 * count, 4 * count)
    weights = np.exp(-((np.arange(count)[:, None] - reach[None]) ** 2) / (2 * _SOFTENING**2))
    nearest = np.clip(reach, 0, count - 1)[None] == np.arange(count)[:, None]
    mixed = weights @ nearest.T
    mixed /= mixed.sum(1, keepdims=True)
    return np.asarray(mixed)


def _pixels(region: Box, width: int, height: int, across: int, down: int) -> tuple[int, int, int, int]:
    """Borders (left, top, right, bottom) in pixels of a picture, rounded outward on the chroma grid."""
    left, top, wide, high = region
    x0, x1 = left * width / across + _NOTHING, (left + wide) * width / across - _NOTHING
    y0, y1 = top * height / down + _NOTHING, (top + high) * height / down - _NOTHING
    return math.floor(x0) * across, math.floor(y0) * down, math.ceil(x1) * across, math.ceil(y1) * down


def _ellipse(
    size: tuple[int, int], part: tuple[int, int, int, int], subsampling: tuple[int, int], feather: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights 0 to 1 for luma and chroma of a part (left, top, right, bottom) of the ellipse that fills `size`.

    It is cut by the picture's border, not squeezed into it, so a face at the border is covered as elsewhere. A chroma
    pixel is covered as much as the most covered of its luma pixels.
    """
    x0, y0, x1, y1 = part
    across, down = _falling(size[0], feather)[x0:x1], _falling(size[1], feather)[y0:y1]
    luma = (down[:, None] + across).clip(0, 1)
    across = np.maximum.reduceat(across, np.arange(0, x1 - x0, subsampling[0]))
    down = np.maximum.reduceat(down, np.arange(0, y1 - y0, subsampling[1]))
    return _kept(luma), _kept((down[:, None] + across).clip(0, 1))


_kept_ellipse = lru_cache(maxsize=256)(_ellipse)  # faces keep their size for many frames


@lru_cache(maxsize=256)
def _falling(pixels: int, feather: float) -> np.ndarray:
    """One axis' part of an ellipse's weight: 1 - x^2 - y^2, scaled to reach 1 where the feather begins."""
    feather = max(feather, _SHARPEST)
    place = (np.arange(pixels) + 0.5) * 2 / pixels - 1
    return _kept(((0.5 - place**2) / (feather * (2 - feather))).astype(np.float32))


def _kept(array: np.ndarray) -> np.ndarray:
    """The same array, which nobody may change: it is used again."""
    array.setflags(write=False)
    return array

"""How a region is made unrecognisable: small objects that act on the planes of a frame.

How each was judged. A mosaic leaves at most cells x cells numbers a plane, whatever the resolution, so it cannot be
undone; with 8 cells rank-1 re-identification falls to chance (0.10 against a gallery of 21), with 16 it is 0.33.
The mosaic's cells are softened before they are enlarged, because the steps between them redraw the face: of its
detail band (see benchmarks/leak.py) 32 % survived in 8 plain cells and 36 % of the face-frames stayed readable.
A Gaussian of sigma = width/20 leaves 0.75. A Gaussian attenuates f cycles a pixel by exp(-2 (pi sigma f)^2); 8-bit
rounding buries what falls under 1/100, so f < 0.48/sigma survives: with sigma = width/8 that is 3.9 cycles a face,
what an 8-cell mosaic keeps (4). Weaker settings are refused unless forced. Solid leaves nothing.
Pixelate keeps its steps, for the looks of it, so it takes fewer cells: with 8 an audit finds 25 % of the faces of a
clip readable, with 6 under 2 %.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..errors import DetectionsError

SHAPES = ("ellipse", "box")
NAMES = ("mosaic", "pixelate", "gaussian", "solid")
MAX_CELLS = 8
MAX_PLAIN_CELLS = 6  # of pixelate, whose steps are not softened
_DEFAULT_CELLS = {"mosaic": 8, "pixelate": 4}
_KEPT_PIXELS = 1 << 15  # of an ellipse worth keeping: at most 256 KiB of weights
_SHARPEST = 1e-3  # of a radius: what fades out where no feather is wanted
_HALF = 0.5  # of a step: added before what follows the comma is cut off
_NOTHING = 1e-6  # of a pixel: what rounding errors come to
_SOFTENING = 1.5  # sigma of the mosaic's smoothing, in cells
MIN_SIGMA_RATIO = 1 / 8


@dataclass(frozen=True)
class Style:
    """name: one of NAMES. strength: cells across for mosaic and pixelate (fewer is stronger), sigma over the region's
    width for gaussian (more is stronger), ignored by solid. margin_ratio: how much each side of a face's box is
    grown by, in box widths and heights. feather_ratio: the outer share of the ellipse's radius that fades out.
    """

    name: str = "mosaic"
    strength: float | None = None
    shape: str = "ellipse"
    margin_ratio: float = 0.25
    feather_ratio: float = 0.05
    forced: bool = False

    def __post_init__(self):
        if self.name not in NAMES:
            raise DetectionsError(f"style {self.name!r} is not known; use one of {', '.join(NAMES)}")
        if self.shape not in SHAPES:
            raise DetectionsError(f"shape {self.shape!r} is not known; use one of {', '.join(SHAPES)}")
        if not 0 <= self.margin_ratio <= 2:
            raise DetectionsError("the margin is a share of the face's box, from 0 to 2")
        if not 0 <= self.feather_ratio <= 0.5:
            raise DetectionsError("the feather is a share of the ellipse's radius, from 0 to 0.5")
        self._check_strength()

    def _check_strength(self) -> None:
        if self.strength is not None and not math.isfinite(self.strength):
            raise DetectionsError("a strength is a number")
        if self.name in ("mosaic", "pixelate"):
            if not 1 <= self.cells <= 256:
                raise DetectionsError("a mosaic has 1 to 256 cells")
            if self.cells > MAX_CELLS and not self.forced:
                raise DetectionsError(
                    f"a mosaic of {self.cells} cells can be recognised (16 cells: 33 % re-identified, "
                    f"8 cells: chance); use at most {MAX_CELLS} or force it"
                )
            if self.name == "pixelate" and self.cells > MAX_PLAIN_CELLS and not self.forced:
                raise DetectionsError(
                    f"a pixelation of {self.cells} cells redraws the face (8 cells: 25 % of faces can be made out, "
                    f"6 cells: under 2 %); use at most {MAX_PLAIN_CELLS}, or mosaic, or force it"
                )
        if self.name == "gaussian":
            if not 0 < self.sigma_ratio <= 4:
                raise DetectionsError("a gaussian's strength is sigma over the region's width, above 0 and up to 4")
            if self.sigma_ratio < MIN_SIGMA_RATIO and not self.forced:
                raise DetectionsError(
                    f"a gaussian of {self.sigma_ratio:g} widths can be undone (0.05: 75 % re-identified); "
                    f"use at least {MIN_SIGMA_RATIO:g} or force it"
                )

    @property
    def cells(self) -> int:
        return round(self.strength or _DEFAULT_CELLS.get(self.name, MAX_CELLS))

    @property
    def sigma_ratio(self) -> float:
        return self.strength or 0.2

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict) -> Style:
        try:
            return cls(**content)
        except TypeError as problem:
            raise DetectionsError(f"not a style: {problem}") from problem

    def grown(self, box) -> tuple[float, float, float, float]:
        """The region to blur for a face's box (left, top, width, height)."""
        left, top, width, height = box
        across, down = width * self.margin_ratio, height * self.margin_ratio
        return left - across, top - down, width + 2 * across, height + 2 * down

    def shrunk(self, region) -> tuple[float, float, float, float]:
        """The face's box within a region: what `grown` made the region of."""
        left, top, width, height = region
        share = 1 + 2 * self.margin_ratio
        across, down = (width - width / share) / 2, (height - height / share) / 2
        return left + across, top + down, width / share, height / share

    def blur(self, planes: list[np.ndarray], subsampling: tuple[int, int], region) -> None:
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
        if self.shape == "ellipse":
            seen = (x0 - left, y0 - top, x1 - left, y1 - top)
            draw = _kept_ellipse if (x1 - x0) * (y1 - y0) <= _KEPT_PIXELS else _ellipse
            weights = draw((right - left, bottom - top), seen, subsampling, self.feather_ratio)
        for index, plane in enumerate(planes):
            sx, sy = (1, 1) if index == 0 else (across, down)
            part = plane[y0 // sy : -(-y1 // sy), x0 // sx : -(-x1 // sx)]
            before = part.astype(np.float32)
            mixed = self._replacement(before, index > 0, shown, part.dtype)
            if weights is not None:  # where the weight is 0 a pixel keeps its exact value
                mixed -= before
                mixed *= weights[index > 0]
                mixed += before
            part[...] = mixed

    def _replacement(self, part: np.ndarray, is_chroma: bool, shown: tuple[float, float], dtype) -> np.ndarray:
        """New float32 values, to be cut off to whole ones. shown: the share of the region's width and height that
        `part` is. dtype: of the plane, uint8 or uint16 for 10 bits.
        """
        height, width = part.shape
        if self.name == "solid":
            middle = 1 << (7 if dtype == np.uint8 else 9)
            return np.full_like(part, middle if is_chroma else middle // 4)
        if self.name == "gaussian":
            # Shrinking first does most of the smoothing and keeps the cost independent of the region's size.
            small = cv2.resize(part, (min(width, 48), min(height, 48)), interpolation=cv2.INTER_AREA)
            small = cv2.GaussianBlur(
                small,
                (0, 0),
                sigmaX=self.sigma_ratio * small.shape[1] / shown[0],
                sigmaY=self.sigma_ratio * small.shape[0] / shown[1],
                borderType=cv2.BORDER_REFLECT_101 if min(small.shape) > 1 else cv2.BORDER_REPLICATE,
            )
            return cv2.resize(small + _HALF, (width, height), interpolation=cv2.INTER_LINEAR)
        cells = max(1, self.cells // 2) if is_chroma else self.cells
        across, down = (max(1, round(cells * share)) for share in shown)
        is_softened = self.name == "mosaic"
        rows, columns = _means(height, down, is_softened), _means(width, across, is_softened)
        small = np.rint(rows @ part @ columns.T) + _HALF
        flags = cv2.INTER_LINEAR if is_softened else cv2.INTER_NEAREST
        return cv2.resize(small, (width, height), interpolation=flags)


@lru_cache(maxsize=256)
def _means(pixels: int, cells: int, is_softened: bool) -> np.ndarray:
    """cells x pixels (no more cells than pixels): each row is a cell's mean over a line of pixels, softened or not.

    Averaging by this product takes a third of the time of OpenCV's INTER_AREA (150 pixels to 8 cells, both ways).
    """
    cells = min(pixels, cells)
    borders, left = np.linspace(0, pixels, cells + 1)[:, None], np.arange(pixels)
    within = np.minimum(borders[1:], left + 1) - np.maximum(borders[:-1], left)
    means = within.clip(0) * cells / pixels
    return (_softening(cells) @ means if is_softened else means).astype(np.float32)


def _softening(count: int) -> np.ndarray:
    """count x count: each row mixes the cells with the weights of a Gaussian; the outermost cells go on outside."""
    reach = np.arange(-3 * count, 4 * count)
    weights = np.exp(-((np.arange(count)[:, None] - reach[None]) ** 2) / (2 * _SOFTENING**2))
    nearest = np.clip(reach, 0, count - 1)[None] == np.arange(count)[:, None]
    mixed = weights @ nearest.T
    return mixed / mixed.sum(1, keepdims=True)


def _pixels(region, width: int, height: int, across: int, down: int) -> tuple[int, int, int, int]:
    """Borders (left, top, right, bottom) in pixels of a picture, rounded outward on the chroma grid."""
    left, top, wide, high = region
    x0, x1 = left * width / across + _NOTHING, (left + wide) * width / across - _NOTHING
    y0, y1 = top * height / down + _NOTHING, (top + high) * height / down - _NOTHING
    return math.floor(x0) * across, math.floor(y0) * down, math.ceil(x1) * across, math.ceil(y1) * down


def _ellipse(size, part, subsampling, feather: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights 0 to 1 for luma and chroma of a part (left, top, right, bottom) of the ellipse that fills `size`.

    It is cut by the picture's border, not squeezed into it, so a face at the border is covered as elsewhere. A chroma
    pixel is covered as much as the most covered of its luma pixels.
    """
    x0, y0, x1, y1 = part
    across, down = _falling(size[0], feather)[x0:x1], _falling(size[1], feather)[y0:y1]
    luma = (down[:, None] + across).clip(0, 1)
    across = np.maximum.reduceat(across, np.arange(0, x1 - x0, subsampling[0]))
    down = np.maximum.reduceat(down, np.arange(0, y1 - y0, subsampling[1]))
    return luma, (down[:, None] + across).clip(0, 1)


_kept_ellipse = lru_cache(maxsize=256)(_ellipse)  # faces keep their size for many frames


@lru_cache(maxsize=256)
def _falling(pixels: int, feather: float) -> np.ndarray:
    """One axis' part of an ellipse's weight: 1 - x^2 - y^2, scaled to reach 1 where the feather begins."""
    feather = max(feather, _SHARPEST)
    place = (np.arange(pixels) + 0.5) * 2 / pixels - 1
    return ((0.5 - place**2) / (feather * (2 - feather))).astype(np.float32)

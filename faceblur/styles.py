"""How a region is made unrecognisable: small objects that act on the planes of a frame. Imports `errors` only.

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

from .errors import DetectionsError

SHAPES = ("ellipse", "box")
NAMES = ("mosaic", "pixelate", "gaussian", "solid")
MAX_CELLS = 8
MAX_PLAIN_CELLS = 6  # of pixelate, whose steps are not softened
_DEFAULT_CELLS = {"mosaic": 8, "pixelate": 4}
_DRAWN = 256
_KEPT_PIXELS = 1 << 15  # of an ellipse worth keeping: at most 80 KiB of weights
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
                raise DetectionsError(
                    "a gaussian's strength is sigma over the region's width, above 0 and up to 4"
                )
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
            replaced = self._replacement(part, index > 0, shown)
            if weights is None:
                part[...] = replaced
            else:
                _blend(part, replaced, weights[index > 0])

    def _replacement(self, part: np.ndarray, is_chroma: bool, shown: tuple[float, float]) -> np.ndarray:
        """shown: the share of the region's width and height that `part` is."""
        height, width = part.shape
        if self.name == "solid":
            middle = 1 << (7 if part.dtype == np.uint8 else 9)
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
            return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        cells = max(1, self.cells // 2) if is_chroma else self.cells
        across, down = (max(1, round(cells * share)) for share in shown)
        small = cv2.resize(part, (min(width, across), min(height, down)), interpolation=cv2.INTER_AREA)
        if self.name == "pixelate":
            return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
        rows, columns = small.shape
        small = np.rint(_softening(rows) @ small @ _softening(columns).T).astype(part.dtype)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


@lru_cache(maxsize=64)
def _softening(count: int) -> np.ndarray:
    """count x count: each row mixes the cells with the weights of a Gaussian; the outermost cells go on outside."""
    reach = np.arange(-3 * count, 4 * count)
    weights = np.exp(-((np.arange(count)[:, None] - reach[None]) ** 2) / (2 * _SOFTENING**2))
    nearest = np.clip(reach, 0, count - 1)[None] == np.arange(count)[:, None]
    mixed = weights @ nearest.T
    return (mixed / mixed.sum(1, keepdims=True)).astype(np.float32)


def _pixels(region, width: int, height: int, across: int, down: int) -> tuple[int, int, int, int]:
    """Borders (left, top, right, bottom) in pixels of a picture, rounded outward on the chroma grid."""
    left, top, wide, high = region
    x0, x1 = left * width / across + _NOTHING, (left + wide) * width / across - _NOTHING
    y0, y1 = top * height / down + _NOTHING, (top + high) * height / down - _NOTHING
    return math.floor(x0) * across, math.floor(y0) * down, math.ceil(x1) * across, math.ceil(y1) * down


def _ellipse(size, part, subsampling, feather: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights 0..256 for luma and chroma of a part (left, top, right, bottom) of the ellipse that fills `size`.

    It is cut by the picture's border, not squeezed into it, so a face at the border is covered as elsewhere.
    """
    x0, y0, x1, y1 = part
    across, down = _DRAWN / size[0], _DRAWN / size[1]
    to_drawn = np.array([[across, 0, (x0 + 0.5) * across - 0.5], [0, down, (y0 + 0.5) * down - 0.5]])
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_LINEAR if feather else cv2.INTER_NEAREST)
    luma = cv2.warpAffine(_drawn_ellipse(feather), to_drawn, (x1 - x0, y1 - y0), flags=flags).astype(np.uint16)
    luma += luma >> 7
    # A chroma pixel is covered as much as the most covered of its luma pixels.
    block = np.ones(subsampling[::-1], np.uint8)
    chroma = cv2.dilate(luma, block, anchor=(0, 0))[:: subsampling[1], :: subsampling[0]]
    return luma, np.ascontiguousarray(chroma)


_kept_ellipse = lru_cache(maxsize=256)(_ellipse)  # faces keep their size for many frames


@lru_cache(maxsize=8)
def _drawn_ellipse(feather: float) -> np.ndarray:
    """Weights 0..255 on a square of _DRAWN pixels: drawn once, scaled for each face."""
    squared = ((np.arange(_DRAWN) + 0.5) * 2 / _DRAWN - 1) ** 2
    radius = np.sqrt(squared[None] + squared[:, None])
    inside = (1 - radius) / feather if feather else radius <= 1
    return np.rint(np.clip(inside, 0, 1) * 255).astype(np.uint8)


def _blend(part: np.ndarray, replaced: np.ndarray, weights: np.ndarray) -> None:
    """Fixed point, so that a pixel of weight 0 keeps its exact value."""
    if part.dtype == np.uint8:
        mixed = part * (256 - weights)
        mixed += replaced * weights
        mixed >>= 8
    else:
        mixed = (part.astype(np.uint32) * (256 - weights) + replaced.astype(np.uint32) * weights) >> 8
    part[...] = mixed

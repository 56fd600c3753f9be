"""How a region is made unrecognisable: the choice, its limits and what they rest on. `rendering.covering` draws it.

How each was judged. A mosaic leaves at most cells x cells numbers a plane, whatever the resolution, so it cannot be
undone; with 8 cells rank-1 re-identification against sharp pictures is at chance (13 % of 96 faces of 8 people, chance
12 %; benchmarks/reidentify.py). Who blurs pictures of the same shot alike names 70 %, of other shots 12 %.
The mosaic's cells are softened before they are enlarged, because the steps between them redraw the face: of its
detail band (see benchmarks/leak.py) 32 % survived in 8 plain cells and 36 % of the face-frames stayed readable.
A Gaussian of sigma = width/20 leaves 22 % (80 % blurred alike). It attenuates f cycles a pixel by exp(-2 (pi sigma
f)^2); 8-bit rounding buries what falls under 1/100, so f < 0.48/sigma survives: with sigma = width/8 that is 3.9
cycles a face, what an 8-cell mosaic keeps (4). Weaker settings are refused unless forced. Solid leaves nothing.
Pixelate keeps its steps, for the looks of it, so it takes fewer cells: with 8 an audit finds 25 % of the faces of a
clip readable, with 6 under 2 %.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from ..errors import PlanError
from ..shapes import Box, JsonObject

SHAPES = ("ellipse", "box")
NAMES = ("mosaic", "pixelate", "gaussian", "solid")
MAX_CELLS = 8
MAX_PLAIN_CELLS = 6  # of pixelate, whose steps are not softened
_DEFAULT_CELLS = {"mosaic": 8, "pixelate": 4}
MIN_SIGMA_RATIO = 1 / 8


@dataclass(frozen=True)
class Style:
    """name: one of NAMES. strength: cells across for mosaic and pixelate (fewer is stronger), sigma over the region's
    width for gaussian (more is stronger), ignored by solid. margin_ratio: how much each side of a face's box is
    grown by, in box widths and heights. feather_ratio: the outer share of the ellipse's radius that fades out.

    >>> Style("gaussian", strength=0.2).sigma_ratio
    0.2
    >>> Style("mosaic", strength=16)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    faceblur.errors.PlanError: a mosaic of 16 cells can be recognised; ...
    """

    name: str = "mosaic"
    strength: float | None = None
    shape: str = "ellipse"
    margin_ratio: float = 0.25
    feather_ratio: float = 0.05
    forced: bool = False

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise PlanError(f"style {self.name!r} is not known; use one of {', '.join(NAMES)}")
        if self.shape not in SHAPES:
            raise PlanError(f"shape {self.shape!r} is not known; use one of {', '.join(SHAPES)}")
        if not 0 <= self.margin_ratio <= 2:
            raise PlanError("the margin is a share of the face's box, from 0 to 2")
        if not 0 <= self.feather_ratio <= 0.5:
            raise PlanError("the feather is a share of the ellipse's radius, from 0 to 0.5")
        self._check_strength()

    def _check_strength(self) -> None:
        if self.strength is not None and not math.isfinite(self.strength):
            raise PlanError("a strength is a number")
        if self.name in ("mosaic", "pixelate"):
            if not 1 <= self.cells <= 256:
                raise PlanError("a mosaic has 1 to 256 cells")
            if self.cells > MAX_CELLS and not self.forced:
                raise PlanError(
                    f"a mosaic of {self.cells} cells can be recognised; use at most {MAX_CELLS} or force it"
                )
            if self.name == "pixelate" and self.cells > MAX_PLAIN_CELLS and not self.forced:
                raise PlanError(
                    f"a pixelation of {self.cells} cells redraws the face (8 cells: 25 % of faces can be made out, "
                    f"6 cells: under 2 %); use at most {MAX_PLAIN_CELLS}, or mosaic, or force it"
                )
        if self.name == "gaussian":
            if not 0 < self.sigma_ratio <= 4:
                raise PlanError("a gaussian's strength is sigma over the region's width, above 0 and up to 4")
            if self.sigma_ratio < MIN_SIGMA_RATIO and not self.forced:
                raise PlanError(
                    f"a gaussian of {self.sigma_ratio:g} widths can be undone; "
                    f"use at least {MIN_SIGMA_RATIO:g} or force it"
                )

    @property
    def cells(self) -> int:
        """Cells of a mosaic across a region, and as many down."""
        return round(_DEFAULT_CELLS.get(self.name, MAX_CELLS) if self.strength is None else self.strength)

    @property
    def sigma_ratio(self) -> float:
        """The Gaussian's sigma across over a region's width, and down over its height."""
        return 0.2 if self.strength is None else self.strength

    def to_json(self) -> JsonObject:
        """As it stands in a plan."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: JsonObject) -> Style:
        """Raises PlanError for what is no style."""
        try:
            return cls(**content)
        except TypeError as problem:
            raise PlanError(f"not a style: {problem}") from problem

    def grown(self, box: Box) -> Box:
        """The region to blur for a face's box (left, top, width, height)."""
        left, top, width, height = box
        across, down = width * self.margin_ratio, height * self.margin_ratio
        return left - across, top - down, width + 2 * across, height + 2 * down

    def shrunk(self, region: Box) -> Box:
        """The face's box within a region: what `grown` made the region of."""
        left, top, width, height = region
        share = 1 + 2 * self.margin_ratio
        across, down = (width - width / share) / 2, (height - height / share) / 2
        return left + across, top + down, width / share, height / share

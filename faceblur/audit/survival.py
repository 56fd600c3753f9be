"""How much of a face's own detail is left in a picture of it: 1 untouched, 0 gone.

The detail of a face is what lies between two Gaussians, of a fortieth and of a tenth of its height: eyes,
nose and mouth, neither noise nor shading. Projecting the result's detail onto the original's, <original,
result> over <original, original>, says how much of exactly this face is still there; what a mosaic adds
does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..shapes import Box

SEEN = 0.5  # of the detail: more is left only where nothing was blurred, or too weakly
READABLE = 0.35  # more than this: features can be made out
ALIKE = 0.7  # correlation: below, most of what is shown is not the face's
ALIKE_IN_BLOCKS = 0.85  # where sharp blocks are shown: their edges resemble a face's by chance
MIN_HEIGHT_PX = 14  # smaller faces hold too few pixels to tell
MIN_ENERGY = 3.0  # mean square of the original's detail, in grey levels: less is a flat patch, no face
_FINE, _COARSE = 1 / 40, 1 / 10  # sigmas in face heights
_MIN_FINE_PX, _MIN_COARSE_PX = 0.6, 1.2
_INNER = 0.76  # of the box's width and height: its ellipse holds the features, not the background
_SURROUNDINGS = 0.35  # in heights around the box, so that the filters see no border
_MAX_HEIGHT_PX = 64  # larger faces are scaled to this: the bands are relative to the face


@dataclass(frozen=True, slots=True)
class Detail:
    """left: the share of the face's detail that is left. likeness: its correlation with what is shown."""

    left: float
    likeness: float

    @property
    def is_readable(self) -> bool:
        """So much is left, and so like the original, that a face can be recognised."""
        return self.left > READABLE and self.likeness > ALIKE

    def is_seen(self, in_blocks: bool = False) -> bool:
        """So much is left that a picture shows. in_blocks: of a mosaic, whose blocks look alike."""
        return self.left > SEEN and self.likeness > (ALIKE_IN_BLOCKS if in_blocks else ALIKE)


def measure_detail(before: np.ndarray, after: np.ndarray, box: Box) -> Detail | None:
    """What `after` still shows of the detail in `before` within a face's box.

    before, after: luma of the same frame, H x W uint8. box: left, top, width, height in ratios. None when the
    face is too small, too far outside the picture or too flat to say.
    """
    high, wide = before.shape
    left, top, width, height = box[0] * wide, box[1] * high, box[2] * wide, box[3] * high
    if height < MIN_HEIGHT_PX:
        return None
    rim = (1 - _INNER) / 2
    x0, x1 = _clipped(left + rim * width, left + (1 - rim) * width, wide)
    y0, y1 = _clipped(top + rim * height, top + (1 - rim) * height, high)
    if x1 - x0 < 6 or y1 - y0 < 6:
        return None
    pad = int(height * _SURROUNDINGS)
    columns, rows = slice(max(0, x0 - pad), min(wide, x1 + pad)), slice(max(0, y0 - pad), min(high, y1 + pad))
    inner = (x0 - columns.start, y0 - rows.start, x1 - x0, y1 - y0)
    scale = min(1.0, _MAX_HEIGHT_PX / height)
    shown, result = (_detail(picture[rows, columns], height, scale) for picture in (before, after))
    inside = _ellipse(shown.shape, inner, scale)
    energy = float((shown[inside] ** 2).sum())
    if energy < MIN_ENERGY * inside.sum():
        return None
    common = float((shown[inside] * result[inside]).sum())
    other_energy = float((result[inside] ** 2).sum())
    return Detail(common / energy, common / max(1e-9, energy * other_energy) ** 0.5)


def _clipped(start: float, end: float, limit: int) -> tuple[int, int]:
    return max(0, round(start)), min(limit, round(end))


def _detail(crop: np.ndarray, height: float, scale: float) -> np.ndarray:
    """The band of detail of a face `height` pixels high, after scaling."""
    if scale < 1:
        size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    height *= scale
    fine = cv2.GaussianBlur(crop.astype(np.float32), (0, 0), max(_MIN_FINE_PX, height * _FINE))
    return fine - cv2.GaussianBlur(fine, (0, 0), max(_MIN_COARSE_PX, height * _COARSE))


def _ellipse(shape: tuple[int, ...], inner: tuple[int, int, int, int], scale: float) -> np.ndarray:
    """The pixels of a crop within the ellipse of `inner` (x, y, width, height before scaling)."""
    x, y, width, height = (n * scale for n in inner)
    across = (np.arange(shape[1]) + 0.5 - x - width / 2) / (width / 2)
    down = (np.arange(shape[0]) + 0.5 - y - height / 2) / (height / 2)
    return across[None] ** 2 + down[:, None] ** 2 <= 1

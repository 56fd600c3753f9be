"""One decoded frame: pictures of it as displayed, at the size and in the colours that are asked for."""

from __future__ import annotations

import cv2
import numpy as np
from av import VideoFrame

from ...shapes import Box
from .orientation import Orientation
from .planes import ENCODABLE, PLANAR, plane_views


class Frame:
    """One decoded frame. `pts` counts in the stream's time base, `time_ms` is on the player's clock."""

    __slots__ = ("index", "is_fitted", "orientation", "pts", "raw", "time_ms")

    def __init__(self, raw: VideoFrame, index: int, time_ms: float, orientation: Orientation):
        assert raw.pts is not None  # the reader gives one to every frame
        self.raw, self.index, self.pts = raw, index, raw.pts
        self.time_ms, self.orientation = time_ms, orientation
        self.is_fitted = False  # set by a writer that made `raw` what it encodes

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in pixels as displayed."""
        size = (self.raw.width, self.raw.height)
        return size[::-1] if self.orientation.is_transposed else size

    def width_for(self, long_side: int) -> int:
        """The width at which the longer side of the displayed picture has so many pixels."""
        wide, high = self.display_size
        return max(1, round(long_side * min(1.0, wide / high)))

    def bgr(self, width: int | None = None) -> np.ndarray:
        """The picture as displayed, H x W x 3 uint8 BGR; scaled to `width` columns when given."""
        stored_width, stored_height = self._stored_size(width)
        picture = self.raw.reformat(
            width=stored_width, height=stored_height, format="bgr24", interpolation="AREA" if width else None
        ).to_ndarray()
        return np.ascontiguousarray(self.orientation.display(picture))

    def gray(self, width: int) -> np.ndarray:
        """The luma as displayed, H x W uint8, scaled to `width` columns."""
        size = self._stored_size(width)
        if self.raw.format.name in PLANAR:
            luma = plane_views(self.raw)[0]
            if size != (luma.shape[1], luma.shape[0]):
                step = max(1, luma.shape[0] // (2 * size[1]))  # two lines for each are enough
                luma = cv2.resize(luma[::step], size, interpolation=cv2.INTER_AREA)
            luma = _in_eight_bits(luma)
        else:
            luma = self.raw.reformat(*size, format="gray").to_ndarray()
        return np.ascontiguousarray(self.orientation.display(luma))

    def thumbnail(self, width: int, height: int) -> np.ndarray:
        """The luma as stored, height x width uint8, of every eighth line: enough to tell shots apart, and quick."""
        if self.raw.format.name not in PLANAR:
            return self.raw.reformat(width, height, format="gray").to_ndarray()
        luma = plane_views(self.raw)[0][4 if self.raw.height > 8 else 0 :: 8]
        small = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA)
        return _in_eight_bits(small)

    def crop_bgr(self, box: Box, width: int, height: int) -> np.ndarray:
        """What a box (ratios, as displayed, within the picture) holds, scaled to width x height (even), BGR as
        displayed.
        """
        if self.raw.format.name not in ENCODABLE:
            picture = self.bgr()
            rows, columns = picture.shape[:2]
            x0, y0, x1, y1 = _pixels(box, columns, rows)
            return cv2.resize(picture[y0:y1, x0:x1], (width, height), interpolation=cv2.INTER_AREA)
        columns, rows = (height, width) if self.orientation.is_transposed else (width, height)
        stored = self.orientation.box_to_stored(*box)
        parts = []
        for number, plane in enumerate(plane_views(self.raw)):
            x0, y0, x1, y1 = _pixels(stored, plane.shape[1], plane.shape[0])
            size = (columns // 2, rows // 2) if number else (columns, rows)
            part = cv2.resize(plane[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
            parts.append(_in_eight_bits(part).ravel())
        picture = cv2.cvtColor(np.concatenate(parts).reshape(-1, columns), cv2.COLOR_YUV2BGR_I420)
        return np.ascontiguousarray(self.orientation.display(picture))

    def _stored_size(self, width: int | None) -> tuple[int, int]:
        """(width, height) to scale the stored picture to, so that it is `width` wide once displayed."""
        if width is None:
            return self.raw.width, self.raw.height
        if self.orientation.is_transposed:
            return max(1, round(self.raw.width * width / self.raw.height)), width
        return width, max(1, round(self.raw.height * width / self.raw.width))


def _in_eight_bits(samples: np.ndarray) -> np.ndarray:
    """uint8 as it is, uint16 of 10 bits without the lower two."""
    return samples if samples.dtype == np.uint8 else (samples >> 2).astype(np.uint8)


def _pixels(box: Box, columns: int, rows: int) -> tuple[int, int, int, int]:
    left, top, width, height = box
    x0, y0 = min(columns - 1, max(0, round(left * columns))), min(rows - 1, max(0, round(top * rows)))
    x1 = min(columns, max(x0 + 1, round((left + width) * columns)))
    return x0, y0, x1, min(rows, max(y0 + 1, round((top + height) * rows)))

"""A part of a frame around a face that is known, scaled and turned to the detectors' liking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ..detections import Face
from ..shapes import Box
from ..video import Frame

RIM = 0.02  # of a crop's side: a face that reaches into it is a part of a face
_LEAST_PX = 8


@dataclass(frozen=True)
class Crop:
    """box: the part of the picture, in ratios. size: width and height of what is shown, pixels. turn: degrees by which
    it is turned, counter-clockwise.
    """

    box: Box
    size: tuple[int, int]
    turn: float = 0.0

    @classmethod
    def around(cls, frame: Frame, box: np.ndarray, reach: float, pixels: int, turn: float = 0.0) -> Crop | None:
        """A square of `reach` longer sides of a box in pixels (left, top, width, height), shown `pixels` wide; less
        where the picture ends, None where almost nothing of it is left.
        """
        wide, high = frame.display_size
        side = reach * max(box[2:])
        x, y = box[:2] + box[2:] / 2
        left, top = max(0.0, (x - side / 2) / wide), max(0.0, (y - side / 2) / high)
        width, height = min(1.0, (x + side / 2) / wide) - left, min(1.0, (y + side / 2) / high) - top
        if width * wide < _LEAST_PX or height * high < _LEAST_PX:
            return None
        columns, rows = (_multiple_of_32(pixels * n / side) for n in (width * wide, height * high))
        return cls((left, top, width, height), (columns, rows), turn)

    def find(self, frame: Frame, find: Callable[[np.ndarray], list[Face]]) -> list[Face]:
        """What a detector finds in this part of the frame, in ratios of the whole picture."""
        picture = frame.crop_bgr(self.box, *self.size)
        if self.turn:
            picture = cv2.warpAffine(picture, self._turning, self.size, borderMode=cv2.BORDER_REPLICATE)
        return [self._in_frame(face) for face in find(picture) if not self._cuts_off(face)]

    @property
    def _turning(self) -> np.ndarray:
        """2 x 3: pixels of the crop to pixels of the turned one."""
        return cv2.getRotationMatrix2D((self.size[0] / 2, self.size[1] / 2), self.turn, 1.0)

    def _in_frame(self, face: Face) -> Face:
        left, top, width, height = self.box
        middle = np.array([face.left + face.width / 2, face.top + face.height / 2])
        if self.turn:
            back = cv2.invertAffineTransform(self._turning)
            middle = (back[:, :2] @ (middle * self.size) + back[:, 2]) / self.size
        x, y = middle - (face.width / 2, face.height / 2)
        return Face(left + x * width, top + y * height, face.width * width, face.height * height, face.score)

    def _cuts_off(self, face: Face) -> bool:
        """A face at the border of its crop is a part of a face, unless the picture ends there, too."""
        left, top, width, height = self.box
        return (
            (face.left < RIM and left > 0)
            or (face.top < RIM and top > 0)
            or (face.left + face.width > 1 - RIM and left + width < 1 - 1e-6)
            or (face.top + face.height > 1 - RIM and top + height < 1 - 1e-6)
        )


def _multiple_of_32(pixels: float) -> int:
    return max(32, 32 * round(pixels / 32))

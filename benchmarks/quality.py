"""What encoding costs the picture where nothing was blurred: PSNR and SSIM of the luma. Uses numpy and
OpenCV.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from faceblur.video import Reader

_EVERY = 10  # frames between those compared
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # Wang et al. 2004, as is the window of sigma 1.5


def outside_regions(original: Path, output: Path, rows: list[dict]) -> tuple[float, float]:
    """(PSNR in dB, mean SSIM) over the pixels that no region of the report covers."""
    squares = pixels = likeness = 0.0
    with Reader(original) as before, Reader(output) as after:
        for one, other, row in zip(before, after, rows, strict=True):
            if one.index % _EVERY:
                continue
            width = one.display_size[0]
            a, b = one.gray(width).astype(np.float32), other.gray(width).astype(np.float32)
            free = _free(a.shape, row["regions"])
            squares += float(((a - b) ** 2)[free].sum())
            likeness += float(_ssim(a, b)[free].sum())
            pixels += int(free.sum())
    mean = squares / max(pixels, 1)
    return (10 * math.log10(255**2 / mean) if mean else math.inf), likeness / max(pixels, 1)


def _free(shape, regions) -> np.ndarray:
    """Where no region is, nor its surroundings that an encoder's block or SSIM's window could mix with it."""
    free = np.ones(shape, bool)
    high, wide = shape
    for _, left, top, width, height in regions:
        y, x = max(0, int(top * high) - 16), max(0, int(left * wide) - 16)
        free[y : int((top + height) * high) + 17, x : int((left + width) * wide) + 17] = False
    return free


def _ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    def smooth(picture):
        return cv2.GaussianBlur(picture, (11, 11), 1.5)

    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    shared = smooth(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + _C1) * (2 * shared + _C2)
    return top / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))

"""Cut a portrait out of its picture: soft matte, colours freed of the old background.

An outline drawn by hand is refined by grabCut in a narrow band around it, softened along the picture's own edges by a
guided filter (He, Sun, Tang: Guided Image Filtering, 2010), and the colours near the edge are replaced by those found
further inside, so that no blue or flag red shines around hair and shoulders. Deterministic on one machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from . import pictures
from .portraits import Portrait

SCALE = 2
"""Cut-outs are twice the picture's size: close-ups magnify them."""
BAND_PX = 3
"""Half the width, in pixels of the picture, of the band where the outline may be corrected."""


def cut_out(portrait: Portrait) -> tuple[np.ndarray, np.ndarray]:
    """Colours (HxWx3 float32 BGR, 0..1) and matte (HxW float32, 0..1) of the portrait at SCALE."""
    picture = _on_canvas(pictures.load(portrait.picture), portrait.canvas)
    mask = _refined_mask(picture, portrait.outline)
    size = (picture.shape[1] * SCALE, picture.shape[0] * SCALE)
    large = cv2.resize(picture, size, interpolation=cv2.INTER_LANCZOS4)
    colours = _sharpened(large).astype(np.float32) / 255
    hard = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    matte = _soft_matte(colours, hard)
    return _decontaminated(colours, matte), matte


def _on_canvas(picture: np.ndarray, canvas: tuple[int, int]) -> np.ndarray:
    """The picture with its right edge mirrored out to the canvas width."""
    missing = canvas[0] - picture.shape[1]
    return cv2.copyMakeBorder(picture, 0, 0, 0, missing, cv2.BORDER_REFLECT_101)


def _refined_mask(picture: np.ndarray, outline: Sequence[tuple[float, float]]) -> np.ndarray:
    """0 or 1 per pixel: the outline, corrected by grabCut within the band."""
    height, width = picture.shape[:2]
    drawn = np.zeros((height, width), np.uint8)
    points = np.round(np.array(outline) * 16).astype(np.int32)
    cv2.fillPoly(drawn, [points], 1, lineType=cv2.LINE_8, shift=4)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BAND_PX + 1, 2 * BAND_PX + 1))
    # A border of copies keeps the band off the lower edge, where the bust simply goes on.
    padded = cv2.copyMakeBorder(drawn, 0, BAND_PX * 2, 0, 0, cv2.BORDER_REPLICATE)
    inside = cv2.erode(padded, kernel)[:height]
    outside = cv2.dilate(padded, kernel)[:height]
    trimap = np.where(drawn == 1, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[inside == 1] = cv2.GC_FGD
    trimap[outside == 0] = cv2.GC_BGD
    cv2.setRNGSeed(1)
    cv2.grabCut(picture, trimap, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return ((trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)).astype(np.uint8)


def _sharpened(picture: np.ndarray) -> np.ndarray:
    """Some of the crispness that magnifying took."""
    return cv2.addWeighted(picture, 1.35, cv2.GaussianBlur(picture, (0, 0), 1.8), -0.35, 0)


def _soft_matte(colours: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """The hard mask smoothed along its contour, then made to follow the picture's luminance edges."""
    smooth = cv2.GaussianBlur(hard, (0, 0), 3.0)
    smooth = np.clip((smooth - 0.5) * 2.2 + 0.42, 0, 1)
    guide = cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)
    guided = _guided_filter(guide, smooth, radius=4, epsilon=2e-3)
    matte = np.clip((np.minimum(guided, smooth * 1.3) - 0.08) / 0.84, 0, 1)
    return cv2.GaussianBlur(matte, (0, 0), 0.8)


def _guided_filter(guide: np.ndarray, source: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(plane, -1, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    mean_guide, mean_source = mean(guide), mean(source)
    covariance = mean(guide * source) - mean_guide * mean_source
    slope = covariance / (mean(guide * guide) - mean_guide**2 + epsilon)
    return mean(slope) * guide + mean(mean_source - slope * mean_guide)


def _decontaminated(colours: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """Colours near and beyond the edge taken from the nearest safely opaque neighbourhood."""
    core = cv2.erode((matte > 0.97).astype(np.float32), np.ones((5, 5), np.uint8))
    own = cv2.GaussianBlur(core, (0, 0), 1.5)[..., None]
    filled = np.zeros_like(colours)
    for sigma in (16.0, 8.0, 4.0, 2.0):
        weight = cv2.GaussianBlur(core, (0, 0), sigma)[..., None]
        near = cv2.GaussianBlur(colours * core[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)
        trust = np.clip(weight * 6, 0, 1)
        filled = filled * (1 - trust) + near * trust
    keep = np.clip(own * 1.5, 0, 1)
    return np.clip(colours * keep + filled * (1 - keep), 0, 1)

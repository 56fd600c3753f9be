"""The planes of a decoded frame as numpy views: writing to them writes to the frame."""

from __future__ import annotations

import numpy as np

# Pixel formats that are blurred in place: name -> (horizontal, vertical) chroma subsampling.
PLANAR = {
    "yuv420p": (2, 2),
    "yuvj420p": (2, 2),
    "yuv422p": (2, 1),
    "yuvj422p": (2, 1),
    "yuv444p": (1, 1),
    "yuvj444p": (1, 1),
    "yuv420p10le": (2, 2),
    "yuv422p10le": (2, 1),
    "yuv444p10le": (1, 1),
    "gray": (1, 1),
}


def working_format(pixel_format) -> str:
    """The planar format to blur and encode in: the frame's own where x264 takes it, else the nearest one."""
    if pixel_format.name in PLANAR:
        return pixel_format.name
    depth = max((component.bits for component in pixel_format.components), default=8)
    return "yuv420p10le" if depth > 8 else "yuv420p"


def plane_views(frame) -> list[np.ndarray]:
    """One array (height x width, uint8 or uint16) per plane, Y first; rows may be padded in memory."""
    dtype = np.uint16 if frame.format.name.endswith("10le") else np.uint8
    views = []
    for plane in frame.planes:
        row = plane.line_size // np.dtype(dtype).itemsize
        views.append(np.frombuffer(plane, dtype)[: row * plane.height].reshape(plane.height, row)[:, : plane.width])
    return views


def crop_to_even(frame, width: int, height: int):
    """A copy of the frame's top-left width x height pixels, with its time stamps and colour tags."""
    import av

    cropped = av.VideoFrame(width, height, frame.format.name)
    for target, source in zip(plane_views(cropped), plane_views(frame), strict=True):
        target[...] = source[: target.shape[0], : target.shape[1]]
    cropped.pts, cropped.time_base, cropped.duration = frame.pts, frame.time_base, frame.duration
    cropped.color_range, cropped.colorspace = frame.color_range, frame.colorspace
    return cropped

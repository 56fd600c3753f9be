"""The planes of a decoded frame as numpy views: writing to them writes to the frame."""

from __future__ import annotations

import numpy as np
from av import VideoFrame

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
    "gray10le": (1, 1),
}


# Those that are encoded. Grey becomes colour without any: decoders of monochrome H.264 are rare.
ENCODABLE = {name: grid for name, grid in PLANAR.items() if not name.startswith("gray")}


def plane_views(frame: VideoFrame) -> list[np.ndarray]:
    """One array (height x width, uint8 or uint16) per plane, Y first; rows may be padded in memory."""
    dtype = np.uint16 if frame.format.name.endswith("10le") else np.uint8
    views = []
    for plane in frame.planes:
        row = plane.line_size // np.dtype(dtype).itemsize
        rows = np.frombuffer(memoryview(plane), dtype)[: row * plane.height].reshape(plane.height, row)
        views.append(rows[:, : plane.width])
    return views

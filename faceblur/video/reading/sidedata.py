"""What a decoded frame carries beside its picture, also where PyAV has no name for the kind.

FFmpeg 8 has kinds (EXIF, view numbers of stereo video, LCEVC) that PyAV 18 does not list: with one of them on a frame,
reading any of its side data raises ValueError. Importing this module gives such kinds a name of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from av import VideoFrame
from av.buffer import Buffer
from av.sidedata.sidedata import Type


def _unlisted(kinds: Any, number: int) -> Type:
    kind = object.__new__(kinds)
    kind._name_, kind._value_ = f"KIND_{number}", number
    return kinds._value2member_map_.setdefault(number, kind)


Type._missing_ = classmethod(_unlisted)  # type: ignore[assignment,method-assign]  # PyAV has no door for it


def display_matrix(frame: VideoFrame) -> list[int] | None:
    """The nine numbers of the frame's display matrix. FFmpeg makes one of the container's and of EXIF's orientation."""
    data = frame.side_data.get("DISPLAYMATRIX")
    return np.frombuffer(bytes(data), np.int32).tolist() if isinstance(data, Buffer) else None

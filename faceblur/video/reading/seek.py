"""Go to the keyframe at or before a presentation time, also in files that have no index."""

from __future__ import annotations

from fractions import Fraction

import av
from av.container import InputContainer

from ...errors import InputError
from .opening import path_of
from .raw import RawStream

_STEPS_BACK_S = (0, 2, 10, 60)  # tried in turn; then the file is read from its beginning


def seek_before(container: InputContainer, stream: RawStream, pts: int) -> None:
    """Without an index (transport streams) a seek may land behind the time wanted: then try further back.

    Where no place can be gone to, a container that was just opened stays at its beginning. Raises InputError when it is
    not there any more.
    """
    has_read = False
    for back_s in _STEPS_BACK_S:
        target = pts - round(back_s / Fraction(stream.time_base))
        try:
            container.seek(target, stream=stream, backward=True, any_frame=False)
            has_read = True
            if _first_keyframe(container, stream) <= pts:
                container.seek(target, stream=stream, backward=True, any_frame=False)
                return
        except av.error.FFmpegError:
            break
    try:
        container.seek(container.start_time or 0)
    except av.error.FFmpegError as problem:
        if has_read:
            raise InputError(f"{path_of(container)}: cannot be read from the middle") from problem


def _first_keyframe(container: InputContainer, stream: RawStream) -> float:
    for packet in container.demux(stream):
        if packet.size and packet.is_keyframe and packet.pts is not None:
            return packet.pts
    return float("inf")

"""The last frames of a damaged file, read with one thread: with more, damage hides the frames around it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import av

from .opening import open_input, packets_of
from .ranged import Source
from .raw import RawPacket, RawStream
from .seek import seek_before


def frames_after(path: Source, stream_index: int, pts: int) -> Iterator[av.VideoFrame]:
    """Decode again from the keyframe before `pts`; gives the frames after it, in presentation order."""
    with open_input(path) as container:
        stream = container.streams[stream_index]
        stream.codec_context.thread_count = 1
        try:
            seek_before(container, stream, pts)
            for packet in chain(packets_of(container, stream), [None]):  # None: what the decoder still holds
                yield from (raw for raw in _decoded(stream, packet) if raw.pts is not None and raw.pts > pts)
        except av.error.FFmpegError:  # no way to seek, or the damage reaches to the end
            return


def _decoded(stream: RawStream, packet: RawPacket) -> list[av.VideoFrame]:
    try:
        return stream.decode(packet)
    except av.error.FFmpegError:
        return []

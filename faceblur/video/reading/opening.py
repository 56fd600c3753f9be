"""Open a file to read it: this one file, whatever its name, and no other through it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from ...errors import InputError
from .formats import HEAD_BYTES, kind_of, kind_of_head, reading_options
from .ranged import OpenedRange, RangedFile, Source
from .raw import RawPacket

# Pixels. `blur` takes 940 MB at 33 million (8K) and 1.5 GB at 67 million.
LARGEST_SIDE, LARGEST_PICTURE = 16384, 64_000_000
DECODER_OPTIONS = {"max_pixels": str(LARGEST_PICTURE)}  # nothing larger is given memory, whatever a file claims
_UNPARSED = {"fflags": "noparse+nofillin"}  # what a packet is by the index alone, not by its content
_FILE = "file:"  # before a name, so that no part of it is taken for a protocol


def open_input(path: Source, *, outline: bool = False) -> InputContainer:
    """Open a container for reading. Raises InputError with one line that says what is wrong.

    outline: only the sizes and times of packets are wanted; see `RangedFile.open`.
    """
    if isinstance(path, RangedFile):
        return _open_ranged(path, outline)
    path = os.fsdecode(path)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file")
    if os.path.isdir(path):
        raise InputError(f"{path}: is a folder, not a video")
    if not os.path.isfile(path):
        raise InputError(f"{path}: is a pipe or a device, not a video file")
    try:
        if Path(path).stat().st_size == 0:
            raise InputError(f"{path}: the file is empty (0 bytes)")
        # A codec's chatter about damaged packets would drown the one line that we say ourselves.
        return av.open(
            _FILE + path, metadata_errors="replace", options=DECODER_OPTIONS, container_options=reading_options(path)
        )
    except PermissionError as problem:
        raise InputError(f"{path}: no permission to read it") from problem
    except (av.error.FFmpegError, OSError, ValueError) as problem:
        what = kind_of(path) or f"not a video that can be read ({_reason(problem)})"
        raise InputError(f"{path}: {what}") from problem


def _open_ranged(file: RangedFile, outline: bool) -> InputContainer:
    try:
        if file.size == 0:
            raise InputError(f"{file}: the file is empty (0 bytes)")
        opened, reading = file.open(outline), reading_options(file.name, is_here=False)
        reading |= _UNPARSED if opened.is_outline else {}
        return av.open(opened, "r", metadata_errors="replace", options=DECODER_OPTIONS, container_options=reading)
    except (av.error.FFmpegError, OSError, ValueError) as problem:
        if file.problem is not None:
            raise file.problem from None
        what = kind_of_head(file.read(0, HEAD_BYTES)) or f"not a video that can be read ({_reason(problem)})"
        raise InputError(f"{file}: {what}") from problem


def path_of(container: InputContainer) -> str:
    """The name under which a container was opened."""
    return container.name.removeprefix(_FILE)


def content_of(container: InputContainer, packet: RawPacket) -> bytes:
    """What a packet holds, also where it was read from an outline."""
    opened = _outline(container)
    return bytes(packet) if opened is None else opened.file.read(packet.pos, packet.pos + packet.size)


def packets_of(
    container: InputContainer, *streams: Any, failed: Callable[[], None] = lambda: None
) -> Iterator[av.Packet]:
    """The packets of these streams that hold something. A demuxer that fails is at its end; failed: is told so."""
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except IndexError:  # PyAV's word for a packet of a stream that appears late: it is none of these
            packets = container.demux(*streams)
            continue
        except (av.error.FFmpegError, MemoryError):
            _refuse_half(container)
            failed()
            return
        if packet is None:
            _refuse_half(container)
            return
        if packet.size:
            yield packet


def _refuse_half(container: InputContainer) -> None:
    """Raise what kept parts of a ranged file from coming, which FFmpeg takes for the end of the file."""
    opened = _ranged(container)
    if opened is not None and opened.file.problem is not None:
        raise opened.file.problem


def _ranged(container: InputContainer) -> OpenedRange | None:
    opened = getattr(container.file, "file", None)
    return opened if isinstance(opened, OpenedRange) else None


def _outline(container: InputContainer) -> OpenedRange | None:
    opened = _ranged(container)
    return opened if opened is not None and opened.is_outline else None


def _reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem).splitlines()[0]

"""Open a file to read it: this one file, whatever its name, and no other through it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import av

from ...errors import InputError
from .formats import kind_of, reading_options

# Pixels. `blur` takes 940 MB at 33 million (8K) and 1.5 GB at 67 million.
LARGEST_SIDE, LARGEST_PICTURE = 16384, 64_000_000
DECODER_OPTIONS = {"max_pixels": str(LARGEST_PICTURE)}  # nothing larger is given memory, whatever a file claims
# IndexError: PyAV's end of a file in which further streams appeared on the way.
DEMUXER_FAULTS = (av.error.FFmpegError, IndexError)
_FILE = "file:"  # before a name, so that no part of it is taken for a protocol


def open_input(path: str | Path):
    """Open a container for reading. Raises InputError with one line that says what is wrong."""
    path = os.fsdecode(path)
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file")
    if os.path.isdir(path):
        raise InputError(f"{path}: is a folder, not a video")
    if not os.path.isfile(path):
        raise InputError(f"{path}: is a pipe or a device, not a video file")
    try:
        if os.path.getsize(path) == 0:
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


def path_of(container) -> str:
    """The name under which a container was opened."""
    return container.name.removeprefix(_FILE)


def packets_of(container, *streams, failed: Callable[[], None] = lambda: None) -> Iterator[av.Packet]:
    """The packets of these streams that hold something. A demuxer that fails is at its end; failed: is told so."""
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except IndexError:  # PyAV's word for a packet of a stream that appears late: it is none of these
            packets = container.demux(*streams)
            continue
        except (av.error.FFmpegError, MemoryError):
            failed()
            return
        if packet is None:
            return
        if packet.size:
            yield packet


def _reason(problem: Exception) -> str:
    return getattr(problem, "strerror", None) or str(problem).splitlines()[0]

"""The name of a track's codec, also of one that FFmpeg has no name for: then the four letters that MP4 and MOV give it
(ISO/IEC 14496-12, 8.5.2), as `apac`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .opening import path_of
from .raw import RawStream

UNKNOWN = "unknown"
_ENCRYPTED = ("encv", "enca", "enct", "encs")
_WAY = (b"mdia", b"minf", b"stbl")


def codec_of(stream: RawStream) -> str:
    """The codec's name in FFmpeg, else its four letters in the file, else "unknown"."""
    if stream.codec_context:
        return stream.codec_context.codec.canonical_name
    name = getattr(stream, "name", None)  # tracks of sound and pictures without a decoder have no such attribute
    return name or next(iter(_letters(stream)), UNKNOWN)


def is_encrypted(stream: RawStream) -> bool:
    """Whether the codec's letters say that the contents are encrypted (ISO/IEC 23001-7); FFmpeg does not tell."""
    return any(letters in _ENCRYPTED for letters in _letters(stream))


def _letters(stream: RawStream) -> list[str]:
    """The four letters of every kind of contents that the track has."""
    if "mov" not in stream.container.format.name:
        return []
    try:
        with Path(path_of(stream.container)).open("rb") as file:
            file.seek(0, 2)
            return _entries_of(file, stream.id, file.tell())
    except (OSError, ValueError, OverflowError):
        return []


def _entries_of(file: BinaryIO, track: int, end: int) -> list[str]:
    for start, stop in _boxes(file, 0, end, b"moov"):
        for place in _boxes(file, start, stop, b"trak"):
            if _id_of(file, *place) == track:
                return _entries(file, *place)
    return []


def _boxes(file: BinaryIO, start: int, end: int, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Where the contents of the boxes of a kind begin and end."""
    return ((body, stop) for kind, body, stop in _all_boxes(file, start, end) if kind == wanted)


def _all_boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, body = int.from_bytes(head[:4], "big"), start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if stop < start + 8 or stop > end:
            return
        yield head[4:8], body, stop
        start = stop


def _id_of(file: BinaryIO, start: int, end: int) -> int | None:
    for place, _ in _boxes(file, start, end, b"tkhd"):
        file.seek(place)
        head = file.read(24)
        return int.from_bytes(head[20:24] if head[:1] == b"\1" else head[12:16], "big")
    return None


def _entries(file: BinaryIO, start: int, end: int) -> list[str]:
    for kind in _WAY:
        start, end = next(_boxes(file, start, end, kind), (0, 0))
    for place, stop in _boxes(file, start, end, b"stsd"):
        kinds = (kind.decode("latin-1").strip() for kind, _, _ in _all_boxes(file, place + 8, stop))
        return [kind for kind in kinds if kind.isprintable()]
    return []

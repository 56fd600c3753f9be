"""The name of a track's codec, also of one that FFmpeg has no name for: then the four letters that MP4 and MOV give it
(ISO/IEC 14496-12, 8.5.2), as `apac`.
"""

from __future__ import annotations

from collections.abc import Iterator

from .opening import path_of

UNKNOWN = "unknown"
_ENCRYPTED = ("encv", "enca", "enct", "encs")
_WAY = (b"mdia", b"minf", b"stbl")


def codec_of(stream) -> str:
    """The codec's name in FFmpeg, else its four letters in the file, else "unknown"."""
    if stream.codec_context:
        return stream.codec_context.codec.canonical_name
    name = getattr(stream, "name", None)  # tracks of sound and pictures without a decoder have no such attribute
    return name or _four_letters(stream) or UNKNOWN


def is_encrypted(stream) -> bool:
    """Whether the codec's letters say that the contents are encrypted (ISO/IEC 23001-7)."""
    try:
        return stream.codec_context.codec_tag in _ENCRYPTED
    except UnicodeDecodeError:  # in AVI and others these are numbers
        return False


def _four_letters(stream) -> str | None:
    if "mov" not in stream.container.format.name:
        return None
    try:
        with open(path_of(stream.container), "rb") as file:
            file.seek(0, 2)
            return _entry_of(file, stream.id, file.tell())
    except (OSError, ValueError, OverflowError):
        return None


def _entry_of(file, track: int, end: int) -> str | None:
    for start, stop in _boxes(file, 0, end, b"moov"):
        for place in _boxes(file, start, stop, b"trak"):
            if _id_of(file, *place) == track:
                return _first_entry(file, *place)
    return None


def _boxes(file, start: int, end: int, kind: bytes) -> Iterator[tuple[int, int]]:
    """Where the contents of the boxes of a kind begin and end."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, body = int.from_bytes(head[:4], "big"), start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if stop <= start + 7 or stop > end:
            return
        if head[4:8] == kind:
            yield body, stop
        start = stop


def _id_of(file, start: int, end: int) -> int | None:
    for place, _ in _boxes(file, start, end, b"tkhd"):
        file.seek(place)
        head = file.read(24)
        return int.from_bytes(head[20:24] if head[:1] == b"\1" else head[12:16], "big")
    return None


def _first_entry(file, start: int, end: int) -> str | None:
    for kind in _WAY:
        start, end = next(_boxes(file, start, end, kind), (0, 0))
    for place, _ in _boxes(file, start, end, b"stsd"):
        file.seek(place + 12)
        letters = file.read(4).decode("latin-1").strip()
        return letters if letters.isprintable() else None
    return None

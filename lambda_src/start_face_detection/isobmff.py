"""The header of MP4 and QuickTime files (ISO/IEC 14496-12): boxes with a size and a name, some of which hold boxes."""

import math
from collections.abc import Iterator
from itertools import pairwise
from struct import unpack

from damage import HeaderError

CODECS = {
    b"avc1": "h264",
    b"avc3": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"dvh1": "hevc",
    b"dvhe": "hevc",
    b"av01": "av1",
    b"vp08": "vp8",
    b"vp09": "vp9",
    b"mp4v": "mpeg4",
    b"apcn": "prores",
    b"apch": "prores",
    b"apcs": "prores",
    b"apco": "prores",
    b"ap4h": "prores",
    b"ap4x": "prores",
}
MOST_BOXES = 2000
AT_A_TIME = 4096  # numbers of keyframes: 16 KB
MOST_KEYFRAMES = 4 * AT_A_TIME  # that are read


def read(source) -> dict:
    """The fields of header.Video. Raises HeaderError."""
    container = "mp4"
    for kind, start, end in boxes(source, 0, source.size):
        if kind == b"ftyp" and end - start >= 4:
            container = "mov" if source.read(start, 4) == b"qt  " else "mp4"
        if kind == b"moov":
            return {"container": container} | picture_track(source, start, end)
    raise HeaderError("it has no index (moov): the upload is not whole, or it is no video")


def boxes(source, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start of the content, its end) of every box from `at` to `end`."""
    for _ in range(MOST_BOXES):
        if at + 8 > end:
            return
        size, kind = unpack(">I4s", source.read(at, 8))
        start = at + 8
        if size == 1:
            (size,), start = unpack(">Q", source.read(start, 8)), start + 8
        size = size or end - at  # 0: to the end
        if at + size < start:
            raise HeaderError("its header is damaged")
        if at + size > end:
            raise HeaderError("it is cut off: the upload is not whole")
        yield kind, start, at + size
        at += size
    raise HeaderError("its header has more parts than a video's has")


def picture_track(source, at: int, end: int) -> dict:
    length_ms = None
    for kind, start, stop in boxes(source, at, end):
        if kind == b"cmov":
            raise HeaderError("its index is compressed, which is read nowhere any more")
        if kind == b"mvhd":
            length_ms = milliseconds(source, start, stop)
        if kind == b"trak" and (found := track(source, start, stop)):
            return {**found, "duration_ms": length_ms or found["duration_ms"]}
    raise HeaderError("it holds no video, only sound or data")


def track(source, at: int, end: int) -> dict | None:
    """What a track of pictures says; None of one of another kind."""
    found = children(source, at, end, (b"tkhd", b"mdia"))
    media = children(source, *found[b"mdia"], (b"mdhd", b"hdlr", b"minf"))
    if source.read(media[b"hdlr"][0] + 8, 4) != b"vide":
        return None
    (tables,) = children(source, *media[b"minf"], (b"stbl",)).values()
    (described,) = children(source, *tables, (b"stsd",)).values()
    length_ms, turned = milliseconds(source, *media[b"mdhd"]), rotation(source, *found[b"tkhd"])
    frames = samples(source, *tables)
    group = longest_group(source, *tables, frames) if frames and length_ms else None
    codec, width, height = entry(source, *described)
    return {
        "codec": codec,
        "width": height if turned in (90, 270) else width,
        "height": width if turned in (90, 270) else height,
        "rotation": turned,
        "duration_ms": length_ms,
        "frame_rate": round(1000 * frames / length_ms, 3) if frames and length_ms else None,
        "longest_group_ms": round(length_ms / frames * group, 3) if group else None,
    }


def children(source, at: int, end: int, wanted: tuple) -> dict[bytes, tuple[int, int]]:
    """The first box of each wanted kind, in this order. Looks no further than it must."""
    found = {}
    for kind, start, stop in boxes(source, at, end):
        if kind in wanted and kind not in found:
            found[kind] = start, stop
        if len(found) == len(wanted):
            return found
    raise HeaderError("its index is damaged")


def milliseconds(source, at: int, end: int) -> float | None:
    """The duration in mvhd or mdhd; None when the file does not say it there."""
    version = source.read(at, 1)[0]
    shape, skip, unknown = (">IQ", 20, 2**64 - 1) if version == 1 else (">II", 12, 2**32 - 1)
    if at + skip + (12 if version == 1 else 8) > end:
        raise HeaderError("its index is damaged")
    rate, length = unpack(shape, source.read(at + skip, 12 if version == 1 else 8))
    return 1000 * length / rate if rate and length not in (0, unknown) else None


def rotation(source, at: int, end: int) -> int:
    """Clockwise, in whole quarters of a turn, from the matrix of tkhd."""
    matrix = at + (52 if source.read(at, 1) == b"\1" else 40)
    if matrix + 8 > end:
        raise HeaderError("its index is damaged")
    a, b = unpack(">ii", source.read(matrix, 8))
    return round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360


def entry(source, at: int, end: int) -> tuple[str, int, int]:
    """(codec, width, height as stored) of the first sample description."""
    for kind, start, stop in boxes(source, at + 8, end):
        if kind == b"encv":
            raise HeaderError("it is encrypted")
        if stop - start < 28:
            break
        width, height = unpack(">HH", source.read(start + 24, 4))
        return CODECS.get(kind, kind.decode("ascii", "replace").strip()), width, height
    raise HeaderError("its index is damaged")


def samples(source, at: int, end: int) -> int:
    """How many frames the track has; 0 in a file of fragments."""
    for kind, start, stop in boxes(source, at, end):
        if kind in (b"stsz", b"stz2") and stop - start >= 12:
            return unpack(">I", source.read(start + 8, 4))[0]
    return 0


def longest_group(source, at: int, end: int, frames: int) -> int | None:
    """The most frames from one keyframe to the next, or to the end; None where they are too many to be read."""
    for kind, start, stop in boxes(source, at, end):
        if kind == b"stss" and stop - start >= 8:
            count = min(unpack(">I", source.read(start + 4, 4))[0], (stop - start - 8) // 4)
            if count > MOST_KEYFRAMES:
                return None
            numbers = keyframes(source, start + 8, count)
            return max(after - before for before, after in pairwise([1, *numbers, frames + 1]))
    return 1  # every frame is one


def keyframes(source, at: int, count: int) -> Iterator[int]:
    """Their numbers, the first frame's is 1."""
    for first in range(0, count, AT_A_TIME):
        many = min(AT_A_TIME, count - first)
        yield from unpack(f">{many}I", source.read(at + 4 * first, 4 * many))

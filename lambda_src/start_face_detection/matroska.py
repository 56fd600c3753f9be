"""The header of Matroska and WebM (RFC 9559): elements with a number and a size, some of which hold elements.

Only what stands before the first pictures, and only as much as is cheap: the image reads the rest.
"""

from collections.abc import Iterator
from struct import unpack

from damage import HeaderError

MAGIC = b"\x1a\x45\xdf\xa3"
DOCTYPE, SEGMENT, CLUSTER, INFO, TRACKS, TRACK = 0x4282, 0x18538067, 0x1F43B675, 0x1549A966, 0x1654AE6B, 0xAE
SCALE, DURATION, KIND, CODEC, FRAME_NS, PICTURE, WIDTH, HEIGHT = (
    0x2AD7B1, 0x4489, 0x83, 0x86, 0x23E383, 0xE0, 0xB0, 0xBA,
)  # fmt: skip
CODECS = {
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "hevc",
    "V_VP8": "vp8",
    "V_VP9": "vp9",
    "V_AV1": "av1",
    "V_MPEG4/ISO/ASP": "mpeg4",
}
MOST_ELEMENTS = 500


def read(source) -> dict:
    """The fields of header.Video. Never refuses: what cannot be read is None."""
    found = {"container": "matroska"}
    try:
        top = elements(source, 0, source.size)
        _, start, end = next(top)
        if value(source, start, end, DOCTYPE).startswith(b"webm"):
            found["container"] = "webm"
        segment = next(place for number, *place in top if number == SEGMENT)
        for number, start, end in elements(source, *segment):
            if number == INFO:
                found |= length(source, start, end)
            if number == TRACKS:
                found |= pictures(source, start, end)
            if number == CLUSTER:
                break
    except (HeaderError, StopIteration):
        pass
    return found


def elements(source, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, start of the content, its end) of every element from `at` to `end`."""
    for _ in range(MOST_ELEMENTS):
        if at + 2 > end:
            return
        head = source.read(at, min(12, end - at))
        id_length = 9 - head[0].bit_length()
        size_length = 9 - head[id_length].bit_length() if id_length <= 4 and id_length < len(head) else 9
        if size_length > 8 or id_length + size_length > len(head):
            return
        start, top = at + id_length + size_length, 1 << 7 * size_length
        size = int.from_bytes(head[id_length : id_length + size_length], "big") - top
        size = end - start if size == top - 1 else size  # all ones: not known, as in a live recording
        yield int.from_bytes(head[:id_length], "big"), start, min(end, start + size)
        at = start + size


def value(source, at: int, end: int, wanted: int) -> bytes:
    """The content of the first element of this number; empty when there is none."""
    for number, start, stop in elements(source, at, end):
        if number == wanted:
            return source.read(start, min(stop - start, 64))
    return b""


def length(source, at: int, end: int) -> dict:
    scale = int.from_bytes(value(source, at, end, SCALE), "big") or 1_000_000
    content = value(source, at, end, DURATION)
    if len(content) not in (4, 8):
        return {}
    (units,) = unpack(">f" if len(content) == 4 else ">d", content)
    return {"duration_ms": units * scale / 1e6} if 0 < units < 1e15 else {}


def pictures(source, at: int, end: int) -> dict:
    for number, start, stop in elements(source, at, end):
        if number == TRACK and value(source, start, stop, KIND) == b"\1":
            return track(source, start, stop)
    return {}


def track(source, at: int, end: int) -> dict:
    name = value(source, at, end, CODEC).rstrip(b"\0").decode("ascii", "replace")
    found = {"codec": CODECS.get(name, name)}
    if frame_ns := int.from_bytes(value(source, at, end, FRAME_NS), "big"):
        found["frame_rate"] = round(1e9 / frame_ns, 3)
    for number, start, stop in elements(source, at, end):
        if number == PICTURE:
            sides = [int.from_bytes(value(source, start, stop, side), "big") for side in (WIDTH, HEIGHT)]
            found |= dict(zip(("width", "height"), sides, strict=True))
    return found

"""What a video file says of itself, from a few small pieces of it: pure, no AWS.

MP4 and MOV are read to the first picture track, wherever their index lies; of Matroska and WebM what stands before the
first pictures; of everything else nothing, and that is said.
"""

from collections.abc import Callable
from dataclasses import dataclass

import isobmff
import matroska
from damage import HeaderError

BLOCK = 32 * 1024
MOST_BLOCKS = 16  # half a megabyte
KINDS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # how an MP4 or MOV may begin


@dataclass(frozen=True)
class Video:
    """None: not known. width, height: pixels as displayed; rotation: clockwise, degrees.

    longest_group_ms: the longest way from one keyframe to the next, by which a video can be divided.
    """

    container: str | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    rotation: int | None = None
    duration_ms: float | None = None
    frame_rate: float | None = None
    longest_group_ms: float | None = None
    bytes: int = 0


class Source:
    """The file's bytes by position. Fetches little, and refuses to fetch much."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int):
        """fetch(start, end): the bytes from start to end, `end` not included."""
        self._fetch, self.size = fetch, size
        self._blocks: list[tuple[int, bytes]] = []

    def read(self, at: int, length: int) -> bytes:
        """Raises HeaderError beyond the file's end, and when too much was read."""
        if at < 0 or at + length > self.size:
            raise HeaderError("it is cut off: the upload is not whole")
        for start, block in self._blocks:
            if start <= at and at + length <= start + len(block):
                return block[at - start : at - start + length]
        if length > BLOCK or len(self._blocks) == MOST_BLOCKS:
            raise HeaderError("its header is scattered over more places than a video's is")
        end = min(self.size, at + BLOCK)
        block = self._fetch(at, end)
        if len(block) < end - at:
            raise HeaderError("it is cut off: the upload is not whole")
        self._blocks.append((at, block))
        return block[:length]


def read_header(fetch: Callable[[int, int], bytes], size: int) -> Video:
    """Raises HeaderError, in words about the file, when it cannot be a whole video."""
    if not size:
        raise HeaderError("it is empty")
    source = Source(fetch, size)
    start = source.read(0, min(12, size))
    if start[4:8] in KINDS:
        return Video(**isobmff.read(source), bytes=size)
    if start.startswith(matroska.MAGIC):
        return Video(**matroska.read(source), bytes=size)
    return Video(bytes=size)

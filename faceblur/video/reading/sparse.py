"""Read a video without the frames that no other frame refers to: with B-frames a third less decoding.

The frames left out are named, so that nothing is unaccounted for: by their packets' times, which are the frames' own
only in a regular file without damage. `Irregular` tells who reads that it must be read whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from .ahead import ahead
from .frame import Frame
from .raw import RawFrame, RawPacket
from .reader import Reader

_CODECS, _CONTAINERS = ("h264", "hevc"), ("mp4", "matroska")
_PROGRESSIVE = (0, 1)  # libavcodec AVFieldOrder: unknown and progressive
_LONGEST_MS = 150.0  # more time than this is not passed over twice
_MOST_PACKETS = 60  # without one frame: whatever the stream says of itself, it cannot be thinned out


@dataclass(frozen=True, slots=True)
class Passed:
    """A frame that was not decoded: its presentation time stamp, and that in ms on the player's clock."""

    pts: int
    time_ms: float


class Irregular(Exception):
    """Packets do not tell which frames there are and when: read the file with `Reader`, from its beginning."""


class SparseReader(Reader):
    """Iterates over frames and those passed over, in the order of presentation. Raises what `Reader` does; Irregular.

    Only progressive H.264 and HEVC with time stamps on every packet are thinned out, and only while what is left
    lies close enough together.
    """

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._waiting: list[int] = []  # time stamps of packets that have given no frame yet, a heap
        self._silent = 0
        self._codec = self.stream.codec_context
        known = self._codec.name in _CODECS and any(name in self.container.format.name for name in _CONTAINERS)
        self._is_thinned = known and self._codec.field_order in _PROGRESSIVE
        if self._is_thinned:
            self._codec.skip_frame = "NONREF"
            self._codec.options |= {"skip_loop_filter": "bidir"}  # B-frames stay a little blocky, which nobody sees

    def __iter__(self) -> Iterator[Frame | Passed]:  # type: ignore[override]  # who takes this one wants both
        yield from ahead(self._mixed() if self._is_thinned else self._frames())

    def _mixed(self) -> Iterator[Frame | Passed]:
        last_ms = None
        for frame in self._frames():
            passed = list(self._passed_before(frame.pts))
            if passed and last_ms is None and self._window()[0] is None:
                raise Irregular  # they are shown before the first frame that can be decoded, or not at all
            yield from passed
            if passed and last_ms is not None and frame.time_ms - last_ms > _LONGEST_MS:
                self._codec.skip_frame = "DEFAULT"
            last_ms = frame.time_ms
            yield frame
        yield from self._passed_before(None)

    def _passed_before(self, pts: int | None) -> Iterator[Passed]:
        first, end = self._window()
        while self._waiting and (pts is None or self._waiting[0] <= pts):
            waiting = heappop(self._waiting)
            if waiting != pts and (first is None or waiting >= first) and (end is None or waiting < end):
                yield Passed(waiting, self.time_ms_of(waiting))

    def _decode(self, packet: RawPacket) -> Iterator[RawFrame]:
        if not self._is_thinned:
            yield from super()._decode(packet)
            return
        if not self._clock.is_regular:
            raise Irregular
        if not packet.is_discard:
            heappush(self._waiting, packet.pts)
        self._silent += 1
        for raw in super()._decode(packet):
            self._silent = 0
            yield raw
        if self.damaged:
            raise Irregular
        if self._silent > _MOST_PACKETS:
            self._codec.skip_frame = "DEFAULT"
        self._owed = 0  # what was passed over is not missing

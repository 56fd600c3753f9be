"""A sound or subtitle track that is passed on packet by packet, without those that the output cannot hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.container import OutputContainer

from ..reading.raw import RawPacket, RawStream
from .rehearsal import Rehearsal

_LEAP_S = 10  # a packet this far ahead of the one before waits for the next, which tells whether its time is wrong
_STEP_S = Fraction(1, 1000)  # between packets that had the same time
_LONGEST_S = 10**7  # four months: no time of a file that people have


class Times:
    """Lets packets of one stream through whose times go up. leap_s: the first time, and one further ahead of the one
    before than this, is wrong when the next one is smaller; None: any gap is as good as another.
    """

    def __init__(self, leap_s: int | None = _LEAP_S):
        self._leap_s = leap_s
        self._last: Fraction | None = None
        self._waiting: tuple | None = None
        self.refused = 0

    def through(self, packet: RawPacket) -> Iterator[av.Packet]:
        """The packets that are known to be right by now, each with a decoding time, none after its presentation."""
        time = _made_whole(packet)
        if time is None or (self._last is not None and time < self._last):
            self.refused += 1
            return
        if self._waiting is not None:
            ahead, first = self._waiting
            self._waiting = None
            if ahead <= time:
                self._last = ahead
                yield first
            else:
                self.refused += 1
        if self._leap_s is not None and (self._last is None or time - self._last > self._leap_s):
            self._waiting = (time, packet)
            return
        self._last = time
        yield packet

    def rest(self) -> Iterator[av.Packet]:
        if self._waiting is not None:
            yield self._waiting[1]


def _made_whole(packet: RawPacket) -> Fraction | None:
    """The decoding time in seconds; None when there is none that can be."""
    if packet.dts is None:
        packet.dts = packet.pts
    if packet.dts is None:
        return None
    if packet.pts is None or packet.pts < packet.dts:
        packet.pts = packet.dts
    time_base = Fraction(packet.time_base)
    if not 0 <= (packet.duration or 0) * time_base < _LONGEST_S:
        packet.duration = 0
    time = packet.dts * time_base
    return time if abs(time) < _LONGEST_S and (packet.pts - packet.dts) * time_base < _LONGEST_S else None


class CopiedTrack:
    """Passes packets on as they are. `damaged`: how many it left out."""

    def __init__(self, container: OutputContainer, source: RawStream):
        self.stream = container.add_stream_from_template(source, opaque=True)
        self._marks_gaps = source.codec_context.codec.canonical_name == "mov_text"
        self._rehearsal = Rehearsal(container.format.name, source)
        is_sound = source.type == "audio"
        self._times, self._refused = Times(_LEAP_S if is_sound else None), 0
        self._step = math.ceil(_STEP_S / source.time_base) if is_sound and _is_strict(container) else 0
        self._last_dts: int | None = None

    @property
    def damaged(self) -> int:
        return self._times.refused + self._refused

    def take(self, packet: RawPacket) -> Iterator[av.Packet]:
        # MP4 fills the time between two subtitles with empty ones; the muxer makes its own.
        if not (self._marks_gaps and bytes(packet)[:2] == b"\0\0"):
            yield from self._fitting(self._times.through(packet))

    def finish(self) -> Iterator[av.Packet]:
        yield from self._fitting(self._times.rest())
        self._rehearsal.close()

    def _fitting(self, packets: Iterable[RawPacket]) -> Iterator[av.Packet]:
        for packet in packets:
            self._set_apart(packet)
            if self._rehearsal.takes(packet):
                packet.stream = self.stream
                yield packet
            else:
                self._refused += 1

    def _set_apart(self, packet: RawPacket) -> None:
        """A clock too coarse for the packets gives several the same time."""
        if self._step and self._last_dts is not None and packet.dts <= self._last_dts:
            packet.dts = self._last_dts + self._step
            packet.pts = max(packet.pts, packet.dts)
        self._last_dts = packet.dts


def _is_strict(container: OutputContainer) -> bool:
    """Whether two packets of a stream may not have the same time."""
    return container.format.name in ("mp4", "mov")

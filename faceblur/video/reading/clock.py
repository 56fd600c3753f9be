"""One rising clock for a file whose time stamps start anew on the way: two recordings put one behind the other.

Packets are put in place before they are decoded, in the order of the file, so that every reading from the start gives
every frame the same time. The video leads: where its clock starts anew, it goes on a frame later; what belongs to that
part of the other streams moves by as much.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

from av.container import InputContainer

from .probe import frame_rate_of, start_offset_ms
from .raw import RawPacket, RawStream

_BACK_S = 0.5  # less is disorder among neighbours, which the reader sets right frame by frame
_JUMP_S = 10  # forwards, in formats whose clock may jump; elsewhere a jump is a pause ...
_LONGEST_PAUSE_S = 86400  # ... if it is no longer than a day: then it is damage
_MAY_JUMP = 0x200  # libavformat AVFMT_TS_DISCONT
_WINDOW = 32  # packets; decoders reorder over 16 at the most


class _Watch:
    """Tells where the video's time stamps start anew."""

    def __init__(self, time_base: Fraction, may_jump: bool):
        self._back = round(_BACK_S / time_base)
        self._jump = round((_JUMP_S if may_jump else _LONGEST_PAUSE_S) / time_base)
        self._time_base = time_base
        self._last: int | None = None

    @property
    def last_s(self) -> Fraction | None:
        """The last time stamp as it stands in the file, in seconds."""
        return None if self._last is None else self._last * self._time_base

    def begins_anew(self, packet: RawPacket) -> bool:
        stamp = packet.pts if packet.dts is None else packet.dts
        last, self._last = self._last, stamp
        step = 0 if last is None else stamp - last
        return step < -self._back or step > self._jump


class _Beside:
    """A stream beside the video: which part of the file its packets belong to.

    Where its time stamps go back, or jump where a clock may, the video's may be about to; where they then go on as if
    nothing had happened, or the video never follows, they were wrong.
    """

    def __init__(self, time_base: Fraction, may_jump: bool, part: int, video_s: Fraction | None):
        """part, video_s: where the video is when this stream's first packet comes."""
        self._back, self._jump = round(_BACK_S / time_base), round(_JUMP_S / time_base)
        self.time_base, self.part, self._may_jump = time_base, part, may_jump
        self.held: list = []  # packets that seem to belong to the next part
        self._top: int | None = round(video_s / time_base) if part and video_s is not None else None
        self._top_before: int | None = None  # the last leap ahead
        self._next_top: int | None = None

    def take(self, packet: RawPacket, part: int, video_s: Fraction | None) -> list:
        """The packets that are known to belong to `self.part` by now. part, video_s: where the video is."""
        stamp = packet.pts if packet.dts is None else packet.dts
        if self._top is None:
            self._top = stamp
        if self._next_top is not None:
            if not self._goes_on(stamp, self._top):
                self._next_top = max(self._next_top, stamp)
                self.held.append(packet)
                return []
            self._next_top = None
        elif self._jumps(stamp, part, video_s):
            self._next_top = stamp
            self.held.append(packet)
            return []
        elif stamp < self._top - self._back:
            if self._top_before is None or not self._goes_on(stamp, self._top_before):
                self._next_top = stamp
                self.held.append(packet)
                return []
            self._top = stamp  # the one before was far ahead of its time
        self._top_before = self._top if stamp > self._top + self._jump else None
        self._top = max(self._top, stamp)
        return [*self.rest(), packet]

    def _jumps(self, stamp: int, part: int, video_s: Fraction | None) -> bool:
        """Whether it is far ahead of what came before, and of the video, if that has not jumped itself."""
        if not self._may_jump or self._top is None or stamp <= self._top + self._jump:
            return False
        return part > self.part or video_s is None or stamp > video_s / self.time_base + self._jump

    def _goes_on(self, stamp: int, top: int) -> bool:
        return -self._back <= stamp - top <= self._jump

    def follow(self, part: int, video_s: Fraction | None) -> list:
        """The packets that were held back for this part of the video, or until it came there without a jump."""
        if self._next_top is None:
            return []
        if part <= self.part:
            if self._top is None or video_s is None or self._next_top < self._top:
                return []
            if self._next_top > video_s / self.time_base + self._jump:
                return []
            self._top, self._next_top = self._next_top, None
            return self.rest()
        self.part, self._top = self.part + 1, self._next_top
        self._next_top = self._top_before = None
        return self.rest()

    def rest(self) -> list:
        held, self.held = self.held, []
        return held


class Clock:
    """Moves the time stamps of a video stream's packets, and of those of the streams beside it.

    is_regular: so far every packet has a time of its own, and decoding times rise. Only then is a frame's time that of
    its packet wherever reading begins, and whatever is left out.
    """

    def __init__(self, container: InputContainer, stream: RawStream):
        self.is_regular = True
        self._last_dts: int | None = None
        self._near: deque[int] = deque(maxlen=_WINDOW)  # times of the last packets
        self._may_jump = bool(int(container.format.flags) & _MAY_JUMP)
        self._video = _Watch(Fraction(stream.time_base), self._may_jump)
        self._time_base = Fraction(stream.time_base)
        self._step = max(1, round(1 / (frame_rate_of(stream) * self._time_base)))
        self._shifts = [0]  # one a part, in the video's time base
        self._start = math.ceil(start_offset_ms(container) / 1000 / self._time_base)
        self._latest: int | None = None
        self._others: dict[int, _Beside] = {}

    @property
    def restarts(self) -> int:
        """How often the time stamps start anew."""
        return len(self._shifts) - 1

    def place(self, packet: RawPacket) -> None:
        """Move a packet of the video. One that is not shown, or has no time, stays as it is."""
        if packet.is_discard:
            return
        if None not in (packet.pts, packet.dts) and abs(packet.pts - packet.dts) * self._time_base > _LONGEST_PAUSE_S:
            packet.pts = packet.dts  # nobody waits so long to show what is decoded: damage
            self.is_regular = False
        rises = packet.dts is None or self._last_dts is None or packet.dts > self._last_dts
        self.is_regular &= packet.pts is not None and rises and packet.pts not in self._near
        self._near.append(packet.pts)
        self._last_dts = self._last_dts if packet.dts is None else packet.dts
        if packet.pts is None:
            return
        is_first = self._latest is None
        if self._video.begins_anew(packet) or (is_first and self._is_astray(packet)):
            self.is_regular = False
            self._shifts.append((self._start if self._latest is None else self._latest + self._step) - packet.pts)
        _move(packet, self._shifts[-1])
        self._latest = packet.pts if self._latest is None else max(self._latest, packet.pts)

    def _is_astray(self, packet: RawPacket) -> bool:
        """Whether the first packet comes before the clock starts, where no player would show it, or days later."""
        seconds = (packet.pts - self._start) * self._time_base
        return (packet.is_keyframe and seconds < 0) or seconds > _LONGEST_PAUSE_S

    def place_other(self, packet: RawPacket) -> Iterator:
        """Packets of the other streams that are in place now: one of a part that the video has not reached waits."""
        if packet.pts is None and packet.dts is None:
            yield packet
            return
        part, video_s = self.restarts, self._video.last_s
        other = self._others.get(packet.stream.index)
        if other is None:
            other = _Beside(Fraction(packet.time_base), self._may_jump, part, video_s)
            self._others[packet.stream.index] = other
        yield from self._moved(other, other.take(packet, part, video_s))
        yield from self.released()

    def released(self) -> Iterator:
        """Those that waited for what the video has reached by now."""
        for other in self._others.values():
            if other.held:
                yield from self._moved(other, other.follow(self.restarts, self._video.last_s))

    def never_placed(self) -> Iterator:
        """Those that waited in vain, once the video has ended: as they are."""
        for other in self._others.values():
            yield from other.rest()

    def _moved(self, other: _Beside, packets: list) -> Iterator:
        for packet in packets:
            _move(packet, round(self._shifts[other.part] * self._time_base / other.time_base))
            yield packet


def _move(packet: RawPacket, shift: int) -> None:
    if shift:
        packet.pts = None if packet.pts is None else packet.pts + shift
        packet.dts = None if packet.dts is None else packet.dts + shift

"""One rising clock for a file whose time stamps start anew on the way: two recordings put one behind the other.

Packets are put in place before they are decoded, in the order of the file, so that every reading from the start gives
every frame the same time. The video leads: where its clock starts anew, it goes on a frame later; what belongs to that
part of the other streams moves by as much. Imports `probe`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

from .probe import frame_rate_of, start_offset_ms

_BACK_S = 0.5  # less is disorder among neighbours, which the reader sets right frame by frame
_JUMP_S = 10  # forwards, in formats whose clock may jump; elsewhere a jump is a pause ...
_LONGEST_PAUSE_S = 86400  # ... if it is no longer than a day: then it is damage
_MAY_JUMP = 0x200  # libavformat AVFMT_TS_DISCONT
_WINDOW = 32  # packets; decoders reorder over 16 at the most


class StreamClock:
    """Tells where one stream's time stamps start anew. parts: how often they have."""

    def __init__(self, time_base: Fraction, may_jump: bool):
        self._back = round(_BACK_S / time_base)
        self._jump = round((_JUMP_S if may_jump else _LONGEST_PAUSE_S) / time_base)
        self._last: int | None = None
        self.parts = 0

    def begins_anew(self, packet) -> bool:
        stamp = packet.pts if packet.dts is None else packet.dts
        last, self._last = self._last, stamp
        step = 0 if last is None else stamp - last
        is_new = step < -self._back or step > self._jump
        self.parts += is_new
        return is_new


class Clock:
    """Moves the time stamps of a video stream's packets, and of those of the streams beside it.

    is_regular: so far every packet has a time of its own, and decoding times rise. Only then is a frame's time that of
    its packet wherever reading begins, and whatever is left out.
    """

    def __init__(self, container, stream):
        self._may_jump = bool(int(container.format.flags) & _MAY_JUMP)
        self.is_regular = True
        self._last_dts: int | None = None
        self._near: deque[int] = deque(maxlen=_WINDOW)  # times of the last packets
        self._video = StreamClock(Fraction(stream.time_base), self._may_jump)
        self._time_base = Fraction(stream.time_base)
        self._step = max(1, round(1 / (frame_rate_of(stream) * self._time_base)))
        self._shifts = [0]  # one a part, in the video's time base
        self._start = math.ceil(start_offset_ms(container) / 1000 / self._time_base)
        self._latest: int | None = None
        self._others: dict[int, StreamClock] = {}
        self._held: list = []

    @property
    def restarts(self) -> int:
        return len(self._shifts) - 1

    def place(self, packet) -> None:
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
            self._shifts.append((self._start if is_first else self._latest + self._step) - packet.pts)
        _move(packet, self._shifts[-1])
        self._latest = packet.pts if self._latest is None else max(self._latest, packet.pts)

    def _is_astray(self, packet) -> bool:
        """Whether the first packet comes before the clock starts, where no player would show it, or days later."""
        seconds = (packet.pts - self._start) * self._time_base
        return (packet.is_keyframe and seconds < 0) or seconds > _LONGEST_PAUSE_S

    def place_other(self, packet) -> Iterator:
        """Packets of the other streams that are in place now: one of a part that the video has not reached waits."""
        if packet.pts is None and packet.dts is None:
            yield packet
            return
        time_base = Fraction(packet.time_base)
        clock = self._others.setdefault(packet.stream.index, StreamClock(time_base, self._may_jump))
        clock.begins_anew(packet)
        self._held.append((clock.parts, packet))
        yield from self.released()

    def released(self) -> Iterator:
        """Those that waited for what the video has reached by now."""
        if not self._held:
            return
        held, self._held = self._held, []
        for part, packet in held:
            if part < len(self._shifts):
                _move(packet, round(self._shifts[part] * self._time_base / Fraction(packet.time_base)))
                yield packet
            else:
                self._held.append((part, packet))

    @property
    def never_placed(self) -> int:
        """Packets that wait in vain once the video has ended."""
        return len(self._held)


def _move(packet, shift: int) -> None:
    if shift:
        packet.pts = None if packet.pts is None else packet.pts + shift
        packet.dts = None if packet.dts is None else packet.dts + shift

"""Decode a video in presentation order, frame by frame, with its other packets beside it when asked."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.stream import Discard

from ...errors import InputError
from .ahead import ahead
from .clock import Clock
from .frame import Frame
from .opening import open_input, packets_of
from .orientation import Orientation
from .probe import duration_ms_of, frame_rate_of, orientation_of, start_offset_ms
from .ranged import RangedFile, Source
from .raw import RawFrame, RawPacket, RawStream
from .seek import seek_before
from .selection import video_stream
from .tail import frames_after

_LEAST_S = Fraction(2, 10**6)  # times are given to the microsecond, and every frame has its own


@dataclass(frozen=True)
class Span:
    """Frames with start_pts <= pts < end_pts, in the stream's own time base; None leaves that end open."""

    index: int
    start_pts: int | None
    end_pts: int | None

    def to_json(self) -> dict:
        """As it travels to the function that works on it."""
        return {"index": self.index, "start_pts": self.start_pts, "end_pts": self.end_pts}

    @classmethod
    def from_json(cls, content: dict) -> Span:
        """What `to_json` made."""
        return cls(content["index"], content["start_pts"], content["end_pts"])

    def holds(self, pts: int) -> bool:
        """Whether a time stamp lies in it."""
        return (self.start_pts is None or pts >= self.start_pts) and (self.end_pts is None or pts < self.end_pts)


@dataclass(frozen=True)
class Packet:
    """A packet of another stream (audio, subtitles), passed through as it is."""

    raw: av.Packet
    stream_index: int

    @property
    def time_s(self) -> float:
        """When it is decoded, or shown where it does not say; 0 where it says neither."""
        stamp = self.raw.pts if self.raw.dts is None else self.raw.dts
        return float((stamp or 0) * self.raw.time_base)


class Reader:
    """Iterate over the frames of a video, or over `events()`: frames and other streams' packets, interleaved.

    span: only these frames, plus `margin_ms` before and after. threads: to decode with; 0 is half of the machine's,
    because who reads has work for the others, and each of them holds frames. Damaged packets are skipped and counted
    in `damaged`. Raises InputError like `probe`, and when not one frame can be decoded.
    """

    def __init__(self, path: Source, *, span: Span | None = None, margin_ms: float = 0.0, threads: int = 0):
        self.path = path if isinstance(path, RangedFile) else str(path)
        self.span, self.margin_ms = span, margin_ms
        self.container = open_input(path)
        try:
            self.stream = video_stream(self.container)
        except InputError:
            self.container.close()
            raise
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.thread_count = threads or max(1, (os.cpu_count() or 1) // 2)
        self.time_base = Fraction(self.stream.time_base)
        self.frame_rate = frame_rate_of(self.stream)
        self.offset_ms = start_offset_ms(self.container)
        parts = math.lcm(self.time_base.denominator, self.offset_ms.denominator)  # of a millisecond
        self._to_ms = int(1000 * self.time_base * parts), int(self.offset_ms * parts), parts
        self._clock = Clock(self.container, self.stream)
        self.damaged = 0
        self._index = 0
        self._owed = 0  # packets that have not given their frame yet
        self._hidden = 0  # frames that an edit list cuts off
        self._has_pts = True
        self._least = max(1, math.ceil(_LEAST_S / self.time_base))  # between two frames, in the stream's time base
        # AVI gives packets decoding times only; whatever comes first out of the decoder is shown first.
        self._slots: deque[int | None] | None = deque() if self.container.format.name == "avi" else None
        self._last_pts: int | None = None
        self._orientation: Orientation | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """May be called again."""
        self.container.close()

    @property
    def end_ms(self) -> float:
        """When the file ends on the player's clock, its longest stream and all, as far as it says so."""
        return float(Fraction((self.container.start_time or 0) + (self.container.duration or 0), 1000) - self.offset_ms)

    @property
    def expected_frames(self) -> int:
        """Declared or estimated frame count of the span, for progress only."""
        start, length = self.stream.start_time or 0, self.stream.duration
        if self.span is None or not length:
            seconds = duration_ms_of(self.container, self.stream) / 1000
            return self.stream.frames or max(1, round(seconds * float(self.frame_rate)))
        first = start if self.span.start_pts is None else self.span.start_pts
        last = start + length if self.span.end_pts is None else self.span.end_pts
        return max(1, round(float((last - first) * self.time_base * self.frame_rate)))

    @property
    def notes(self) -> list[str]:
        """What was wrong with the file, known once it was read to its end."""
        notes = []
        if self.damaged:
            notes.append(f"{self.damaged} damaged packets or frames in the input were passed over")
        if self._clock.restarts:
            notes.append(f"the input's clock starts anew {_times(self._clock.restarts)}: it was made to go on")
            if self._hidden:
                notes.append(f"{self._hidden} frames were left out: the file says that they are not to be shown")
        declared = self.stream.frames - self._hidden
        if self.span is None and self.stream.frames and declared != self._index:
            notes.append(f"the input declares {declared} frames, {self._index} could be decoded")
        return notes

    def time_ms_of(self, pts: int) -> float:
        """A time stamp's time in ms, as a player's clock has it."""
        step, offset, parts = self._to_ms  # whole numbers: exact, and ten times as fast as fractions
        return round((pts * step - offset) / parts, 3)

    def pts_of(self, time_ms: float) -> int:
        """The time stamp of that moment, rounded."""
        step, offset, parts = self._to_ms
        return round((time_ms * parts + offset) / step)

    def __iter__(self) -> Iterator[Frame]:
        yield from ahead(self._frames())

    def events(self, other_streams: tuple[int, ...]) -> Iterator[Frame | Packet]:
        """Frames, and packets of the streams with these indices, roughly in file order."""
        yield from ahead(self._events(other_streams))

    def packets(self, streams: tuple[int, ...]) -> Iterator[Packet]:
        """The packets of these streams alone, nothing decoded; what lies between is passed over where it can be."""
        wanted = [stream for stream in self.container.streams if stream.index in streams]
        for stream in self.container.streams:
            stream.discard = Discard.default if stream in wanted else Discard.all
        for raw in packets_of(self.container, wanted) if wanted else ():
            yield Packet(raw, raw.stream.index)

    def _frames(self) -> Iterator[Frame]:
        for event in self._events(()):
            if isinstance(event, Frame):
                yield event

    def _events(self, other_streams: Sequence[int]) -> Iterator[Frame | Packet]:
        first_pts, end_pts = self._window()
        if first_pts is not None:
            seek_before(self.container, self.stream, first_pts)
        streams = [self.stream] + [s for s in self.container.streams if s.index in other_streams]
        for packet in self._demux(streams):
            if packet is not None and packet.stream.index != self.stream.index:
                yield from (Packet(raw, raw.stream.index) for raw in self._clock.place_other(packet))
                continue
            if packet is not None:
                self._clock.place(packet)
            waiting = self._clock.released() if packet is not None else self._clock.never_placed()
            yield from (Packet(raw, raw.stream.index) for raw in waiting)
            for raw in self._decode(packet) if packet is not None else self._drain():
                if first_pts is not None and raw.pts < first_pts:
                    continue
                if end_pts is not None and raw.pts >= end_pts:
                    return
                yield self._frame(raw)
        if not self._index:
            raise InputError(f"{self.path}: not one frame of it can be decoded")

    def _window(self) -> tuple[int | None, int | None]:
        if self.span is None:
            return None, None
        margin = round(Fraction(self.margin_ms) / 1000 / self.time_base)
        start = None if self.span.start_pts is None else self.span.start_pts - margin
        return start, None if self.span.end_pts is None else self.span.end_pts + margin

    def _demux(self, streams: Sequence[RawStream]) -> Iterator[RawPacket]:
        """Packets, then None: the end."""

        def note_failure() -> None:
            self.damaged += 1

        yield from packets_of(self.container, streams, failed=note_failure)
        yield None

    def _decode(self, packet: RawPacket) -> Iterator[RawFrame]:
        self.damaged += packet.is_corrupt
        self._hidden += packet.is_discard
        self._owed += not packet.is_discard
        if self._slots is not None:
            self._slots.append(packet.dts)
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self.damaged += 1
            if self._slots:
                self._slots.popleft()
            return
        yield from self._received(frames)

    def _drain(self) -> Iterator[RawFrame]:
        """What the decoder still holds. One damaged frame makes it keep the others: they are read anew."""
        try:
            frames = self.stream.decode(None)
        except av.error.FFmpegError:
            frames = []
        yield from self._received(frames)
        can_seek = self._has_pts and self._slots is None and not self._clock.restarts
        if self._owed > 0 and self._last_pts is not None and can_seek:
            yield from self._received(frames_after(self.path, self.stream.index, self._last_pts))
            self.damaged = max(self.damaged, self._owed)

    def _received(self, frames: Iterable[RawFrame]) -> Iterator[RawFrame]:
        for raw in frames:
            self._owed -= 1
            self.damaged += bool(raw.is_corrupt)
            yield self._with_pts(raw)

    def _with_pts(self, raw: RawFrame) -> RawFrame:
        """Some streams carry no presentation times, damaged ones repeat them: keep them rising."""
        step = max(self._least, round(1 / (self.frame_rate * self.time_base)))
        raw.time_base = self.time_base  # frames that a decoder gives at the end have none
        if self._slots is not None:
            raw.pts = self._slots.popleft() if self._slots else None
        elif raw.pts is None:
            self._has_pts = False
            raw.pts = raw.dts
        if raw.pts is None:
            raw.pts = 0 if self._last_pts is None else self._last_pts + step
        if self._last_pts is not None and raw.pts < self._last_pts + self._least:
            is_double = self._last_pts - raw.pts < step
            raw.pts = self._last_pts + (self._least if is_double else step)
        self._last_pts = raw.pts
        return raw

    def _frame(self, raw: RawFrame) -> Frame:
        if self._orientation is None:
            self._orientation = orientation_of(raw)
        self._index += 1
        return Frame(raw, self._index - 1, self.time_ms_of(raw.pts), self._orientation)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"

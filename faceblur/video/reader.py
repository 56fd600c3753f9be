"""Decode a video in presentation order, frame by frame, with its other packets beside it when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from ..errors import InputError
from .ahead import ahead
from .frame import Frame
from .orientation import Orientation
from .probe import duration_ms_of, frame_rate_of, open_input, orientation_of, start_offset_ms, video_stream


@dataclass(frozen=True)
class Span:
    """Frames with start_pts <= pts < end_pts, in the video stream's own time base; None leaves that end open."""

    index: int
    start_pts: int | None
    end_pts: int | None

    def to_json(self) -> dict:
        return {"index": self.index, "start_pts": self.start_pts, "end_pts": self.end_pts}

    @classmethod
    def from_json(cls, content: dict) -> Span:
        return cls(content["index"], content["start_pts"], content["end_pts"])

    def holds(self, pts: int) -> bool:
        return (self.start_pts is None or pts >= self.start_pts) and (self.end_pts is None or pts < self.end_pts)


@dataclass(frozen=True)
class Packet:
    """A packet of another stream (audio, subtitles), passed through as it is."""

    raw: object
    stream_index: int

    @property
    def time_s(self) -> float:
        return float(self.raw.dts * self.raw.time_base)


class Reader:
    """Iterate over the frames of a video, or over `events()`: frames and other streams' packets, interleaved.

    span: only these frames, plus `margin_ms` before and after. Damaged packets are skipped and counted in
    `damaged`. Raises InputError like `probe`, and when not one frame can be decoded.
    """

    def __init__(self, path: str | Path, *, span: Span | None = None, margin_ms: float = 0.0):
        self.path = str(path)
        self.span, self.margin_ms = span, margin_ms
        self.container = open_input(path)
        try:
            self.stream = video_stream(self.container)
        except InputError:
            self.container.close()
            raise
        self.stream.thread_type = "AUTO"
        self.time_base = Fraction(self.stream.time_base)
        self.frame_rate = frame_rate_of(self.stream)
        self.offset_ms = start_offset_ms(self.container)
        self.damaged = 0
        self._index = 0
        self._last_pts: int | None = None
        self._orientation: Orientation | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.container.close()

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

    def time_ms_of(self, pts: int) -> float:
        return round(float(1000 * pts * self.time_base - self.offset_ms), 3)

    def __iter__(self) -> Iterator[Frame]:
        yield from ahead(event for event in self._events(()) if isinstance(event, Frame))

    def events(self, other_streams: tuple[int, ...]) -> Iterator[Frame | Packet]:
        """Frames, and packets of the streams with these indices, roughly in file order."""
        yield from ahead(self._events(other_streams))

    def packets(self, streams: tuple[int, ...]) -> Iterator[Packet]:
        """The packets of these streams alone, nothing decoded."""
        for raw in self.container.demux([s for s in self.container.streams if s.index in streams]) if streams else ():
            if raw.size and raw.dts is not None:
                yield Packet(raw, raw.stream.index)

    def _events(self, other_streams):
        first_pts, end_pts = self._window()
        if first_pts is not None:
            self.container.seek(first_pts, stream=self.stream, backward=True, any_frame=False)
        streams = [self.stream] + [s for s in self.container.streams if s.index in other_streams]
        for packet in self._demux(streams):
            if packet.stream.index != self.stream.index:
                if packet.size and packet.dts is not None:
                    yield Packet(packet, packet.stream.index)
                continue
            for raw in self._decode(packet):
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

    def _demux(self, streams):
        packets = self.container.demux(streams)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self.damaged += 1
                packets = iter(())  # a demuxer that fails once is at its end: flush what was decoded
                yield from self._flush()
                return
            yield packet

    def _flush(self):
        flush = av.Packet()
        flush.stream = self.stream
        yield flush

    def _decode(self, packet):
        try:
            frames = packet.decode() if packet.size else self.stream.decode(None)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            self.damaged += 1
            return
        for raw in frames:
            if raw.is_corrupt:
                self.damaged += 1
            yield self._with_pts(raw)

    def _with_pts(self, raw):
        """AVI and raw streams carry no presentation times, damaged ones repeat them: keep them rising."""
        step = max(1, round(1 / (self.frame_rate * self.time_base)))
        if raw.pts is None:
            raw.pts = raw.dts
        if raw.pts is None:
            raw.pts = 0 if self._last_pts is None else self._last_pts + step
        if self._last_pts is not None and raw.pts <= self._last_pts:
            raw.pts = self._last_pts + step
        self._last_pts = raw.pts
        return raw

    def _frame(self, raw) -> Frame:
        if self._orientation is None:
            self._orientation = orientation_of(raw)
        self._index += 1
        return Frame(raw, self._index - 1, self.time_ms_of(raw.pts), self._orientation)

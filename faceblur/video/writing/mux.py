"""Lay out an output file: the video's packets, and beside them the source's other streams."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction
from pathlib import Path
from typing import Self

import av

from ...errors import OutputError
from ...files import reason
from ...process import same_priority
from ..reading.raw import RawStream
from ..reading.reader import Packet, Reader
from .others import Track, add_track, copy_chapters, copy_file_metadata, copy_metadata, travelling
from .output import Output, StreamedOutput

_MOST_PACKETS_A_SECOND = 400  # of a stream of sound or text: Opus of 2.5 ms
_LONE_CHUNKS = 20_000  # a chunk of the index is a MiB of one stream at the least: 20 GB
_INDEX_HEAD = 32 * 1024  # bytes that do not depend on how much there is


class Muxer:
    """A container that takes video packets and passes the other streams of `reader`'s file on.

    Use as a context manager: the file appears under its name only when the block ends without an error.
    `notes` says what of the source could not be taken along as it is.
    """

    def __init__(self, path: str | Path | StreamedOutput, reader: Reader, *, copy_streams: bool = True):
        self.reader = reader
        self.notes: list[str] = []
        self.output = path if isinstance(path, StreamedOutput) else Output(path)
        kind = self.output.container_format
        is_mp4 = kind in ("mp4", "mov")
        options = self.output.options | {"movie_timescale": str(_movie_timescale(reader))}
        self._ways: dict[int, str] = {}
        try:
            self.container = av.open(self.output.target, "w", format=kind, container_options=options if is_mp4 else {})
            if copy_streams:
                self._ways = travelling(reader, self.container, self.notes)
                copy_file_metadata(reader, self.container)
                copy_chapters(reader, self.container)
        except BaseException:
            self.output.discard()
            raise
        self._tracks: dict[int, Track] = {}
        self._held: list[Packet] = []
        self.has_started = False

    @property
    def copied(self) -> tuple[int, ...]:
        """Indices of the source's streams whose packets `copy` wants."""
        return tuple(index for index, way in self._ways.items() if way != "font")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, problem: BaseException | None, __: object) -> None:
        try:
            if problem is not None:
                raise problem
            self.finish()
            self._finish_tracks()
            self.container.close()
            self.output.keep()
        except (av.error.FFmpegError, OSError) as problem:
            self._abandon()
            raise OutputError(f"{self.output.path}: could not be written ({reason(problem)})") from problem
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Without the file's name, closing it does not move the index to the front any more, which takes
        long.
        """
        self.output.discard()
        with contextlib.suppress(av.error.FFmpegError, OSError):
            self.container.close()
        self.output.discard()

    def finish(self) -> None:
        """Called once, before the container is closed."""

    def start(self, matrix: list[int] | None, video: RawStream) -> None:
        """Add the other streams after `video` and write the header. No stream can be added afterwards."""
        copy_metadata(self.reader.stream, video)
        for index, way in self._ways.items():
            track = add_track(self.container, self.reader.container.streams[index], way)
            if track:
                self._tracks[index] = track
        if matrix is not None:
            video.set_display_matrix(matrix)
        with same_priority():
            self.container.start_encoding()
        self.has_started = True
        for packet in self._held:
            self.copy(packet)
        self._held.clear()

    def copy(self, packet: Packet) -> None:
        """Pass a packet of another stream on; what comes before `start` waits."""
        if not self.has_started:
            self._held.append(packet)
            return
        raw = packet.raw
        shift = self.shift(Fraction(raw.time_base))
        if shift:
            raw.dts = None if raw.dts is None else raw.dts - shift
            raw.pts = None if raw.pts is None else raw.pts - shift
        for ready in self._tracks[packet.stream_index].take(raw):
            self.container.mux(ready)

    def _finish_tracks(self) -> None:
        for index, track in self._tracks.items():
            for ready in track.finish():
                self.container.mux(ready)
            if track.damaged:
                self.notes.append(f"{track.damaged} damaged packets of stream {index} were passed over")

    def shift(self, time_base: Fraction) -> int:
        """What to take from the source's time stamps, so that the output's clock starts where a player's
        does.
        """
        return round(self.reader.offset_ms / 1000 / time_base)


def index_bytes(reader: Reader, packets: int) -> int:
    """Room for an MP4's index of so many packets of video and of what else travels: never too little, about twice what
    it takes.
    """
    container = reader.container
    seconds = max(reader.end_ms, 1000.0) / 1000
    most = math.ceil(seconds * _MOST_PACKETS_A_SECOND)
    every: list[RawStream] = list(container.streams)
    streams = [stream for stream in every if stream.type in ("audio", "subtitle")]
    others = sum(2 * stream.frames if 0 < stream.frames <= most else most for stream in streams)
    chunks = min(packets + others, 2 * min(packets, others) + _LONE_CHUNKS)
    said = [container.metadata, *(stream.metadata for stream in every), *container.chapters()]
    described = sum(len(str(each)) for each in said)
    headers = sum(len(s.codec_context.extradata or b"") for s in every if s.codec_context)
    return _INDEX_HEAD + 24 * packets + 12 * others + 20 * chunks + 4 * described + 2 * headers


def _movie_timescale(reader: Reader) -> int:
    """The container's clock, in which edit lists say when each track starts: one that all tracks' clocks
    divide.
    """
    scale = reader.time_base.denominator
    for stream in reader.container.streams:
        if stream.type == "audio" and stream.time_base:
            scale = math.lcm(scale, Fraction(stream.time_base).denominator)
    return scale if 1000 <= scale <= 10**7 else 90000

"""Lay out an output file: streams copied from the source, metadata by whitelist, named only when complete."""

from __future__ import annotations

import os
import tempfile
from fractions import Fraction
from pathlib import Path

import av

from ..errors import OutputError
from .reader import Packet, Reader

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
# Everything else (location, device, dates, software) is left behind: it tells who filmed where and when.
_CONTAINER_METADATA = ("title",)
_STREAM_METADATA = ("language",)
_MP4_AUDIO = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}


class Output:
    """A file that gets its name only when it is complete. Raises OutputError when the folder cannot be written."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if self.path.suffix.lower() not in CONTAINERS:
            raise OutputError(f"{path}: the name must end in one of {', '.join(CONTAINERS)}")
        if self.path.is_dir():
            raise OutputError(f"{path}: is a folder; name a file in it")
        if not self.path.parent.is_dir():
            raise OutputError(f"{path}: the folder {self.path.parent} does not exist")
        try:
            handle, name = tempfile.mkstemp(suffix=self.path.suffix, prefix=f".{self.path.stem}-", dir=self.path.parent)
        except OSError as problem:
            raise OutputError(f"{path}: cannot be written ({problem.strerror})") from problem
        os.close(handle)
        self.partial = Path(name)

    @property
    def container_format(self) -> str:
        return CONTAINERS[self.path.suffix.lower()]

    def keep(self) -> None:
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(self.partial, 0o666 & ~mask)
        os.replace(self.partial, self.path)

    def discard(self) -> None:
        self.partial.unlink(missing_ok=True)


class Muxer:
    """A container that takes video packets and copies the other streams of `reader`'s file.

    Use as a context manager: the file appears under its name only when the block ends without an error.
    `notes` says what of the source could not be taken along.
    """

    def __init__(self, path: str | Path, reader: Reader, *, copy_streams: bool = True):
        self.reader = reader
        self.notes: list[str] = []
        self.output = Output(path)
        self.is_mp4 = self.output.container_format in ("mp4", "mov")
        options = {"movflags": "+faststart", "movie_timescale": str(_movie_timescale(reader.time_base))}
        self.container = av.open(
            str(self.output.partial), "w", format=self.output.container_format, options=options if self.is_mp4 else {}
        )
        for key in _CONTAINER_METADATA:
            if key in reader.container.metadata:
                self.container.metadata[key] = reader.container.metadata[key]
        self.copied = self._choose_copies() if copy_streams else ()
        self._streams: dict[int, object] = {}
        self._held: list[Packet] = []
        self.has_started = False

    def _choose_copies(self) -> tuple[int, ...]:
        chosen = []
        for stream in self.reader.container.streams:
            if stream.index == self.reader.stream.index:
                continue
            codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
            fits = stream.type == "audio" and (not self.is_mp4 or codec in _MP4_AUDIO)
            fits = fits or (stream.type == "subtitle" and (not self.is_mp4 or codec == "mov_text"))
            if fits:
                chosen.append(stream.index)
            else:
                self.notes.append(f"stream {stream.index} ({stream.type}, {codec}) was left out")
        return tuple(chosen)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_) -> None:
        try:
            if kind is None:
                self.finish()
            self.container.close()
            if kind is None:
                self.output.keep()
        except (av.error.FFmpegError, OSError) as problem:
            raise OutputError(f"{self.output.path}: could not be written ({problem})") from problem
        finally:
            self.output.discard()

    def finish(self) -> None:
        """Called once, before the container is closed."""

    def start(self, matrix: list[int] | None, video) -> None:
        """Add the copied streams after `video` and write the header. No stream can be added afterwards."""
        copy_metadata(self.reader.stream, video)
        for index in self.copied:
            template = self.reader.container.streams[index]
            stream = self.container.add_stream_from_template(template)
            stream.disposition = template.disposition
            copy_metadata(template, stream)
            self._streams[index] = stream
        if matrix is not None:
            video.set_display_matrix(matrix)
        self.container.start_encoding()
        self.has_started = True
        for packet in self._held:
            self.copy(packet)
        self._held.clear()

    def copy(self, packet: Packet) -> None:
        """Pass a packet of a copied stream on; what comes before `start` waits."""
        if not self.has_started:
            self._held.append(packet)
            return
        raw = packet.raw
        shift = self.shift(Fraction(raw.time_base))
        if shift:
            raw.dts -= shift
            raw.pts = None if raw.pts is None else raw.pts - shift
        raw.stream = self._streams[packet.stream_index]
        self.container.mux(raw)

    def shift(self, time_base: Fraction) -> int:
        """What to take from the source's time stamps, so that the output's clock starts where a player's does."""
        return round(self.reader.offset_ms / 1000 / time_base)


def copy_metadata(source, target) -> None:
    for key in _STREAM_METADATA:
        if key in source.metadata:
            target.metadata[key] = source.metadata[key]


def _movie_timescale(time_base: Fraction) -> int:
    """The container's clock: the video's own, so that edit lists and gaps are exact."""
    return time_base.denominator if time_base.numerator == 1 and 1000 <= time_base.denominator <= 10**7 else 90000

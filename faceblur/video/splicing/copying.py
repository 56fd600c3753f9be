"""Write an H.264 file in which only the groups of pictures that change are encoded anew, the rest copied bit
for bit.

Both kinds stand in one ordinary `avc1` track: what is encoded has parameter sets with numbers of its own, and
the track's record lists both families. Copied pictures keep everything in them, also what the camera's
encoder noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from ..reading.opening import packets_of
from ..reading.orientation import Orientation
from ..reading.probe import orientation_of
from ..reading.raw import RawFrame, RawPacket
from ..reading.reader import Packet, Reader
from ..reading.sidedata import display_matrix
from ..writing.encoder import EncoderSettings, lone_encoder
from ..writing.fitting import Fitter, cut_to_ten_bits, is_within_ten_bits
from ..writing.mux import Muxer
from . import h264
from .survey import Part, Survey, Unsafe
from .times import decoding_times, reordering

_HIGH_TAIL = b"\xfd\xf8\xf8\x00"  # of avcC: 4:2:0, 8 bits, no extensions
Touch = Callable[[av.VideoFrame, Orientation], None]  # (decoded frame, how it is displayed): blurs it


_END = Part(is_copied=True, decode_from=0, start=0, end=0)  # after the last one


class CopyingWriter(Muxer):
    """Use as a context manager and call `write_all` once. Raises Unsafe when something is not as surveyed."""

    def __init__(
        self,
        path: str | Path,
        reader: Reader,
        settings: EncoderSettings,
        found: Survey,
        parts: list[Part],
        first_frame: RawFrame,
    ):
        super().__init__(path, reader)
        self._found, self._parts = found, parts
        self._matrix, self._orientation = display_matrix(first_frame), orientation_of(first_frame)
        self._coder = _Coder(reader, settings, found, first_frame)
        self._config = found.config
        if not all(part.is_copied for part in parts):
            self._config = self._coder.extended(found.config)
        shown = found.shown
        self._durations = dict(zip(shown, _gaps(shown, found), strict=True))
        # Copied and encoded parts reorder alike, so the source's lead fits both.
        self._dts = iter(decoding_times(shown, reordering(found.pts)))

    def write_all(self, touch: Touch, progress: Callable[[int], None]) -> int:
        """Copy and encode; returns the number of frames copied. progress: packets done."""
        stream = self.container.add_stream_from_template(self.reader.stream, opaque=True)
        stream.codec_context.extradata = self._config.to_bytes()
        stream.time_base = self._found.time_base
        self._video = stream
        self.start(self._matrix, stream)
        parts, copied = iter(self._parts), 0
        part = next(parts)
        group: list[av.Packet] = []
        for number, packet in self._packets():
            if part.is_copied:
                self._put(bytes(packet), packet.pts, packet.is_keyframe)
                copied += 1
                group = [] if self._found.is_idr[number] else group
                group.append(packet)  # it may have to be decoded for what comes after
            else:
                if number == part.start:
                    wanted = {self._found.pts[n] for n in range(part.start, part.end) if not self._found.is_hidden[n]}
                    self._coder.begin(wanted, lambda raw: touch(raw, self._orientation))
                    for earlier in group if part.decode_from < part.start else ():
                        self._put_all(self._coder.take(earlier))
                group = []
                self._put_all(self._coder.take(packet))
            if number + 1 == part.end:
                if not part.is_copied:
                    self._put_all(self._coder.end())
                part = next(parts, _END)
            progress(number + 1)
        if part is not _END or next(self._dts, None) is not None:
            raise Unsafe("it is not the file that was surveyed")
        return copied

    def _packets(self) -> Iterator[tuple[int, RawPacket]]:
        """(number, packet) of the video; those of other streams are passed on."""
        streams = [self.reader.stream, *(self.reader.container.streams[index] for index in self.copied)]
        number = 0
        for packet in packets_of(self.reader.container, streams):
            if packet.stream.index != self.reader.stream.index:
                self.copy(Packet(packet, packet.stream.index))
                continue
            if number >= len(self._found) or packet.pts != self._found.pts[number]:
                raise Unsafe("it is not the file that was surveyed")
            yield number, packet
            number += 1

    def _put_all(self, encoded: list[tuple[bytes, int, bool]]) -> None:
        for one in encoded:
            self._put(*one)

    def _put(self, data: bytes, pts: int, is_keyframe: bool) -> None:
        packet = av.Packet(data)
        packet.stream, packet.time_base = self._video, self._found.time_base
        packet.pts, packet.dts, packet.duration = pts, next(self._dts), self._durations[pts]
        packet.is_keyframe = is_keyframe
        self.container.mux(packet)


class _Coder:
    """Decodes a part from its group's first picture on, and encodes those that are wanted."""

    def __init__(self, reader: Reader, settings: EncoderSettings, found: Survey, first_frame: RawFrame):
        self._reader, self._found = reader, found
        fitter = Fitter(first_frame)
        if fitter.notes or fitter.format != first_frame.format.name:
            raise Unsafe("its pictures cannot be encoded as they are")
        self._tags, self._first, self._settings = fitter.tags, first_frame, settings
        taken = {found.sps.id} | {number for pps in found.config.pps for number in h264.pps_ids(pps)}
        self._number = min(set(range(32)) - taken, default=None)
        if self._number is None:
            raise Unsafe("all numbers of parameter sets are taken")
        self._sets: list[bytes] = []
        self._encoder: av.VideoCodecContext | None = None
        self._decoder: av.VideoCodecContext

    def extended(self, config: h264.AvcConfig) -> h264.AvcConfig:
        """The track's record with the sets of what is encoded beside those of what is copied."""
        if self._encoder is None:
            self._encoder = self._open_encoder()
        sps = tuple(unit for unit in self._sets if h264.kind(unit) == h264.SPS)
        pps = tuple(unit for unit in self._sets if h264.kind(unit) == h264.PPS)
        tail = config.tail or (_HIGH_TAIL if self._found.sps.bit_depth == 8 else b"")
        return replace(config, sps=config.sps + sps, pps=config.pps + pps, tail=tail)

    def _open_encoder(self) -> av.VideoCodecContext:
        """Each part has an encoder of its own; none reorders more than the source, so that decoding times
        fit.
        """
        order = {0: ("bframes=0",), 1: ("b-pyramid=none",)}.get(reordering(self._found.pts), ())
        params = (f"sps-id={self._number}", "open-gop=0", *order)
        encoder = lone_encoder(self._reader, self._first, self._tags, self._settings, params)
        sets = [u for u in h264.split_annexb(encoder.extradata) if h264.kind(u) in (h264.SPS, h264.PPS)]
        if self._sets and sets != self._sets:
            raise Unsafe("the encoder's parameters are not always the same")
        self._sets = sets
        return encoder

    def begin(self, wanted: set[int], touch: Callable[[RawFrame], Any]) -> None:
        self._wanted, self._touch = wanted, touch
        self._encoder = self._encoder or self._open_encoder()
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.extradata = self._reader.stream.codec_context.extradata
        self._decoder.thread_type = "AUTO"
        self._decoder.thread_count = self._settings.threads

    def take(self, packet: RawPacket) -> list[tuple[bytes, int, bool]]:
        return self._encode(self._decode(packet))

    def end(self) -> list[tuple[bytes, int, bool]]:
        """Everything that is still held back."""
        encoded = self._encode(self._decode(None)) + self._packed(self._encoder.encode(None) if self._encoder else ())
        if self._wanted:
            raise Unsafe(f"{len(self._wanted)} of its frames could not be decoded")
        self._encoder = None
        return encoded

    def _decode(self, packet: RawPacket) -> list:
        try:
            return self._decoder.decode(packet)
        except av.error.FFmpegError as problem:
            raise Unsafe("it is damaged") from problem

    def _encode(self, frames: Iterable[RawFrame]) -> list[tuple[bytes, int, bool]]:
        encoded = []
        for raw in frames:
            if raw.is_corrupt or raw.format.name != self._first.format.name:
                raise Unsafe("it is damaged")
            if raw.pts not in self._wanted:
                continue
            self._wanted.discard(raw.pts)
            raw.time_base, raw.pict_type = self._found.time_base, 0
            if self._found.sps.bit_depth > 8 and not is_within_ten_bits(raw):
                raw = cut_to_ten_bits(raw)
            assert self._encoder is not None  # `begin` opened it
            self._touch(raw)
            encoded += self._packed(self._encoder.encode(raw))
        return encoded

    def _packed(self, packets: Iterable[RawPacket]) -> list[tuple[bytes, int, bool]]:
        size = self._found.config.length_size
        return [(h264.with_lengths(h264.split_annexb(bytes(p)), size), p.pts, p.is_keyframe) for p in packets]


def _gaps(shown: list[int], found: Survey) -> list[int]:
    """How long each frame is shown: until the next one, the last one as long as the source says."""
    last = found.durations[found.pts.index(shown[-1])]
    return [later - pts for pts, later in pairwise(shown)] + [last]

"""Turn text subtitles of one kind into another: SubRip, ASS and WebVTT into MP4's mov_text, mov_text into
SubRip.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import av
from av.container import OutputContainer

from ..reading.raw import RawPacket, RawStream
from .copied import Times

TEXT = {"subrip", "ass", "webvtt", "mov_text", "text"}


class TextTrack:
    """Decodes subtitle packets of `source` and gives packets of `codec` for a stream of its own in
    `container`. `damaged`: how many packets gave no text.
    """

    def __init__(self, container: OutputContainer, source: RawStream, codec: str):
        self.source = source
        source.codec_context.open(strict=False)  # which makes the header that holds the styles
        self.stream = cast(RawStream, container.add_stream(codec))
        self.stream.codec_context.subtitle_header = source.codec_context.subtitle_header
        self.stream.codec_context.time_base = self.stream.time_base = source.time_base
        self._times, self._faults = Times(leap_s=None), 0

    @property
    def damaged(self) -> int:
        return self._times.refused + self._faults

    def take(self, packet: RawPacket) -> Iterator[av.Packet]:
        for whole in self._times.through(packet):
            yield from self._converted(whole)

    def finish(self) -> Iterator[av.Packet]:
        yield from ()

    def _converted(self, packet: RawPacket) -> Iterator[av.Packet]:
        try:
            text = self.source.codec_context.decode2(packet)
            if text is None or not len(text):
                return
            encoded = self.stream.codec_context.encode_subtitle(text)
        except (av.error.FFmpegError, ValueError):
            self._faults += 1
            return
        encoded.pts, encoded.dts, encoded.duration = packet.pts, packet.dts, packet.duration
        encoded.time_base, encoded.stream = packet.time_base, self.stream
        yield encoded

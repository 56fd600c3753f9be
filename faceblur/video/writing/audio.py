"""Re-encode a sound track to AAC where the output cannot carry it as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import av
from av.container import OutputContainer

from ..reading.raw import RawFrame, RawPacket, RawStream
from .copied import Times

_SAMPLES = 1024  # in a packet of AAC
_BITS_PER_CHANNEL = 128_000
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}  # those AAC has
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_FAULTS = (av.error.FFmpegError, ValueError)


class AacTrack:
    """Decodes packets of `source` and gives AAC packets for a stream of its own in `container`.

    `damaged`: how many packets gave no sound.
    """

    def __init__(self, container: OutputContainer, source: RawStream):
        context = source.codec_context
        context.open(strict=False)
        self._rate = min((r for r in _RATES if r >= context.sample_rate), default=_RATES[-1])
        self._layout = _LAYOUTS.get(context.channels, "stereo")
        self.source = source
        self.stream = container.add_stream("aac", rate=self._rate, layout=self._layout)
        self.stream.bit_rate = _BITS_PER_CHANNEL * av.AudioLayout(self._layout).nb_channels
        self.stream.time_base = Fraction(1, self._rate)
        self._resampler: av.AudioResampler | None = None
        self._kind: tuple[str, str, int] | None = None
        self._times, self._faults = Times(), 0
        self._last_dts: int | None = None

    @property
    def damaged(self) -> int:
        return self._times.refused + self._faults

    def take(self, packet: RawPacket) -> Iterator[av.Packet]:
        for ready in self._times.through(packet):
            yield from self._encoded(ready)

    def finish(self) -> Iterator[av.Packet]:
        for ready in self._times.rest():
            yield from self._encoded(ready)
        yield from self._encoded(None)
        yield from self._rising(self._drained)
        yield from self._rising(lambda: self.stream.encode(None))

    def _encoded(self, packet: RawPacket) -> Iterator[av.Packet]:
        """What a packet's sound becomes; packet: None for what the decoder still holds."""
        try:
            frames = self.source.decode(packet)
        except _FAULTS:
            self._faults += packet is not None
            return
        for frame in frames:
            yield from self._rising(lambda frame=frame: self._resampled(frame))

    def _resampled(self, frame: RawFrame) -> list[av.Packet]:
        packets, kind = [], (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._kind:  # also in the middle of a track
            packets += self._drained()
            self._resampler = av.AudioResampler("fltp", self._layout, self._rate, frame_size=_SAMPLES)
            self._kind = kind
        for ready in self._resampler.resample(frame):
            packets += self.stream.encode(ready)
        return packets

    def _drained(self) -> list[av.Packet]:
        """What the resampler still holds."""
        rest = self._resampler.resample(None) if self._resampler else ()
        self._resampler = None
        return [packet for ready in rest for packet in self.stream.encode(ready)]

    def _rising(self, encode: Callable[..., Iterable[RawPacket]]) -> Iterator[av.Packet]:
        """The packets of which the output can hold one after the other."""
        try:
            packets = encode()
        except _FAULTS:
            self._faults += 1
            return
        for packet in packets:
            if packet.dts is None:  # at the end, where samples are made up to fill the last packet
                packet.pts = packet.dts = 0 if self._last_dts is None else self._last_dts + _SAMPLES
            if self._last_dts is not None and packet.dts <= self._last_dts:
                self._faults += 1
                continue
            self._last_dts = packet.dts
            yield packet

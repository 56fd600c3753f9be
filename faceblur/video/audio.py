"""Re-encode a sound track to AAC where the output cannot carry it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

_BITS_PER_CHANNEL = 128_000
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}  # those AAC has
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


class AacTrack:
    """Decodes packets of `source` and gives AAC packets for a stream of its own in `container`."""

    def __init__(self, container, source):
        context = source.codec_context
        rate = min((r for r in _RATES if r >= context.sample_rate), default=_RATES[-1])
        layout = _LAYOUTS.get(context.channels, "stereo")
        self.source = source
        self.stream = container.add_stream("aac", rate=rate, layout=layout)
        self.stream.bit_rate = _BITS_PER_CHANNEL * av.AudioLayout(layout).nb_channels
        self.stream.time_base = Fraction(1, rate)
        self._resampler = av.AudioResampler("fltp", layout, rate, frame_size=1024)
        self.damaged = 0

    def take(self, packet) -> Iterator[av.Packet]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self.damaged += 1
            return
        for frame in frames:
            for ready in self._resampler.resample(frame):
                yield from self.stream.encode(ready)

    def finish(self) -> Iterator[av.Packet]:
        for frame in self.source.decode(None):
            for ready in self._resampler.resample(frame):
                yield from self.stream.encode(ready)
        for ready in self._resampler.resample(None):
            yield from self.stream.encode(ready)
        yield from self.stream.encode(None)

"""How large the output will be: a few moments of the video are encoded on trial, and its quality chosen so that it does
not become much larger than the input.

Constant quality spends bits on what an earlier encoder left out, the blocks and the ringing included: what a messenger
squeezed to 250 kbit/s becomes three times as large at crf 18, and hardly better than at crf 24.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import av

from ..reading.opening import open_input, packets_of
from ..reading.ranged import RangedFile, Source
from ..reading.raw import RawPacket
from ..reading.reader import Reader
from ..reading.seek import seek_before
from ..reading.selection import video_stream
from .encoder import CODECS, EncoderSettings, lone_encoder
from .fitting import Fitter

LIMIT = 1.5  # times the input's size: more than that is not made without being asked, or said
_WANTED = 1.2  # what is aimed at instead, because the moments may not be like the rest
_WORST = 10  # crf above the near transparent one: 34 to 40 dB to inputs of 150 to 500 kbit/s, see docs/encoding.md
_WINDOWS, _FRAMES = 4, 24
_LONGEST_GROUP = 250  # frames from one keyframe to the next, as libx264, libx265 and libsvtav1 choose it themselves
# Bits a frame over (its pixels to the power of 3/4). With more than that, crf 18 is rarely 1.5 times as large (grain),
# and no trial is made. The newer codecs say the same with fewer bits.
_ENOUGH, _ENOUGH_NEWER = 1.25, 2.0
_NEWER = ("hevc", "av1", "vp9", "vvc")
_SMALL_BYTES = 8192  # what a container may add is no matter of quality


@dataclass
class _Sizes:
    """Bytes of the keyframes and of all other packets."""

    keys: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)

    def add(self, packet: RawPacket) -> None:
        (self.keys if packet.is_keyframe else self.others).append(packet.size)


def quality_for(reader: Reader, settings: EncoderSettings, formats: tuple[str, ...]) -> int:
    """The crf: near transparent, or as much worse as it takes to stay below LIMIT times the video's size."""
    codec = CODECS[settings.decided]
    if _has_enough_bits(reader):
        return codec.crf
    growth = _growth(reader, replace(settings, crf=codec.crf, threads=1), formats)
    return codec.crf if growth <= LIMIT else min(codec.crf + _WORST, codec.crf + _steps(growth, codec.halving))


def size_notes(source: Source, output: Source, encoder: dict) -> list[str]:
    """A line where the output is more than LIMIT times as large. encoder: what it was encoded with, as in a report."""
    before, after = (
        each.size if isinstance(each, RangedFile) else Path(each).stat().st_size for each in (source, output)
    )
    if after <= LIMIT * before or after - before <= _SMALL_BYTES:
        return []
    codec = CODECS[encoder["codec"]]
    crf = min(codec.worst_crf, encoder["crf"] + _steps(after / before, codec.halving))
    return [
        f"the output is {after / before:.1f} times as large as the input (crf {encoder['crf']}); "
        f"--crf {crf} would make it smaller, and less like it"
    ]


def _steps(growth: float, halving: int) -> int:
    """How much more crf makes a size that grew so much the wanted one."""
    return max(1, math.ceil(halving * math.log2(growth / _WANTED)))


def _has_enough_bits(reader: Reader) -> bool:
    context = reader.stream.codec_context
    bits = (reader.stream.bit_rate or reader.container.bit_rate or 0) / float(reader.frame_rate)
    enough = _ENOUGH_NEWER if context.codec.canonical_name in _NEWER else _ENOUGH
    return bits > enough * (context.width * context.height) ** 0.75


def _growth(reader: Reader, settings: EncoderSettings, formats: tuple[str, ...]) -> float:
    """The output's video over the input's, in bytes, as far as a few moments tell; 0 when they tell nothing."""
    whole, starts = _look_through(reader.path)
    before, after = _Sizes(), _Sizes()
    for start in starts:
        count = _FRAMES if len(starts) > 1 else _FRAMES * _WINDOWS
        try:
            _try(reader, settings, formats, _moment(reader.path, start, count, before), after)
        except av.error.FFmpegError:
            return 0.0  # what is wrong is found, and said, by the real reading and encoding
    if not before.keys or not before.others or not after.keys or not after.others:
        total = sum(before.keys + before.others)
        return sum(after.keys + after.others) / total if total else 0.0
    frames = len(whole.keys) + len(whole.others)
    keys = max(1.0, frames / _LONGEST_GROUP)
    per_key = _mean(whole.keys) * _mean(after.keys) / _mean(before.keys)
    per_other = _mean(whole.others) * _mean(after.others) / _mean(before.others)
    return (keys * per_key + (frames - keys) * per_other) / sum(whole.keys + whole.others)


def _mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _look_through(path: Source) -> tuple[_Sizes, list[int | None]]:
    """The sizes of all packets, and where to try: times of keyframes, spread; None is the beginning."""
    sizes, times = _Sizes(), []
    with open_input(path, outline=True) as container:
        stream = video_stream(container)
        for packet in packets_of(container, stream):
            sizes.add(packet)
            times += [packet.pts] if packet.is_keyframe else []
    if len(sizes.keys) + len(sizes.others) <= _WINDOWS * _FRAMES or None in times or len(times) < 2:
        return sizes, [None]
    return sizes, [times[len(times) * number // _WINDOWS] for number in range(min(_WINDOWS, len(times)))]


def _moment(path: Source, start: int | None, count: int, sizes: _Sizes) -> Iterator:
    """The frames of `count` packets from a keyframe on, whose sizes are added."""
    with open_input(path) as container:
        stream = video_stream(container)
        if start is not None:
            seek_before(container, stream, start)
        left, has_begun = count, start is None
        for packet in packets_of(container, stream):
            has_begun = has_begun or packet.pts == start
            if has_begun:
                sizes.add(packet)
                yield from packet.decode()
                left -= 1
            if not left:
                break
        yield from stream.decode(None)


def _try(reader: Reader, settings: EncoderSettings, formats: tuple[str, ...], frames: Iterator, sizes: _Sizes) -> None:
    fitter = encoder = None
    step = max(1, round(1 / (reader.frame_rate * reader.time_base)))
    for number, raw in enumerate(frames):
        raw.time_base = reader.time_base  # frames that a decoder gives at the end have none
        fitter = fitter or Fitter(raw, formats)
        raw = fitter.fit(raw)
        encoder = encoder or lone_encoder(reader, raw, fitter.tags, settings, ())
        raw.pts, raw.pict_type = number * step, 0
        for packet in encoder.encode(raw):
            sizes.add(packet)
    for packet in encoder.encode(None) if encoder else ():
        sizes.add(packet)

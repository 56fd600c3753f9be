"""Set up the video encoder for the first frame: codec, quality, colours, pixel shape, fields, HDR."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.codec.context import Flags
from av.container import OutputContainer

from ...errors import OutputError
from ...process import same_priority
from ..reading.planes import ENCODABLE
from ..reading.raw import RawContext, RawFrame, RawStream
from .fitting import ColourTags

if TYPE_CHECKING:
    from ..reading.reader import Reader

FIELD_ORDERS = (2, 3, 4, 5)  # libavcodec AVFieldOrder: everything but unknown and progressive
HEVC_TAG = "hvc1"  # in MP4 and MOV: the one of the two that Apple's players take
PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)
# Frames; x264's own choice is 10. Each one less saves 7 to 13 MiB at 1080p; at equal size, five less cost 0.1 to 0.3 dB
# of PSNR (four clips at 44 to 49 dB).
LOOKAHEAD = {"veryfast": 5}
_SVT_PRESETS = dict(zip(PRESETS, (12, 11, 10, 9, 8, 6, 4, 3, 2), strict=True))


@dataclass(frozen=True)
class Codec:
    """crf: near transparent, in the encoder's own scale. params: its option for further settings. halving: by how much
    a higher crf halves the size, about. smallest, largest: sides in pixels; libx265 writes past its memory at widths
    from 34 to 48, whatever the height (found with MALLOC_CHECK_).
    """

    encoder: str
    crf: int
    worst_crf: int
    params: str
    pixel_formats: tuple[str, ...] = tuple(ENCODABLE)
    halving: int = 6
    smallest: int = 1
    largest: tuple[int, int] = (16384, 16384)

    def takes(self, width: int, height: int) -> bool:
        """Whether pictures of this size (pixels) can be encoded."""
        return min(width, height) >= self.smallest and width <= self.largest[0] and height <= self.largest[1]


CODECS = {
    "h264": Codec("libx264", 18, 51, "x264-params"),
    "hevc": Codec("libx265", 20, 51, "x265-params", smallest=64, largest=(65535, 65535)),
    "av1": Codec(
        "libsvtav1",
        22,
        63,
        "svtav1-params",
        ("yuv420p", "yuv420p10le"),
        halving=10,
        smallest=4,
        largest=(16384, 8704),
    ),
}


@dataclass(frozen=True)
class EncoderSettings:
    """codec: "h264", "hevc" or "av1"; None: the one that plays where the input plays. crf: constant rate factor, lower
    is better; None: near transparent, or higher where the output would become much larger than the input (both: see
    docs/encoding.md). threads: for decoding and encoding each; 0: `Reader` and the encoder choose.

    Raises OutputError when there is no such codec, quality or preset.

    >>> EncoderSettings(crf=20, codec="h264").crf
    20
    """

    crf: int | None = None
    preset: str = "veryfast"
    codec: str | None = None
    threads: int = 0

    def __post_init__(self) -> None:
        if self.codec not in (None, *CODECS):
            raise OutputError(f"codec {self.codec!r} is not known; use one of {', '.join(CODECS)}")
        if self.preset not in PRESETS:
            raise OutputError(f"preset {self.preset!r} is not known; use one of {', '.join(PRESETS)}")
        worst = CODECS[self.codec or "h264"].worst_crf
        if self.crf is not None and not 0 <= self.crf <= worst:
            raise OutputError(f"crf goes from 0 (best) to {worst}, not {self.crf}")

    @property
    def decided(self) -> str:
        """The codec, after `choice.settled` has chosen where nobody did."""
        assert self.codec is not None
        return self.codec

    def to_json(self) -> dict:
        """As it stands in a report."""
        return {"codec": self.codec, "crf": self.crf, "preset": self.preset}


def add_video(
    container: OutputContainer, reader: Reader, raw: RawFrame, tags: ColourTags, settings: EncoderSettings
) -> RawStream:
    """The video stream of `container`, ready for frames like `raw`, on the source's own clock."""
    options = _options(raw, settings)
    stream = container.add_stream(CODECS[settings.decided].encoder, rate=reader.frame_rate, options=options)
    stream.time_base = reader.time_base
    _set_up(stream.codec_context, reader, raw, tags, settings)
    return stream


def lone_encoder(
    reader: Reader, raw: RawFrame, tags: ColourTags, settings: EncoderSettings, params: tuple[str, ...]
) -> RawContext:
    """An open encoder without a file, with further settings in its notation; its extradata are annex B."""
    context = av.CodecContext.create(CODECS[settings.decided].encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.options = _options(raw, settings, params)
    context.framerate = reader.frame_rate
    _set_up(context, reader, raw, tags, settings)
    with same_priority():
        context.open()
    return context


def _set_up(context: RawContext, reader: Reader, raw: RawFrame, tags: ColourTags, settings: EncoderSettings) -> None:
    if not CODECS[settings.decided].takes(raw.width, raw.height):
        others = " or ".join(name for name, codec in CODECS.items() if codec.takes(raw.width, raw.height))
        raise OutputError(
            f"a picture of {raw.width}x{raw.height} pixels cannot be written as {settings.codec}; "
            f"{f'use {others}' if others else 'no codec takes it'}"
        )
    context.width, context.height = raw.width, raw.height
    context.pix_fmt = raw.format.name
    context.time_base = reader.time_base
    context.color_range, context.colorspace = tags.range, tags.matrix
    context.color_primaries, context.color_trc = tags.primaries, tags.transfer
    if reader.stream.sample_aspect_ratio:
        context.sample_aspect_ratio = reader.stream.sample_aspect_ratio
    context.thread_count = settings.threads
    context.flags |= Flags.frame_duration | Flags.global_header
    if settings.codec == "hevc":
        context.codec_tag = HEVC_TAG
    # Fields of 4:2:0 have half the lines, and those go in pairs.
    if settings.codec == "h264" and raw.interlaced_frame and raw.height % 4 == 0:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        order = reader.stream.codec_context.field_order
        if order in FIELD_ORDERS:
            context.field_order = order


def _options(raw: RawFrame, settings: EncoderSettings, more: tuple[str, ...] = ()) -> dict[str, str]:
    preset = str(_SVT_PRESETS[settings.preset]) if settings.codec == "av1" else settings.preset
    options = {"preset": preset, "crf": str(settings.crf)}
    params = [*_hdr(raw, settings.decided), *more]
    if settings.codec == "hevc":
        params.append("log-level=none")
    elif settings.codec == "h264" and settings.preset in LOOKAHEAD:
        params.append(f"rc-lookahead={LOOKAHEAD[settings.preset]}")
    elif settings.codec == "av1":
        os.environ.setdefault("SVT_LOG", "1")  # errors only; it knows no other way to be told
    if params:
        options[CODECS[settings.decided].params] = ":".join(params)
    return options


def _hdr(raw: RawFrame, codec: str) -> list[str]:
    """The encoder's settings for the frame's mastering display and light level (HDR10)."""
    names = {
        "h264": ("mastering-display", "cll"),
        "hevc": ("master-display", "max-cll"),
        "av1": ("mastering-display", "content-light"),
    }[codec]
    parts = []
    mastering = raw.side_data.get("MASTERING_DISPLAY_METADATA")
    if mastering is not None:
        parts.append(f"{names[0]}={_mastering(bytes(mastering), in_units=codec != 'av1')}")
    light = raw.side_data.get("CONTENT_LIGHT_LEVEL")
    if light is not None:
        parts.append("{}={},{}".format(names[1], *struct.unpack("=2I", bytes(light)[:8])))
    return parts


def _mastering(data: bytes, *, in_units: bool) -> str:
    """libavutil's AVMasteringDisplayMetadata (10 rationals: R, G, B, white, luminance) -> x264's notation.

    in_units: whole numbers of the units of ITU-T H.265 D.3.28 (0.00002 for chromaticities, 0.0001 cd/m2), as
    x264 and x265 want them; SVT-AV1 wants the same notation with plain decimal numbers.
    """
    numbers = struct.unpack("=20i", data[:80])
    values = [Fraction(n, d) if d else Fraction(0) for n, d in zip(numbers[::2], numbers[1::2], strict=True)]

    def written(value: Fraction, units: int) -> str:
        return str(round(value * units)) if in_units else f"{float(value):.6f}"

    points = [[written(v, 50000) for v in values[i : i + 2]] for i in range(0, 8, 2)]
    red, green, blue, white = (f"({x},{y})" for x, y in points)
    low, high = (written(v, 10000) for v in values[8:])
    return f"G{green}B{blue}R{red}WP{white}L({high},{low})"

"""Set up the video encoder for the first frame: quality, colours, pixel shape, fields, HDR."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

from av.codec.context import Flags

from .fitting import ColourTags

_FIELD_ORDERS = (2, 3, 4, 5)  # libavcodec AVFieldOrder: everything but unknown and progressive


@dataclass(frozen=True)
class EncoderSettings:
    """x264's constant rate factor (0 to 51, lower is better; 18 is near transparent) and preset."""

    crf: int = 18
    preset: str = "veryfast"


def add_video(container, reader, raw, tags: ColourTags, settings: EncoderSettings):
    """The video stream of `container`, ready for frames like `raw`, on the source's own clock."""
    options = {"preset": settings.preset, "crf": str(settings.crf)}
    hdr = x264_hdr(raw)
    if hdr:
        options["x264-params"] = hdr
    stream = container.add_stream("libx264", rate=reader.frame_rate, options=options)
    context = stream.codec_context
    stream.width, stream.height = raw.width, raw.height
    context.pix_fmt = raw.format.name
    context.time_base = stream.time_base = reader.time_base
    context.color_range, context.colorspace = tags.range, tags.matrix
    context.color_primaries, context.color_trc = tags.primaries, tags.transfer
    if reader.stream.sample_aspect_ratio:
        context.sample_aspect_ratio = reader.stream.sample_aspect_ratio
    context.flags |= Flags.frame_duration | Flags.global_header
    source = reader.stream.codec_context
    if (
        raw.interlaced_frame and raw.height % 4 == 0
    ):  # fields of 4:2:0 have half the lines, and those go in pairs
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        if source.field_order in _FIELD_ORDERS:
            context.field_order = source.field_order
    return stream


def x264_hdr(raw) -> str:
    """x264's parameters for the frame's mastering display and light level (HDR10), '' when it has none."""
    parts = []
    mastering = raw.side_data.get("MASTERING_DISPLAY_METADATA")
    if mastering is not None:
        parts.append(f"mastering-display={_mastering(bytes(mastering))}")
    light = raw.side_data.get("CONTENT_LIGHT_LEVEL")
    if light is not None:
        parts.append("cll={},{}".format(*struct.unpack("=2I", bytes(light)[:8])))
    return ":".join(parts)


def _mastering(data: bytes) -> str:
    """libavutil's AVMasteringDisplayMetadata (10 rationals: R, G, B, white, then luminance) -> x264's notation,
    in the units of ITU-T H.265 D.3.28: 0.00002 for chromaticities, 0.0001 cd/m2."""
    numbers = struct.unpack("=20i", data[:80])
    values = [Fraction(n, d) if d else Fraction(0) for n, d in zip(numbers[::2], numbers[1::2], strict=True)]
    points = [tuple(round(v * 50000) for v in values[i : i + 2]) for i in range(0, 8, 2)]
    red, green, blue, white = (f"({x},{y})" for x, y in points)
    low, high = (round(v * 10000) for v in values[8:])
    return f"G{green}B{blue}R{red}WP{white}L({high},{low})"

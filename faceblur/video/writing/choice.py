"""How a video is encoded where nobody asked: the codec and the colour resolution that play where the input plays, and
a quality that keeps its size. docs/encoding.md has the reasons, with sources.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..reading.raw import RawStream
from ..reading.reader import Reader
from .encoder import CODECS, FIELD_ORDERS, EncoderSettings
from .fitting import working_format
from .output import CONTAINERS
from .trial import quality_for

# Everybody's players take these with any colour resolution; with H.264 or HEVC they take 4:2:0 alone.
_PLAY_IN_ANY_COLOUR = ("mjpeg", "dvvideo", "theora", "vp9", "av1")


def settled(reader: Reader, settings: EncoderSettings, output: str | Path) -> EncoderSettings:
    """The settings with a codec and a crf. The file as a whole decides, so that all its pieces are encoded alike."""
    if settings.codec is None:
        settings = replace(settings, codec=codec_for(reader.stream, CONTAINERS.get(Path(output).suffix.lower())))
    if settings.crf is None:
        formats = pixel_formats(reader.stream, settings.decided)
        settings = replace(settings, crf=quality_for(reader, settings, formats))
    return settings


def codec_for(stream: RawStream, container_format: str | None) -> str:
    """The codec for a source's stream that has not been decoded yet; container_format: of the output."""
    context = stream.codec_context
    source, pixel_format = context.codec.canonical_name, context.format
    if pixel_format is None:
        return "h264"
    codec = "h264"
    if max(component.bits for component in pixel_format.components) > 8:
        is_of_browsers = source in ("av1", "vp9") and container_format != "mov"  # MOV holds no AV1
        codec = "av1" if is_of_browsers else "hevc"
        if context.field_order in FIELD_ORDERS:
            codec = "h264"  # the only one of them that keeps fields
    elif source == "hevc" and not pixel_format.is_rgb and working_format(pixel_format) not in ("yuv420p", "yuvj420p"):
        codec = "hevc"
    width, height = context.width - 1, context.height - 1  # an odd side loses a pixel
    return next((name for name in (codec, "h264", "hevc") if CODECS[name].takes(width, height)), codec)


def pixel_formats(stream: RawStream, codec: str) -> tuple[str, ...]:
    """Those that may be encoded."""
    formats = CODECS[codec].pixel_formats
    if stream.codec_context.codec.canonical_name in _PLAY_IN_ANY_COLOUR:
        return tuple(name for name in formats if "420" in name)
    return formats

"""Encode frames to H.264 into a `Muxer`, or pictures of one's own into a new file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags

from .mux import Muxer, Output
from .planes import PLANAR, crop_to_even, plane_views, working_format
from .probe import display_matrix
from .reader import Frame, Packet, Reader

_FULL_RANGE = 2  # libavutil AVCOL_RANGE_JPEG


@dataclass(frozen=True)
class EncoderSettings:
    """x264's constant rate factor (0 to 51, lower is better; 18 is near transparent) and preset."""

    crf: int = 18
    preset: str = "veryfast"


class Writer(Muxer):
    """Write the frames of a reader, blurred or not, and copy its other streams' packets."""

    def __init__(self, path: str | Path, reader: Reader, settings: EncoderSettings, *, copy_streams: bool = True):
        super().__init__(path, reader, copy_streams=copy_streams)
        self.settings = settings
        self._video = None

    def writable(self, frame: Frame) -> list[np.ndarray]:
        """Make the frame's planes safe to change and return views of them (the decoder may still refer to it)."""
        self._prepare(frame)
        frame.raw.make_writable()
        return plane_views(frame.raw)

    def write(self, item: Frame | Packet) -> None:
        if isinstance(item, Packet):
            self.copy(item)
            return
        self._prepare(item)
        raw = item.raw
        raw.pict_type = 0  # else the source's own choice of I, P and B frames is forced on the encoder
        raw.pts -= self.shift(self.reader.time_base)
        for packet in self._video.encode(raw):
            self.container.mux(packet)

    def finish(self) -> None:
        for packet in self._video.encode(None):
            self.container.mux(packet)

    def _prepare(self, frame: Frame) -> None:
        wanted = working_format(frame.raw.format)
        if wanted != frame.raw.format.name:
            converted = frame.raw.reformat(format=wanted)
            converted.pts, converted.time_base = frame.raw.pts, frame.raw.time_base
            frame.raw = converted
        width, height = encoded_size(frame.raw)
        if (width, height) != (frame.raw.width, frame.raw.height):
            frame.raw = crop_to_even(frame.raw, width, height)
        if self._video is None:
            self._video = self._add_video(frame.raw)
            self.start(display_matrix(frame.raw), self._video)

    def _add_video(self, raw):
        """The stream to encode to. Only the first decoded frame has the true colour tags."""
        options = {"preset": self.settings.preset, "crf": str(self.settings.crf)}
        stream = self.container.add_stream("libx264", rate=self.reader.frame_rate, options=options)
        context = stream.codec_context
        stream.width, stream.height = raw.width, raw.height
        context.pix_fmt = raw.format.name
        context.time_base = stream.time_base = self.reader.time_base
        full_range = raw.format.name.startswith("yuvj") or raw.color_range == _FULL_RANGE
        context.color_range = _FULL_RANGE if full_range else raw.color_range
        context.color_primaries, context.color_trc = raw.color_primaries, raw.color_trc
        context.colorspace = raw.colorspace
        if self.reader.stream.sample_aspect_ratio:
            context.sample_aspect_ratio = self.reader.stream.sample_aspect_ratio
        context.flags |= Flags.frame_duration | Flags.global_header
        return stream


def encoded_size(raw) -> tuple[int, int]:
    """H.264 holds even sizes only where chroma is subsampled: an odd last column or row is cut off."""
    across, down = PLANAR.get(raw.format.name, (2, 2))
    return raw.width - raw.width % across, raw.height - raw.height % down


def encode(
    path: str | Path,
    frames: Iterable[np.ndarray],
    *,
    frame_rate: float = 30,
    audio: tuple[np.ndarray, int] | None = None,
    crf: int = 18,
    preset: str = "medium",
) -> None:
    """Write pictures (H x W x 3 uint8 BGR, even sides) as H.264 yuv420p, moov first, with an optional AAC track.

    audio: (float32 samples -1..1, shape (n,) or (n, channels), sample rate in Hz).
    """
    output = Output(path)
    try:
        with av.open(str(output.partial), "w", format=output.container_format, options={"movflags": "+faststart"}) as box:
            rate = Fraction(frame_rate).limit_denominator(1001 * 60)
            stream = box.add_stream("libx264", rate=rate, options={"preset": preset, "crf": str(crf)})
            stream.pix_fmt = "yuv420p"
            sound = _add_sound(box, audio) if audio else None
            for index, picture in enumerate(frames):
                if not index:
                    stream.height, stream.width = picture.shape[:2]
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
                frame.pts, frame.time_base = index, 1 / rate
                box.mux(stream.encode(frame))
            box.mux(stream.encode(None))
            if sound:
                _write_sound(box, sound, *audio)
    except BaseException:
        output.discard()
        raise
    output.keep()


def _add_sound(box, audio):
    samples, rate = audio
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    return box.add_stream("aac", rate=rate, layout="mono" if channels == 1 else "stereo")


def _write_sound(box, stream, samples: np.ndarray, rate: int) -> None:
    planar = samples.reshape(len(samples), -1).T.astype(np.float32)
    for start in range(0, planar.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(planar[:, start : start + 1024]), format="fltp", layout=stream.layout.name
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        box.mux(stream.encode(frame))
    box.mux(stream.encode(None))

"""Write pictures of one's own, with sound if wanted, to a new video."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import AudioStream
from av.container import OutputContainer

from .output import Output


def encode(
    path: str | Path,
    frames: Iterable[np.ndarray],
    *,
    frame_rate: float = 30,
    audio: tuple[np.ndarray, int] | None = None,
    crf: int = 18,
    preset: str = "medium",
) -> None:
    """Write pictures (H x W x 3 uint8 BGR, even sides) as H.264 yuv420p, moov first, with an optional AAC
    track.

    audio: (float32 samples -1..1, shape (n,) or (n, channels), sample rate in Hz).
    """
    output = Output(path)
    options = {"movflags": "+faststart"}
    try:
        with av.open(str(output.partial), "w", format=output.container_format, options=options) as box:
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
            if sound and audio:
                _write_sound(box, sound, *audio)
    except BaseException:
        output.discard()
        raise
    output.keep()


def _add_sound(box: OutputContainer, audio: tuple[np.ndarray, int]) -> AudioStream:
    samples, rate = audio
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    return box.add_stream("aac", rate=rate, layout="mono" if channels == 1 else "stereo")


def _write_sound(box: OutputContainer, stream: AudioStream, samples: np.ndarray, rate: int) -> None:
    planar = samples.reshape(len(samples), -1).T.astype(np.float32)
    for start in range(0, planar.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(planar[:, start : start + 1024]), format="fltp", layout=stream.layout.name
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        box.mux(stream.encode(frame))
    box.mux(stream.encode(None))

"""What a video file says of itself, before a frame is decoded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain

import av
from av.container import InputContainer

from ...errors import InputError
from .fourcc import codec_of
from .opening import LARGEST_PICTURE, open_input, packets_of, path_of
from .orientation import Orientation
from .ranged import Source
from .raw import RawFrame, RawStream
from .selection import ENCRYPTED, video_stream
from .sidedata import display_matrix

_LATE_MS = 1000  # less is how streams of one file lie to each other


@dataclass(frozen=True)
class VideoInfo:
    """width, height: pixels as displayed (after rotation); coded_*: as stored. frames: declared count, 0 = unknown.
    start_ms: when the first frame is shown.
    """

    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    frame_rate: float
    duration_ms: float
    frames: int
    codec: str
    format: str
    pixel_format: str
    audio: tuple[str, ...]
    start_ms: float = 0.0

    def to_json(self) -> dict:
        """As it stands in plans and reports."""
        return asdict(self) | {"audio": list(self.audio)}

    @property
    def end_ms(self) -> float:
        """Until when there is a picture, on the player's clock, as the file says: `scan` finds out."""
        return self.start_ms + self.duration_ms

    @property
    def expected_frames(self) -> int:
        """Declared or estimated number of frames, for progress only."""
        return self.frames or max(1, round(self.duration_ms / 1000 * self.frame_rate))


def start_offset_ms(container: InputContainer) -> Fraction:
    """What to take from presentation times so that they start where a player's clock does.

    MP4, MOV and Matroska clocks start at 0 by definition. Recorders that write Matroska or fragmented MP4 let theirs
    run on, though: where everything begins late, players begin with it.
    """
    start_ms = Fraction(container.start_time or 0, 1000)
    is_mp4 = any(name in container.format.name for name in ("mp4", "mov"))
    may_run_on = "matroska" in container.format.name or (is_mp4 and not any(s.frames for s in container.streams))
    if is_mp4 or may_run_on:
        return start_ms if may_run_on and start_ms >= _LATE_MS else Fraction(0)
    return start_ms


def frame_rate_of(stream: RawStream) -> Fraction:
    """Frames a second as the file says, or 25."""
    rate = stream.average_rate or stream.guessed_rate or 25
    return Fraction(rate) if 0 < rate < 1000 else Fraction(25)


def duration_ms_of(container: InputContainer, stream: RawStream) -> float:
    """The length as the file says; 0 where it does not."""
    if stream.duration and stream.time_base:
        return float(1000 * stream.duration * Fraction(stream.time_base))
    return (container.duration or 0) / 1000


def probe(path: Source) -> VideoInfo:
    """Describe the file's video. Decodes one frame, which alone tells rotation and pixel format for certain.

    Raises InputError when there is no such file, it is no video, or not one frame of it can be decoded.

    >>> info = probe("in.mp4")
    >>> info.width, info.height, info.codec
    (640, 360, 'h264')
    """
    with open_input(path) as container:
        stream = video_stream(container)
        frame = _first_frame(container, stream)
        if frame is None:
            limit = f": damaged, or of over {LARGEST_PICTURE // 10**6} million pixels"
            why = "" if stream.codec_context.width else limit
            raise InputError(f"{path}: not one frame of it can be decoded{why}")
        orientation = orientation_of(frame)
        width, height = frame.width, frame.height  # of the first one; FFmpeg may have looked at later ones
        shown = (height, width) if orientation.is_transposed else (width, height)
        return VideoInfo(
            width=shown[0],
            height=shown[1],
            coded_width=width,
            coded_height=height,
            rotation=orientation.degrees,
            frame_rate=float(frame_rate_of(stream)),
            duration_ms=round(duration_ms_of(container, stream), 3),
            frames=stream.frames,
            codec=stream.codec_context.codec.canonical_name,
            format=container.format.name,
            pixel_format=frame.format.name,
            audio=tuple(codec_of(sound) for sound in container.streams.audio),
            start_ms=round(_start_ms(container, stream, frame), 3),
        )


def _start_ms(container: InputContainer, stream: RawStream, frame: RawFrame) -> float:
    stamp = stream.start_time if frame.pts is None else frame.pts
    return max(0.0, float(1000 * (stamp or 0) * Fraction(stream.time_base) - start_offset_ms(container)))


def orientation_of(frame: RawFrame) -> Orientation:
    """How a decoded frame is to be turned to be shown."""
    return Orientation.from_matrix(display_matrix(frame))


def _first_frame(container: InputContainer, stream: RawStream) -> RawFrame | None:
    for packet in chain(packets_of(container, stream), [None]):  # None: what the decoder still holds
        if packet is not None and packet.has_sidedata("encryption_info"):
            raise InputError(f"{path_of(container)}: {ENCRYPTED}")
        try:
            for frame in stream.decode(packet):
                return frame
        except av.error.FFmpegError:
            continue
    return None

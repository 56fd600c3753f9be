"""Which of a file's tracks is the video: the one that players show.

A cover or preview picture never stands for the film. Then the track marked as default comes first, then the one with
more pixels, the longer one, the one with more frames, the first one.
"""

from __future__ import annotations

from fractions import Fraction

from av import VideoStream
from av.container import InputContainer
from av.stream import Disposition

from ...errors import InputError
from .formats import is_photo
from .fourcc import codec_of, is_encrypted
from .opening import DECODER_OPTIONS, LARGEST_PICTURE, LARGEST_SIDE, open_input, packets_of, path_of
from .raw import RawStream

COVER = Disposition.attached_pic | Disposition.timed_thumbnails
ENCRYPTED = "its video is encrypted; only who has the key can read it"
_LOOKED_AT = 5000  # packets, where the file does not say how many frames a track has
_FAR_MORE = 10  # times as many frames


def video_stream(container: InputContainer) -> RawStream:
    """The track that is the video, the same one in every reading of the file.

    Raises InputError when there is none, or none that can be worked on: a photo, a codec without a decoder, an
    encrypted track, pictures that are too large.
    """
    path = path_of(container)
    tracks = [stream for stream in container.streams.video if not stream.disposition & COVER]
    if not tracks:
        raise InputError(f"{path}: has no video stream")
    if is_photo(container):
        raise InputError(f"{path}: is a photo, not a video")
    track = tracks[0] if len(tracks) == 1 else _chosen(path, tracks)
    _check(path, track)
    track.codec_context.options = dict(DECODER_OPTIONS)
    return track


def _chosen(path: str, tracks: list) -> RawStream:
    frames = {track.index: track.frames for track in tracks}
    if not all(frames.values()):
        frames = _counted(path, frames)

    def rank(track: VideoStream) -> tuple:
        beside = any(_is_preview(track, other, frames) for other in tracks)
        length = (track.duration or 0) * Fraction(track.time_base or 0)
        is_default = bool(track.disposition & Disposition.default)
        return not beside, is_default, _pixels(track), length, frames[track.index], -track.index

    return max(tracks, key=rank)


def _is_preview(track: VideoStream, other: VideoStream, frames: dict[int, int]) -> bool:
    """Whether a track holds a still beside this film, or few and smaller pictures."""
    few, many = frames[track.index], frames[other.index]
    return few <= 1 < many or (few * _FAR_MORE <= many and _pixels(track) < _pixels(other))


def _pixels(track: VideoStream) -> int:
    return track.codec_context.width * track.codec_context.height if track.codec_context else 0


def _counted(path: str, frames: dict[int, int]) -> dict[int, int]:
    """How many frames each track has at the beginning of the file."""
    counts = dict.fromkeys(frames, 0)
    with open_input(path) as container:
        for number, packet in enumerate(packets_of(container, [container.streams[index] for index in frames])):
            counts[packet.stream.index] += 1
            if number == _LOOKED_AT:
                break
    return counts


def _check(path: str, track: RawStream) -> None:
    if is_encrypted(track):
        raise InputError(f"{path}: {ENCRYPTED}")
    if track.codec_context is None:
        raise InputError(f"{path}: this build has no decoder for its video ({codec_of(track)})")
    width, height = track.codec_context.width, track.codec_context.height
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_PICTURE:
        limits = f"{LARGEST_SIDE} on a side and {LARGEST_PICTURE // 10**6} million in all"
        raise InputError(f"{path}: its pictures of {width}x{height} pixels are too large; at most {limits}")

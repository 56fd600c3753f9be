"""What becomes of the streams beside the video: copied as they are, converted, or left behind and said so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import av
from av import VideoStream
from av.container import OutputContainer

from ..reading.fourcc import codec_of, is_encrypted
from ..reading.raw import RawStream
from ..reading.selection import COVER
from .audio import AacTrack
from .copied import CopiedTrack
from .subtitles import TEXT, TextTrack
from .tryout import Trial

if TYPE_CHECKING:
    from ..reading.reader import Reader

# What browsers and common players read in an MP4 file. PCM and Vorbis are allowed, but stay silent.
_MP4_AUDIO = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
# Titles of the file and its tracks stay. Everything else (location, device, dates, software) is left behind:
# it tells who filmed where and when.
FILE_METADATA = ("title",)
_TRACK_METADATA = ("language", "title")
_FONTS = ("font/", "application/x-truetype-font", "application/vnd.ms-opentype", "application/x-font")


class Track(Protocol):
    """Makes what is written of one stream's packets. `stream`: where it goes. `damaged`: how many gave nothing."""

    stream: Any

    @property
    def damaged(self) -> int:
        """Packets that could not be taken over."""

    def take(self, packet: av.Packet) -> Iterator[av.Packet]:
        """The output's packets that follow from one of the source."""

    def finish(self) -> Iterator[av.Packet]:
        """The packets that were held back."""


def travelling(reader: Reader, container: OutputContainer, notes: list[str]) -> dict[int, str]:
    """Stream index -> 'copy', 'aac', 'mov_text', 'subrip' or 'font'; adds to `notes` what is converted or left
    behind.
    """
    chosen = {}
    chapters = len(reader.container.chapters())
    with Trial(reader.path, container.format.name) as trial:
        for stream in reader.container.streams:
            if stream.index == reader.stream.index or (stream.type == "data" and stream.frames == chapters > 0):
                continue
            way, note = _way(stream, container, reader.stream, trial)
            if way:
                chosen[stream.index] = way
            if note:
                notes.append(note)
    return chosen


def _way(
    stream: RawStream, container: OutputContainer, video: VideoStream, trial: Trial
) -> tuple[str | None, str | None]:
    """How the stream travels (None: not at all) and what to say of it (None: nothing)."""
    codec = codec_of(stream)
    name = f"stream {stream.index} ({stream.type}, {codec})"
    if stream.type == "video":
        taken = f"the video is stream {video.index} ({video.codec_context.width}x{video.codec_context.height})"
        what = "a cover picture" if stream.disposition & COVER else f"{taken}, a second one"
        return None, f"{name} was left out: {what} may show faces"
    if stream.type == "attachment" and (stream.mimetype or "").startswith(_FONTS) and not _is_mp4(container):
        return "font", None
    if stream.type not in ("audio", "subtitle"):
        return None, f"{name} was left out"
    if is_encrypted(stream):
        return None, f"{name} was left out: it is encrypted"
    if not stream.codec_context:
        return None, f"{name} was left out: it is of a kind that this build does not know"
    if stream.type == "audio" and not stream.codec_context.sample_rate:
        return None, f"{name} was left out: the beginning of the file does not say how it is to be played"
    ways = _ways_of_sound(container, codec) if stream.type == "audio" else _ways_of_text(container, codec)
    for way, note in ways:
        if trial.succeeds(stream.index, way, add_track):
            return way, note and f"{name} was converted to {note}"
    why = f": it is damaged, or nothing that {_kind(container)} can hold" if ways else ""
    return None, f"{name} was left out{why}"


def _ways_of_sound(container: OutputContainer, codec: str) -> list[tuple[str, str | None]]:
    aac = "aac", f"AAC: {_kind(container)} players do not play it otherwise"
    return [("copy", None), aac] if _carries_sound(container, codec) else [aac]


def _ways_of_text(container: OutputContainer, codec: str) -> list[tuple[str, str | None]]:
    wanted = "mov_text" if _is_mp4(container) else "subrip"
    ways: list[tuple[str, str | None]] = []
    if codec == "mov_text" if _is_mp4(container) else codec in container.supported_codecs:
        ways.append(("copy", None))
    if codec in TEXT and codec != wanted:
        ways.append((wanted, f"{wanted}, the subtitle format of {_kind(container)}"))
    return ways


def _carries_sound(container: OutputContainer, codec: str) -> bool:
    if container.format.name == "mp4":
        return codec in _MP4_AUDIO
    if container.format.name == "mov":
        return codec in _MP4_AUDIO - {"opus", "flac"} or (
            codec.startswith("pcm_") and codec in container.supported_codecs
        )
    return codec in container.supported_codecs


def _is_mp4(container: OutputContainer) -> bool:
    return container.format.name in ("mp4", "mov")


def _kind(container: OutputContainer) -> str:
    return {"mp4": "MP4", "mov": "MOV"}.get(container.format.name, "Matroska")


def add_track(container: OutputContainer, source: RawStream, way: str) -> Track | None:
    """Gives what to write of a stream that travels this way; None for a font, which is written at once."""
    if way == "font":
        container.add_attachment(source.name, source.mimetype, source.data)
        return None
    track: Track
    if way == "copy":
        track = CopiedTrack(container, source)
    elif way == "aac":
        track = AacTrack(container, source)
    else:
        track = TextTrack(container, source, way)
    track.stream.disposition = source.disposition
    copy_metadata(source, track.stream)
    return track


def copy_metadata(source: Any, target: Any) -> None:
    """A track's language and title, if the source has them."""
    for key in _TRACK_METADATA:
        if key in source.metadata:
            target.metadata[key] = source.metadata[key]


def copy_file_metadata(reader: Reader, container: OutputContainer) -> None:
    """The file's title; all else may tell of people and places."""
    for key in FILE_METADATA:
        if key in reader.container.metadata:
            container.metadata[key] = reader.container.metadata[key]


def copy_chapters(reader: Reader, container: OutputContainer) -> None:
    """Chapters with their titles, on the output's clock."""
    found: list[Any] = reader.container.chapters()  # of any title: PyAV's types know no metadata in them
    chapters: list[Any] = []
    for number, chapter in enumerate(found):
        shift = round(reader.offset_ms / 1000 / chapter["time_base"])
        title = {k: v for k, v in chapter["metadata"].items() if k == "title"}
        times = {"start": chapter["start"] - shift, "end": chapter["end"] - shift}
        chapters.append({"id": number, **times, "time_base": chapter["time_base"], "metadata": title})
    if chapters:
        container.set_chapters(chapters)

"""What becomes of the streams beside the video: copied as they are, converted, or left behind and said so."""

from __future__ import annotations

from collections.abc import Iterator

import av

from .audio import AacTrack
from .probe import ATTACHED_PICTURE
from .subtitles import TEXT, TextTrack

# What browsers and common players read in an MP4 file. PCM and Vorbis are allowed, but stay silent.
_MP4_AUDIO = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
# Titles of the file and its tracks stay. Everything else (location, device, dates, software) is left behind:
# it tells who filmed where and when.
FILE_METADATA = ("title",)
_TRACK_METADATA = ("language", "title")
_FONTS = ("font/", "application/x-truetype-font", "application/vnd.ms-opentype", "application/x-font")


class CopiedTrack:
    """Passes packets on as they are."""

    damaged = 0

    def __init__(self, container, source):
        self.stream = container.add_stream_from_template(source, opaque=True)
        self._marks_gaps = source.codec_context.codec.canonical_name == "mov_text"

    def take(self, packet) -> Iterator[av.Packet]:
        # MP4 fills the time between two subtitles with empty ones; the muxer makes its own.
        if not (self._marks_gaps and bytes(packet)[:2] == b"\0\0"):
            packet.stream = self.stream
            yield packet

    def finish(self) -> Iterator[av.Packet]:
        yield from ()


def travelling(reader, container, notes: list[str]) -> dict[int, str]:
    """Stream index -> 'copy', 'aac', 'mov_text' or 'subrip'; adds to `notes` what is converted or left
    behind.
    """
    chosen = {}
    chapters = len(reader.container.chapters())
    for stream in reader.container.streams:
        if stream.index == reader.stream.index or (stream.type == "data" and stream.frames == chapters > 0):
            continue
        way, note = _way(stream, container)
        if way:
            chosen[stream.index] = way
        if note:
            notes.append(note)
    return chosen


def _way(stream, container) -> tuple[str | None, str | None]:
    """How the stream travels (None: not at all) and what to say of it (None: nothing)."""
    codec = stream.codec_context.codec.canonical_name if stream.codec_context else (stream.name or "unknown")
    name = f"stream {stream.index} ({stream.type}, {codec})"
    if stream.type == "audio" and stream.codec_context:
        if _carries_sound(container, codec):
            return "copy", None
        return "aac", f"{name} was converted to AAC: {_kind(container)} players do not play it otherwise"
    if stream.type == "subtitle" and stream.codec_context:
        wanted = "mov_text" if _is_mp4(container) else "subrip"
        if codec == "mov_text" if _is_mp4(container) else codec in container.supported_codecs:
            return "copy", None
        if codec in TEXT:
            return wanted, f"{name} was converted to {wanted}, the subtitle format of {_kind(container)}"
    if stream.type == "attachment" and (stream.mimetype or "").startswith(_FONTS) and not _is_mp4(container):
        return "font", None
    if stream.type == "video":
        what = "a cover picture" if int(stream.disposition) & ATTACHED_PICTURE else "a second video"
        return None, f"{name} was left out: {what} may show faces"
    return None, f"{name} was left out"


def _carries_sound(container, codec: str) -> bool:
    if container.format.name == "mp4":
        return codec in _MP4_AUDIO
    if container.format.name == "mov":
        return codec in _MP4_AUDIO - {"opus", "flac"} or (
            codec.startswith("pcm_") and codec in container.supported_codecs
        )
    return codec in container.supported_codecs


def _is_mp4(container) -> bool:
    return container.format.name in ("mp4", "mov")


def _kind(container) -> str:
    return {"mp4": "MP4", "mov": "MOV"}.get(container.format.name, "Matroska")


def add_track(container, source, way: str):
    """The object whose `take(packet)` gives what to write of a stream that travels this way."""
    if way == "font":
        container.add_attachment(source.name, source.mimetype, source.data)
        return None
    if way == "copy":
        track = CopiedTrack(container, source)
    else:
        track = AacTrack(container, source) if way == "aac" else TextTrack(container, source, way)
    track.stream.disposition = source.disposition
    copy_metadata(source, track.stream)
    return track


def copy_metadata(source, target) -> None:
    for key in _TRACK_METADATA:
        if key in source.metadata:
            target.metadata[key] = source.metadata[key]


def copy_file_metadata(reader, container) -> None:
    for key in FILE_METADATA:
        if key in reader.container.metadata:
            container.metadata[key] = reader.container.metadata[key]


def copy_chapters(reader, container) -> None:
    """Chapters with their titles, on the output's clock."""
    chapters = []
    for number, chapter in enumerate(reader.container.chapters()):
        shift = round(reader.offset_ms / 1000 / chapter["time_base"])
        title = {k: v for k, v in chapter["metadata"].items() if k == "title"}
        times = {"start": chapter["start"] - shift, "end": chapter["end"] - shift}
        chapters.append({"id": number, **times, "time_base": chapter["time_base"], "metadata": title})
    if chapters:
        container.set_chapters(chapters)

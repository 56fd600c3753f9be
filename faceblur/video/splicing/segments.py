"""Split a video at keyframes, and join rendered pieces again without re-encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer

from ...errors import InputError, OutputError
from ..reading.clock import Clock
from ..reading.opening import content_of, open_input, packets_of
from ..reading.ranged import RangedFile, Source
from ..reading.raw import RawPacket, RawStream
from ..reading.reader import Packet, Reader, Span
from ..reading.selection import video_stream
from ..reading.sidedata import display_matrix
from ..writing.encoder import HEVC_TAG
from ..writing.mux import Muxer, index_bytes
from ..writing.output import StreamedOutput
from . import h264
from .times import placed, reordering


def split(path: Source, target_s: float = 60.0) -> list[Span]:
    """Spans of about `target_s` seconds that begin at keyframes and together hold every frame once.

    A file that cannot be entered in the middle is one span: no presentation times, a clock that does not rise, no clean
    keyframes. Reads packets only, decodes nothing.

    >>> [span.index for span in split("in.mp4", target_s=60)]
    [0]
    """
    with open_input(path, outline=True) as container:
        stream = video_stream(container)
        target = Fraction(target_s) / Fraction(stream.time_base)
        is_clean = _entry_test(container, stream)
        last, inner, clock = None, [], Clock(container, stream)
        for packet in packets_of(container, stream):
            clock.place(packet)
            if not clock.is_regular or container.format.name == "avi":
                return [Span(0, None, None)]
            if last is None or packet.pts is None:
                last = packet.pts
            elif packet.is_keyframe and packet.pts - last >= target and is_clean(packet):
                last = packet.pts
                inner.append(last)
    if last is None:
        raise InputError(f"{path}: holds no video")
    return [Span(i, *ends) for i, ends in enumerate(zip([None, *inner], [*inner, None], strict=True))]


def _entry_test(container: InputContainer, stream: RawStream) -> Callable[[av.Packet], bool]:
    """Says whether decoding may start at a keyframe's packet: some H.264 keyframes only begin to refresh."""
    if stream.codec_context.codec.canonical_name != "h264":
        return lambda packet: not packet.is_discard
    try:
        length_size = h264.AvcConfig.parse(stream.codec_context.extradata or b"").length_size
    except ValueError:
        length_size = None

    def is_clean(packet: RawPacket) -> bool:
        data = content_of(container, packet)
        try:
            units = h264.split_lengths(data, length_size) if length_size else h264.split_annexb(data)
        except ValueError:  # damaged
            return False
        return not packet.is_discard and h264.is_clean_start(units)

    return is_clean


def join(
    source: Source,
    pieces: Sequence[Source],
    output: str | Path | Callable[[int], BinaryIO],
    *,
    read: Callable[[av.Packet], None] | None = None,
) -> list[str]:
    """Concatenate rendered pieces of `source`, in order, and copy its other streams; returns notes.

    Every packet keeps its presentation time; decoding times are laid out anew over the whole file, because each piece
    starts with its own reordering delay. output: the name of a file, or `StreamedOutput`'s `make_file`: then memory and
    disk do not grow with the video but for its index. read: is given each packet of another stream as it was read.
    Raises OutputError when the pieces do not belong together.

    >>> plan = faceblur.analyse("in.mp4")
    >>> pieces = []
    >>> for span in split("in.mp4", target_s=1):
    ...     pieces.append(f"piece{span.index}.mp4")
    ...     report = faceblur.render("in.mp4", pieces[-1], plan, span=span)
    >>> notes = join("in.mp4", pieces, "joined.mp4")
    """
    facts = _look_through(pieces)
    with Reader(source) as reader:
        target = StreamedOutput(output, index_bytes(reader, facts.packets)) if callable(output) else output
        with Muxer(target, reader) as muxer:
            video, time_base = _add_video(muxer, pieces[0])
            packets = reader.packets(muxer.copied)
            others = _shown(packets, read) if read else packets
            waiting = next(others, None)
            for packet in placed(_packets(pieces), facts.first_times, facts.ahead):
                while waiting is not None and waiting.time_s <= float(packet.pts * time_base):
                    muxer.copy(waiting)
                    waiting = next(others, None)
                packet.stream = video
                muxer.container.mux(packet)
            while waiting is not None:
                muxer.copy(waiting)
                waiting = next(others, None)
        return muxer.notes


def _shown(packets: Iterator[Packet], show: Callable[[av.Packet], None]) -> Iterator[Packet]:
    for packet in packets:
        show(packet.raw)
        yield packet


def _add_video(muxer: Muxer, piece: Source) -> tuple[av.VideoStream, Fraction]:
    """The output's video stream and the clock of its packets, both as in the pieces; the header is written."""
    with open_input(piece) as first:
        template = video_stream(first)
        time_base = Fraction(template.time_base)
        video = muxer.container.add_stream_from_template(template, opaque=True)
        video.time_base = time_base
        if template.codec_context.codec.canonical_name == "hevc":
            video.codec_context.codec_tag = HEVC_TAG
        matrix = display_matrix(next(first.decode(template)))
    muxer.start(matrix, video)
    return video, time_base


def _packets(pieces: Sequence[Source]) -> Iterator[av.Packet]:
    for piece in pieces:
        with open_input(piece) as container:
            yield from packets_of(container, video_stream(container))
        _forget(piece)


def _forget(piece: Source) -> None:
    """Nobody needs what is kept of a piece that was read: there may be hundreds."""
    if isinstance(piece, RangedFile):
        piece.forget()


@dataclass(frozen=True)
class _Facts:
    """packets: of all pieces. first_times: when the first two frames are shown. ahead: by how many frames decoding runs
    ahead of presentation, at most.
    """

    packets: int
    first_times: tuple[int, ...]
    ahead: int


def _look_through(pieces: Sequence[Source]) -> _Facts:
    """Of ranged pieces the indexes only. Raises OutputError when they do not belong together, one after the other."""
    count = ahead = 0
    first_times: tuple[int, ...] = ()
    kind: tuple[bytes | None, Fraction] | None = None
    last: int | None = None
    for piece in pieces:
        with open_input(piece, outline=True) as container:
            stream = video_stream(container)
            found = stream.codec_context.extradata, Fraction(stream.time_base)
            times = [packet.pts for packet in packets_of(container, stream) if packet.pts is not None]
        _forget(piece)
        if kind is not None and found != kind:
            raise OutputError(f"{piece}: was encoded with other settings than the first piece; render all anew")
        if times and last is not None and min(times) <= last:
            raise OutputError(f"{piece}: does not come after the piece before it")
        kind, last = found, max(times) if times else last
        first_times = (*first_times, *sorted(times)[:2])[:2]
        count, ahead = count + len(times), max(ahead, reordering(times))
    return _Facts(count, first_times, ahead)

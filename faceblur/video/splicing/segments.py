"""Split a video at keyframes, and join rendered pieces again without re-encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av

from ...errors import InputError, OutputError
from ..reading.clock import Clock
from ..reading.opening import content_of, keyframe_test, open_input, packets_of
from ..reading.ranged import Source
from ..reading.reader import Reader, Span
from ..reading.selection import video_stream
from ..reading.sidedata import display_matrix
from ..writing.encoder import HEVC_TAG
from ..writing.mux import Muxer
from . import h264
from .times import decoding_times, reordering


def cut(path: Source, target_s: float = 60.0) -> list[Span]:
    """Spans of about `target_s` seconds that begin at keyframes and together hold every frame once.

    A file that cannot be entered in the middle is one span: no presentation times, a clock that does not rise, no clean
    keyframes. Reads packets only, decodes nothing.

    >>> [span.index for span in cut("in.mp4", target_s=60)]
    [0]
    """
    with open_input(path, outline=True) as container:
        stream = video_stream(container)
        target = Fraction(target_s) / Fraction(stream.time_base)
        is_keyframe, is_clean = keyframe_test(container, stream), _entry_test(container, stream)
        last, inner, clock = None, [], Clock(container, stream)
        for packet in packets_of(container, stream):
            clock.place(packet)
            if not clock.is_regular or container.format.name == "avi":
                return [Span(0, None, None)]
            if last is None:
                last = packet.pts
            elif is_keyframe(packet) and packet.pts - last >= target and is_clean(packet):
                last = packet.pts
                inner.append(last)
    if last is None:
        raise InputError(f"{path}: holds no video")
    return [Span(i, *ends) for i, ends in enumerate(zip([None, *inner], [*inner, None], strict=True))]


def _entry_test(container, stream) -> Callable[[av.Packet], bool]:
    """Says whether decoding may start at a keyframe's packet: some H.264 keyframes only begin to refresh."""
    if stream.codec_context.codec.canonical_name != "h264":
        return lambda packet: not packet.is_discard
    try:
        length_size = h264.AvcConfig.parse(stream.codec_context.extradata or b"").length_size
    except ValueError:
        length_size = None

    def is_clean(packet) -> bool:
        data = content_of(container, packet)
        try:
            units = h264.split_lengths(data, length_size) if length_size else h264.split_annexb(data)
        except ValueError:  # damaged
            return False
        return not packet.is_discard and h264.is_clean_start(units)

    return is_clean


def join(source: str | Path, pieces: Sequence[str | Path], output: str | Path) -> list[str]:
    """Concatenate rendered pieces of `source`, in order, and copy its other streams; returns notes.

    Every packet keeps its presentation time; decoding times are laid out anew over the whole file, because
    each piece starts with its own reordering delay. Raises OutputError when the pieces do not belong
    together.

    >>> plan = faceblur.analyse("in.mp4")
    >>> pieces = []
    >>> for span in cut("in.mp4", target_s=1):
    ...     pieces.append(f"piece{span.index}.mp4")
    ...     report = faceblur.render("in.mp4", pieces[-1], plan, span=span)
    >>> notes = join("in.mp4", pieces, "joined.mp4")
    """
    times = [packet.pts for packet in _packets(pieces)]
    with Reader(source) as reader, Muxer(output, reader) as muxer:
        with open_input(pieces[0]) as first:
            template = video_stream(first)
            time_base = Fraction(template.time_base)
            parameters = template.codec_context.extradata
            video = muxer.container.add_stream_from_template(template, opaque=True)
            video.time_base = time_base
            if template.codec_context.codec.canonical_name == "hevc":
                video.codec_context.codec_tag = HEVC_TAG
            matrix = display_matrix(next(first.decode(template)))
        _check_alike(pieces, parameters, time_base)
        muxer.start(matrix, video)
        others = reader.packets(muxer.copied)
        waiting = next(others, None)
        for packet, dts in zip(_packets(pieces), decoding_times(sorted(times), reordering(times)), strict=True):
            while waiting is not None and waiting.time_s <= float(packet.pts * time_base):
                muxer.copy(waiting)
                waiting = next(others, None)
            packet.stream, packet.dts = video, dts
            muxer.container.mux(packet)
        while waiting is not None:
            muxer.copy(waiting)
            waiting = next(others, None)
        return muxer.notes


def _packets(pieces: Sequence[str | Path]) -> Iterator[av.Packet]:
    for piece in pieces:
        with open_input(piece) as container:
            yield from packets_of(container, video_stream(container))


def _check_alike(pieces, parameters: bytes, time_base: Fraction) -> None:
    for piece in pieces:
        with open_input(piece) as container:
            stream = video_stream(container)
            if stream.codec_context.extradata != parameters or Fraction(stream.time_base) != time_base:
                raise OutputError(f"{piece}: was encoded with other settings than the first piece; render all anew")

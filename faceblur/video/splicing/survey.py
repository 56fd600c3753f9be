"""Look through an H.264 file, packet by packet, to find what may be copied and where a copy may end.

Whatever cannot be shown to be safe raises `Unsafe` with the reason. Safe is: one unchanging set of
parameters, kept in the container; progressive pictures of 4:2:0; groups that begin with an IDR picture and
refer to nothing outside.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from ..reading.clock import Clock
from ..reading.opening import open_input, packets_of
from ..reading.ranged import Source
from ..reading.raw import RawPacket, RawStream
from ..reading.selection import video_stream
from . import h264

_KINDS = {h264.SLICE, h264.IDR, h264.SEI, h264.SPS, h264.PPS, 9, 10, 11, 12}  # 9 to 12: delimiters and filler
_PROFILES = {66, 77, 88, 100, 110}  # Baseline, Main, Extended, High, High 10
_FAR = 1 << 62


class Unsafe(Exception):
    """The file cannot be copied in parts; the message completes "not copied in parts: "."""


@dataclass
class Survey:
    """Packets in decoding order; times in the stream's time base."""

    config: h264.AvcConfig
    sps: h264.Sps
    time_base: Fraction
    pts: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))
    is_idr: array[int] = field(default_factory=lambda: array("b"))
    is_hidden: array[int] = field(default_factory=lambda: array("b"))  # decoded, not shown: outside the edit list
    has_open_groups: bool = False  # keyframes that are no IDR: what follows may refer to what is before

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def shown(self) -> list[int]:
        """Presentation times of the frames that are shown, in order."""
        return sorted(pts for pts, hidden in zip(self.pts, self.is_hidden, strict=True) if not hidden)


def survey(path: Source) -> Survey:
    """Raises Unsafe, and InputError for what is no video."""
    with open_input(path) as container:
        stream = video_stream(container)
        found, clock = _survey_parameters(stream), Clock(container, stream)
        for packet in packets_of(container, stream):
            clock.place(packet)
            _add(found, packet)
            if not clock.is_regular:
                raise Unsafe("its clock does not rise")
    _check_groups(found)
    return found


def _survey_parameters(stream: RawStream) -> Survey:
    codec = stream.codec_context.codec.canonical_name
    if codec != "h264":
        raise Unsafe(f"the input's codec is {codec}, not h264")
    try:
        config = h264.AvcConfig.parse(stream.codec_context.extradata or b"")
        sets = [h264.Sps.parse(unit) for unit in config.sps]
    except (ValueError, IndexError) as problem:
        raise Unsafe("its parameter sets are not kept by the container (avcC)") from problem
    if len(sets) != 1:
        raise Unsafe(f"it has {len(sets)} sequence parameter sets")
    sps = sets[0]
    if config.length_size < 3:
        raise Unsafe("the lengths of its units are too short")
    if sps.profile not in _PROFILES or sps.chroma_format != 1:
        raise Unsafe("it is not plain 4:2:0 video")
    if not sps.frames_only:
        raise Unsafe("it may be interlaced")
    width, height = stream.codec_context.width, stream.codec_context.height
    if sps.macroblocks != (-(-width // 16), -(-height // 16)) or width % 2 or height % 2:
        raise Unsafe("its pictures are cut out of larger ones")
    return Survey(config, sps, Fraction(stream.time_base))


def _add(found: Survey, packet: RawPacket) -> None:
    if packet.pts is None:
        raise Unsafe("it has frames without a time")
    if packet.is_corrupt:
        raise Unsafe("it is damaged")
    try:
        units = h264.split_lengths(bytes(packet), found.config.length_size)
    except ValueError as problem:
        raise Unsafe("it is damaged") from problem
    kinds = {h264.kind(unit) for unit in units}
    if not kinds <= _KINDS or not kinds & {h264.SLICE, h264.IDR} or {h264.SLICE, h264.IDR} <= kinds:
        raise Unsafe("it uses parts of H.264 that are rare")
    known = {*found.config.sps, *found.config.pps}
    if any(h264.kind(unit) in (h264.SPS, h264.PPS) and unit not in known for unit in units):
        raise Unsafe("its parameters change on the way")
    found.pts.append(packet.pts)
    found.durations.append(packet.duration or 0)
    found.is_idr.append(h264.IDR in kinds)
    found.has_open_groups |= packet.is_keyframe and h264.IDR not in kinds
    found.is_hidden.append(packet.is_discard)


def _check_groups(found: Survey) -> None:
    if not len(found):
        raise Unsafe("it has no frames")
    if not found.is_idr[0]:
        raise Unsafe("it does not begin with a keyframe")
    if len(set(found.pts)) != len(found):
        raise Unsafe("two of its frames have the same time")
    latest = -_FAR
    for start, end in groups(found):
        first = found.pts[start]
        if first < latest or min(found.pts[start:end]) < first:
            raise Unsafe("its groups of pictures are open")
        latest = max(latest, *found.pts[start:end])


def groups(found: Survey) -> list[tuple[int, int]]:
    """(first packet, packet after the last) of every group of pictures."""
    starts = [n for n, idr in enumerate(found.is_idr) if idr]
    return list(zip(starts, [*starts[1:], len(found)], strict=True))


@dataclass(frozen=True)
class Part:
    """Packets start to end, in decoding order. When they are encoded, decoding begins at `decode_from`."""

    is_copied: bool
    decode_from: int
    start: int
    end: int


def divide(found: Survey, is_touched: Callable[[int], bool]) -> list[Part]:
    """Parts to copy and parts to encode; is_touched: does the frame of this presentation time change?"""
    parts: list[Part] = []
    for start, end in groups(found):
        if any(found.is_hidden[start:end]):
            _append(parts, Part(False, start, start, end))
            continue
        touched = [pts for pts in found.pts[start:end] if is_touched(pts)]
        if not touched:
            _append(parts, Part(True, start, start, end))
            continue
        seam = _seam(found.pts[start:end], min(touched))
        if seam:
            _append(parts, Part(True, start, start, start + seam))
        _append(parts, Part(False, start, start + seam, end))
    return parts


def _append(parts: list[Part], part: Part) -> None:
    """Neighbours that are treated alike become one, unless the second has to be decoded from further back."""
    last = parts[-1] if parts else None
    if last and last.is_copied == part.is_copied and last.end == part.start == part.decode_from:
        parts[-1] = Part(part.is_copied, last.decode_from, last.start, part.end)
    else:
        parts.append(part)


def _seam(group: array, first_touched: int) -> int:
    """How many packets of a group can be copied before the first frame that changes: those that are decoded
    before it and before everything that is shown later than they are.
    """
    following = [_FAR] * (len(group) + 1)
    for place in range(len(group) - 1, -1, -1):
        following[place] = min(following[place + 1], group[place])
    seam, latest = 0, -_FAR
    for place in range(1, len(group)):
        latest = max(latest, group[place - 1])
        if latest >= first_touched:
            break
        if latest < following[place]:
            seam = place
    return seam

"""Is the sound of two files the same? Compares the packets themselves, and when they are heard."""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count

import av

from .clock import Clock
from .opening import open_input, packets_of
from .probe import start_offset_ms
from .ranged import Source
from .raw import RawPacket
from .selection import video_stream

MAX_SHIFT_MS = 40.0  # from 45 ms on, sound ahead of its picture is noticed (ITU-R BT.1359)
_MOST_NOT_HEARD_MS = 150.0  # of a converted track: some decoders give nothing for the first packet or two
_UNSEEN = count()  # in place of a digest: like no other
_LEFT_OUT = re.compile(r"(?P<count>\d+) damaged packets of stream (?P<stream>\d+) were passed over")  # see `mux`


@dataclass
class _Track:
    """index: of its stream. packets: a short digest of each. times_ms: when each is heard, NaN if nothing says."""

    index: int
    codec: str
    language: str
    packets: array = field(default_factory=lambda: array("Q"))
    times_ms: array = field(default_factory=lambda: array("d"))

    def __str__(self) -> str:
        return f"{self.codec}{f', {self.language}' if self.language else ''}"

    def without(self, other: _Track) -> tuple[int, float] | None:
        """(how many packets `other` lacks, by how much it begins later in ms); None when it is no part of this one."""
        rows, row = [], 0
        for packet in other.packets:
            while row < len(self.packets) and self.packets[row] != packet:
                row += 1
            if row == len(self.packets):
                return None
            rows.append(row)
            row += 1
        late_ms = other.times_ms[0] - self.times_ms[rows[0]] if rows else 0.0
        return len(self.packets) - len(rows), 0.0 if math.isnan(late_ms) else late_ms


class CopiedSound:
    """What was seen of the sound while it was copied, so that it need not be read again: a digest of each packet that
    was read and of each run of bytes that was written.
    """

    def __init__(self) -> None:
        self._read: dict[int, array] = {}
        self._starts, self._sizes, self._digests = array("Q"), array("Q"), array("Q")

    def read(self, packet: av.Packet) -> None:
        """A packet of the original, in the order of its stream."""
        stream = packet.stream
        content = _payload(bytes(packet), stream.codec_context.name if stream.codec_context else "")
        self._read.setdefault(stream.index, array("Q")).append(_digest(content))

    def wrote(self, start: int, content: bytes | memoryview) -> None:
        """What was added to the output's end, a packet at a time; what is written over is no sound."""
        if not self._starts or start >= self._starts[-1] + self._sizes[-1]:
            self._starts.append(start)
            self._sizes.append(len(content))
            self._digests.append(_digest(content))

    def of_original(self, packet: av.Packet, number: int) -> int | None:
        """The digest of the packet with this number in its stream; None when it was not read."""
        read = self._read.get(packet.stream.index, ())
        return read[number] if number < len(read) else None

    def of_output(self, packet: av.Packet, _: int) -> int | None:
        """The digest of what was written where the output's index says that the packet lies; None for another size."""
        row = bisect_left(self._starts, -1 if packet.pos is None else packet.pos)
        is_there = row < len(self._starts) and (self._starts[row], self._sizes[row]) == (packet.pos, packet.size)
        return self._digests[row] if is_there else None


def compare_sound(
    original: Source, output: Source, said: tuple[str, ...] = (), *, copied: CopiedSound | None = None
) -> tuple[list[str], list[str]]:
    """(problems, notes), a line each; track by track in their order. said: what the output's report notes.

    copied: what was seen of the packets; of both files the index alone is read then.
    """
    if copied is None:
        before, after = _tracks(original), _tracks(output)
    else:
        before, after = _tracks(original, copied.of_original), _tracks(output, copied.of_output)
    problems, notes = _compared(before, after, said)
    if problems and _put_on_one_clock(original, before):
        problems, notes = _compared(before, after, said)
    return problems, notes


def _compared(before: list[_Track], after: list[_Track], said: tuple[str, ...]) -> tuple[list[str], list[str]]:
    problems: list[str] = []
    notes: list[str] = []
    if len(before) != len(after):
        line = f"{len(after)} sound tracks instead of {len(before)}"
        is_said = any("(audio" in note and "left out" in note for note in said)
        (notes if is_said and len(after) < len(before) else problems).append(line)
        return problems, notes
    for number, (track, result) in enumerate(zip(before, after, strict=True), 1):
        name = f"sound track {number} ({track})"
        if result.codec != track.codec:
            notes.append(f"{name} was converted to {result.codec}")
            late_ms = _first(result) - _first(track)
            if not -MAX_SHIFT_MS <= late_ms <= _MOST_NOT_HEARD_MS:
                problems.append(f"{name} begins {late_ms:+.0f} ms from its time")
            continue
        missing, late_ms = track.without(result) or (None, 0.0)
        if missing is None or missing > _said_missing(track, said):
            problems.append(f"{name} is not the original's, packet by packet")
        elif missing:
            notes.append(f"{name} lacks {missing} packets, as its report says")
        if abs(late_ms) > MAX_SHIFT_MS:
            problems.append(f"{name} begins {late_ms:+.0f} ms from its time")
    if before and not problems and not notes:
        notes.append(f"{len(before)} sound track{'s' * (len(before) > 1)}: bit for bit the original's")
    return problems, notes


def _put_on_one_clock(path: Source, tracks: list[_Track]) -> bool:
    """Whether the file's clock starts anew on the way: then the tracks get the times on the clock that goes on."""
    times: dict[int, array] = {track.index: array("d") for track in tracks}
    with open_input(path) as container:
        video = video_stream(container)
        clock, offset_ms = Clock(container, video), start_offset_ms(container)
        for packet in packets_of(container, [video, *(container.streams[index] for index in times)]):
            if packet.stream.index == video.index:
                clock.place(packet)
            placed = clock.released() if packet.stream.index == video.index else clock.place_other(packet)
            for ready in placed:
                times[ready.stream.index].append(_heard_ms(ready, offset_ms))
        for ready in clock.never_placed():
            times[ready.stream.index].append(_heard_ms(ready, offset_ms))
        for track in tracks if clock.restarts else ():
            track.times_ms = times[track.index]
        return clock.restarts > 0


def _heard_ms(packet: RawPacket, offset_ms: Fraction) -> float:
    """When a packet is heard, NaN if nothing says."""
    return math.nan if packet.pts is None else float(1000 * packet.pts * Fraction(packet.time_base) - offset_ms)


def _first(track: _Track) -> float:
    return next((time_ms for time_ms in track.times_ms if not math.isnan(time_ms)), 0.0)


def _said_missing(track: _Track, said: tuple[str, ...]) -> int:
    """How many of a track's packets the report says were left out."""
    found = (_LEFT_OUT.fullmatch(note) for note in said)
    return sum(int(each["count"]) for each in found if each and int(each["stream"]) == track.index)


def _tracks(path: Source, seen: Callable[[av.Packet, int], int | None] | None = None) -> list[_Track]:
    """seen: gives the digest of the packet with this number in its stream, when only the index is to be read."""
    with open_input(path, outline=seen is not None) as container:
        streams = [s for s in container.streams.audio if s.codec_context]
        tracks = {
            stream.index: _Track(
                stream.index,
                stream.codec_context.codec.canonical_name,
                stream.metadata.get("language", "").replace("und", ""),
            )
            for stream in streams
        }
        offset_ms = start_offset_ms(container)
        for packet in packets_of(container, streams) if streams else ():
            track = tracks[packet.stream.index]
            if seen is None:
                digest: int | None = _digest(_payload(bytes(packet), packet.stream.codec_context.name))
            else:
                digest = seen(packet, len(track.packets))
            track.packets.append(next(_UNSEEN) if digest is None else digest)
            track.times_ms.append(_heard_ms(packet, offset_ms))
        return list(tracks.values())


def _digest(content: bytes | memoryview) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


def _payload(packet: bytes, codec: str) -> bytes:
    """A packet without the header that transport streams put before AAC (ADTS, ISO 14496-3, 1.A.3)."""
    if codec == "aac" and len(packet) > 9 and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0:
        return packet[7:] if packet[1] & 1 else packet[9:]
    return packet

"""Is the sound of two files the same? Compares the packets themselves, and when they are heard."""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from dataclasses import dataclass, field
from fractions import Fraction

from .opening import open_input, packets_of
from .probe import start_offset_ms
from .ranged import Source

MAX_SHIFT_MS = 40.0  # from 45 ms on, sound ahead of its picture is noticed (ITU-R BT.1359)
_MOST_NOT_HEARD_MS = 150.0  # of a converted track: some decoders give nothing for the first packet or two
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


def compare_sound(
    original: Source, output: Source, said: tuple[str, ...] = (), *, by_size: bool = False
) -> tuple[list[str], list[str]]:
    """(problems, notes), a line each; track by track in their order. said: what the output's report notes.

    by_size: compare the packets' times and sizes only, for which ranged files need not be fetched but for their index.
    """
    before, after = _tracks(original, by_size), _tracks(output, by_size)
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
        how = "packet for packet the original's, by time and size" if by_size else "bit for bit the original's"
        notes.append(f"{len(before)} sound track{'s' * (len(before) > 1)}: {how}")
    return problems, notes


def _first(track: _Track) -> float:
    return next((time_ms for time_ms in track.times_ms if not math.isnan(time_ms)), 0.0)


def _said_missing(track: _Track, said: tuple[str, ...]) -> int:
    """How many of a track's packets the report says were left out."""
    found = (_LEFT_OUT.fullmatch(note) for note in said)
    return sum(int(each["count"]) for each in found if each and int(each["stream"]) == track.index)


def _tracks(path: Source, by_size: bool) -> list[_Track]:
    with open_input(path, outline=by_size) as container:
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
            content = _payload(bytes(packet), packet.stream.codec_context.name)
            track.packets.append(len(content) if by_size else _digest(content))
            seconds = None if packet.pts is None else packet.pts * Fraction(packet.time_base)
            track.times_ms.append(math.nan if seconds is None else float(1000 * seconds - offset_ms))
        return list(tracks.values())


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


def _payload(packet: bytes, codec: str) -> bytes:
    """A packet without the header that transport streams put before AAC (ADTS, ISO 14496-3, 1.A.3)."""
    if codec == "aac" and len(packet) > 9 and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0:
        return packet[7:] if packet[1] & 1 else packet[9:]
    return packet

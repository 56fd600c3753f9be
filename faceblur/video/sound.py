"""Is the sound of two files the same? Compares the packets themselves, and when they are heard."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .opening import open_input, packets_of
from .probe import start_offset_ms

MAX_SHIFT_MS = 40.0  # from 45 ms on, sound ahead of its picture is noticed (ITU-R BT.1359)


@dataclass(frozen=True)
class _Track:
    codec: str
    language: str
    digest: str
    start_ms: float

    def __str__(self) -> str:
        return f"{self.codec}{f', {self.language}' if self.language else ''}"


def compare_sound(
    original: str | Path, output: str | Path, said: tuple[str, ...] = ()
) -> tuple[list[str], list[str]]:
    """(problems, notes), a line each; track by track in their order. said: what the output's report notes."""
    before, after = _tracks(original), _tracks(output)
    problems, notes = [], []
    if len(before) != len(after):
        line = f"{len(after)} sound tracks instead of {len(before)}"
        is_said = any("(audio" in note and "left out" in note for note in said)
        (notes if is_said and len(after) < len(before) else problems).append(line)
        return problems, notes
    for number, (track, result) in enumerate(zip(before, after, strict=True), 1):
        name = f"sound track {number} ({track})"
        if result.codec != track.codec:
            notes.append(f"{name} was converted to {result.codec}")
        elif result.digest != track.digest:
            problems.append(f"{name} is not the original's, packet by packet")
        if abs(result.start_ms - track.start_ms) > MAX_SHIFT_MS:
            problems.append(f"{name} begins {result.start_ms - track.start_ms:+.0f} ms from its time")
    if before and not problems and not notes:
        notes.append(f"{len(before)} sound track{'s' * (len(before) > 1)}: bit for bit the original's")
    return problems, notes


def _tracks(path: str | Path) -> list[_Track]:
    with open_input(path) as container:
        streams = [s for s in container.streams.audio if s.codec_context]
        digests = {stream.index: hashlib.sha256() for stream in streams}
        starts: dict[int, float] = {}
        offset_ms = start_offset_ms(container)
        for packet in packets_of(container, streams) if streams else ():
            index = packet.stream.index
            digests[index].update(_payload(bytes(packet), packet.stream.codec_context.name))
            if index not in starts and packet.pts is not None:
                starts[index] = float(1000 * packet.pts * Fraction(packet.time_base) - offset_ms)
        return [
            _Track(
                stream.codec_context.codec.canonical_name,
                stream.metadata.get("language", "").replace("und", ""),
                digests[stream.index].hexdigest(),
                starts.get(stream.index, 0.0),
            )
            for stream in streams
        ]


def _payload(packet: bytes, codec: str) -> bytes:
    """A packet without the header that transport streams put before AAC (ADTS, ISO 14496-3, 1.A.3)."""
    if codec == "aac" and len(packet) > 9 and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0:
        return packet[7:] if packet[1] & 1 else packet[9:]
    return packet

"""A look through all packets of a video, nothing decoded: is its clock regular, and when does it really end?"""

from __future__ import annotations

from dataclasses import dataclass

from .clock import Clock
from .opening import packets_of
from .ranged import Source
from .reader import Reader


@dataclass(frozen=True)
class Scan:
    """is_regular: see `clock.Clock`. end_ms: when the last frame ends; headers of joined files do not tell."""

    is_regular: bool
    end_ms: float


def scan(path: Source) -> Scan:
    """Raises InputError like `probe`."""
    with Reader(path) as reader:
        clock, latest, count = Clock(reader.container, reader.stream), None, 0
        for packet in packets_of(reader.container, reader.stream):
            clock.place(packet)
            count += 1
            stamp = packet.dts if packet.pts is None else packet.pts
            latest = stamp if latest is None or (stamp is not None and stamp > latest) else latest
        frame_ms = float(1000 / reader.frame_rate)
        end_ms = count * frame_ms if latest is None else reader.time_ms_of(latest) + frame_ms
        return Scan(clock.is_regular, round(max(0.0, end_ms), 3))

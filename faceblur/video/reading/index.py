"""The packets of a file's video as its index lists them; of a ranged file nothing else is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from .opening import open_input, packets_of
from .ranged import Source
from .selection import video_stream


def video_packets(source: Source) -> Iterator[tuple[int, int]]:
    """(when it is shown in nanoseconds of the file's clock, size in bytes) of each packet, in the order of decoding.

    -1 for a time that it does not say. Raises InputError like `probe`.
    """
    with open_input(source, outline=True) as container:
        stream = video_stream(container)
        unit = 10**9 * Fraction(stream.time_base)
        for packet in packets_of(container, stream):
            yield (-1 if packet.pts is None else int(packet.pts * unit)), packet.size

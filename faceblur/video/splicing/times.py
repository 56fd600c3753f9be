"""Decoding times for packets that are put together anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush


def reordering(times: Iterable[int]) -> int:
    """By how many frames decoding runs ahead of presentation; times: of presentation, in decoding order."""
    times = list(times)
    order = {pts: place for place, pts in enumerate(sorted(times))}
    return max((place - order[pts] for place, pts in enumerate(times)), default=0)


def decoding_times(shown: list[int], ahead: int) -> list[int]:
    """Rising decoding times, none after its presentation time, for frames shown at these rising times, when
    decoding runs `ahead` frames ahead.
    """
    step = shown[1] - shown[0] if len(shown) > 1 else 1
    early = [shown[0] - (ahead - n) * step for n in range(min(ahead, len(shown)))]
    return early + shown[: len(shown) - ahead]


def placed(packets: Iterable, first_times: Sequence[int], ahead: int) -> Iterator:
    """The packets, with the decoding times that `decoding_times` would lay out; holds `ahead` times, not all of them.

    first_times: when the first two frames are shown.
    """
    step = first_times[1] - first_times[0] if len(first_times) > 1 else 1
    shown: list[int] = []
    for number, packet in enumerate(packets):
        heappush(shown, packet.pts)
        packet.dts = first_times[0] - (ahead - number) * step if number < ahead else heappop(shown)
        yield packet

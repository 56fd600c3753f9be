"""Decoding times for packets that are put together anew."""

from __future__ import annotations

from collections.abc import Iterable


def reordering(times: Iterable[int]) -> int:
    """By how many frames decoding runs ahead of presentation; times: of presentation, in decoding order."""
    times = list(times)
    order = {pts: place for place, pts in enumerate(sorted(times))}
    return max((place - order[pts] for place, pts in enumerate(times)), default=0)


def decoding_times(shown: list[int], ahead: int) -> list[int]:
    """Rising decoding times, none after its presentation time, for frames shown at these rising times, when
    decoding runs `ahead` frames ahead."""
    step = shown[1] - shown[0] if len(shown) > 1 else 1
    early = [shown[0] - (ahead - n) * step for n in range(min(ahead, len(shown)))]
    return early + shown[: len(shown) - ahead]

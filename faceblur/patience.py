"""Waiting for what has to be asked for again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator


def tries(patience_s: float, pause_s: float, longest_s: float = 0) -> Iterator[float]:
    """Once at once, then after each pause, for as long as patience lasts.

    Yields the seconds until the next try, 0 for the last one. Each pause is twice the one before, up to `longest_s`;
    without it all are `pause_s`.
    """
    end = time.monotonic() + patience_s
    while time.monotonic() + pause_s <= end:
        yield pause_s
        time.sleep(pause_s)
        pause_s = max(pause_s, min(2 * pause_s, longest_s))
    yield 0.0

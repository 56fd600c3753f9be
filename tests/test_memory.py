"""Freed memory goes back to the system."""

import sys
from pathlib import Path

import pytest

from faceblur.memory import handed_back


def anonymous_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps memory and is asked for it")
def test_what_was_freed_beneath_something_kept_is_handed_back():
    blocks = [bytearray(100_000) for _ in range(1000)]
    kept = bytearray(100_000)
    with handed_back():
        blocks.clear()
        held = anonymous_mib()
    assert anonymous_mib() < held - 60
    assert len(kept) == 100_000


def test_results_and_errors_pass_through():
    @handed_back()
    def halved(number: int) -> float:
        return 1 / number

    assert halved(2) == 0.5
    with pytest.raises(ZeroDivisionError):
        halved(0)

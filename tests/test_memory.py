"""Freed memory goes back to the system."""

import subprocess
import sys

import pytest

STORY = """
import sys
from pathlib import Path
from faceblur.memory import hand_back_large_blocks

def anonymous_mib():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))

if sys.argv[1] == "handed back":
    hand_back_large_blocks()
first = bytearray(b"x") * (30 << 20)
del first  # from here on, glibc takes what is smaller from its heap
blocks = [bytearray(b"x") * (4 << 20) for _ in range(20)]
kept = bytearray(b"x") * 200_000
held = anonymous_mib()
blocks.clear()
print(held - anonymous_mib())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps memory and is asked for it")
@pytest.mark.parametrize(("how", "is_back"), [("handed back", True), ("kept", False)])
def test_large_blocks_go_back_even_beneath_something_kept(how, is_back):
    told = subprocess.run([sys.executable, "-c", STORY, how], capture_output=True, text=True, check=True)
    assert (float(told.stdout) > 70) == is_back

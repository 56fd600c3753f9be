"""Freed memory goes back to the system."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps memory and is asked for it")

PRELUDE = """
from pathlib import Path
from faceblur.process import hand_back, return_large_blocks

def anonymous_mib():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))
"""
LARGE = """
{call}
first = bytearray(b"x") * (30 << 20)
del first  # from here on, glibc takes what is smaller from its heap
blocks = [bytearray(b"x") * (4 << 20) for _ in range(20)]
kept = bytearray(b"x") * 200_000
held = anonymous_mib()
blocks.clear()
print(held - anonymous_mib())
"""
SMALL = """
blocks = [bytearray(b"x") * 50_000 for _ in range(1000)]
kept = bytearray(b"x") * 50_000
blocks.clear()
held = anonymous_mib()
{call}
print(held - anonymous_mib())
"""


@pytest.mark.parametrize(
    ("story", "call", "is_back"),
    [
        (LARGE, "return_large_blocks()", True),
        (LARGE, "hand_back()", False),  # a library call changes no setting of its host
        (SMALL, "hand_back()", True),
        (SMALL, "", False),
    ],
    ids=["large blocks from now on", "no setting", "small ones that are free", "nothing by itself"],
)
def test_freed_memory_goes_back_even_beneath_something_kept(story, call, is_back):
    code = PRELUDE + story.format(call=call)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (float(told.stdout) > 40) == is_back

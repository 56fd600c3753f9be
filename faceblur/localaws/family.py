"""The memory of a process and of everything it started. Where there is /proc only their own files are read.

psutil reads every process of the machine to find children: 7 ms a look with a few hundred of them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LISTS_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()


def resident_bytes(pid: int, wrapping: int = 0) -> int:
    """Of the process and its descendants; those that end meanwhile do not count.

    wrapping: this process and so many less one of its first child and that one's are not counted.
    """
    return sum(map(_resident, members(pid, wrapping)))


def members(pid: int, wrapping: int = 0) -> Iterable[int]:
    """The process and its descendants."""
    return _members(pid, wrapping) if _LISTS_CHILDREN else _members_by_psutil(pid, wrapping)


def _members(pid: int, wrapping: int = 0) -> Iterator[int]:
    waiting = [(pid, 0)]
    while waiting:
        current, generation = waiting.pop()
        if generation >= wrapping:
            yield current
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{current}/task").iterdir():
                waiting += [(int(child), generation + 1) for child in (thread / "children").read_text().split()]


def _members_by_psutil(pid: int, wrapping: int = 0) -> list[int]:
    with contextlib.suppress(psutil.Error):
        wrapped = [psutil.Process(pid)]
        for _ in range(wrapping):
            wrapped = [child for one in wrapped for child in one.children()]
        return [found.pid for one in wrapped for found in (one, *one.children(recursive=True))]
    return []


def _resident(pid: int) -> int:
    if _LISTS_CHILDREN:
        with contextlib.suppress(OSError):
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        return 0
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).memory_info().rss
    return 0

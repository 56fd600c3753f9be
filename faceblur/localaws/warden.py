"""Outlives the engine by a moment, to end and delete what it leaves when it is killed.

The engine tells it every process group that it makes ("+123") and that has ended ("-123"). When that pipe closes,
however the engine came to its end, what is left is killed and the folder deleted. This file is also the program;
standard library only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable


class Warden:
    """The engine's side."""

    def __init__(self, root: os.PathLike):
        command = [sys.executable, "-I", "-S", __file__, str(root)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        self._lock = threading.Lock()

    def began(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def ended(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError):
            assert self._process.stdin
            os.write(self._process.stdin.fileno(), line.encode())


def remove(folder: str | os.PathLike) -> None:
    """Delete it, also what a function has made in it: folders a thousand deep, and such as nobody may look into."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        for command in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
            subprocess.run([*command, "--", os.fspath(folder)], capture_output=True)


def watch(lines: Iterable[str], root: str) -> None:
    """Until the lines end; then clean up."""
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    remove(root)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin, sys.argv[1])

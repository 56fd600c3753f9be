"""Runs a module as a program that ends with whoever started it, however that one ends.

Both hold one end of a pipe; when the other end is closed, at the latest by the death of its process, the program stops
itself. Its standard input stays the user's: JupyterLab asks there whether it shall stop.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

PATIENCE_S = 30  # to end in good order, its kernels first


@contextlib.contextmanager
def leashed(module: str, options: Sequence[str] = (), **popen: Any) -> Iterator[subprocess.Popen]:
    """Run `python -m module options` until the block ends or this process does. popen: as for subprocess.Popen."""
    theirs, ours = os.pipe()
    # -P: the folder of this file must not become a place to import from.
    command = [sys.executable, "-P", __file__, str(theirs), module, *options]
    with (
        os.fdopen(theirs, "rb") as lead,
        os.fdopen(ours, "wb") as held,
        subprocess.Popen(command, pass_fds=[theirs], **popen) as process,
    ):
        lead.close()
        with held:  # closed before Popen waits for the program's end
            yield process


def _main(end_of_pipe: int, module: str, options: Sequence[str]) -> None:
    threading.Thread(target=_end_after, args=(end_of_pipe,), daemon=True).start()
    sys.argv = [module, *options]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_after(end_of_pipe: int) -> None:
    os.read(end_of_pipe, 1)  # nobody writes: it returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])

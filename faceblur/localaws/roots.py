"""The folder in which one embedded AWS keeps everything, and the removal of folders whose engine was killed.

A folder is in use while its engine has the file LOCK in it open and locked.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX, LOCK = "faceblur-localaws-", "lock"


def base_folder() -> Path:
    """A place that a function's private /tmp does not hide."""
    return Path("/var/tmp" if os.access("/var/tmp", os.W_OK) else tempfile.gettempdir())


def private_root() -> tuple[Path, int]:
    """A new folder that only this user can read, and the open file that holds it while any process has it
    open.
    """
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base_folder()))
    # Locked before it has its name: nobody can find it unlocked.
    beside = root / (LOCK + ".new")
    file = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_SH)
    beside.rename(root / LOCK)
    return root, file


def remove_abandoned_roots() -> None:
    """Delete this user's folders that no engine holds: their engine had no chance to do it."""
    for root in base_folder().glob(PREFIX + "*"):
        try:
            if root.stat().st_uid != os.getuid():
                continue
            file = os.open(root / LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(file)

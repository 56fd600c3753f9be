"""The folders that an embedded AWS works in: one of its own for each, and one that keeps its state where that is asked.

A folder is in use while an engine has the file LOCK in it open and locked.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import WorkshopError
from .warden import remove

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
    for root, file in own_roots():
        if take(file):
            remove(root)


def held_roots() -> list[Path]:
    """This user's folders that an engine holds."""
    return [root for root, file in own_roots() if not take(file)]


def own_roots() -> Iterator[tuple[Path, int]]:
    """Every root of this user with its lock file, open until the next is asked for."""
    for root in sorted(base_folder().glob(PREFIX + "*")):
        try:
            if root.stat().st_uid != os.getuid():
                continue
            file = os.open(root / LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            yield root, file
        finally:
            os.close(file)


def take(file: int) -> bool:
    """Lock an open file for this process alone; False when another holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold_state(folder: Path) -> int:
    """Make or take the folder that keeps a state: the open file that holds it. Raises WorkshopError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = [one.name for one in folder.iterdir()]
        if others and LOCK not in others:
            raise WorkshopError(f"{folder} holds other things: give a folder of its own for the state")
        folder.chmod(0o700)  # what is kept holds objects, code and keys
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise WorkshopError(f"{folder} cannot keep a state: {problem.strerror}") from None
    if not take(file):
        os.close(file)
        raise WorkshopError(f"{folder} is in use by another embedded AWS")
    return file

"""Half-written files and working folders: under names that nobody can guess, and found again when we were killed.

A name says on which machine, since which start of it, and at random (64 bits) which one it is: `.NAME-faceblur-
MACHINE-BOOT-RANDOM.mp4`, `.faceblur-MACHINE-BOOT-RANDOM` for a folder. The file (in a folder: `lock`) is locked for as
long as its maker lives, which the system undoes at the latest when that is killed. The next run in the same folder
removes what nobody holds any more, and only what is certainly ours: made on this machine, by this user, a plain file
with one name. What another machine wrote (NFS) and what cannot be locked is left alone; so is everything where the
system does not say when it was started (no Linux).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

from .undo import forget, remember

try:
    import fcntl
except ImportError:  # Windows: a file that is open cannot be removed by anybody
    fcntl = None  # type: ignore[assignment]

_MARK = r"faceblur-(?P<machine>[0-9a-f]{8})-(?P<boot>[0-9a-f]{12})-[0-9a-f]{16}"
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_FILE = re.compile(rf"\..{{0,60}}-{_MARK}({_SUFFIX.pattern})?", re.DOTALL)
_FOLDER = re.compile(rf"\.{_MARK}")
_LOCK = "lock"
_CONTENT = re.compile(r"lock|plan\.json|\d{1,9}\.(mp4|json)")  # of a working folder, beside half-written files
_UNKNOWN = "0" * 12
_EXCLUSIVE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@cache
def _here() -> tuple[str, str]:
    """(this machine, its last start) as hexadecimal digits; the start is _UNKNOWN where the system does not say it."""
    if not hasattr(os, "uname"):
        return "0" * 8, _UNKNOWN
    known = [os.uname().nodename]
    boot = b""
    with contextlib.suppress(OSError):
        known.append(Path("/etc/machine-id").read_text(errors="replace"))
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    machine = hashlib.sha256("\0".join(known).encode("utf-8", "replace")).hexdigest()[:8]
    return machine, hashlib.sha256(boot).hexdigest()[:12] if boot else _UNKNOWN


def _new_mark() -> str:
    machine, boot = _here()
    return f"faceblur-{machine}-{boot}-{secrets.token_hex(8)}"


class Partial:
    """A new, empty file beside the one that it will become; ours alone until `keep` or `discard`. Raises OSError.

    mode: its permissions; None for what the umask leaves of rw-rw-rw-.
    """

    def __init__(self, target: Path, mode: int | None = None):
        start = os.fsencode(target.stem)[:60].decode("utf-8", "ignore")
        suffix = target.suffix if _SUFFIX.fullmatch(target.suffix) else ""
        while True:
            self.path = target.with_name(f".{start}-{_new_mark()}{suffix}")
            self._note = remember(self._remove)
            try:
                self._file: int | None = os.open(self.path, _EXCLUSIVE, 0o666 if mode is None else 0o600)
            except BaseException:
                forget(self._note)
                raise
            if _hold(self._file):
                break
            self.discard()  # another run took it for a leftover in the moment before it was locked
        if mode is not None:
            self.path.chmod(mode)

    def write(self, data: bytes) -> None:
        """Append. Raises OSError."""
        assert self._file is not None
        write_all(self._file, data)

    def keep(self, target: Path) -> None:
        """Give it its name. Raises OSError."""
        if os.name == "nt":
            self._close()
        self.path.replace(target)
        self._close()
        forget(self._note)

    def discard(self) -> None:
        """Remove it, if it is still there. On Windows that needs whoever else has it open to close it first."""
        self._close()
        self._remove()
        forget(self._note)

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)


@contextmanager
def working_folder(parent: str | Path) -> Iterator[Path]:
    """A folder of our own in `parent`, for this user only, removed with all that is in it. Raises OSError."""
    sweep(parent)
    parent = Path(parent)
    while True:
        folder = parent / f".{_new_mark()}"
        note = remember(partial(shutil.rmtree, folder, ignore_errors=True))
        try:
            folder.mkdir(mode=0o700)
            lock = os.open(folder / _LOCK, _EXCLUSIVE, 0o600)
        except FileNotFoundError:
            forget(note)
            if not parent.is_dir():
                raise
            continue  # another run took the empty folder for a leftover
        if _hold(lock):
            break
        os.close(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        forget(note)


_swept: set[Path] = set()


def sweep(folder: str | Path, *, again: bool = False) -> None:
    """Remove what killed runs left in this folder; once a process unless `again`."""
    folder = Path(folder).absolute()
    if fcntl is None or _here()[1] == _UNKNOWN or (folder in _swept and not again):
        return
    _swept.add(folder)
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if "faceblur-" not in path.name:
                continue
            if mark := _FILE.fullmatch(path.name):
                _sweep_file(path, mark["boot"])
            elif mark := _FOLDER.fullmatch(path.name):
                _sweep_folder(path, mark["boot"])


def _sweep_file(path: Path, boot: str) -> None:
    with _left_behind(path, boot) as is_left:
        if is_left:
            path.unlink()


def _sweep_folder(folder: Path, boot: str) -> None:
    """A working folder: of this user, closed to others, and with nothing in it but what we put there."""
    with contextlib.suppress(OSError):
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            return
        names = [path.name for path in folder.iterdir()]
        if not names:
            if _machine_of(folder.name) == _here()[0]:
                folder.rmdir()
            return
        if not all(_CONTENT.fullmatch(name) or _FILE.fullmatch(name) for name in names):
            return
        with _left_behind(folder / _LOCK, boot, machine_of=folder.name) as is_left:
            if is_left:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _left_behind(path: Path, boot: str, machine_of: str | None = None) -> Iterator[bool]:
    """Whether this is a file of ours whose maker no longer lives; it stays locked in the block."""
    name = machine_of or path.name
    file = None
    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        is_left = _is_ours(file, name, boot) and _hold(file, strictly=True)
        yield is_left and os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        if file is None:
            yield False
    finally:
        if file is not None:
            os.close(file)


def _is_ours(file: int, name: str, boot: str) -> bool:
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_nlink != 1:
        return False
    if _machine_of(name) != _here()[0]:
        return False
    # Of an earlier start of this machine, and not written since: else it may be another machine of the same name.
    return boot == _here()[1] or about.st_mtime < _started_at()


def _machine_of(name: str) -> str | None:
    mark = _FILE.fullmatch(name) or _FOLDER.fullmatch(name)
    return mark["machine"] if mark else None


def _started_at() -> float:
    """When this machine was started, in seconds since 1970."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _hold(file: int, *, strictly: bool = False) -> bool:
    """Lock a file for as long as it is open. strictly: False where the file system cannot lock, too."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return not strictly
    return os.fstat(file).st_nlink > 0 or os.name == "nt"


def write_all(file: int, data: bytes) -> None:
    """All of it, into whatever it is. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]

"""The doors to the file system: what is written, whole or not at all; what is read from others, within limits.

`Replacement` is the one way out: written beside under a name that nobody can guess, then renamed. A symbolic link is
followed, and stays; what is no regular file (a device, a pipe) is written into by `write_bytes`, never replaced.
`read_json` (in `foreign`) is the one way in.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import OutputError
from .foreign import parse_json, read_json
from .partials import Partial, sweep, write_all
from .patience import tries
from .undo import about_to_move

__all__ = [
    "Replacement", "check_targets", "free_name", "make_folder", "parse_json", "read_json", "sha256_of",
    "sha256_of_parts", "write_bytes", "write_text",
]  # fmt: skip

_READER_S = 30.0  # for how long a pipe may have nobody who reads it


@dataclass(frozen=True)
class _Place:
    """Where a name leads. path: links followed. mode: what is there, None for nothing. descriptor: /dev/stdout and such
    are one of our own open files.
    """

    name: Path
    path: Path
    mode: int | None = None
    descriptor: int | None = None

    @property
    def is_special(self) -> bool:
        """A device, a pipe, or an open file that has no name: it is written into as it is."""
        return self.descriptor is not None or (self.mode is not None and not stat.S_ISREG(self.mode))


def _place(name: str | Path) -> _Place:
    """Raises OutputError for what cannot be written to, whatever is done about it."""
    name = Path(name)
    try:
        descriptor = _descriptor(name)
        if descriptor is not None:
            return _Place(name, name, os.fstat(descriptor).st_mode, descriptor)
        path, mode = Path(os.path.realpath(name)), None
        with contextlib.suppress(FileNotFoundError):
            mode = name.stat().st_mode
    except (OSError, ValueError) as problem:
        raise OutputError(f"{name}: cannot be written ({reason(problem)})") from problem
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{name}: cannot be written (it is a folder; name a file in it)")
    if mode is not None and (stat.S_ISBLK(mode) or stat.S_ISSOCK(mode)):
        what = "a disk" if stat.S_ISBLK(mode) else "a socket"
        raise OutputError(f"{name}: is {what}; give a file, or a pipe for what is not a video")
    return _Place(name, path, mode)


def _descriptor(path: Path) -> int | None:
    """Which of our own open files a name such as /dev/stdout leads to; None for every other name."""
    for _ in range(40):  # as many links as the system follows
        folder = os.path.realpath(path.parent)
        if folder in ("/dev/fd", f"/proc/{os.getpid()}/fd") and path.name.isdecimal():
            number = int(path.name)
            # The command gives the codec libraries another standard error; see `cli.guard`.
            return sys.stderr.fileno() if number == 2 and sys.stderr is not None else number
        if not path.is_symlink():
            return None
        path = Path(folder, path.readlink())
    return None


class Replacement:
    """A file that becomes `path` when it is complete. `partial`: where to write meanwhile; `keep` or `discard` end it.

    A link is followed. An earlier file keeps its permissions, a new one has those of the umask. Raises OutputError
    when the name or its folder cannot be used, and for what is no regular file.
    """

    def __init__(self, path: str | Path):
        self.path, place = Path(path), _place(path)
        _check_place(place)
        if place.is_special:
            raise OutputError(f"{path}: is a pipe or a device; give this output the name of a file")
        sweep(place.path.parent)
        self._target = place.path
        mode = None if place.mode is None else stat.S_IMODE(place.mode) & 0o777
        try:
            self._file = Partial(place.path, mode)
        except OSError as problem:
            raise OutputError(f"{path}: cannot be written ({reason(problem)})") from problem
        self.partial = self._file.path

    def write(self, data: bytes) -> None:
        """Append to what will be the file. Raises OSError."""
        self._file.write(data)

    def keep(self) -> None:
        """Raises OSError."""
        about_to_move(self.partial, self.path)
        self._file.keep(self._target)

    def discard(self) -> None:
        """May be called again: on Windows, no open file can be removed."""
        self._file.discard()


def write_bytes(path: str | Path, data: bytes) -> None:
    """Whole or not at all; into a device or a pipe as it is. Raises OutputError."""
    place, replacement = _place(path), None
    try:
        if place.is_special:
            _pour(place, data)
            return
        replacement = Replacement(path)
        replacement.write(data)
        replacement.keep()
    except OSError as problem:
        raise OutputError(f"{path}: cannot be written ({reason(problem)})") from problem
    finally:
        if replacement is not None:
            replacement.discard()


def write_text(path: str | Path, text: str) -> None:
    """`write_bytes`, of text in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def _pour(place: _Place, data: bytes) -> None:
    """Write into what is no regular file. Raises OSError; also when nobody reads a pipe for half a minute."""
    if place.descriptor is not None:
        for stream in (sys.stdout, sys.stderr):  # what was printed before stands before it
            if stream is not None:
                stream.flush()
        write_all(place.descriptor, data)
        return
    file = _opened(place)
    try:
        os.set_blocking(file, True)
        write_all(file, data)
    finally:
        os.close(file)


def _opened(place: _Place) -> int:
    """A device, or a pipe that somebody reads."""
    for _ in tries(_READER_S, 0.05):
        try:
            return os.open(place.name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as problem:
            if problem.errno != errno.ENXIO or not stat.S_ISFIFO(place.mode or 0):
                raise
    raise OSError(errno.ENXIO, "nobody reads from this pipe")


def check_targets(targets: Iterable[str | Path | None], inputs: Iterable[str | Path | None] = ()) -> None:
    """Refuse what could not be written, before minutes of work are spent on it.

    Raises OutputError for a folder that is missing or closed to us, for a name that is a folder, and for a
    file that would be written over another target or over one of the inputs. None stands for what was not
    asked for.
    """
    taken = {Path(os.path.realpath(path)) for path in inputs if path is not None}
    for target in targets:
        if target is None:
            continue
        place = _place(target)
        _check_place(place)
        if place.is_special:
            continue
        if place.path in taken:
            raise OutputError(f"{target}: is needed for something else; give this output another name")
        taken.add(place.path)


def _check_place(place: _Place) -> None:
    """Raises OutputError when it is plain that it could not be written."""
    if place.is_special:
        if place.descriptor is None and not os.access(place.name, os.W_OK):
            raise OutputError(f"{place.name}: no permission to write into it")
        return
    folder = place.path.parent
    if not folder.is_dir():
        raise OutputError(f"{place.name}: cannot be written (the folder {folder} does not exist)")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{place.name}: cannot be written (no permission to write into {folder})")
    if place.mode is not None and not os.access(place.path, os.W_OK):
        raise OutputError(f"{place.name}: is write-protected; give this output another name")


def free_name(path: Path, addition: str) -> Path:
    """A name beside `path` that nothing has yet, made with an addition to its stem; reserved by an empty file.

    Raises OutputError.
    """
    room = 240 - len(os.fsencode(addition + path.suffix))
    stem = os.fsdecode(os.fsencode(path.stem)[:room])
    for number in range(1, 1000):
        name = path.with_name(f"{stem}{addition}{'' if number == 1 else f'_{number}'}{path.suffix}")
        try:
            with name.open("xb"):
                return name
        except FileExistsError:
            continue
        except OSError as problem:
            raise OutputError(f"{name}: cannot be written ({reason(problem)})") from problem
    raise OutputError(f"{path}: a thousand names like it are taken; give this output another one")


def make_folder(path: str | Path) -> Path:
    """The folder, made when it is not there. Raises OutputError."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as problem:
        raise OutputError(f"{path}: the folder cannot be made ({reason(problem)})") from problem
    if not os.access(path, os.W_OK):
        raise OutputError(f"{path}: no permission to write into this folder")
    return path


def sha256_of(path: str | Path) -> str:
    """The digest of a file's content, 64 hexadecimal digits. Raises OSError."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_parts(path: str | Path, first: int, other: int) -> str:
    """The SHA-256 of the SHA-256 of a file's parts: its first `first` bytes, then `other` bytes each. So S3 has it."""
    whole, size = hashlib.sha256(), first
    with Path(path).open("rb") as file:
        while part := file.read(max(1, size)):
            whole.update(hashlib.sha256(part).digest())
            size = other
    return whole.hexdigest()


def reason(problem: Exception) -> str:
    """What failed, in a few words."""
    return getattr(problem, "strerror", None) or str(problem)

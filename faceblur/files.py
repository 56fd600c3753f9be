"""Writing small files whole or not at all; refusing early what could not be written. Imports `errors`
only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from .errors import OutputError


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write beside, then rename. Raises OutputError."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as problem:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({problem.strerror})") from problem


def write_text(path: str | Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def check_targets(targets: Iterable[str | Path | None], inputs: Iterable[str | Path | None] = ()) -> None:
    """Refuse what could not be written, before minutes of work are spent on it.

    Raises OutputError for a folder that is missing or closed to us, for a name that is a folder, and for a
    file that would be written over another target or over one of the inputs. None stands for what was not
    asked for.
    """
    taken = {Path(path).resolve() for path in inputs if path is not None}
    for target in targets:
        if target is None:
            continue
        path = Path(target)
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; name a file in it")
        if not path.parent.is_dir():
            raise OutputError(f"{path}: the folder {path.parent} does not exist")
        if not os.access(path.parent, os.W_OK):
            raise OutputError(f"{path}: no permission to write into {path.parent}")
        if path.resolve() in taken:
            raise OutputError(f"{path}: is needed for something else; give this output another name")
        taken.add(path.resolve())


def make_folder(path: str | Path) -> Path:
    """The folder, made when it is not there. Raises OutputError."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"{path}: the folder cannot be made ({problem.strerror})") from problem
    if not os.access(path, os.W_OK):
        raise OutputError(f"{path}: no permission to write into this folder")
    return path


def sha256_of(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

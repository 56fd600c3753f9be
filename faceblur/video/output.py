"""A file that is written beside its final name, which it gets only when it is complete."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ..errors import OutputError

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


class Output:
    """Raises OutputError when the name or its folder cannot be used. `partial`: where to write meanwhile."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if self.path.suffix.lower() not in CONTAINERS:
            raise OutputError(f"{path}: the name must end in one of {', '.join(CONTAINERS)}")
        if self.path.is_dir():
            raise OutputError(f"{path}: is a folder; name a file in it")
        if not self.path.parent.is_dir():
            raise OutputError(f"{path}: the folder {self.path.parent} does not exist")
        try:
            handle, name = tempfile.mkstemp(
                suffix=self.path.suffix, prefix=f".{self.path.stem[:100]}-", dir=self.path.parent
            )
        except OSError as problem:
            raise OutputError(f"{path}: cannot be written ({problem.strerror})") from problem
        os.close(handle)
        self.partial = Path(name)

    @property
    def container_format(self) -> str:
        return CONTAINERS[self.path.suffix.lower()]

    def keep(self) -> None:
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(self.partial, 0o666 & ~mask)
        os.replace(self.partial, self.path)

    def discard(self) -> None:
        with contextlib.suppress(
            OSError
        ):  # Windows removes no open file; it is called again when it is closed
            self.partial.unlink()


def check_output(source: str | Path, path: str | Path) -> None:
    """Find out before hours of work whether `path` can be written. Raises OutputError, also when it is the
    source.
    """
    source, path = Path(source), Path(path)
    if source.exists() and path.exists() and source.samefile(path):
        raise OutputError(f"{path}: is the input itself; give the output another name")
    Output(path).discard()

"""A video file that is written beside its final name, which it gets only when it is complete."""

from __future__ import annotations

from pathlib import Path

from ...errors import OutputError
from ...files import Replacement
from ..reading.ranged import Source

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


class Output(Replacement):
    """Raises OutputError when the name or its folder cannot be used, and for a pipe or a device: the writer goes back
    in the file, and the report reads it again.
    """

    def __init__(self, path: str | Path):
        if Path(path).suffix.lower() not in CONTAINERS:
            raise OutputError(f"{path}: the name must end in one of {', '.join(CONTAINERS)}")
        super().__init__(path)

    @property
    def container_format(self) -> str:
        return CONTAINERS[self.path.suffix.lower()]


def check_output(source: Source, path: str | Path) -> None:
    """Find out before hours of work whether `path` can be written. Raises OutputError, also when it is the
    source.
    """
    source, path = Path(str(source)), Path(path)
    if source.exists() and path.exists() and source.samefile(path):
        raise OutputError(f"{path}: is the input itself; give the output another name")
    Output(path).discard()

"""Where a video file is written: beside its final name, which it gets only when it is complete, or out as it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ...errors import OutputError
from ...files import Replacement
from ..reading.ranged import RangedFile, Source

_BESIDE_INDEX = 4096  # bytes: the boxes before and after the index
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
        """FFmpeg's name of the format, by the name's ending."""
        return CONTAINERS[self.path.suffix.lower()]

    @property
    def target(self) -> str:
        """Where PyAV writes meanwhile."""
        return str(self.partial)

    @property
    def options(self) -> dict[str, str]:
        """The muxer's, for MP4 and MOV: the index goes to the front, once all is written."""
        return {"movflags": "+faststart"}


class StreamedOutput:
    """An MP4 file that goes out while it is written; the index in front is written last, into room left for it.

    make_file(head_bytes): opens what is written into, front to back but for its first `head_bytes`, which may be gone
    back to until the end; each packet of sound is one call of its `write`. index_bytes: room for the index.
    """

    container_format = "mp4"

    def __init__(self, make_file: Callable[[int], BinaryIO], index_bytes: int):
        self.target = make_file(index_bytes + _BESIDE_INDEX)
        self.path = self.target.name
        self.options = {"moov_size": str(index_bytes), "flush_packets": "1"}

    def keep(self) -> None:
        """Whoever made the file knows what to do with it."""

    def discard(self) -> None:
        """The same."""


def check_output(source: Source, path: str | Path) -> None:
    """Find out before hours of work whether `path` can be written. Raises OutputError, also when it is the
    source.
    """
    path = Path(path)
    if not isinstance(source, RangedFile):  # whose name is no file's here
        source = Path(source)
        if source.exists() and path.exists() and source.samefile(path):
            raise OutputError(f"{path}: is the input itself; give the output another name")
    Output(path).discard()

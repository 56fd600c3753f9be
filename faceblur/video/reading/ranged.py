"""A file that lies elsewhere and is read in parts: what is asked for is fetched, and little of it is kept."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

BLOCK = 256 * 1024
_MOST_AHEAD = 16  # blocks that one request fetches while reading goes on where it was: 4 MiB
_GAP = 4  # blocks that may be left out, and still it goes on: sound is read between the pictures
_ENDS = 8  # places at which reading may go on: sound and picture may lie far apart
_KEPT_CONTENT = 48  # blocks of the media data that are kept: 12 MiB
_KEPT_INDEX = 256  # and of what stands around them, which every opening reads: 64 MiB
_TOLD = 1024 * 1024  # bytes at the beginning of the media data that an outline holds as they are
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"udta", b"meta")


class RangedFile:
    """name: for messages, and a hint of its kind. size: bytes. fetch(start, end): these bytes, end not included; what
    it raises ends every further reading, so that a part which could not be fetched is never taken for the file's end.

    fetched, requests: bytes and calls of `fetch` so far.

    >>> data = Path("in.mp4").read_bytes()
    >>> there = RangedFile("in.mp4", len(data), lambda start, end: data[start:end])
    >>> faceblur.probe(there) == faceblur.probe("in.mp4")
    True
    """

    def __init__(self, name: str, size: int, fetch: Callable[[int, int], bytes]):
        self.name, self.size, self._fetch = name, size, fetch
        self.fetched = self.requests = 0
        self.problem: Exception | None = None
        self._lock = threading.RLock()
        self._content: OrderedDict[int, bytes] = OrderedDict()
        self._index: OrderedDict[int, bytes] = OrderedDict()
        self._ends: OrderedDict[int, int] = OrderedDict()  # block after a request -> how many blocks that one took

    def __str__(self) -> str:
        return self.name

    def open(self, outline: bool = False) -> OpenedRange:
        """The file, to be read and gone about in. outline: its media data may read as zeros, where the index tells what
        lies there: enough for the sizes and times of packets, and nothing of them is fetched.
        """
        places = self.media_data
        return OpenedRange(self, places if outline else ())

    def forget(self) -> None:
        """Give back the memory of what is kept."""
        with self._lock:
            self._content.clear()
            self._index.clear()

    def read(self, start: int, end: int) -> bytes:
        """These bytes, end not included; fewer at the end of the file."""
        end = min(end, self.size)
        if start >= end:
            return b""
        with self._lock:
            blocks = range(start // BLOCK, (end - 1) // BLOCK + 1)
            joined = b"".join([self._block(number) for number in blocks])
        first = blocks[0] * BLOCK
        return joined[start - first : end - first]

    @cached_property
    def media_data(self) -> tuple[tuple[int, int], ...]:
        """Where the packets lie (start, end) in an MP4 or MOV file whose index stands for itself, else nothing."""
        at, found = 0, []
        while at + 8 <= self.size:
            head = self.read(at, at + 16)
            length, kind, taken = int.from_bytes(head[:4]), head[4:8], 8
            if length == 1:
                length, taken = int.from_bytes(head[8:16]), 16
            length = length or self.size - at
            if kind not in _BOXES or length < taken:
                return ()
            if kind == b"mdat":
                found.append((at + taken, min(at + length, self.size)))
            at += length
        return tuple(found)

    def _block(self, number: int) -> bytes:
        for kept in (self._content, self._index):
            if number in kept:
                kept.move_to_end(number)
                return kept[number]
        before = next((end for end in range(number, number - _GAP, -1) if end in self._ends), None)
        wanted = 1 if before is None else 2 * self._ends.pop(before)
        count = min(wanted, _MOST_AHEAD, -(-self.size // BLOCK) - number)
        data = self._fetched(number * BLOCK, min((number + count) * BLOCK, self.size))
        self._ends[number + count] = count
        if len(self._ends) > _ENDS:
            self._ends.popitem(last=False)
        for place in reversed(range(count)):
            self._keep(number + place, data[place * BLOCK : (place + 1) * BLOCK])
        return data[:BLOCK]

    def _fetched(self, start: int, end: int) -> bytes:
        if self.problem is None:
            try:
                data = self._fetch(start, end)
                if len(data) != end - start:
                    raise EOFError(f"{self.name}: {len(data)} bytes came instead of {end - start}")
            except Exception as problem:
                self.problem = problem
        if self.problem is not None:
            raise self.problem
        self.fetched, self.requests = self.fetched + end - start, self.requests + 1
        return data

    def _keep(self, number: int, data: bytes) -> None:
        places = self.__dict__.get("media_data")  # it may be what is being read
        is_content = not places or any(a <= number * BLOCK and (number + 1) * BLOCK <= b for a, b in places)
        kept, most = (self._content, _KEPT_CONTENT) if is_content else (self._index, _KEPT_INDEX)
        kept[number] = data
        if len(kept) > most:
            kept.popitem(last=False)


Source = str | Path | RangedFile  # what can be read


class OpenedRange(io.RawIOBase):
    """zeros: (start, end) of what need not be true."""

    def __init__(self, file: RangedFile, zeros: tuple[tuple[int, int], ...]):
        self.name, self.file, self._at = file.name, file, 0
        self._zeros = tuple((start + _TOLD, end) for start, end in zeros)

    @property
    def is_outline(self) -> bool:
        return bool(self._zeros)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.file.size}[whence]
        return self._at

    def read(self, count: int = -1) -> bytes:
        end = self.file.size if count < 0 else min(self._at + count, self.file.size)
        is_blank = any(start <= self._at and end <= stop for start, stop in self._zeros)
        data = bytes(max(0, end - self._at)) if is_blank else self.file.read(self._at, end)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

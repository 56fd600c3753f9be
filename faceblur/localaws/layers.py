"""A layer of a container image, over what lies below it: https://github.com/opencontainers/image-spec (layer).

Whatever somebody made of it, nothing outside of the image's folder is touched, and no more memory is taken than a
reader of honest layers needs.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

from .limits import MAX_DEPTH, MAX_IMAGE_BYTES

OPAQUE, WHITEOUT = ".wh..wh..opq", ".wh."
PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
ZSTANDARD = b"\x28\xb5\x2f\xfd"
MAX_ENTRIES = 200_000
# A name of any length is in a header that tarfile reads at once; of files it reads less.
MAX_READ = 1 << 20


class ImageError(Exception):
    """The image cannot be used; the message says why, `name` what AWS Lambda calls it."""

    name = "Runtime.InvalidImage"


class Unpacked(io.RawIOBase):
    """The bytes of a layer, plain or packed. Nobody may ask for more than a header at once."""

    def __init__(self, blob: bytes):
        if blob.startswith(ZSTANDARD):
            raise ImageError("layers that are packed with zstandard are not read: build the image with gzip")
        unpacking = PACKED.get(blob[:2])
        self._stream: Any = unpacking(io.BytesIO(blob)) if unpacking else io.BytesIO(blob)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAX_READ:
            raise ImageError("a layer of the image has a header that is larger than 1 MB")
        return self._stream.read(size)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()


def apply_layer(blob: bytes, root: Path, room: int = MAX_IMAGE_BYTES) -> int:
    """Unpack one layer (plain, gzip, ...) over `root`, obeying whiteouts; device files are left out.

    Returns the bytes of its files. Raises ImageError for a layer that reaches outside its folder or needs more room.
    """
    size = count = 0
    with tarfile.open(fileobj=Unpacked(blob), mode="r:") as archive:
        while member := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]  # it would remember all of them
            size, count = size + member.size, count + 1
            if size > room or count > MAX_ENTRIES:
                what = "has more than 200,000 entries in a layer" if count > MAX_ENTRIES else "is larger than 10 GB"
                raise ImageError(f"the image {what} when it is unpacked")
            _apply(archive, member, root)
    return size


def _apply(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    path = _inside(root, member.name)
    if path.name == OPAQUE:
        for entry in path.parent.iterdir():
            _remove(entry)
    elif path.name.startswith(WHITEOUT):
        _remove(path.with_name(_hidden(path.name)))
    elif member.isfile() or member.isdir() or member.issym() or member.islnk():
        if path == root:
            if member.isdir():
                return
            raise ImageError("a layer of the image replaces its root folder")
        if path.is_symlink() or (path.exists() and path.is_dir() != member.isdir()) or path.is_file():
            _remove(path)
        if member.issym() or member.islnk():
            _link(root, path, member)
        else:
            _place(archive, member, path)


def _inside(root: Path, name: str) -> Path:
    """Where a member really lies, after the links that lead to its folder; its own name is not followed."""
    path = Path(os.path.normpath(root / name.lstrip("/")))
    if path == root:
        return path
    if root in path.parents:
        real, real_root = Path(os.path.realpath(path.parent)), Path(os.path.realpath(root))
        if real.is_relative_to(real_root) and len(real.parts) - len(real_root.parts) < MAX_DEPTH:
            return root / real.relative_to(real_root) / path.name
    raise ImageError(f"a layer of the image reaches outside its folder, or too deep into it: {name[:200]!r}")


def _link(root: Path, path: Path, member: tarfile.TarInfo) -> None:
    """A link to a place of the image. Not tarfile's: what cannot be linked it looks for in the layer, without end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        here = "/" + path.parent.relative_to(root).as_posix()
        path.symlink_to(os.path.relpath(os.path.normpath(Path(here, member.linkname)), here))
        return
    there = _inside(root, member.linkname)
    if not os.path.lexists(there):
        raise ImageError(f"a layer of the image links to what is not there: {member.linkname}")
    os.link(there, path, follow_symlinks=False)


def _hidden(name: str) -> str:
    """The name that a whiteout takes away."""
    hidden = name.removeprefix(WHITEOUT)
    if hidden in ("", ".", ".."):
        raise ImageError(f"a layer of the image has a whiteout of nothing: {name}")
    return hidden


def _place(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """A file or a folder that belongs to us and can be read by us. Not tarfile's, which Pythons before 3.11.4 do not
    keep from owners and modes.
    """
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(member)
    assert content
    with content, path.open("xb") as file:
        shutil.copyfileobj(content, file)
    path.chmod(member.mode & 0o755 | 0o600)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""Which videos a batch is made of and what each becomes; what was done before.

An input is a file, a folder (taken with its sub-folders, links to folders apart) or a pattern such as
"clips/**/*.mov". Below the output folder, a file keeps its path within the folder or behind the pattern's fixed part.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

from ..errors import DocumentError, InputError, OutputError
from ..files import read_json, sha256_of
from ..video import CONTAINERS, SUFFIXES

_LONGEST_NAME = 255  # bytes of a name, on every common file system
VIDEOS = tuple(dict.fromkeys((*CONTAINERS, *SUFFIXES)))  # in a folder; a file that is named may be called anything
_NAMED = 12  # of these in a message


@dataclass(frozen=True)
class Pair:
    """One video of a batch and the file that it becomes."""

    source: Path
    output: Path


@dataclass(frozen=True)
class _Found:
    """base: where sub-paths begin. pattern: its parts; () is a file that was named, ("**",) a whole folder."""

    base: Path
    pattern: tuple[str, ...]
    files: tuple[Path, ...]
    others: int = 0

    def takes(self, path: Path) -> bool:
        """Whether a file at this resolved path would be collected with these."""
        base = self.base.resolve()
        return base in path.parents and _matches(path.relative_to(base).parts, self.pattern)


def is_batch(inputs: Sequence[str]) -> bool:
    """More than one video may be meant: several inputs, a folder, or a pattern."""
    return len(inputs) > 1 or os.path.isdir(inputs[0]) or _is_pattern(inputs[0])


def pair_up(inputs: Iterable[str], folder: str | Path) -> tuple[list[Pair], int]:
    """The videos and their outputs in `folder`, in order; how many other names were left out.

    Raises InputError when an input holds no video, OutputError when `folder` is a file, two outputs would have the
    same name, or an output would be an input, now or in the next run. Writes nothing.
    """
    collected, folder = [_collect(name) for name in inputs], Path(folder)
    if not folder.is_dir() and (folder.exists() or folder.suffix.lower() in VIDEOS):
        raise OutputError(f"{folder}: is no folder; several videos, a folder or a pattern need one, as the last name")
    pairs: dict[Path, Pair] = {}
    for found in collected:
        for path in found.files:
            output = folder / path.relative_to(found.base)
            if output.suffix.lower() not in CONTAINERS:
                output = output.with_suffix(".mp4")
            pairs.setdefault(path.resolve(), Pair(path, output))
    _check_outputs(pairs, collected, folder)
    return list(pairs.values()), sum(found.others for found in collected)


def _check_outputs(pairs: dict[Path, Pair], collected: list[_Found], folder: Path) -> None:
    taken: dict[str, Pair] = {}
    for pair in pairs.values():
        target = pair.output.resolve()
        if target in pairs:
            raise OutputError(f"{pair.output}: would be written over an input; name another output folder")
        if any(found.takes(target) for found in collected):
            raise OutputError(
                f"{folder}: the results would lie among the inputs and be blurred again the next time; "
                "name an output folder elsewhere"
            )
        other = taken.setdefault(os.path.normcase(target), pair)
        if other is not pair:
            raise OutputError(
                f"{pair.output}: both {other.source} and {pair.source} would become this file; "
                "rename one, or give them another output folder"
            )


def _collect(name: str) -> _Found:
    if os.path.isdir(name):
        found = _collect_folder(Path(name))
    elif _is_pattern(name):
        found = _collect_pattern(Path(name))
    else:
        return _Found(Path(name).parent, (), (Path(name),))
    if not found.files:
        kinds = ", ".join(VIDEOS[:_NAMED])
        raise InputError(
            f"{name}: no video in this folder or of this pattern (looked for {kinds} and {len(VIDEOS) - _NAMED} more)"
        )
    return found


def _collect_folder(base: Path) -> _Found:
    def refuse(problem: OSError) -> NoReturn:
        raise InputError(f"{problem.filename}: the folder cannot be read ({problem.strerror})") from problem

    files = []
    for folder, folders, names in os.walk(base, onerror=refuse):
        links = [name for name in folders if Path(folder, name).is_symlink()]  # not followed, but counted
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(folder, name) for name in sorted(names + links)]
    return _only_videos(base, ("**",), files)


def _collect_pattern(path: Path) -> _Found:
    fixed = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
    base, pattern = Path(*path.parts[:fixed]), path.parts[fixed:]
    # Not Path.glob, which finds names that begin with a dot, too.
    found = sorted(set(glob.glob(str(Path(*pattern)), root_dir=base, recursive=True)))  # noqa: PTH207
    files = [base / name for name in found if (base / name).is_file()]
    if not glob.has_magic(path.suffix) and path.suffix:  # who writes *.gif means them
        return _Found(base, pattern, tuple(files))
    return _only_videos(base, pattern, files)


def _only_videos(base: Path, pattern: tuple[str, ...], files: list[Path]) -> _Found:
    """Names that begin with a dot are what systems and half-done runs leave, not videos."""
    videos = tuple(path for path in files if path.suffix.lower() in VIDEOS and not path.name.startswith("."))
    return _Found(base, pattern, videos, len(files) - len(videos))


def _is_pattern(name: str) -> bool:
    return glob.has_magic(name) and not os.path.exists(name)


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path is one that `glob` would find; ** stands for any number of folders, at the end for all files."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return len(pattern) == 1 or any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def record_of(output: str | Path) -> Path:
    """Where the report of an output is written, which says from what and how it was made."""
    output, ending = Path(output), ".report.json"
    name = os.fsencode(output.name)
    if len(name) + len(ending) > _LONGEST_NAME:  # shortened, and told apart by the whole name's digest
        digest = hashlib.sha256(name).hexdigest()[:16]
        name = f"{name[: _LONGEST_NAME - 30].decode('utf-8', 'ignore')}-{digest}".encode()
    return output.with_name(f"{os.fsdecode(name)}{ending}")


def is_done(source: str | Path, output: str | Path, record: str | Path, asked: dict) -> bool:
    """Whether `record` tells that `output`, as it is now, was made of `source`, as it is now, as it was `asked` for.

    Content is compared by SHA-256. Whatever is missing or cannot be read is not done.
    """
    if not os.path.isfile(record):  # a pipe would be waited for
        return False
    try:
        report: Any = read_json(record)
        return (
            _with_new_words(report["asked"]) == asked
            and report["output"]["sha256"] == sha256_of(output)
            and report["input"]["sha256"] == sha256_of(source)
        )
    except (DocumentError, OSError, AttributeError, KeyError, TypeError, IndexError):
        return False


def _with_new_words(asked: dict) -> dict:
    """What a report says was asked for; `keep` is what `show` was called once."""
    return {"show" if key == "keep" else key: value for key, value in asked.items()}

"""Plans and reports of long videos: an index, and a file for each segment, so that nobody has to send them whole.

The index names its files, in a folder beside it, each with its SHA-256. What is listed by segment (frames, tracks,
parts to review) stands in them alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from .errors import DetectionsError
from .foreign import check_shape, parse_json, read_json

_SEGMENTS = {"segments": [{"name": str, "sha256": str}]}
_TRACK = {"track": int, "boxes": [list], "needs_review": [list], "visible": bool}
_NAME = re.compile(r"(?!\.\.?/)[^/\\]+/\d{5}\.(plan|report)\.json")


def read_document(path: str | Path, hint: str = "") -> object:
    """`read_json`, also of an index with the files that belong to it. Raises DetectionsError."""
    content = read_json(path, hint)
    if not isinstance(content, dict) or "segments" not in content:
        return content
    return assemble(content, Path(path).as_posix(), lambda name: Path(name).read_bytes())


def assemble(index: dict, name: str, read: Callable[[str], bytes]) -> dict:
    """The whole document. name: of the index, with its folders (or its key); read: gives a file of such a name.

    Raises DetectionsError when a file is missing or is not the one that the index names.
    """
    check_shape(index, _SEGMENTS)
    whole = {key: value for key, value in index.items() if key != "segments"}
    for segment in index["segments"]:
        for key, rows in _part(segment, name, read).items():
            whole.setdefault(key, []).extend(rows)
    if "tracks" in whole:
        whole["tracks"] = _once_each(whole["tracks"])
    return whole


def _part(segment: dict, index: str, read: Callable[[str], bytes]) -> dict[str, list]:
    if not _NAME.fullmatch(segment["name"]):
        raise DetectionsError(f"{index}: its segments are not called as they should be")
    path = str(PurePosixPath(index).parent / segment["name"])
    try:
        data = read(path)
    except OSError as problem:
        raise DetectionsError(f"{path}: belongs to {index} and cannot be read ({problem.strerror})") from problem
    if hashlib.sha256(data).hexdigest() != segment["sha256"]:
        raise DetectionsError(f"{path}: is not the file that {index} names; take both from the same place")
    content = parse_json(data)
    if not isinstance(content, dict) or not all(isinstance(rows, list) for rows in content.values()):
        raise DetectionsError(f"{path}: not a part of a plan or a report")
    return content


def _once_each(tracks: list) -> list:
    """Who crosses a border between segments has a part in each of them: one track, visible where all parts are."""
    whole: dict[int, dict] = {}
    for track in tracks:
        check_shape(track, _TRACK)
        if not {"track", "boxes"} <= set(track):
            raise DetectionsError("a track has a number and boxes")
        first = whole.get(track["track"])
        if first is None:
            whole[track["track"]] = {**track, "boxes": list(track["boxes"])}
            continue
        first["boxes"] += track["boxes"]
        first["needs_review"] = [*first.get("needs_review", ()), *track.get("needs_review", ())]
        first["visible"] = bool(first.get("visible")) and bool(track.get("visible"))
        first["end_ms"] = track.get("end_ms")
    return list(whole.values())

"""Plans and reports of long videos: an index, and a file for each segment, so that nobody has to send them whole.

The index names its files, in a folder beside it, each with its SHA-256. What is listed by segment (frames, tracks,
parts to review) stands in them alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from .errors import DocumentError
from .foreign import NUMBER, check_shape, parse_json, read_json
from .shapes import Interval

_SEGMENTS = {"segments": [{"name": str, "sha256": str}]}
_TRACK = {"track": int, "boxes": [list], "needs_review": [[NUMBER]], "visible": bool}
_REVIEW = {"track": int, "start_ms": NUMBER, "end_ms": NUMBER}
_NAME = re.compile(r"(?!\.\.?/)[^/\\]+/\d{5}\.(plan|report)\.json")


def read_document(path: str | Path, hint: str = "") -> object:
    """`read_json`, also of an index with the files that belong to it. Raises DocumentError."""
    content = read_json(path, hint)
    if not isinstance(content, dict) or "segments" not in content:
        return content
    return assemble(content, Path(path).as_posix(), lambda name: Path(name).read_bytes())


def assemble(index: dict, name: str, read: Callable[[str], bytes]) -> dict:
    """The whole document. name: of the index, with its folders (or its key); read: gives a file of such a name.

    Raises DocumentError when a file is missing or is not the one that the index names.
    """
    check_shape(index, _SEGMENTS)
    parts: dict[str, list[list]] = {}
    for segment in index["segments"]:
        for key, rows in _part(segment, name, read).items():
            parts.setdefault(key, []).append(rows)
    joined = {"tracks": _once_each, "needs_review": _reviewed}
    whole = {key: value for key, value in index.items() if key != "segments"}
    return whole | {key: joined.get(key, _in_a_row)(lists) for key, lists in parts.items()}


def across_borders(parts: Iterable[Sequence[Interval]]) -> list[Interval]:
    """Intervals by segment, in order, as those of the whole: one that both sides of a border know, each as far as it
    sees, is one.
    """
    whole: list[Interval] = []
    for part in parts:
        for number, (start, end) in enumerate(part):
            if number == 0 and whole and start <= whole[-1][1]:
                earlier = whole.pop()
                start, end = min(start, earlier[0]), max(end, earlier[1])
            whole.append((start, end))
    return whole


def _part(segment: dict, index: str, read: Callable[[str], bytes]) -> dict[str, list]:
    if not _NAME.fullmatch(segment["name"]):
        raise DocumentError(f"{index}: its segments are not called as they should be")
    path = str(PurePosixPath(index).parent / segment["name"])
    try:
        data = read(path)
    except OSError as problem:
        raise DocumentError(f"{path}: belongs to {index} and cannot be read ({problem.strerror})") from problem
    if hashlib.sha256(data).hexdigest() != segment["sha256"]:
        raise DocumentError(f"{path}: is not the file that {index} names; take both from the same place")
    content = parse_json(data)
    if not isinstance(content, dict) or not all(isinstance(rows, list) for rows in content.values()):
        raise DocumentError(f"{path}: not a part of a plan or a report")
    return content


def _in_a_row(parts: list[list]) -> list:
    return [row for rows in parts for row in rows]


def _once_each(parts: list[list]) -> list:
    """Who crosses a border between segments has a part in each of them: one track, visible where all parts are."""
    whole: dict[int, list[dict]] = {}
    for track in _in_a_row(parts):
        check_shape(track, _TRACK)
        if not {"track", "boxes"} <= set(track):
            raise DocumentError("a track has a number and boxes")
        whole.setdefault(track["track"], []).append(track)
    return [_one_track(rows) if len(rows) > 1 else rows[0] for rows in whole.values()]


def _one_track(rows: list[dict]) -> dict:
    reviews = [_intervals(row.get("needs_review", ())) for row in rows]
    return rows[0] | {
        "boxes": [box for row in rows for box in row["boxes"]],
        "needs_review": [list(interval) for interval in across_borders(reviews)],
        "visible": all(row.get("visible") for row in rows),
        "end_ms": rows[-1].get("end_ms"),
    }


def _intervals(pairs: Iterable[Sequence[float]]) -> list[Interval]:
    if any(len(pair) != 2 for pair in pairs):
        raise DocumentError("a part to review has a start and an end")
    return [(pair[0], pair[1]) for pair in pairs]


def _reviewed(parts: list[list]) -> list:
    """The parts to review of a report, as it would list them if it was of the whole video: by track."""
    tracks: dict[int, list[list[Interval]]] = {}
    for rows in parts:
        here: dict[int, list[Interval]] = {}
        for row in rows:
            check_shape(row, _REVIEW)
            if not _REVIEW.keys() <= set(row):
                raise DocumentError("a part to review has a track, a start and an end")
            here.setdefault(row["track"], []).append((row["start_ms"], row["end_ms"]))
        for track, intervals in here.items():
            tracks.setdefault(track, []).append(intervals)
    return [
        {"track": track, "start_ms": start, "end_ms": end}
        for track, reviews in tracks.items()
        for start, end in across_borders(reviews)
    ]

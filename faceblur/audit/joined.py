"""Proof of a file that was joined of pieces that were proven one by one: its index says that they, all of them and
nothing else, stand in it at their times, and beside them the original's sound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

from ..shapes import JsonObject
from ..video import Source
from ..video.reading.index import video_packets
from ..video.reading.sound import compare_sound


def describe_packets(piece: Source) -> JsonObject:
    """{"packets", "sha256"}: how many a piece's video has, and the SHA-256 of their times and sizes."""
    return _described(video_packets(piece))


def verify_joined(
    original: Source, joined: Source, pieces: Sequence[JsonObject], said: Iterable[str] = ()
) -> tuple[list[str], list[str]]:
    """(problems, notes), a line each. Of both files only the indexes are read, where they have one.

    pieces: what `describe_packets` said of each when it was proven, in order. said: the report's notes.
    """
    packets, problems = video_packets(joined), []
    for number, piece in enumerate(pieces):
        if _described(islice(packets, piece["packets"])) != {key: piece[key] for key in ("packets", "sha256")}:
            problems.append(f"segment {number} of the output is not the piece that was proven")
    if next(packets, None) is not None:
        problems.append("the output has more frames than the pieces that were proven")
    heard, notes = compare_sound(original, joined, tuple(said), by_size=True)
    return problems + heard, notes


def _described(packets: Iterable[tuple[int, int]]) -> JsonObject:
    count, digest = 0, hashlib.sha256()
    for time_ns, size in packets:
        count += 1
        digest.update(b"%d %d\n" % (time_ns, size))
    return {"packets": count, "sha256": digest.hexdigest()}

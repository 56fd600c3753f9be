"""Proof of a file that was joined of pieces that were proven one by one: its index says that they, all of them and
nothing else, stand in it at their times, and beside them the original's sound, bit for bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

from ..shapes import JsonObject
from ..video import CopiedSound, Source
from ..video.reading.index import video_packets
from ..video.reading.sound import compare_sound


def describe_packets(piece: Source) -> JsonObject:
    """{"packets", "sha256"}: how many a piece's video has, and the SHA-256 of their times and sizes."""
    return _described(video_packets(piece))


def verify_joined(
    original: Source, joined: Source, pieces: Sequence[JsonObject], sound: CopiedSound, said: Iterable[str] = ()
) -> tuple[list[str], list[str]]:
    """(problems, notes), a line each. Of both files only the indexes are read, where they have one.

    pieces: what `describe_packets` said of each when it was proven, in order. sound: what was seen of it while it was
    copied. said: the report's notes.
    """
    packets, problems = video_packets(joined), []
    for number, piece in enumerate(pieces):
        if _described(islice(packets, piece["packets"])) != {key: piece[key] for key in ("packets", "sha256")}:
            problems.append(f"segment {number} of the output is not the piece that was proven")
    if next(packets, None) is not None:
        problems.append("the output has more frames than the pieces that were proven")
    heard, notes = compare_sound(original, joined, tuple(said), copied=sound)
    return problems + heard, notes


def _described(packets: Iterable[tuple[int, int]]) -> JsonObject:
    count, digest = 0, hashlib.sha256()
    for time_ns, size in packets:
        count += 1
        digest.update(b"%d %d\n" % (time_ns, size))
    return {"packets": count, "sha256": digest.hexdigest()}


def add_up(verdicts: Sequence[JsonObject], notes: Sequence[str]) -> JsonObject:
    """The whole file's verdict, in the form of `Audit.to_json`, from those of its pieces."""
    sums = ("frames", "frames_looked_at", "faces_found", "faces_judged", "faces_too_small")
    most = max((each["detail_summary"]["max"] for each in verdicts if each["detail_summary"]), default=None)
    said = dict.fromkeys([*(note for each in verdicts for note in each["notes"]), *notes])
    return {
        "passed": all(each["passed"] is True for each in verdicts),
        "problems": [problem for each in verdicts for problem in each["problems"]],
        "notes": list(said),
        **{key: sum(each[key] for each in verdicts) for key in sums},
        "detail_summary": {} if most is None else {"max": most},
        "faces_left": [face for each in verdicts for face in each["faces_left"]],
    }

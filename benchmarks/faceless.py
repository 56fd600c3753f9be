#!/usr/bin/env python3
"""What is blurred where there is no face: slow pans and zooms over animals, toys, statues, posters and things.

    python benchmarks/faceless.py [FOLDER ...] [--packages DIR] [--kinds KIND ...] [--names NAME ...] [--no-made]
                                  [--jobs N] [--json FILE] [--keep DIR]

Clips of 4 s are made of pictures that packages carry (faceless_pictures.py says which, and how to get them) and of
drawn scenes (faceless_scenes.py), each twice: filling the view, and small in it. FOLDER: clips without
NAME.faces.json, and pictures, which are panned over, too; one in a folder named like a kind is of that kind, others
are `given`. Columns, over the ellipses that `faceblur blur` without samples really blurs:

    lasts     seconds of video
    blurred   seconds in which anything is blurred
    longest   the longest of them without a break
    most      the largest share of the picture covered in a frame, %
    mean      the mean over all frames, %

Cartoon faces stand apart: nothing says that they ought to be left alone. Exit 0 when no other made clip is blurred for
longer than half a second without a break, 1 when one is, or something failed, 2 when there is nothing to measure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import methods
import numpy as np
from faceless_pictures import CARTOONS, KINDS, PICTURES, load, read
from faceless_scenes import SCENES

from faceblur import video

LONGEST_S = 0.5
GIVEN = "given"
_SIZES = ((640, 360), (1280, 720), (480, 270))
_SECONDS, _RATE = 4, 25
_SMALL = 0.35  # of the view's height
_STILLS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


@dataclass(frozen=True)
class Clip:
    """made: by this module, so that it is judged (but for cartoon faces)."""

    path: Path
    name: str
    kind: str
    made: bool

    @property
    def judged(self) -> bool:
        return self.made and self.kind != CARTOONS


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="faceless-") as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        clips = [] if options.no_made else make_all(folder, options.packages, options.kinds, options.names)
        clips += [clip for given in options.folders for clip in taken(given, folder)]
        with ThreadPoolExecutor(options.jobs) as pool:
            rows = list(pool.map(lambda clip: measure(clip, folder), clips))
    if not rows:
        print("faceless.py: nothing to measure", file=sys.stderr)
        return 2
    print("\n".join(table(rows)))
    if options.json:
        content = {"rows": rows, "kinds": totals(rows)}
        Path(options.json).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return verdict(rows)


def _options(arguments) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--packages", type=Path, metavar="DIR", help="where pip put the optional packages (--target)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--names", nargs="+", metavar="NAME", help="only made clips whose names begin so")
    parser.add_argument("--no-made", action="store_true", help="only what lies in the folders")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--keep", metavar="DIR", help="keep clips and outputs here")
    return parser.parse_args(arguments)


def make_all(folder: Path, packages: Path | None = None, kinds=KINDS, names=None) -> list[Clip]:
    """Write every clip into `folder`: all pictures that are there, all scenes, each filling the view and small. What
    is not installed is named on standard error.
    """
    clips, missing = [], {}
    for number, name, kind, pixels, package in _subjects(packages, kinds, tuple(names or ("",))):
        if pixels is None:
            missing.setdefault(package, []).append(name)
            continue
        for small in (False, True):
            full = f"{name}, small" if small else name
            path = folder / f"faceless_{full.replace(', ', '_').replace(' ', '_')}.mp4"
            clips.append(Clip(make(path, pixels, number, small), full, kind, True))
    for package, left_out in missing.items():
        print(f"left out, not carried by an installed {package}: {', '.join(left_out)}", file=sys.stderr)
    return clips


def _subjects(packages: Path | None, kinds, names: tuple[str, ...]) -> Iterator[tuple]:
    """(number, name, kind, pixels or None when not installed, package). A subject's number, which chooses size and
    path, is the same whichever are wanted.
    """
    subjects = [(p.name, p.kind, lambda p=p: load(p, packages), p.package) for p in PICTURES]
    subjects += [(name, kind, paint, "") for name, (kind, paint) in SCENES.items()]
    for number, (name, kind, pixels, package) in enumerate(subjects):
        if kind in kinds and name.startswith(names):
            yield number, name, kind, pixels(), package


def taken(given: Path, folder: Path) -> list[Clip]:
    """What lies below `given` and has no NAME.faces.json; pictures become clips in `folder`."""
    clips = []
    for path in sorted(given.rglob("*")):
        kind = path.parent.name if path.parent.name in KINDS else GIVEN
        if path.suffix.lower() in video.SUFFIXES and not path.with_name(path.name + ".faces.json").exists():
            clips.append(Clip(path, path.name, kind, False))
        elif path.suffix.lower() in _STILLS and (pixels := read(path)) is not None:
            made = make(folder / f"faceless_{path.parent.name}_{path.name}.mp4", pixels, len(clips))
            clips.append(Clip(made, path.name, kind, False))
    return clips


def make(path: Path, picture: np.ndarray, number: int, small: bool = False) -> Path:
    """Write the clip of one picture; `number` chooses size and path. The same every time."""
    frames = _frames(picture, _SIZES[number % len(_SIZES)], number, small)
    video.encode(path, frames, frame_rate=_RATE, crf=23, preset="veryfast")
    return path


def _frames(picture: np.ndarray, size: tuple[int, int], seed: int, small: bool) -> Iterator[np.ndarray]:
    if small:
        picture = _on_ground(picture, size)
    random = np.random.default_rng(seed)
    grain = random.normal(0, 3, (2 * size[1], 2 * size[0], 1)).astype(np.float32)
    start, end = random.uniform(0.2, 0.8, (2, 2))
    count = _SECONDS * _RATE
    for index in range(count):
        share = index / (count - 1)
        view = _camera(picture, size, (1 - share) * start + share * end, 1.0 + (0.3 if small else 0.8) * share)
        x, y = (int(n) for n in random.integers(0, size))
        noisy = view + grain[y : y + size[1], x : x + size[0]]
        yield np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _on_ground(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture in the middle of a view of `size`, on a ground of its own colours out of focus."""
    ground = cv2.GaussianBlur(cv2.resize(picture, size), (0, 0), size[1] / 8)
    high = round(_SMALL * size[1])
    wide = min(round(high * picture.shape[1] / picture.shape[0]), size[0])
    left, top = (size[0] - wide) // 2, (size[1] - high) // 2
    ground[top : top + high, left : left + wide] = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA)
    return ground


def _camera(picture: np.ndarray, size: tuple[int, int], centre: np.ndarray, zoom: float) -> np.ndarray:
    """What a camera of `size` sees that fills its view with the picture, enlarged by `zoom`, looking at
    `centre`.
    """
    rows, columns = picture.shape[:2]
    scale = zoom * max(size[0] / columns, size[1] / rows)
    seen = np.array(size) / scale
    middle = seen / 2 + centre * (np.array([columns, rows]) - seen)
    matrix = np.array([[scale, 0, size[0] / 2 - scale * middle[0]], [0, scale, size[1] / 2 - scale * middle[1]]])
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def measure(clip: Clip, folder: Path) -> dict:
    """One row; "failed" holds the error instead of figures when it could not be blurred."""
    row = {"clip": clip.name, "kind": clip.kind, "judged": clip.judged}
    try:
        outputs = Path(tempfile.mkdtemp(prefix=f"{clip.path.stem}.", dir=folder))
        regions = methods.run(methods.ALONE, clip.path, None, outputs, None).regions
    except methods.MethodError as problem:
        return row | {"failed": str(problem)}
    shares = regions.shares()
    return row | {
        "lasts_s": round(regions.frame_ms * len(shares) / 1000, 2),
        "blurred_s": round(regions.frame_ms * sum(map(bool, regions.boxes)) / 1000, 2),
        "longest_s": round(regions.longest_run_ms() / 1000, 2),
        "most": round(100 * max(shares), 2),
        "mean": round(100 * sum(shares) / len(shares), 2),
    }


def totals(rows: list[dict]) -> list[dict]:
    """One row a kind; longest and most are the largest of its clips."""
    found = []
    for kind in (*KINDS, GIVEN):
        rows_of = [row for row in rows if row["kind"] == kind and "failed" not in row]
        if rows_of:
            sums = {key: round(sum(row[key] for row in rows_of), 2) for key in ("lasts_s", "blurred_s")}
            largest = {key: max(row[key] for row in rows_of) for key in ("longest_s", "most")}
            mean = sum(row["mean"] * row["lasts_s"] for row in rows_of) / sums["lasts_s"]
            over = sum(row["longest_s"] > LONGEST_S for row in rows_of)
            counts = {"clip": kind, "clips": len(rows_of), "over": over}
            found.append(counts | sums | largest | {"mean": round(mean, 2)})
    return found


def table(rows: list[dict]) -> list[str]:
    head = f"{'lasts s':>9}{'blurred s':>11}{'longest s':>11}{'most %':>8}{'mean %':>8}"
    lines = []
    for kind in (*KINDS, GIVEN):
        rows_of = [row for row in rows if row["kind"] == kind]
        if rows_of:
            lines += [f"{kind:<34}{head}", *map(_line, rows_of), ""]
    lines.append(f"{'kind: clips, over ' + str(LONGEST_S) + ' s':<34}{head}")
    for row in totals(rows):
        lines.append(_line(row | {"clip": f"{row['clip']}: {row['clips']}, {row['over']}"}))
    return lines


def _line(row: dict) -> str:
    if "failed" in row:
        return f"{row['clip'][:33]:<34} {row['failed']}"
    figures = f"{row['lasts_s']:>9.1f}{row['blurred_s']:>11.2f}{row['longest_s']:>11.2f}"
    return f"{row['clip'][:33]:<34}{figures}{row['most']:>8.1f}{row['mean']:>8.2f}"


def verdict(rows: list[dict]) -> int:
    failed = [row["clip"] for row in rows if "failed" in row]
    over = [row["clip"] for row in rows if row["judged"] and row.get("longest_s", 0) > LONGEST_S]
    found = f"{len(over)} are: {', '.join(over)}" if over else "none is"
    print(f"\n{'NOT MET' if over else 'met    '}  no made clip is blurred for longer than {LONGEST_S} s; {found}")
    if failed:
        print(f"NOT MET  every clip could be blurred; not: {', '.join(failed)}")
    return 1 if over or failed else 0


if __name__ == "__main__":
    sys.exit(main())

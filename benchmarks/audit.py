#!/usr/bin/env python3
"""How many open faces `faceblur audit` names, and how often it cries wolf: faces left open on purpose.

    python benchmarks/audit.py [FOLDER] [--clips NAME ...] [--ways NAME ...] [--json FILE]

FOLDER holds clips with NAME.faces.json beside them (../shared/clips when there). Each is blurred by a plan that leaves
faces open, and audited, every frame looked at. An open face-frame of the reference is named when the audit reports a
leak of that frame there. Ways:

    half      every second reference track is left out of a plan of the others
    looks     a plan of what YuNet finds in every frame at 640 pixels, without tracking
    ours      the product's own plan: what is open then, and whether the audit passes
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
from truth import Reference, clipped, covered

from faceblur import Plan, Track, analyse, render
from faceblur.audit import verify
from faceblur.boxes import overlap
from faceblur.finding import FaceDetector
from faceblur.video import Reader, probe

ROOT = Path(__file__).resolve().parent.parent
WAYS = ("half", "looks", "ours")
SIZES = (16, 24, 40, 80, 10_000)  # heights in pixels: up to
_OPEN = 0.5  # a face of which less is covered is open
_THERE = 0.2  # intersection over union
_LOOK_SIDE, _LOOK_SCORE = 640, 0.6


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "clips")
    parser.add_argument("--clips", nargs="+", default=[""], metavar="NAME", help="only clips whose names begin so")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args(arguments)
    found = sorted(options.folder.glob("*.faces.json")) if options.folder.is_dir() else []
    clips = [p.with_name(p.name.removesuffix(".faces.json")) for p in found if p.name.startswith(tuple(options.clips))]
    if not clips:
        print("audit.py: no clip with NAME.faces.json beside it; name a folder that has some", file=sys.stderr)
        return 2
    rows = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for row in pool.map(measure, *zip(*product(clips, options.ways), strict=True)):
            rows.append(row)
            print(line(row), flush=True)
    for way in options.ways:
        print(line(summed(way, [row for row in rows if row["way"] == way])))
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(clip: Path, way: str) -> dict:
    reference = Reference.load(clip.with_name(clip.name + ".faces.json"))
    plan = {"half": half, "looks": looks, "ours": lambda path, _: analyse(path)}[way](clip, reference)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output.mp4"
        report = render(clip, output, plan)
        found = verify(clip, output, plan, every_ms=0.0, said=report.get("notes", ()))
    high = probe(clip).height
    opened = [open_faces(report["frames"], reference, number) for number in range(len(reference.times_ms))]
    by_size = {size: [0, 0] for size in SIZES}
    for number, faces in enumerate(opened):
        leaks = [leak.box for leak in found.leaks if abs(leak.time_ms - reference.times_ms[number]) < 1]
        for face in faces:
            size = next(size for size in SIZES if face[3] * high <= size)
            by_size[size][0] += 1
            by_size[size][1] += bool(leaks) and bool(overlap(np.array([face]), np.array(leaks)).max() > _THERE)
    return {
        "clip": clip.name,
        "way": way,
        "passed": found.passed,
        "problems": list(found.problems),
        "leaks": len(found.leaks),
        "by_size": by_size,
        "seen_by": {name: sum(name in leak.seen_by for leak in found.leaks) for name in ("YuNet", "RetinaFace")},
    }


def open_faces(frames: list[dict], reference: Reference, number: int) -> list:
    """The reference's faces of a frame that no region covers."""
    time_ms = reference.times_ms[number]
    frame = min(frames, key=lambda frame: abs(frame["time_ms"] - time_ms))
    regions = [tuple(box) for _, *box in frame["regions"]]
    faces = [clipped(box) for _, box in reference.faces[number]]
    return [face for face in faces if face and covered(face, regions) < _OPEN]


def half(clip: Path, reference: Reference) -> Plan:
    rows: dict[int, list] = {}
    for time_ms, faces in zip(reference.times_ms, reference.faces, strict=True):
        for track, box in faces:
            rows.setdefault(track, []).append((time_ms, box))
    kept = sorted(rows)[::2]
    return Plan(tuple(_track(number, rows[track]) for number, track in enumerate(kept)))


def looks(clip: Path, reference: Reference) -> Plan:
    detector, tracks = FaceDetector(_LOOK_SCORE), []
    with Reader(clip) as reader:
        for frame in reader:
            for face in detector.find(frame.bgr(frame.width_for(_LOOK_SIDE))):
                tracks.append([(frame.time_ms, face.box)])
    return Plan(tuple(_track(number, rows) for number, rows in enumerate(tracks)))


def _track(number: int, rows: list) -> Track:
    times, boxes = zip(*rows, strict=True)
    return Track(number, np.array(times), np.array(boxes, np.float32))


def summed(way: str, rows: list[dict]) -> dict:
    by_size = {size: [sum(row["by_size"][size][n] for row in rows) for n in (0, 1)] for size in SIZES}
    seen_by = {name: sum(row["seen_by"][name] for row in rows) for name in ("YuNet", "RetinaFace")}
    passed = f"{sum(row['passed'] is True for row in rows)} of {len(rows)}"
    leaks = sum(row["leaks"] for row in rows)
    return {"clip": "all", "way": way, "passed": passed, "leaks": leaks, "by_size": by_size, "seen_by": seen_by}


def line(row: dict) -> str:
    opened, named = (sum(counts[n] for counts in row["by_size"].values()) for n in (0, 1))
    share = f"{100 * named / opened:5.1f} %" if opened else "    -  "
    sizes = "  ".join(f"<={size}px {n[1]}/{n[0]}" for size, n in row["by_size"].items() if n[0])
    return (
        f"{row['clip'][:24]:<25}{row['way']:<7}open {opened:>5}  named {share}  leaks {row['leaks']:>5} "
        f"passed {row['passed']!s:<8} {sizes}   {row['seen_by']}"
    )


if __name__ == "__main__":
    sys.exit(main())

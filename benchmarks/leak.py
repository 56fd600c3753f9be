#!/usr/bin/env python3
"""How many faces slip through, what is left of them on pixels, what it costs: a table per clip and method.

    python benchmarks/leak.py [FOLDER] [--clips NAME ...] [--methods NAME ...] [--deface PATH]
                              [--openscrub PATH] [--scorer PATH]
                              [--jobs N] [--phase MS] [--json FILE] [--keep DIR]

FOLDER holds clips with NAME.faces.json beside them (../shared/clips when there). Methods: `reference samples`
(every 500 ms, taken from the reference), `no samples` (the embedded detector alone), `YuNet samples` (every
500 ms from the embedded detector), and `deface` and `OpenScrub` (faces alone) with their defaults, when they are
installed. Columns:

    faces     face-frames of the reference
    box, ell  % of them less than 90 % covered by the blurred regions' boxes; by the ellipses really blurred
    exp, read % exposed and readable on the pixels of the output (see pixels.py, or the scorer given)
    area      blurred area over face area (ellipses / boxes)
    find, all CPU ms a frame of the analysis and of the whole command, start-up included
    peak      most memory used, MiB

Clips without faces are made here (faceless.py); for them the longest time in which something is blurred is
shown. Exit 0 when all targets that could be checked are met, 1 when not, 2 when there is nothing to measure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import faceless
import methods
from methods import ALONE, DEFACE, OPENSCRUB, OTHERS, OURS, REFERENCE, ROOT, SAMPLED, MethodError
from pixels import survival
from truth import Reference, compare

LIMITS = {method: {"box": 0.1, "exposed": 0.0} for method in (REFERENCE, ALONE, SAMPLED)}  # %
AREA, MOST_AREA = 2.0, 4.0  # blurred area over face area: the median over the clips, and on every one
LONGEST_FALSE_S = 0.5


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    clips = _clips(options)
    if not clips and options.no_faceless:
        print("leak.py: no clip with NAME.faces.json beside it; name a folder that has some", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="leak-") as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measured = _Measuring(options, folder)
        measured.run(clips)
    rows, false = measured.rows, measured.false
    totals = [total(method, [r for r in rows if r["method"] == method]) for method in options.methods]
    totals = [t for t in totals if t]
    verdicts = judge(rows, totals, false)
    verdicts += [{"target": "it ran", "found": failure, "met": False} for failure in measured.failures]
    print("\n".join([*table(rows, totals), "", *false_table(false), "", *verdict_lines(verdicts)]))
    if options.json:
        content = {"rows": rows, "totals": totals, "false_regions": false, "targets": verdicts}
        Path(options.json).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0 if all(v["met"] for v in verdicts) else 1


def _options(arguments) -> argparse.Namespace:
    shared = ROOT.parent / "shared"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=shared / "clips")
    parser.add_argument("--clips", nargs="+", metavar="NAME", help="only clips whose names begin so")
    parser.add_argument("--methods", nargs="+", choices=[*OURS, *OTHERS], default=[*OURS, *OTHERS])
    parser.add_argument("--deface", type=Path, default=shutil.which("deface"), help="its command, when not on the PATH")
    parser.add_argument("--openscrub", type=Path, default=shutil.which("openscrub"), help="its command, likewise")
    parser.add_argument("--scorer", type=Path, default=shared / "tools" / "leak_score.py", help="an independent scorer")
    parser.add_argument("--no-faceless", action="store_true", help="leave out the clips without faces")
    parser.add_argument("--phase", type=float, default=0.0, metavar="MS", help="when the first sample is taken")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--keep", metavar="DIR", help="keep the outputs here")
    options = parser.parse_args(arguments)
    options.others = {DEFACE: options.deface, OPENSCRUB: options.openscrub}
    for tool, version in ((DEFACE, "deface==1.5.0"), (OPENSCRUB, "openscrub==1.0.81")):
        if tool in options.methods and not (options.others[tool] and Path(options.others[tool]).is_file()):
            options.methods = [m for m in options.methods if m != tool]
            print(f"leak.py: {tool} is not installed (pip install {version}): left out", file=sys.stderr)
    return options


def _clips(options) -> list[Path]:
    if not options.folder.is_dir():
        return []
    found = (path.with_name(path.name.removesuffix(".faces.json")) for path in options.folder.glob("*.faces.json"))
    wanted = tuple(options.clips or ("",))
    return sorted(clip for clip in found if clip.is_file() and clip.name.startswith(wanted))


class _Measuring:
    """Every clip on a thread of its own (the work is done in child processes). failures: what did not run."""

    def __init__(self, options, folder: Path):
        self.rows: list[dict] = []
        self.false: list[dict] = []
        self.failures: list[str] = []
        self._options, self._folder = options, folder

    def run(self, clips: list[Path]) -> None:
        empty = [] if self._options.no_faceless else [c for c in faceless.make_all(self._folder) if c.judged]
        with ThreadPoolExecutor(self._options.jobs) as pool:
            for future in [
                *[pool.submit(self._clip, clip) for clip in clips],
                *[pool.submit(self._empty, clip) for clip in empty],
            ]:
                future.result()
        order = [clip.name for clip in clips], self._options.methods
        self.rows.sort(key=lambda row: (order[0].index(row["clip"]), order[1].index(row["method"])))
        self.false.sort(key=lambda row: (row["between_faces"], row["clip"]))

    def _clip(self, clip: Path) -> None:
        reference = Reference.load(clip.with_name(clip.name + ".faces.json"))
        for method in self._options.methods:
            try:
                self._method(clip, method, reference)
            except MethodError as problem:
                self._failed(f"{clip.name}, {method}: {problem}")

    def _method(self, clip: Path, method: str, reference: Reference) -> None:
        options, frames = self._options, len(reference.times_ms)
        result = methods.run(method, clip, reference, self._folder, options.others.get(method), options.phase)
        row = {"clip": clip.name, "method": method, "frames": frames}
        row |= asdict(compare(reference, result.regions, result.shift_ms))
        row |= _on_pixels(clip, result, reference, options.scorer) | _cost(result, frames)
        self.rows.append(row)
        for start, end in reference.empty_stretches():
            longest = result.regions.longest_run_ms(start - result.shift_ms, end - result.shift_ms)
            name = f"{clip.name} from {start / 1000:.1f} s"
            self.false.append(_false(name, method, end - start, longest, within=True))
        print(f"{clip.name}, {method}: {row['leaks_boxes']} leaks", file=sys.stderr, flush=True)

    def _empty(self, clip: faceless.Clip) -> None:
        try:
            regions = methods.run(ALONE, clip.path, None, self._folder, None).regions
        except MethodError as problem:
            self._failed(f"{clip.name}: {problem}")
            return
        lasts_ms = regions.times_ms[-1] - regions.times_ms[0]
        self.false.append(_false(clip.name, ALONE, lasts_ms, regions.longest_run_ms()))

    def _failed(self, what: str) -> None:
        self.failures.append(what)
        print(what, file=sys.stderr, flush=True)


def _false(what: str, method: str, lasts_ms: float, longest_ms: float, within: bool = False) -> dict:
    return {
        "clip": what,
        "method": method,
        "seconds": round(lasts_ms / 1000, 2),
        "longest_false_s": round(longest_ms / 1000, 2),
        "between_faces": within,
    }


def _on_pixels(clip: Path, result: methods.Result, reference: Reference, scorer: Path) -> dict:
    """Counts of scored, exposed and readable face-frames, by the independent scorer where there is one."""
    if not scorer.is_file():
        return survival(clip, result.output, reference, result.shift_ms)
    command = [sys.executable, str(scorer), str(clip), str(result.output), f"{clip}.faces.json", "--json"]
    command += ["--shift-ms", str(result.shift_ms)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 2 or not run.stdout.strip():
        raise MethodError(f"{scorer.name}: {(run.stdout or run.stderr).strip().splitlines()[-1:]}")
    found = json.loads(run.stdout)
    count = found["face_frames"]
    return {
        "scored": count,
        "exposed": round(found["exposed_pct"] * count / 100),
        "readable": round(found["readable_pct"] * count / 100),
        "scorer": scorer.name,
        "extra_frames": found["extra_frames"],
        "max_time_shift_ms": found["max_time_shift_ms"],
    }


def _cost(result: methods.Result, frames: int) -> dict:
    find = None if result.analysis_s is None else round(1000 * result.analysis_s / frames, 2)
    return {
        "find_ms": find,
        "all_ms": round(1000 * result.whole_s / frames, 2),
        "peak_mb": round(result.peak_mb),
    }


def total(method: str, rows: list[dict]) -> dict | None:
    """Sums over the clips; costs are weighted by frames."""
    if not rows:
        return None
    summed = ("frames", "face_frames", "leaks_boxes", "leaks_ellipses", "scored", "exposed", "readable")
    areas = ("blurred_boxes", "blurred_ellipses", "face_area")
    sums = {key: sum(row[key] for row in rows) for key in (*summed, *areas)}
    for key in ("find_ms", "all_ms"):
        parts = [row[key] * row["frames"] for row in rows if row[key] is not None]
        sums[key] = round(sum(parts) / sums["frames"], 2) if parts else None
    return {"clip": "all", "method": method, "peak_mb": max(row["peak_mb"] or 0 for row in rows)} | sums


def table(rows: list[dict], totals: list[dict]) -> list[str]:
    head = f"{'clip':<26}{'method':<19}{'faces':>6}{'box %':>8}{'ell %':>8}{'exp %':>8}{'read %':>8}"
    head += f"{'area':>12}{'find ms':>9}{'all ms':>9}{'peak':>6}"
    lines, last = [head], None
    for row in [*rows, *totals]:
        if last not in (None, row["clip"]):
            lines.append("")
        last = row["clip"]
        area = f"{row['blurred_ellipses'] / row['face_area']:.2f}/{row['blurred_boxes'] / row['face_area']:.2f}"
        find = "-" if row["find_ms"] is None else f"{row['find_ms']:.1f}"
        lines.append(
            f"{row['clip'][:25]:<26}{row['method']:<19}{row['face_frames']:>6}"
            + "".join(f"{_percent(row, key):>8.2f}" for key in ("leaks_boxes", "leaks_ellipses", "exposed", "readable"))
            + f"{area:>12}{find:>9}{row['all_ms']:>9.1f}{row['peak_mb'] or '-':>6}"
        )
    return lines


def _percent(row: dict, key: str) -> float:
    return 100 * row[key] / max(1, row["scored" if key in ("exposed", "readable") else "face_frames"])


def false_table(false: list[dict]) -> list[str]:
    lines = [f"{'without faces':<46}{'method':<19}{'lasts s':>8}{'longest false region s':>24}"]
    for row in false:
        lines.append(f"{row['clip'][:45]:<46}{row['method']:<19}{row['seconds']:>8.1f}{row['longest_false_s']:>24.2f}")
    return lines if false else []


def judge(rows: list[dict], totals: list[dict], false: list[dict]) -> list[dict]:
    """Every target that can be checked with what was measured: {"target", "found", "met"}."""
    verdicts = []
    for whole in totals:
        for key, limit in LIMITS.get(whole["method"], {}).items():
            found = _percent(whole, "leaks_boxes" if key == "box" else key)
            text = f"{whole['method']}: {key} <= {limit} %"
            verdicts.append({"target": text, "found": f"{found:.2f} %", "met": found <= limit})
        areas = [r["blurred_ellipses"] / r["face_area"] for r in rows if r["method"] == whole["method"] in LIMITS]
        for name, of, limit in (("median", statistics.median, AREA), ("largest", max, MOST_AREA)) if areas else ():
            text = f"{whole['method']}: {name} area <= {limit} times"
            verdicts.append({"target": text, "found": f"{of(areas):.2f} times", "met": of(areas) <= limit})
    longest = max(
        (r["longest_false_s"] for r in false if r["method"] == ALONE and not r["between_faces"]), default=None
    )
    if longest is not None:
        text = f"{ALONE}: no false region over {LONGEST_FALSE_S} s on a clip without faces"
        verdicts.append({"target": text, "found": f"{longest:.2f} s", "met": longest <= LONGEST_FALSE_S})
    return verdicts + _against(DEFACE, rows) + _against(OPENSCRUB, rows)


def _against(tool: str, rows: list[dict]) -> list[dict]:
    """Fewer, on every clip; where the tool has none, none of ours is enough."""
    theirs = {row["clip"]: row for row in rows if row["method"] == tool}
    verdicts = []
    for method in OURS:
        for key in ("leaks_boxes", "leaks_ellipses", "exposed", "readable", "all_ms"):
            pairs = [(r, theirs[r["clip"]]) for r in rows if r["method"] == method and r["clip"] in theirs]
            if not pairs:
                continue
            worse = [f"{a['clip']} {a[key]} : {b[key]}" for a, b in pairs if not (a[key] < b[key] or a[key] == 0)]
            found = f"on {len(pairs) - len(worse)} of {len(pairs)} clips" + "".join(f"; not {w}" for w in worse)
            verdicts.append({"target": f"{method}: {key} under {tool}'s", "found": found, "met": not worse})
    return verdicts


def verdict_lines(verdicts: list[dict]) -> list[str]:
    return [f"{'met    ' if v['met'] else 'NOT MET'}  {v['target']:<62} {v['found']}" for v in verdicts]


if __name__ == "__main__":
    sys.exit(main())

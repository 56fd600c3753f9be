#!/usr/bin/env python3
"""What blurring costs beside a plain x264 transcode of the same file at the same settings (the limit).

    python benchmarks/speed.py [FOLDER] [--heights 360 720 1080] [--seconds 60] [--rounds 3] [--deface PATH]
                               [--runs NAME ...] [--long-minutes 20] [--json FILE] [--keep DIR]

FOLDER holds clips with NAME.faces.json beside them (../shared/clips when there); of those the smallest that
is high enough is taken, scaled, and repeated for so many seconds. Every run is a process of its own, start-up
included, and each is paired with a run of the limit right after it; ratios are medians over the rounds, with
their range.

    render    `faceblur blur --plan`, a plan that covers the reference faces of every frame
    pieces    the same in pieces of ten seconds, joined: against `render`
    smart     `faceblur blur --plan --smart`, a plan that covers them in a tenth of the time: against `render`
    find      `faceblur plan`, the search alone
    hasty     `faceblur blur --no-second-look`, search and render
    blur      `faceblur blur`, with the second look
    deface    with its defaults, when it is installed

CPU and wall time in seconds, peak memory in MiB (of the largest process). PSNR and SSIM are those of
`render`, outside its regions. `long`: peak memory of render for 1 and for --long-minutes minutes at the
smallest height, and smart over render in the latter, where start-up counts for little. Exit 0 when all targets that
could be checked are met, 1 when not, 2 when there is nothing to measure.
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
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from looped import encode_base, repeat
from quality import outside_regions

from faceblur import Plan, Track
from faceblur.rendering.renderer import render
from faceblur.video import Reader, probe
from faceblur.video.writing.encoder import LOOKAHEAD

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_FACEBLUR = [sys.executable, "-m", "faceblur"]
_SCRIPT = [sys.executable, HERE / "speed_runs.py"]
RUNS = ("render", "pieces", "smart", "find", "hasty", "blur", "deface", "quality", "long")
RENDER_CPU = {720: 1.10, 1080: 1.05}
HASTY_CPU, BLUR_CPU = {720: 1.4, 1080: 1.4}, {360: 2.5, 720: 1.6, 1080: 1.6}
SMART_SHARE, PIECES_SHARE, DEFACE_TIMES = 0.15, 1.05, 5.0
LEAST_RATE = 20.0
PEAK_MB, GROWTH = {1080: 350.0}, 1.15


@dataclass(frozen=True)
class Cost:
    """What one command took: CPU and clock in seconds, peak memory in MB. said: what it printed."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    said: str = ""


def measure(command: list) -> Cost:
    """Run to its end; CPU includes children, memory is the largest process's. RuntimeError when it fails."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        # Byte code is kept, as wherever faceblur is installed: the first run makes it.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        words = [str(part) for part in command]
        child = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, env=environment)
        watched = _Peak(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        peak = watched.end()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().strip()
    if child.returncode:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}: {said[-300:]}")
    # A child's ru_maxrss also counts what this process held when it was forked, so it is the second choice.
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, peak or usage.ru_maxrss / scale, said)


class _Peak:
    """Reads the high-water mark of a process and its children a few times a second, where /proc tells it."""

    def __init__(self, pid: int):
        self._pid, self._most, self._over = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._most = max([self._most, *map(_high_water_mb, _family(self._pid))])

    def end(self) -> float:
        self._over.set()
        self._thread.join()
        return self._most


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(other for child in children for other in _family(int(child)))]


def _high_water_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


class Bench:
    """Measures at one height; collects lines to print and verdicts."""

    def __init__(self, options, folder: Path, height: int):
        self.options, self.folder, self.height = options, folder, height
        self.result: dict = {"height": height, "runs": {}}
        self.verdicts: list[dict] = []
        clip = _nearest(options.folder, height)
        base, self.source = folder / f"base{height}.mp4", folder / f"in{height}.mp4"
        seconds = encode_base(clip, base, height)
        turns = repeat(base, self.source, options.seconds)
        self.base = base
        self.plan, self.tenth = folder / f"plan{height}.json", folder / f"tenth{height}.json"
        self.faces = json.loads(clip.with_name(clip.name + ".faces.json").read_text(encoding="utf-8"))
        _plan(self.source, self.faces, turns).save(self.plan)
        _plan(self.source, self.faces, turns, until_ms=100 * seconds * turns).save(self.tenth)
        self.result |= {"clip": clip.name, "seconds": seconds * turns}

    def command(self, name: str) -> list:
        output = self.folder / f"{name}{self.height}.mp4"
        blur = [*_FACEBLUR, "blur", self.source, output]
        return {
            "limit": [*_SCRIPT, "limit", self.source, output, f"rc-lookahead={LOOKAHEAD['veryfast']}"],
            "render": [*blur, "--plan", self.plan],
            "pieces": [*_SCRIPT, "pieces", self.source, output, self.plan],
            "smart": [*blur, "--plan", self.tenth, "--smart"],
            "find": [*_FACEBLUR, "plan", self.source, "--output", output.with_suffix(".json")],
            "hasty": [*blur, "--no-second-look"],
            "blur": blur,
            "deface": [self.options.deface, self.source, "-o", output],
        }[name]

    def pair(self, name: str, against: str = "limit", rounds: int | None = None) -> None:
        """`name` and `against` in turns; ratios are of neighbours, so that a busy machine hits both."""
        pairs = []
        for number in range(rounds or self.options.rounds):
            order = (name, against) if number % 2 else (against, name)
            costs = {each: measure(self.command(each)) for each in order}
            pairs.append((costs[name], costs[against]))
        ratios = {unit: sorted(getattr(a, unit) / getattr(b, unit) for a, b in pairs) for unit in ("cpu_s", "wall_s")}
        entry = {
            "against": against,
            "cpu_s": statistics.median(a.cpu_s for a, _ in pairs),
            "wall_s": statistics.median(a.wall_s for a, _ in pairs),
            "peak_mb": max(a.peak_mb for a, _ in pairs),
            "limit": asdict(pairs[-1][1]),
            "cpu_ratio": statistics.median(ratios["cpu_s"]),
            "cpu_range": [ratios["cpu_s"][0], ratios["cpu_s"][-1]],
            "wall_ratio": statistics.median(ratios["wall_s"]),
            "said": pairs[-1][0].said,
        }
        self.result["runs"][name] = entry
        print(_line(self.height, name, entry), flush=True)

    def expect(self, what: str, value: float, limit: float, at_least: bool = False) -> None:
        met = value >= limit if at_least else value <= limit
        sign = ">=" if at_least else "<="
        self.verdicts.append(
            {"target": f"{self.height}p: {what} {sign} {limit:g}", "found": round(value, 3), "met": met}
        )

    def run(self, names) -> None:
        runs = self.result["runs"]
        if "render" in names:
            self.pair("render")
            if self.height in RENDER_CPU:
                self.expect("render's CPU over the limit's", runs["render"]["cpu_ratio"], RENDER_CPU[self.height])
            if self.height in PEAK_MB:
                self.expect("render's peak memory, MiB", runs["render"]["peak_mb"], PEAK_MB[self.height])
        if "pieces" in names:
            self.pair("pieces", "render")
            self.expect("pieces' CPU over render's", runs["pieces"]["cpu_ratio"], PIECES_SHARE)
        if "smart" in names:
            self.pair("smart", "render")
            self.expect("smart's CPU over render's", runs["smart"]["cpu_ratio"], SMART_SHARE)
        if "find" in names:
            self.pair("find")
        for name, limits in (("hasty", HASTY_CPU), ("blur", BLUR_CPU)):
            if name in names:
                self.pair(name)
                if self.height in limits:
                    self.expect(f"{name}'s CPU over the limit's", runs[name]["cpu_ratio"], limits[self.height])
                if name == "blur" and self.height in PEAK_MB:
                    self.expect("blur's peak memory, MiB", runs[name]["peak_mb"], PEAK_MB[self.height])
        if "deface" in names and self.options.deface:
            self.pair("deface", rounds=1)
            if "blur" in runs:
                times = runs["deface"]["cpu_s"] / runs["blur"]["cpu_s"]
                self.expect("deface's CPU over blur's", times, DEFACE_TIMES, at_least=True)
        if "quality" in names:
            self.quality()

    def quality(self) -> None:
        report = render(self.base, self.folder / "quality.mp4", Plan.load(self.plan))
        psnr, ssim = outside_regions(self.base, self.folder / "quality.mp4", report["frames"])
        self.result["quality"] = {"psnr_db": psnr, "ssim": ssim}
        print(f"{self.height:5}p  outside the regions: PSNR {psnr:.1f} dB, SSIM {ssim:.4f}", flush=True)

    def long(self, minutes: float) -> None:
        """Does memory grow with length, and what does smart cost in a long video? The full render's plan covers the
        first minute only, which makes no difference to memory and smart no cheaper beside it.
        """
        costs, output = [], self.folder / "long-out.mp4"
        for length in (1.0, minutes):
            source = self.folder / f"long{length:g}.mp4"
            turns = repeat(self.base, source, 60 * length)
            costs.append(measure([*_FACEBLUR, "blur", source, output, "--plan", self.plan]))
            print(f"{self.height:5}p  render of {length:g} min: peak {costs[-1].peak_mb:.0f} MiB", flush=True)
        tenth = self.folder / "long-tenth.json"
        _plan(source, self.faces, turns, until_ms=6000 * minutes).save(tenth)
        smart = measure([*_FACEBLUR, "blur", source, output, "--plan", tenth, "--smart"])
        share = smart.cpu_s / costs[-1].cpu_s
        print(f"{self.height:5}p  smart of {minutes:g} min over render: CPU {share:.3f}", flush=True)
        self.result["long"] = {"peak_mb": [cost.peak_mb for cost in costs], "smart": share}
        growth = costs[-1].peak_mb / costs[0].peak_mb
        self.expect(f"peak memory of {minutes:g} min over that of 1 min", growth, GROWTH)
        self.expect(f"smart's CPU over render's, {minutes:g} min", share, SMART_SHARE)


def _nearest(folder: Path, height: int) -> Path:
    """The smallest landscape clip that need not be enlarged, else the largest.

    Of those with a film's frame rate: at three frames a second every frame is searched with all there is.
    """
    clips = [p.with_name(p.name.removesuffix(".faces.json")) for p in sorted(folder.glob("*.faces.json"))]
    sizes = {clip: probe(clip) for clip in clips if clip.exists()}
    moving = [clip for clip in sizes if sizes[clip].frame_rate >= LEAST_RATE] or list(sizes)
    wide = [clip for clip in moving if sizes[clip].width > sizes[clip].height] or moving
    enough = [clip for clip in wide if sizes[clip].height >= height]
    if enough:
        return min(enough, key=lambda clip: (sizes[clip].height, clip.name))
    return max(wide, key=lambda clip: (sizes[clip].height, clip.name))


def _plan(source: Path, faces: dict, turns: int, until_ms: float = float("inf")) -> Plan:
    """The reference faces of the clip in every turn, for the frames of `source` up to a time."""
    frames = faces["frames"]
    with Reader(source) as reader:
        times = [reader.time_ms_of(p.raw.pts) for p in reader.packets((reader.stream.index,))]
    rows: dict[int, list] = {}
    for number, time_ms in enumerate(sorted(times)):
        turn, place = divmod(number, len(times) // turns)
        for track, *box in frames[min(place, len(frames) - 1)]["faces"]:
            if time_ms <= until_ms:
                rows.setdefault(1000 * turn + track, []).append((time_ms, *box))
    tracks = (
        Track(track, np.array(boxes)[:, 0], np.array(boxes)[:, 1:].astype(np.float32)) for track, boxes in rows.items()
    )
    return Plan(tuple(tracks))


def _line(height: int, name: str, entry: dict) -> str:
    low, high = entry["cpu_range"]
    return (
        f"{height:5}p  {name:8} CPU {entry['cpu_s']:7.1f} s  wall {entry['wall_s']:7.1f} s"
        f"  peak {entry['peak_mb']:5.0f} MiB   over {entry['against']}: CPU {entry['cpu_ratio']:.3f}"
        f" ({low:.3f} to {high:.3f}), wall {entry['wall_ratio']:.3f}"
    )


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    if not list(options.folder.glob("*.faces.json")):
        print("speed.py: no clip with NAME.faces.json beside it; name a folder that has some", file=sys.stderr)
        return 2
    results, verdicts = [], []
    with tempfile.TemporaryDirectory(prefix="speed-") as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for height in options.heights:
            bench = Bench(options, folder, height)
            bench.run(options.runs)
            if "long" in options.runs and height == min(options.heights):
                bench.long(options.long_minutes)
            results.append(bench.result)
            verdicts += bench.verdicts
    for verdict in verdicts:
        print(f"{'met   ' if verdict['met'] else 'MISSED'}  {verdict['target']}: {verdict['found']:g}")
    if options.json:
        content = {"results": results, "targets": verdicts, "processors": os.cpu_count()}
        Path(options.json).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0 if all(verdict["met"] for verdict in verdicts) else 1


def _options(arguments) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "clips")
    parser.add_argument("--heights", nargs="+", type=int, default=[360, 720, 1080])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=RUNS)
    parser.add_argument("--long-minutes", type=float, default=20.0)
    parser.add_argument("--deface", default=shutil.which("deface"), metavar="PATH")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--keep", metavar="DIR", help="keep the files there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""A fuzzer of the project's own: spoiled videos, JSON, events and container layers; nothing may end but well.

    python -m benchmarks.fuzz [--kinds video,json,events,layers] [--count N] [--seconds S] [--seed N] [--jobs N]

    python -m benchmarks.fuzz FILE ...          these videos, as they are

Every input follows from the seed, the kind and its number alone: `--only NUMBER` repeats one. What is found is kept
below --keep (the input and what was said). The last line counts; the exit code is 1 when there is a defect.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random

from . import fuzz_runs, fuzz_seeds, fuzz_values
from .fuzz_runs import Outcome

VALUES = {"json": fuzz_values.try_json, "events": fuzz_values.try_event, "layers": fuzz_values.try_layer}
KINDS = ("video", *VALUES)
Maker = Callable[[], tuple[str, bytes]]
Tried = tuple[int, str, bytes, Outcome]  # number, name, input, outcome


def videos(makers: Iterable[tuple[int, Maker]], folder: Path, jobs: int = 1, whole: bool = False) -> Iterator[Tried]:
    """Yields Tried for each (number, maker of a name and a content) as they end; `jobs` run at the same time."""
    waiting, running = iter(makers), {}
    while True:
        while len(running) < jobs and (pair := next(waiting, None)) is not None:
            number, make = pair
            running[number] = fuzz_runs.start(folder / f"v{number}", make, whole)
        if not running:
            return
        ended = [(number, run, outcome) for number, run in running.items() if (outcome := fuzz_runs.finished(run))]
        for number, run, outcome in ended:
            source = running.pop(number).source
            yield number, source.name if source else "", source.read_bytes() if source else b"", outcome
            fuzz_runs.clear(run)
        if not ended:
            time.sleep(0.002)


def spoiled(seeds: dict[str, bytes], seed: int, numbers: Iterable[int]) -> Iterator[tuple[int, Maker]]:
    return ((number, partial(fuzz_seeds.mutate, seeds, _random(seed, "video", number))) for number in numbers)


def as_they_are(files: Iterable[str]) -> Iterator[tuple[int, Maker]]:
    return ((number, partial(_read, Path(file))) for number, file in enumerate(map(os.path.abspath, files)))


def _read(path: Path) -> tuple[str, bytes]:
    return path.name, path.read_bytes()


def values(kind: str, seed: int, numbers: Iterable[int], folder: Path) -> Iterator[Tried]:
    """Yields Tried for each number."""
    (folder / kind).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        yield number, *VALUES[kind](_random(seed, kind, number), folder / kind)


def _random(seed: int, kind: str, number: int) -> Random:
    return Random(f"{seed} {kind} {number}")


def main() -> int:
    options = _parser().parse_args()
    kinds = ["video"] if options.files else options.kinds.split(",")
    if unknown := set(kinds) - set(KINDS):
        _parser().error(f"no such kind: {' '.join(unknown)}; there are {' '.join(KINDS)}")
    summary, defects = [], 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for kind in kinds:
            counts = Counter()
            for number, name, data, outcome in _tried(kind, options, Path(folder)):
                counts[outcome.verdict] += 1
                if outcome.is_defect:
                    _keep(options, kind, number, name, data, outcome)
            bad = {verdict: count for verdict, count in counts.items() if Outcome(verdict).is_defect}
            defects += sum(bad.values())
            words = ", ".join(f"{count} {verdict}" for verdict, count in sorted(bad.items()))
            words = f"{sum(bad.values())} defects" + (f" ({words})" if words else "")
            summary.append(f"{counts.total()} {kind}: {counts['ok']} done, {counts['refused']} refused, {words}")
    print("fuzz: " + "; ".join(summary))
    return int(defects > 0)


def _tried(kind: str, options, folder: Path) -> Iterator[Tried]:
    numbers = [options.only] if options.only is not None else _numbers(options.count, options.seconds)
    if kind != "video":
        yield from values(kind, options.seed, numbers, folder)
        return
    fuzz_runs.warm_up()
    if options.files:
        makers = as_they_are(options.files)
    else:
        fuzz_runs.in_child(partial(fuzz_seeds.make_seeds, folder, options.seeds.split(",") if options.seeds else ()))
        seeds = fuzz_seeds.read_seeds(folder)
        print(f"{len(seeds)} seed videos", flush=True)
        makers = spoiled(seeds, options.seed, numbers)
    yield from videos(makers, folder, options.jobs, options.whole)


def _numbers(count: int, seconds: float | None) -> Iterator[int]:
    """0, 1, ... until there are enough or the time is over."""
    began = time.monotonic()
    for number in range(count if seconds is None else sys.maxsize):
        if seconds is not None and time.monotonic() - began > seconds:
            return
        yield number


def _keep(options, kind: str, number: int, name: str, data: bytes, outcome: Outcome) -> None:
    folder = Path(options.keep)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{options.seed}-{number}-{name}"
    path.write_bytes(data)
    path.with_name(path.name + ".said").write_text(f"{outcome.verdict} after {outcome.seconds:.1f} s\n{outcome.said}")
    last = (outcome.said.strip().splitlines() or [""])[-1]
    print(f"{kind} {number} {name}: {outcome.verdict}: {last[:150]}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="try these videos as they are, and nothing else")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which, with commas between (default: all)")
    parser.add_argument("--count", type=int, default=200, help="inputs of each kind (default 200)")
    parser.add_argument("--seconds", type=float, help="for so long each kind, instead of a count")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", metavar="NAMES", help="spoil these only, e.g. 264.mp4,vp9.webm (default: all)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this input alone")
    parser.add_argument("--jobs", type=int, default=1, help="videos tried at the same time (default 1)")
    parser.add_argument("--whole", action="store_true", help="a new Python for each video: the whole command, but slow")
    parser.add_argument("--keep", default="build/fuzz", help="where to keep what was found (default build/fuzz)")
    return parser


if __name__ == "__main__":
    sys.exit(main())

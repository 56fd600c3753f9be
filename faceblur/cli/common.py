"""What several commands share: options of plans and styles, checks before the work, progress, words."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from ..errors import DocumentError, PlanError
from ..files import sha256_of, write_text
from ..plan import Area, Plan
from ..plan.style import NAMES, SHAPES, Style
from ..showing.many import longest
from ..timecode import clock
from ..video import Reader, Span, probe
from .failures import on_one_line

MOST_LINES = 8  # of what a film has many of: the longest, the rest in one line
MOST_NAMES = 24  # numbers in one line


def number(low: float, high: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """For argparse: a number from `low` (or above it) to `high`."""

    def read(text: str) -> float:
        value = float(text)
        if not (low < value if above else low <= value) or not value <= high or math.isinf(value):
            limits = f"{'above' if above else 'from'} {low:g}" + ("" if math.isinf(high) else f" to {high:g}")
            raise argparse.ArgumentTypeError(f"{text} is not a number {limits}")
        return value

    read.__name__ = "number"
    return read


def whole(low: int) -> Callable[[str], int]:
    """For argparse: a whole number from `low` on."""

    def read(text: str) -> int:
        if int(text) < low:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {low} on")
        return int(text)

    read.__name__ = "whole number"
    return read


def area(text: str) -> Area:
    """For argparse: LEFT,TOP,WIDTH,HEIGHT in ratios, then START,END in seconds if it is not for always."""
    try:
        numbers = [float(n) for n in text.split(",")]
        if len(numbers) not in (4, 6):
            raise ValueError("four numbers, or six with its time")
        times = dict(zip(("start_ms", "end_ms"), (1000 * n for n in numbers[4:]), strict=False))
        sides = zip(("left", "top", "width", "height"), numbers, strict=False)
        return Area.from_json(dict(sides) | times)
    except PlanError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"{text!r} is not LEFT,TOP,WIDTH,HEIGHT[,START,END]: {problem}") from None


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who and what")
    group.add_argument(
        "--show",
        metavar="TRACK",
        type=int,
        action="append",
        default=[],
        help="leave this track visible on purpose; may be given again",
    )
    group.add_argument("--keep", dest="show", type=int, action="append", help=argparse.SUPPRESS)  # its old name
    group.add_argument(
        "--area",
        metavar="L,T,W,H[,FROM,TO]",
        type=area,
        action="append",
        default=[],
        help="blur this rectangle, too (ratios of the picture; seconds); may be given again",
    )


def add_style_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it is blurred")
    group.add_argument("--style", choices=NAMES, help="default mosaic")
    group.add_argument(
        "--strength",
        type=number(0, above=True),
        metavar="N",
        help="mosaic, pixelate: cells across, fewer is stronger; gaussian: sigma over the region's width",
    )
    group.add_argument("--shape", choices=SHAPES, help="default ellipse")
    group.add_argument("--margin", type=number(0, 2), metavar="RATIO", help="added on each side (default 0.25)")
    group.add_argument("--feather", type=number(0, 0.5), metavar="RATIO", help="soft rim (default 0.05)")
    group.add_argument("--force", action="store_true", help="take a strength that can be undone")


def chosen_style(options: Namespace, base: Style) -> Style:
    """The base style with what the options change. Raises DocumentError for one that could be undone."""
    given = {
        "name": options.style,
        "strength": options.strength,
        "shape": options.shape,
        "margin_ratio": options.margin,
        "feather_ratio": options.feather,
        "forced": options.force or None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if options.style not in (None, base.name):
        changes.setdefault("strength", None)  # a strength belongs to its style
    return replace(base, **changes)


def with_choices(plan: Plan, options: Namespace) -> Plan:
    """The plan with --show and --area applied."""
    return replace(plan.showing(options.show), areas=plan.areas + tuple(options.area))


def refuse_other_file(plan: Plan, source: str | Path, what: str = "the plan", allowed: bool = False) -> None:
    """Raises DocumentError when the plan was made for another file than `source`."""
    if allowed:
        return
    digest = plan.source.get("sha256")
    if digest:
        is_same = digest == sha256_of(source)
    else:
        info = probe(source).to_json()
        is_same = all(plan.video.get(key, info[key]) == info[key] for key in ("width", "height", "duration_ms"))
    if not is_same:
        name = plan.source.get("name") or "another file"
        raise DocumentError(
            f"{what} was made for another file ({name}), its boxes would cover the wrong places in {source}; "
            "make a new one, or give --other-file if the pictures are the same"
        )


def first_seconds(source: str | Path, seconds: float) -> Span:
    """The frames of the first seconds, from the first frame on."""
    with Reader(source) as reader:
        start = next(iter(reader)).pts
        return Span(0, None, start + max(1, round(seconds / reader.time_base)))


def write_json(path: str | Path, content: object) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")


def tell_review(items: Iterable[dict]) -> None:
    """Print where a face was lost for longer than it is covered for: the longest parts, and what all others are."""
    parts = sorted(items, key=lambda item: item["start_ms"])
    shown, others = longest(parts, lambda item: item["end_ms"] - item["start_ms"], MOST_LINES)
    for item in shown:
        start, end = item["start_ms"], item["end_ms"]
        print(
            f"needs review: track {item['track']} was lost from {clock(start)} to {clock(end)} "
            f"({(end - start) / 1000:.1f} s): look whether the face can be seen there"
        )
    if others:
        tracks = counted(len({item["track"] for item in others}), "track")
        seconds = sum(item["end_ms"] - item["start_ms"] for item in others) / 1000
        print(
            f"needs review: {counted(len(others), 'shorter part')} more, of {tracks}, {seconds:.1f} s in all, between "
            f"{clock(others[0]['start_ms'])} and {clock(max(item['end_ms'] for item in others))}: "
            "faceblur review PLAN leads to each"
        )


def tracks_named(numbers: Sequence[int]) -> str:
    """track 1, 4, 9; of many the first ones, and how many more."""
    first = f"track {', '.join(map(str, numbers[:MOST_NAMES]))}"
    return first if len(numbers) <= MOST_NAMES else f"{first} and {len(numbers) - MOST_NAMES} more"


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line, whatever the names in it hold."""
    print(on_one_line(line), file=file)


def result_line(output: str | Path, report: dict) -> str:
    """What became of a video, in one line."""
    counts = report["counts"]
    frames = counted(counts["frames"], "frame")
    if counts["face_frames"]:
        return f"{output}: {counted(counts['tracks'], 'face')} blurred in {counts['frames_with_regions']} of {frames}"
    if counts["frames_with_regions"]:
        return f"{output}: areas blurred in {counts['frames_with_regions']} of {frames}; no face"
    return f"{output}: no faces were found; {frames} were written as they are"


def counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


class Progress:
    """A line on the terminal that is redrawn a few times a second; elsewhere a line every half minute."""

    def __init__(self, what: str):
        self._what, self._drawn = what, False
        self._is_terminal = sys.stderr.isatty()
        self._pause_s = 0.2 if self._is_terminal else 30.0
        self._last = time.monotonic() - (self._pause_s if self._is_terminal else 0)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn and self._is_terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < self._pause_s:
            return
        self._last, self._drawn = now, True
        share = min(1.0, done / total) if total else 0.0
        if self._is_terminal:
            width = max(5, min(30, shutil.get_terminal_size().columns - len(self._what) - 9))
            bar = "#" * round(width * share)
            print(f"\r{self._what} [{bar:<{width}}] {share:4.0%}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{self._what}: {share:.0%}", file=sys.stderr, flush=True)

"""Matplotlib figures for notebooks: frames with boxes, who is blurred when, how sure the detector was.

Needs matplotlib; returns Figures and shows or saves nothing by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import video
from ..detections import Detections
from ..timecode import clock
from .colours import INK, PALETTE, SOFT
from .many import at_once, longest
from .preview import Found, choose, draw_boxes, moments_of, read_frames


def frames_figure(source: str | Path, found: Found, count: int = 6) -> Figure:
    """`count` frames with their boxes. found: Detections, Plan or report dict."""
    info = video.probe(source)
    moments = choose(moments_of(found), count, info.duration_ms)
    pictures = read_frames(source, [moment.time_ms for moment in moments], 480)
    columns = 3 if info.width >= info.height else 6
    rows = -(-len(moments) // columns)
    shape = info.height / info.width
    figure = Figure(figsize=(12, rows * (12 / columns * shape + 0.35)), layout="constrained", dpi=96)
    for axes, moment, picture in zip(_flat(figure.subplots(rows, columns)), moments, pictures, strict=False):
        axes.imshow(draw_boxes(picture, moment.boxes)[..., ::-1])
        words = f"{len(moment.boxes)} face{'' if len(moment.boxes) == 1 else 's'}"
        axes.set_title(f"{clock(moment.time_ms)} · {words}", fontsize=10, color=INK, loc="left")
    for axes in figure.axes:
        axes.axis("off")
    return figure


def confidence_figure(found: Detections) -> Figure:
    """Every detection: when, and how sure the service was."""
    figure = Figure(figsize=(12, 2.6), layout="constrained", dpi=96)
    axes = figure.subplots()
    points = [(s.time_ms / 1000, 100 * face.score) for s in found.samples for face in s.faces]
    if points:
        seconds, confidences = zip(*points, strict=True)
        axes.scatter(seconds, confidences, s=26, color=PALETTE[0], edgecolor="white", linewidth=0.6)
    axes.set(xlabel="seconds", ylabel="confidence, %", ylim=(0, 104))
    _plain(axes)
    return figure


def coverage_figure(report: Mapping) -> Figure:
    """Who is blurred when: a row per track, with gaps where nothing is blurred; the rest of many tracks in one row."""
    by_track, rest = longest_blurred(report)
    rows = len(by_track) + bool(rest)
    figure = Figure(figsize=(12, 1.0 + 0.3 * max(1, rows)), layout="constrained", dpi=96)
    axes = figure.subplots()
    for row, (track, bars) in enumerate(by_track.items()):
        axes.broken_barh(
            [(start_s, end_s - start_s) for start_s, end_s in bars],
            (row - 0.32, 0.64),
            color=PALETTE[track % len(PALETTE)],
        )
    names = [f"track {track}" for track in by_track]
    if rest:
        names.append(f"{len(rest)} more")
        counts = at_once(rest.values(), length_s(report))
        width, most = length_s(report) / len(counts), max(1, *counts)
        lefts = [width * index for index in range(len(counts))]
        heights = [-0.64 * count / most for count in counts]
        axes.bar(lefts, heights, width, bottom=rows - 1 + 0.32, align="edge", color=SOFT)
    axes.set_yticks(range(rows), names)
    axes.invert_yaxis()
    axes.set(xlabel="seconds", xlim=(0, length_s(report)))
    if not by_track:
        axes.text(0.5, 0.5, "no face in this video", ha="center", va="center", transform=axes.transAxes)
    _plain(axes)
    return figure


def area_figure(report: Mapping) -> Figure:
    """How much of the picture is blurred over time."""
    times = [frame["time_ms"] / 1000 for frame in report["frames"]]
    shares = [100 * covered([box for _, *box in frame["regions"]]) for frame in report["frames"]]
    figure = Figure(figsize=(12, 2.2), layout="constrained", dpi=96)
    axes = figure.subplots()
    axes.fill_between(times, shares, step="post", color=PALETTE[0], alpha=0.35, linewidth=0)
    axes.step(times, shares, where="post", color=PALETTE[0], linewidth=1.4)
    axes.set(xlabel="seconds", ylabel="picture blurred, %", ylim=(0, None))
    if times:
        axes.set_xlim(0, length_s(report))
    _plain(axes)
    return figure


def blurred_seconds(report: Mapping) -> dict[int, list[tuple[float, float]]]:
    """Per track the seconds (start, end) during which it is blurred, from a report's frames."""
    frames = report["frames"]
    frame_s = report["video"]["duration_ms"] / 1000 / max(1, len(frames))
    by_track: dict[int, list[tuple[float, float]]] = {}
    last_frame: dict[int, int] = {}
    for index, frame in enumerate(frames):
        start_s = frame["time_ms"] / 1000
        end_s = frames[index + 1]["time_ms"] / 1000 if index + 1 < len(frames) else start_s + frame_s
        for track, *_ in frame["regions"]:
            bars = by_track.setdefault(track, [])
            if last_frame.get(track) == index - 1:
                bars[-1] = (bars[-1][0], end_s)
            else:
                bars.append((start_s, end_s))
            last_frame[track] = index
    return dict(sorted(by_track.items()))


def longest_blurred(report: Mapping) -> tuple[dict[int, list], dict[int, list]]:
    """(the tracks that are blurred longest, all others), as `blurred_seconds` gives them."""
    shown, others = longest(
        list(blurred_seconds(report).items()), lambda item: sum(end - start for start, end in item[1])
    )
    return dict(shown), dict(others)


def length_s(report: Mapping) -> float:
    """Seconds to draw: the declared duration, or more when frames lie behind it (a video may start late)."""
    times = [frame["time_ms"] for frame in report["frames"]]
    return max(report["video"]["duration_ms"], *times, 1.0) / 1000


def covered(boxes: Sequence[Sequence[float]], cells: int = 200) -> float:
    """The share of the picture under the boxes; overlaps count once. Exact to 1/cells a side."""
    picture = np.zeros((cells, cells), bool)
    for left, top, width, height in boxes:
        x0, x1, y0, y1 = (min(cells, max(0, round(cells * side))) for side in (left, left + width, top, top + height))
        picture[y0:y1, x0:x1] = True
    return float(picture.mean())


def _flat(axes: Any) -> Any:
    return axes.ravel() if hasattr(axes, "ravel") else [axes]


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#c9d1dc")
    axes.tick_params(colors=SOFT, labelsize=9)
    axes.xaxis.label.set_color(SOFT)
    axes.yaxis.label.set_color(SOFT)
    axes.grid(axis="x", color="#e9edf2")
    axes.set_axisbelow(True)

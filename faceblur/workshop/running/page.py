"""index.html of a demo: the video before and after, what was found, where the time went, the notebooks.

One HTML file with everything but the videos and the preview picture in it; opens offline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ...assets import asset
from ...files import write_text
from ...showing.colours import INK, PALETTE, SOFT
from ...showing.figures import length_s, longest_blurred
from ...showing.many import at_once
from ...showing.player import player
from ..watching.history import StateTime
from ..watching.timeline import FONT, timeline_svg


@dataclass(frozen=True)
class ChapterLine:
    """One row of the list of notebooks: title, seconds, and the files in notebooks/."""

    number: int
    title: str
    seconds: float
    html: str
    ipynb: str


def write_page(
    folder: Path,
    original: str,
    report: Mapping,
    execution: Mapping,
    chapters: Sequence[ChapterLine],
    total_s: float,
) -> Path:
    """Write folder/index.html. The folder holds blurred.mp4, preview.png and the video named `original`."""
    page = folder / "index.html"
    videos = player(folder / original, folder / "blurred.mp4", folder)
    sections = (
        _section("Before and after", _sentence(report), videos),
        _numbers(report, execution, total_s),
        _section(
            "What was found, and what became of it",
            "Left the detected faces, right the same frame of the result.",
            _card("<img class='picture' src='preview.png' alt='Frames with boxes, beside them blurred'>"),
        ),
        _section(
            "Who is blurred when",
            "One line per track: a person from the moment they are found to the end or the next cut. Of many "
            "tracks the longest have a line, all others share one.",
            _card(_scroll("who is blurred when", coverage_svg(report))),
        ),
        _section(
            "Where the pipeline's time went",
            "Every state of the Step Functions execution, from the upload's event to the delivered video.",
            _card(_scroll("seconds in each state", _execution_svg(execution))),
        ),
        _section(
            "The notebooks that built it",
            "Executed, with their results.",
            _card(_scroll("the notebooks", _table(chapters))),
        ),
    )
    write_text(page, _document(original, "".join(sections)))
    return page


def coverage_svg(report: Mapping) -> str:
    """Bars over the video's seconds, one row per track: the longest ones, and how many of the others at a time."""
    by_track, rest = longest_blurred(report)
    total_s = length_s(report)
    width, left, row = 860, 90, 26
    scale = (width - left - 16) / total_s
    rows = []
    for index, (track, bars) in enumerate(by_track.items()):
        y = 8 + row * index
        name = f"track {track}" if track >= 0 else "areas"
        rows.append(f"<text x='0' y='{y + 14}' {FONT} font-size='13.5' fill='{INK}'>{name}</text>")
        rows += [
            f"<rect x='{left + start * scale:.1f}' y='{y + 2}' height='16' rx='4' "
            f"width='{max(2.0, (end - start) * scale):.1f}' fill='{PALETTE[track % len(PALETTE)]}'/>"
            for start, end in bars
        ]
    if not by_track:
        rows.append(f"<text x='0' y='22' {FONT} font-size='14' fill='{SOFT}'>no face in this video</text>")
    if rest:
        rows += _others(rest, total_s, 8 + row * len(by_track), left, scale)
    bottom = 8 + row * max(1, len(by_track) + bool(rest))
    step = next((s for s in (1, 2, 5, 10, 30, 60, 300, 600) if total_s / s <= 13), 1800)
    ticks = "".join(
        f"<text x='{left + tick * scale:.1f}' y='{bottom + 16}' {FONT} font-size='12' fill='{SOFT}' "
        f"text-anchor='middle'>{tick} s</text>"
        for tick in range(0, int(total_s) + 1, step)
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {bottom + 24}' width='{width}' "
        f"role='img' aria-label='Who is blurred when'>{''.join(rows)}{ticks}</svg>"
    )


def _others(rest: Mapping, total_s: float, y: float, left: float, scale: float) -> list[str]:
    """One row for all tracks that have none of their own: the more of them at a time, the darker."""
    counts = at_once(rest.values(), total_s)
    width = total_s / len(counts) * scale
    strip = [
        f"<rect x='{left + width * index:.1f}' y='{y + 2}' height='16' width='{width + 0.1:.1f}' "
        f"fill='{INK}' opacity='{count / max(counts):.2f}'/>"
        for index, count in enumerate(counts)
        if count
    ]
    return [f"<text x='0' y='{y + 14}' {FONT} font-size='13.5' fill='{INK}'>{len(rest)} more</text>", *strip]


def _sentence(report: Mapping) -> str:
    counts = report["counts"]
    if not counts["tracks"]:
        return "No face was found in this video; it was delivered all the same, and nothing in it was blurred."
    return (
        f"{counts['tracks']} tracks were followed through {counts['frames']} frames; "
        f"{counts['frames_with_regions']} of these carry a blur. The sound is the original's."
    )


def _numbers(report: Mapping, execution: Mapping, total_s: float) -> str:
    info, counts = report["video"], report["counts"]
    tiles = (
        (f"{info['width']} × {info['height']}", "picture, as displayed"),
        (f"{info['duration_ms'] / 1000:.1f} s", "of video"),
        (str(counts["tracks"]), "tracks"),
        (f"{counts['frames_with_regions']} / {counts['frames']}", "frames with a blur"),
        (f"{execution['seconds']:.1f} s", "in the pipeline"),
        (f"{total_s:.0f} s", "for all ten notebooks"),
    )
    cells = "".join(f"<div><b>{escape(value)}</b><span>{words}</span></div>" for value, words in tiles)
    return f"<div class='numbers'>{cells}</div>"


def _execution_svg(execution: Mapping) -> str:
    return timeline_svg([StateTime.from_json(state) for state in execution["states"]], execution["seconds"])


def _table(chapters: Sequence[ChapterLine]) -> str:
    rows = "".join(
        f"<tr><td class='number'>{line.number}</td>"
        f"<td><a href='notebooks/{line.html}'>{escape(line.title)}</a></td>"
        f"<td><a href='notebooks/{line.ipynb}'><code>{line.ipynb}</code></a></td>"
        f"<td class='number'>{line.seconds:.1f} s</td></tr>"
        for line in chapters
    )
    return f"<table><tr><th></th><th>Chapter</th><th>Notebook file</th><th></th></tr>{rows}</table>"


def _section(title: str, words: str, body: str) -> str:
    return f"<section><h2>{title}</h2><p>{escape(words)}</p>{body}</section>"


def _scroll(words: str, body: str) -> str:
    """What may be wider than a phone; arrow keys move it."""
    return f"<div class='scroll' role='group' tabindex='0' aria-label='{words}'>{body}</div>"


def _card(body: str) -> str:
    return f"<div class='card'>{body}</div>"


def _document(original: str, body: str) -> str:
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>faceblur: the result</title><style>{asset('page.css')}</style></head><body>"
        "<header><div><h1>faceblur</h1>"
        "<p>Every face found and blurred by a serverless pipeline that ten notebooks built, ran and removed "
        "again: S3, Lambda, Rekognition Video and Step Functions, here on the embedded AWS.</p></div>"
        f"</header><main>{body}<footer>Beside this page: <code>blurred.mp4</code>, "
        f"<code>{escape(original)}</code>, "
        "<code>report.json</code>, <code>detections.json</code>, <code>execution.json</code>, "
        "<code>preview.png</code>, <code>notebooks/</code>.</footer></main></body></html>"
    )

"""What the notebooks share and nobody should type: links between chapters, diagrams, the index; stripping.

`python -m faceblur.workshop links` writes it all into notebooks/; a test holds that nothing is left to write.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...files import write_text
from ..chapters import CHAPTERS, MEASURED_S, Chapter
from ..places import project_root
from ..watching.diagram import LIT, pipeline_svg
from ..watching.drawings import event_svg, rights_svg

TOP, BOTTOM = "links-top", "links-bottom"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
INDEX = "README.md"
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 15
TAKES = re.compile(r"^\| Takes \|.*\|$", re.MULTILINE)
DRAWINGS = {"rights": rights_svg, "event": event_svg}
VIEWS = """\
## What you will see

Chapter 8: the workflow's states as they run, and the faces that were found.

![The states of a running execution: five are done, two run, one is to come](../docs/images/execution.jpg)

![A frame with boxes, a slider for the time and one for the confidence](../docs/images/slider.jpg)

Chapter 9: every stretch of the video beside its blurred copy; and the review, where one person was ticked to
stay visible and a rectangle is being drawn with the mouse.

![A frame with boxes, beside it the same frame blurred](../docs/images/compare.jpg)

![Four faces to tick, the frame as it will be, and a rectangle drawn on it](../docs/images/review.jpg)
"""


def update(folder: Path | None = None) -> list[str]:
    """Bring every notebook, diagram and the index up to date; return the names of the files that changed."""
    folder = folder or project_root() / "notebooks"
    return [path.name for path, text in wanted_files(folder).items() if _write(path, text)]


def wanted_files(folder: Path) -> dict[Path, str]:
    """What the files should hold. Notebooks that are not there are left out."""
    notebooks = {
        chapter.number: json.loads((folder / chapter.file).read_text(encoding="utf-8"))
        for chapter in CHAPTERS.values()
        if (folder / chapter.file).is_file()
    }
    times = {number: minutes(notebook["cells"]) for number, notebook in notebooks.items()}
    files = {folder / INDEX: index_page(times)}
    files |= {folder / f"images/{name}.svg": draw() + "\n" for name, draw in DRAWINGS.items()}
    for chapter in CHAPTERS.values():
        files[folder / diagram_file(chapter)] = pipeline_svg(LIT[chapter.number]) + "\n"
        if chapter.number in notebooks:
            notebook = finished(notebooks[chapter.number], chapter, times)
            files[folder / chapter.file] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    return files


def minutes(cells: Sequence[dict]) -> int:
    """Reading and doing at 200 words and 15 lines of code a minute; what is looked up or extra does not count."""
    words = sum(len(TAKES.sub("", "".join(cell["source"])).split()) for cell in cells if _is_read(cell))
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = sum(bool(line.strip()) for text in code for line in text.splitlines())
    return math.ceil(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE)


def _is_read(cell: dict) -> bool:
    return cell["cell_type"] == "markdown" and cell["id"] not in (TOP, BOTTOM, "exercises", "troubleshooting")


def finished(notebook: dict, chapter: Chapter, times: Mapping[int, int]) -> dict:
    """The notebook stripped of results, with its links, its diagram and its minutes."""
    cells = [_stripped(cell) for cell in notebook["cells"] if cell["id"] not in (TOP, BOTTOM)]
    intro = _with_diagram(_with_minutes("".join(cells[0]["source"]), chapter, times), chapter)
    cells[0] = {**cells[0], "source": _lines(intro)}
    links = navigation(chapter)
    return {
        "cells": [_markdown(TOP, links), *cells, _markdown(BOTTOM, f"---\n\n{links}")],
        "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def navigation(chapter: Chapter) -> str:
    """← the chapter before | all chapters | the chapter after →"""
    before, after = CHAPTERS.get(chapter.number - 1), CHAPTERS.get(chapter.number + 1)
    parts = [f"[All chapters]({INDEX})"]
    if before:
        parts.insert(0, f"[← {before.number}. {before.title}]({before.file})")
    if after:
        parts.append(f"[{after.number}. {after.title} →]({after.file})")
    return " | ".join(parts)


def diagram_file(chapter: Chapter) -> str:
    return f"images/pipeline_{chapter.number:02d}.svg"


def index_page(times: Mapping[int, int]) -> str:
    """notebooks/README.md: the chapters in order, with their minutes."""
    rows = [
        f"| {chapter.number} | [{chapter.title}]({chapter.file}) | {times.get(chapter.number, '')} | "
        f"{MEASURED_S[chapter.number]} | {', '.join(chapter.makes) or 'nothing'} |"
        for chapter in CHAPTERS.values()
    ]
    return "\n".join(
        [
            "# The workshop",
            "",
            "Ten notebooks, in this order. Start JupyterLab with `python3 kit.py lab`; without a browser",
            "they run [in CI](../docs/ci.md).",
            "",
            f"![The pipeline]({diagram_file(CHAPTERS[1])})",
            "",
            "| | Chapter | Minutes | Seconds | Saves for the next ones |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"In all about {sum(times.values())} minutes to read and do, at {WORDS_A_MINUTE} words and",
            f"{LINES_A_MINUTE} lines of code a minute; tasks that you think about and exercises come on top.",
            f"Running the cells is apart: the seconds were measured on two cores with the embedded AWS, {_total()} in",
            "all. Chapter 4 takes a minute more the first time, and what AWS itself takes was not measured.",
            "Time plans for a class are in [docs/teaching.md](../docs/teaching.md).",
            "",
            VIEWS,
            "This file is written by `python -m faceblur.workshop links`.",
            "",
        ]
    )


def _with_minutes(source: str, chapter: Chapter, times: Mapping[int, int]) -> str:
    """The row of the intro's table that says how long the chapter takes and runs; in chapter 1 also for all of them."""
    words = f"about {times.get(chapter.number, 0)} minutes to read and do"
    if chapter.number == 1:
        words += f", all ten together about {sum(times.values())}"
    words += f"; the cells run for {MEASURED_S[chapter.number]} seconds"
    if chapter.number == 1:
        words += f", of all ten for {_total()} (measured on two cores with the embedded AWS)"
    return TAKES.sub(f"| Takes | {words} |", source)


def _total() -> str:
    """The seconds of all chapters, in words for people."""
    minutes, seconds = divmod(sum(MEASURED_S.values()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _with_diagram(source: str, chapter: Chapter) -> str:
    body = [line for line in source.rstrip().splitlines() if "](images/pipeline_" not in line]
    words = f"The pipeline, with the part of chapter {chapter.number} lit"
    return "\n".join(body).rstrip() + f"\n\n![{words}]({diagram_file(chapter)})"


def _stripped(cell: dict) -> dict:
    """A cell without outputs and traces of a run; its tags stay."""
    tags = cell.get("metadata", {}).get("tags")
    kept = {"cell_type": cell["cell_type"], "id": cell["id"], "metadata": {"tags": tags} if tags else {}}
    if cell["cell_type"] == "code":
        kept |= {"execution_count": None, "outputs": []}
    return kept | {"source": _lines("".join(cell["source"]))}


def _markdown(identity: str, text: str) -> dict:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": _lines(text)}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _write(path: Path, text: str) -> bool:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return True

"""What the notebooks share and nobody should type: links between chapters, diagrams, the index; stripping.

`python -m faceblur.workshop links` writes it all into notebooks/; a test holds that nothing is left to write.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..chapters import CHAPTERS, Chapter
from ..places import project_root
from ..watching.diagram import LIT, pipeline_svg

TOP, BOTTOM = "links-top", "links-bottom"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
INDEX = "README.md"
VIEWS = """\
## What you will see

Chapter 8: the workflow's states as they run, and the faces that were found.

![The states of a running execution: four are done, one runs, one is to come](../docs/images/execution.jpg)

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
    files = {folder / INDEX: index_page()}
    for chapter in CHAPTERS.values():
        files[folder / diagram_file(chapter)] = pipeline_svg(LIT[chapter.number]) + "\n"
        path = folder / chapter.file
        if path.is_file():
            notebook = json.loads(path.read_text(encoding="utf-8"))
            files[path] = json.dumps(finished(notebook, chapter), indent=1, ensure_ascii=False) + "\n"
    return files


def finished(notebook: dict, chapter: Chapter) -> dict:
    """The notebook stripped of results, with its links and its diagram."""
    cells = [_stripped(cell) for cell in notebook["cells"] if cell["id"] not in (TOP, BOTTOM)]
    cells[0] = {**cells[0], "source": _lines(_with_diagram("".join(cells[0]["source"]), chapter))}
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


def index_page() -> str:
    """notebooks/README.md: the chapters in order."""
    rows = [
        f"| {chapter.number} | [{chapter.title}]({chapter.file}) | {', '.join(chapter.makes) or 'nothing'} |"
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
            "| | Chapter | Saves for the next ones |",
            "|---|---|---|",
            *rows,
            "",
            VIEWS,
            "This file is written by `python -m faceblur.workshop links`.",
            "",
        ]
    )


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
    path.write_text(text, encoding="utf-8")
    return True

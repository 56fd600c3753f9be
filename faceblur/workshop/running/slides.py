"""The `slides` command: the notebooks' words, drawings and short code as slides, in one HTML file that works offline.

nbconvert's own slides fetch their scripts from elsewhere; its Markdown and its names of languages are used here.
"""

from __future__ import annotations

import json
import mimetypes
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from ...assets import asset
from ..chapters import CHAPTERS, Chapter
from ..places import project_root

MOST_CODE = 16  # lines of a cell that fit a slide; longer ones are looked at in the notebook
_LEFT_OUT = ("links-top", "links-bottom", "troubleshooting", "done")
_PICTURE = re.compile(r'<img([^>]*) src="([^":]+)"')
_ANCHOR = re.compile(r'<a class="anchor-link".*?</a>')
_LINK = re.compile(r'<a href="(?!https?:)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)


@dataclass
class Slide:
    """What stands on one slide, as HTML; `chapter` and `title` are said where there is one for the list of chapters."""

    chapter: Chapter
    title: str
    parts: list[str] = field(default_factory=list)


def write_slides(out: Path) -> int:
    """Write the slides of all chapters to the file `out`; returns how many. Needs nbconvert."""
    slides = [slide for chapter in CHAPTERS.values() for slide in slides_of(chapter)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(_document(slides), encoding="utf-8")
    return len(slides)


def slides_of(chapter: Chapter) -> list[Slide]:
    """A slide for each heading of the notebook; exercises without their solutions."""
    folder = project_root() / "notebooks"
    cells = json.loads((folder / chapter.file).read_text(encoding="utf-8"))["cells"]
    slides: list[Slide] = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["id"] in _LEFT_OUT:
            continue
        if cell["cell_type"] == "code":
            if slides and "parameters" not in cell["metadata"].get("tags", ()) and _is_short(source):
                slides[-1].parts.append(f"<pre><code>{escape(source)}</code></pre>")
            continue
        for title, text in _headed(re.sub(r"<details>.*</details>", "", source, flags=re.DOTALL)):
            if title or not slides:
                slides.append(Slide(chapter, title))
            slides[-1].parts.append(_html(text, folder))
    return slides


def _is_short(source: str) -> bool:
    return len(source.splitlines()) <= MOST_CODE


def _headed(source: str) -> Iterator[tuple[str, str]]:
    """(title or "", text with its heading) for each part of a Markdown cell that begins with a heading."""
    for text in re.split(r"(?m)^(?=#{1,2} )", source):
        if text.strip():
            heading = re.match(r"#{1,2} (.*)", text)
            yield (heading[1] if heading else ""), text


def _html(markdown: str, folder: Path) -> str:
    from nbconvert.filters.markdown import markdown2html

    html = _LINK.sub(r"\1", _ANCHOR.sub("", markdown2html(markdown)))  # the files are not beside the slides
    return _PICTURE.sub(lambda found: f'<img{found[1]} src="{_data_uri(folder / found[2])}"', html)


def _data_uri(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "image/svg+xml"
    return f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"


def _document(slides: list[Slide]) -> str:
    firsts: dict[int, int] = {}
    for number, slide in enumerate(slides, 1):
        firsts.setdefault(slide.chapter.number, number)
    options = "".join(
        f"<option value='{first}'>{number}. {escape(CHAPTERS[number].title)}</option>"
        for number, first in firsts.items()
    )
    sections = "".join(
        f"<section aria-label='slide {number}'><small>{slide.chapter.number}. {escape(slide.chapter.title)}</small>"
        f"{''.join(slide.parts)}</section>"
        for number, slide in enumerate(slides, 1)
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'><link rel='icon' href='data:,'>"
        f"<title>faceblur: the workshop</title><style>{asset('slides.css')}</style></head><body><main>{sections}</main>"
        "<nav aria-label='slides'><button id='back' aria-label='the slide before'>◀</button>"
        "<button id='forth' aria-label='the next slide'>▶</button>"
        f"<select id='chapter' aria-label='go to a chapter'>{options}</select><output id='where'></output></nav>"
        f"<script>{asset('slides.js')}</script></body></html>\n"
    )

"""A page of a class: who is in which chapter, read from the state files of many labs. Sends and asks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from ...errors import WorkshopError
from ...files import write_text
from ..chapters import CHAPTERS
from ..state import State

HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The class</title>
<style>
:root { color-scheme: light dark }
body { font: 16px system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8888; padding: .4rem; text-align: left }
.done { background: #0f766e; color: #fff; text-align: center }
div { overflow-x: auto }
</style>
"""


@dataclass(frozen=True)
class Progress:
    """One lab: its prefix and target, the chapters that are done, when its state last changed."""

    prefix: str
    target: str
    done: frozenset[int]
    changed: datetime

    @property
    def next(self) -> str:
        """What comes next, for people."""
        left = sorted(set(CHAPTERS) - self.done)
        return f"{left[0]}. {CHAPTERS[left[0]].title}" if left else "all done"


def read_class(folders: Iterable[Path]) -> list[Progress]:
    """The labs whose state files lie in these folders, by prefix. A file that cannot be read is left out, and said.

    Of the labs of one folder, prefix and target, each with an embedded AWS of its own, the one that was changed last.

    Raises WorkshopError for a folder that is not there, and when no state file is in any of them.
    """
    found: dict[tuple[Path, str, str], Progress] = {}
    for folder in folders:
        if not folder.is_dir():
            raise WorkshopError(f"{folder}: no such folder")
        for path in sorted(folder.glob("state-*.json")):
            try:
                lab = _progress(path)
                place = folder, lab.prefix, lab.target
                found[place] = max(lab, found.get(place, lab), key=lambda one: one.changed)
            except (WorkshopError, KeyError, TypeError, ValueError) as problem:
                print(f"left out: {path} ({problem})")
    if not found:
        raise WorkshopError("no state-*.json in these folders: name the build folder of each lab")
    return sorted(found.values(), key=lambda one: (one.prefix, one.changed))


def write_class(out: Path, folders: Iterable[Path]) -> int:
    """Write the page; how many labs are on it. Raises OutputError when it cannot be written."""
    labs = read_class(folders)
    write_text(out, class_page(labs))
    return len(labs)


def class_page(labs: Iterable[Progress]) -> str:
    """The page: a row for each lab, a column for each chapter; done is a word, too, not a colour alone."""
    heads = "".join(f"<th scope='col' title='{escape(one.title)}'>{number}</th>" for number, one in CHAPTERS.items())
    rows = "".join(map(_row, labs))
    return (
        f"{HEAD}<h1>The class</h1><div><table><tr><th scope='col'>Prefix</th><th scope='col'>Target</th>{heads}"
        f"<th scope='col'>Next</th><th scope='col'>Last change</th></tr>{rows}</table></div></html>\n"
    )


def _row(lab: Progress) -> str:
    cells = "".join("<td class='done'>done</td>" if number in lab.done else "<td></td>" for number in CHAPTERS)
    return (
        f"<tr><th scope='row'>{escape(lab.prefix)}</th><td>{escape(lab.target)}</td>{cells}"
        f"<td>{escape(lab.next)}</td><td>{lab.changed:%H:%M}</td></tr>"
    )


def _progress(path: Path) -> Progress:
    state: Mapping = State(path)
    done = frozenset(number for number in state.get("done") or state.get("finished", ()) if number in CHAPTERS)
    return Progress(str(state["prefix"]), str(state["target"]), done, datetime.fromtimestamp(path.stat().st_mtime))

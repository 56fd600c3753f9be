"""Runs the notebooks in order, with their parameters, and cleans up after a failure. `cells` runs one of them.

The notebooks run in kernels of their own; what they need to know comes from the environment (AWS_*, FACEBLUR_STATE)
and the parameters.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import WorkshopError
from ..chapters import CHAPTERS, Chapter
from ..places import project_root
from .cells import CellFailure, CellProgress, Say, execute

CLEAN_UP = max(CHAPTERS)
UNATTENDED = {"DELETE": True, "SOLVE": True}
"""Parameters of a run that nobody watches, unless it is told otherwise; a notebook's own are for a person."""


@dataclass(frozen=True)
class NotebookRun:
    """One executed notebook."""

    chapter: Chapter
    seconds: float
    copy: Path
    failure: CellFailure | None = None


@dataclass(frozen=True)
class Run:
    """All notebooks that were executed, in order; the clean-up after a failure is among them."""

    notebooks: tuple[NotebookRun, ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[NotebookRun, ...]:
        return tuple(one for one in self.notebooks if one.failure)


def select(first: int, last: int) -> tuple[Chapter, ...]:
    """The chapters first..last. Raises WorkshopError for an empty or impossible range."""
    chapters = tuple(CHAPTERS[number] for number in sorted(CHAPTERS) if first <= number <= last)
    if not chapters or first not in CHAPTERS or last not in CHAPTERS:
        raise WorkshopError(f"--from {first} --to {last}: the notebooks are 1 to {max(CHAPTERS)}, in order")
    return chapters


def notebook_path(chapter: Chapter) -> Path:
    path = project_root() / "notebooks" / chapter.file
    if not path.is_file():
        raise WorkshopError(f"notebooks/{chapter.file} is missing; restore it with: git checkout notebooks")
    return path


def known_parameters(chapter: Chapter) -> frozenset[str]:
    """The names in the notebook's `parameters` cell."""
    import papermill

    return frozenset(papermill.inspect_notebook(str(notebook_path(chapter))))


def check_parameters(chapters: Iterable[Chapter], parameters: Mapping) -> dict[int, dict]:
    """Each notebook's share of the parameters. Raises WorkshopError for a name that no notebook declares."""
    declared = {chapter.number: known_parameters(chapter) for chapter in chapters}
    known = frozenset().union(*declared.values())
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise WorkshopError(f"unknown parameter {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return {
        number: {name: value for name, value in parameters.items() if name in names}
        for number, names in declared.items()
    }


def run(
    chapters: Sequence[Chapter],
    parameters: Mapping,
    copies: Path,
    *,
    keep: bool = False,
    say: Say | None = None,
) -> Run:
    """Execute the chapters in order; stop at the first failure, then clean up unless `keep`.

    copies: the folder for the executed notebooks; each is saved, also when it fails.
    """
    say = say or print
    shares = check_parameters({*chapters, CHAPTERS[CLEAN_UP]}, parameters)
    for number, share in shares.items():
        names = known_parameters(CHAPTERS[number])
        shares[number] = {name: value for name, value in UNATTENDED.items() if name in names} | share
    copies.mkdir(parents=True, exist_ok=True)
    shutil.copytree(project_root() / "notebooks" / "images", copies / "images", dirs_exist_ok=True)
    done: list[NotebookRun] = []
    try:
        for chapter in chapters:
            if keep and chapter.number == CLEAN_UP:
                say(f"{chapter.file} left out: everything stays (--keep)")
                continue
            done.append(_execute(chapter, shares[chapter.number], copies, say))
            if done[-1].failure:
                break
    except KeyboardInterrupt:
        if not keep:
            say("\ninterrupted: cleaning up (Ctrl-C again leaves everything as it is) ...")
            _execute(CHAPTERS[CLEAN_UP], shares[CLEAN_UP], copies, say)
        raise
    if done and done[-1].failure and not keep and done[-1].chapter.number not in (1, CLEAN_UP):
        say("cleaning up after the failure ...")
        done.append(_execute(CHAPTERS[CLEAN_UP], shares[CLEAN_UP], copies, say))
    return Run(tuple(done))


@contextlib.contextmanager
def embedded_aws(say: Say = print) -> Iterator[None]:
    """Start the embedded AWS and put its environment in place until the block ends."""
    from ...localaws import LocalAws

    say("starting the embedded AWS ...")
    with LocalAws() as aws, environment(aws.environment):
        if aws.lacks:
            say(aws.lacks)
        yield


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the block ends."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _execute(chapter: Chapter, parameters: Mapping, copies: Path, say: Say) -> NotebookRun:
    copy, began, progress = copies / chapter.file, time.monotonic(), CellProgress(chapter.file, say)
    with environment({"PYDEVD_DISABLE_FILE_VALIDATION": "1"}):
        failure = execute(notebook_path(chapter), copy, parameters, progress)
    seconds = time.monotonic() - began
    progress.close(failed=failure is not None, seconds=seconds)
    if failure:
        say(f"  {failure}")
    return NotebookRun(chapter, seconds, copy, failure)

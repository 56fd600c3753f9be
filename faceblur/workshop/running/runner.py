"""Runs the notebooks with papermill: progress, executed copies, readable failures, clean-up, JUnit XML.

The notebooks run in kernels of their own; what they need to know comes from the environment (AWS_*, FACEBLUR_STATE)
and the parameters.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import WorkshopError
from ..chapters import CHAPTERS, Chapter
from ..places import project_root

CLEAN_UP = max(CHAPTERS)
UNATTENDED = {"DELETE": True, "SOLVE": True}
"""Parameters of a run that nobody watches, unless it is told otherwise; a notebook's own are for a person."""
ANSI = re.compile(r"\x1b\[[0-9;]*m")
ERROR_LINES = 12
SLOW_CELL_S = 2.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class CellFailure:
    """The cell that failed: its id, the error, and the line of the cell that raised it."""

    cell: str
    error: str
    line: str

    def __str__(self) -> str:
        where = f"\n    at: {self.line}" if self.line else ""
        return f"cell {self.cell}: {self.error}{where}"


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
    import papermill

    _register_engine()
    copy = copies / chapter.file
    began = time.monotonic()
    progress = CellProgress(chapter, say)
    failure = None
    try:
        with environment({"PYDEVD_DISABLE_FILE_VALIDATION": "1"}):
            papermill.execute_notebook(
                notebook_path(chapter),
                copy,
                parameters=dict(parameters),
                engine_name=ENGINE,
                progress_bar=False,
                cwd=notebook_path(chapter).parent,
                on_cell=progress,
                extra_arguments=QUIET_KERNEL,
            )
    except papermill.PapermillExecutionError as problem:
        failure = _cell_failure(problem, copy)
    seconds = time.monotonic() - began
    progress.close(failed=failure is not None, seconds=seconds)
    if failure:
        say(f"  {failure}")
    return NotebookRun(chapter, seconds, copy, failure)


class CellProgress:
    """One line per notebook; a terminal also shows the running cell, a log gets a line per slow cell."""

    def __init__(self, chapter: Chapter, say: Say):
        self.chapter, self.say = chapter, say
        self.live = say is print and os.isatty(1)
        self.began = time.monotonic()

    def __call__(self, cell: Mapping, index: int, total: int, seconds: float | None) -> None:
        """Called when a cell starts (seconds None) and when it ends."""
        words = f"{self.chapter.file}  cell {index + 1} of {total}  {cell.get('id', '')}"
        if self.live and seconds is None:
            print(f"\r\x1b[2K… {words}"[:110], end="", flush=True)
        elif seconds is not None and seconds >= SLOW_CELL_S and not self.live:
            self.say(f"  {words}  {seconds:.1f} s")

    def close(self, *, failed: bool, seconds: float) -> None:
        if self.live:
            print("\r\x1b[2K", end="")
        self.say(f"{'FAILED' if failed else '    ok'}  {self.chapter.file:28} {seconds:6.1f} s")


ENGINE = "faceblur"
QUIET_KERNEL = ["--log-level=50"]  # the kernel's remarks on its transport and on being stopped help nobody


def _register_engine() -> None:
    """A papermill engine that reports every cell to `on_cell`; otherwise papermill's own."""
    from papermill.engines import NBClientEngine, papermill_engines

    class Engine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, on_cell: Callable | None = None, **kwargs: Any
        ) -> Any:
            if on_cell:
                _report_cells(nb_man, on_cell)
            return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)

    papermill_engines.register(ENGINE, Engine)


def _report_cells(nb_man: Any, on_cell: Callable) -> None:
    start, complete = nb_man.cell_start, nb_man.cell_complete
    total = len(nb_man.nb.cells)
    began = [0.0]

    def cell_start(cell: Any, cell_index: int | None = None, **kwargs: Any) -> Any:
        began[0] = time.monotonic()
        on_cell(cell, cell_index, total, None)
        return start(cell, cell_index, **kwargs)

    def cell_complete(cell: Any, cell_index: int | None = None, **kwargs: Any) -> Any:
        on_cell(cell, cell_index, total, time.monotonic() - began[0])
        return complete(cell, cell_index, **kwargs)

    nb_man.cell_start, nb_man.cell_complete = cell_start, cell_complete


def _cell_failure(problem: Any, copy: Path) -> CellFailure:
    """What a person needs of papermill's error: no traceback; the whole of it is in the executed copy."""
    import nbformat

    cells = nbformat.read(copy, as_version=4).cells
    failed: dict = next((cell for cell in cells if _error_of(cell)), {})
    lines = ANSI.sub("", str(problem.evalue)).strip().splitlines() or ["(no message)"]
    if len(lines) > ERROR_LINES:
        lines = [*lines[:ERROR_LINES], "…"]
    error = "\n    ".join([f"{problem.ename}: {lines[0]}", *lines[1:]])
    return CellFailure(failed.get("id", "?"), error, _line(problem))


def _error_of(cell: Mapping) -> Mapping | None:
    return next((out for out in cell.get("outputs", ()) if out["output_type"] == "error"), None)


def _line(problem: Any) -> str:
    """The cell's own line in IPython's traceback: the first one marked with an arrow."""
    text = ANSI.sub("", "\n".join(problem.traceback or ()))
    found = re.search(r"^-+>\s*\d+\s+(.*)$", text, re.MULTILINE)
    line = found[1].strip() if found else ""
    return "" if line.startswith(("raise ", "assert ")) else line  # the message says it all

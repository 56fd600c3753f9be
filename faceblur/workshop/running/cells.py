"""Runs one notebook with papermill: progress cell by cell, an executed copy, a failure that a person can read."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANSI = re.compile(r"\x1b\[[0-9;]*m")
ERROR_LINES = 12
SLOW_CELL_S = 2.0
ENGINE = "faceblur"
QUIET_KERNEL = ["--log-level=50"]  # the kernel's remarks on its transport and on being stopped help nobody
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


class CellProgress:
    """One line per notebook; a terminal also shows the running cell, a log gets a line per slow cell."""

    def __init__(self, name: str, say: Say):
        self.name, self.say = name, say
        self.live = say is print and os.isatty(1)
        self.began = time.monotonic()

    def __call__(self, cell: Mapping, index: int, total: int, seconds: float | None) -> None:
        """Called when a cell starts (seconds None) and when it ends."""
        words = f"{self.name}  cell {index + 1} of {total}  {cell.get('id', '')}"
        if self.live and seconds is None:
            print(f"\r\x1b[2K… {words}"[:110], end="", flush=True)
        elif seconds is not None and seconds >= SLOW_CELL_S and not self.live:
            self.say(f"  {words}  {seconds:.1f} s")

    def close(self, *, failed: bool, seconds: float) -> None:
        if self.live:
            print("\r\x1b[2K", end="")
        self.say(f"{'FAILED' if failed else '    ok'}  {self.name:28} {seconds:6.1f} s")


def execute(notebook: Path, copy: Path, parameters: Mapping, on_cell: Callable) -> CellFailure | None:
    """Run it in its own folder and save the executed copy, also when it fails; what failed.

    on_cell: called with (cell, index, total, seconds) when a cell starts (seconds None) and when it ends.
    """
    import papermill

    _register_engine()
    try:
        papermill.execute_notebook(
            notebook,
            copy,
            parameters=dict(parameters),
            engine_name=ENGINE,
            progress_bar=False,
            cwd=notebook.parent,
            on_cell=on_cell,
            extra_arguments=QUIET_KERNEL,
        )
    except papermill.PapermillExecutionError as problem:
        return _cell_failure(problem, copy)
    return None


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

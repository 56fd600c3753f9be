"""The `run` command: notebooks for CI, on the embedded AWS or a real account."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from ...errors import WorkshopError
from ..chapters import CHAPTERS
from . import runner
from .junit import write_junit


def run_chapters(target: str, first: int, last: int, parameters: Mapping, *, out: Path, keep: bool, junit: Path) -> int:
    """Run notebooks first..last; 0 when all passed, else 1. Raises WorkshopError before any of them runs."""
    if "TARGET" in parameters:
        raise WorkshopError("-p TARGET is set by --target: leave it out")
    chapters = runner.select(first, last)
    parameters = {"TARGET": target, **parameters}
    runner.check_parameters((*chapters, CHAPTERS[runner.CLEAN_UP]), parameters)
    with contextlib.ExitStack() as stack:
        if target == "local" and not os.environ.get("AWS_ENDPOINT_URL"):
            _own_embedded_aws(stack, first, keep, out)
        done = runner.run(chapters, parameters, out / "notebooks", keep=keep)
    write_junit(junit, done)
    count = f"{len(done.notebooks)} notebooks, {len(done.failures)} failed"
    print(f"{count}; executed copies in {out / 'notebooks'}")
    return 0 if done.passed else 1


def _own_embedded_aws(stack: contextlib.ExitStack, first: int, keep: bool, out: Path) -> None:
    """Start one for this run, with a state file of its own: what is built there ends with it."""
    if first not in (1, 2):
        raise WorkshopError(
            f"--from {first}: the embedded AWS starts empty; use --from 1, or keep one running with "
            "python3 kit.py lab and run this in its terminal"
        )
    if keep:
        raise WorkshopError("--keep: the embedded AWS ends with this run, nothing can be kept")
    state = (out / "state.json").resolve()
    state.unlink(missing_ok=True)
    stack.enter_context(runner.embedded_aws())
    stack.enter_context(runner.environment({"FACEBLUR_STATE": str(state)}))

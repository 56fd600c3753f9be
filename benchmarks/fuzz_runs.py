"""Runs the command on one input in a process of its own, and judges how that ended.

The process is a fork of one that has imported everything and done nothing (a fork inherits no threads, and whoever
waits for them waits for ever): a native crash is contained and counted. The judge knows two ways to end well: done,
with an output that holds every frame of the report; refused with one line and code 2 or 3, and nothing left.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av

TIME_LIMIT_S, MEMORY_LIMIT = 40, 3 << 30
MOST_LINES = 6
_INPUT, _OURS = "in", ("out.mp4", "report.json")


@dataclass(frozen=True)
class Outcome:
    """verdict: 'ok', 'refused', or what is wrong: 'crash', 'hang', 'traceback', ... said: what it wrote.

    'not made': the muxer that was to write the spoiled video crashed over it, so that nothing was tried.
    """

    verdict: str
    said: str = ""
    seconds: float = 0.0

    @property
    def is_defect(self) -> bool:
        return self.verdict not in ("ok", "refused", "not made")


@dataclass(frozen=True)
class Run:
    """One command that is running in `folder`; `source` is its input, made by the process itself."""

    pid: int
    folder: Path
    began: float

    @property
    def source(self) -> Path | None:
        return min((self.folder / _INPUT).iterdir(), default=None)


def warm_up() -> None:
    """Import what the command imports on its way, so that a fork finds it; no thread may be started by it."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import onnxruntime  # noqa: F401

    import faceblur.cli.blur
    import faceblur.finding.detector
    import faceblur.finding.tracking  # noqa: F401


def in_child(work: Callable[[], object]) -> None:
    """Do the work in a fork of this process, to the end. Raises RuntimeError when it did not end well."""
    pid = os.fork()
    if pid == 0:
        _end_with(work)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("a child process of the fuzzer failed")


def start(folder: Path, make: Callable[[], tuple[str, bytes]], whole: bool = False) -> Run:
    """Begin `faceblur blur` on what `make` makes (name, content), in a fresh folder.

    whole: as a new Python, not as a fork of this one.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / _INPUT).mkdir(parents=True)
    pid = os.fork()
    if pid == 0:
        _end_with(lambda: _command(folder, make, whole))
    return Run(pid, folder, time.monotonic())


def _end_with(work: Callable[[], object]) -> None:
    """The last thing a child does: nothing of the parent's is cleaned up twice."""
    code: object = 1
    try:
        code = work() or 0
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code if isinstance(code, int) else 1)


def _command(folder: Path, make: Callable[[], tuple[str, bytes]], whole: bool) -> int:
    os.setsid()
    out = os.open(folder.with_suffix(".said"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(out, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(folder)
    name, data = make()
    path = Path(_INPUT, name)
    path.write_bytes(data)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    arguments = ["blur", str(path), _OURS[0], "--report", _OURS[1], "--preset", "ultrafast"]
    if whole:
        os.execv(sys.executable, [sys.executable, "-m", "faceblur", *arguments])
    return _as_command(arguments)


def _as_command(arguments: list[str]) -> int:
    from faceblur.cli import main

    sys.argv = ["faceblur", *arguments]
    try:
        return main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))


def finished(run: Run) -> Outcome | None:
    """How the run ended; None while it goes on. A run past its time is ended, with all that it started."""
    pid, status = os.waitpid(run.pid, os.WNOHANG)
    seconds = time.monotonic() - run.began
    is_late = seconds > TIME_LIMIT_S
    if not pid and not is_late:
        return None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(run.pid, signal.SIGKILL)
    if not pid:
        os.waitpid(run.pid, 0)
    said_at = run.folder.with_suffix(".said")
    said = said_at.read_text(errors="replace") if said_at.exists() else ""
    verdict = "hang" if not pid else judge(run, os.waitstatus_to_exitcode(status), said)
    return Outcome(verdict, said, seconds)


def judge(run: Run, code: int, said: str) -> str:
    """One word for how a run ended."""
    lines = [line for line in said.splitlines() if line.strip()]
    if run.source is None:
        return "not made"
    left = {path.name for path in run.folder.iterdir()} - {_INPUT}
    left |= {path.name for path in (run.folder / _INPUT).iterdir()} - {run.source.name}
    if code < 0:
        return f"crash {signal.Signals(-code).name}"
    if "Traceback" in said or "Exception ignored" in said:
        return "traceback"
    if code == 0:
        return _judge_output(run.folder, left, lines)
    if code not in (2, 3):
        return f"exit {code}"
    if left:
        return f"left {' '.join(sorted(left))}"
    if len(lines) != 1 or not lines[0].startswith("faceblur: "):
        return f"refused with {len(lines)} lines"
    return "refused"


def _judge_output(folder: Path, left: set[str], lines: list[str]) -> str:
    if left != set(_OURS):
        return f"done, but with {' '.join(sorted(left)) or 'nothing'}"
    if len(lines) > MOST_LINES:
        return f"done with {len(lines)} lines"
    frames = len(json.loads((folder / _OURS[1]).read_text())["frames"])
    try:
        with av.open(str(folder / _OURS[0])) as box:
            shown = sum(1 for _ in box.decode(video=0))
    except (av.FFmpegError, IndexError) as problem:
        return f"done, but unreadable: {type(problem).__name__}"
    return "ok" if shown == frames else f"done, but {shown} frames of {frames}"


def clear(run: Run) -> None:
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.with_suffix(".said").unlink(missing_ok=True)

"""The `lab` command: JupyterLab on copies of the notebooks; beside it the embedded AWS, or your account."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import WorkshopError
from ..chapters import CHAPTERS
from ..names import Names
from ..places import engine_id, settings, short, state_path
from ..session import check_target
from ..state import State
from . import runner
from .copies import working_copies
from .leash import leashed

# Nothing is asked of the network unless the user does: no check for updates, no question about news.
OPTIONS = ("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",)
CONFIG = Path(__file__).parents[2] / "assets" / "jupyter"
LAST = 9  # the last chapter that --until may run: the next one deletes


@dataclass(frozen=True)
class Choice:
    """What all notebooks of a lab have in common. until: the chapters up to this one are run before it opens."""

    target: str = "local"
    prefix: str = "faceblur"
    until: int = 0
    reset: bool = False

    def __post_init__(self) -> None:
        Names(self.prefix, "", "")  # refuses a prefix that cannot be used
        if not 0 <= self.until <= LAST:
            raise WorkshopError(f"--until {self.until}: the chapters that can be run before are 1 to {LAST}")


def lab(options: Sequence[str] = (), choice: Choice | None = None) -> int:
    """Run JupyterLab until it ends, and return its exit code; the embedded AWS ends with it, both with this process."""
    choice = choice or Choice()
    if choice.target == "aws":
        check_target("aws")
    with contextlib.ExitStack() as stack:
        stack.enter_context(runner.environment(settings(choice.target, choice.prefix)))
        if choice.target == "local":
            stack.enter_context(runner.embedded_aws())
        folder = working_copies(f"{choice.target}-{choice.prefix}", choice.reset)
        if choice.until:
            _run_until(choice.until, folder)
        print(f"JupyterLab opens in your browser, on your copies in {short(folder)}; stop it with Ctrl-C twice.")
        code = _serve(folder, options)
        noted = dict(State(_state_path(choice)))
    print(farewell(choice, noted, folder))
    return code


def _serve(folder: Path, options: Sequence[str]) -> int:
    first = () if any(not option.startswith("-") for option in options) else (CHAPTERS[1].file,)
    with leashed(
        "jupyterlab", [*OPTIONS, *_root_option(), *options, *first], cwd=folder, env=os.environ | kernels()
    ) as server:
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is JupyterLab's; it asks back
        try:
            return server.wait()
        finally:
            signal.signal(signal.SIGINT, interrupt)


def _run_until(last: int, folder: Path) -> None:
    """The chapters 1..last into the copies. One that fails is said, and there to be looked at."""
    done = runner.run(runner.select(1, last), {}, folder, keep=True)
    for failed in done.failures:
        print(f"{failed.chapter.file} failed; open it and see. The chapters after it have not run.")


def _state_path(choice: Choice) -> Path:
    local = choice.target == "local"
    return state_path(choice.target, choice.prefix, engine_id(os.environ["AWS_ACCESS_KEY_ID"]) if local else "")


def farewell(choice: Choice, noted: Mapping, folder: Path) -> str:
    """What is lost, what stays, and what it costs. noted: the state file's content."""
    makers = [number for number in noted.get("done", ()) if CHAPTERS[number].makes]
    kept = f"Your notebooks stay in {short(folder)}."
    again = "python3 kit.py lab" + "".join(
        f" --{name} {value}" for name, value, usual in _named(choice) if value != usual
    )
    if choice.target == "aws":
        if "input_bucket" not in noted:
            return f"Nothing of the prefix {choice.prefix} is noted in your account. {kept}"
        return (
            f"In your AWS account stays what the chapters made with the prefix {choice.prefix}, and costs money. "
            f"Delete it: {again}, then {CHAPTERS[10].file}. {kept}"
        )
    if not makers:
        return f"The embedded AWS has ended; there was nothing in it. {kept}"
    return (
        f"The embedded AWS has ended, and what chapters {makers[0]} to {makers[-1]} made in it is gone. {kept} "
        f"To go on there: {again} --until {min(max(makers), 7)}"
    )


def _named(choice: Choice) -> tuple[tuple[str, str, str], ...]:
    return ("target", choice.target, "local"), ("prefix", choice.prefix, "faceblur")


def kernels() -> dict[str, str]:
    """Where JupyterLab finds our settings, and the kernel that says errors plainly."""
    return {
        "JUPYTER_CONFIG_PATH": _before("JUPYTER_CONFIG_PATH", CONFIG),
        "JUPYTER_PATH": _before("JUPYTER_PATH", CONFIG / "share"),
    }


def _before(variable: str, folder: Path) -> str:
    return os.pathsep.join(filter(None, [str(folder), os.environ.get(variable)]))


def _root_option() -> tuple[str, ...]:
    """JupyterLab refuses to run as root (in containers, say) unless told to."""
    return ("--allow-root",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()

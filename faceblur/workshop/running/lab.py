"""The `lab` command: JupyterLab on the notebooks, the embedded AWS beside it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from ..session import project_root, state_path
from . import runner
from .leash import leashed

# Nothing is asked of the network unless the user does: no check for updates, no question about news.
OPTIONS = ("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",)
CONFIG = Path(__file__).parents[2] / "assets" / "jupyter"


def lab(options: Sequence[str] = ()) -> int:
    """Run JupyterLab until it ends, and return its exit code; the embedded AWS ends with it, both with this process."""
    notebooks = project_root() / "notebooks"
    state_path("local", "faceblur").unlink(missing_ok=True)  # it describes the last embedded AWS, now gone
    with runner.embedded_aws():
        print("JupyterLab opens in your browser; stop it with Ctrl-C twice, the embedded AWS stops with it.")
        settings = {"cwd": notebooks, "env": os.environ | {"JUPYTER_CONFIG_PATH": _config_path()}}
        with leashed("jupyterlab", [*OPTIONS, *_root_option(), *options], **settings) as server:
            interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is JupyterLab's; it asks back
            try:
                return server.wait()
            finally:
                signal.signal(signal.SIGINT, interrupt)


def _config_path() -> str:
    return os.pathsep.join(filter(None, [str(CONFIG), os.environ.get("JUPYTER_CONFIG_PATH")]))


def _root_option() -> tuple[str, ...]:
    """JupyterLab refuses to run as root (in containers, say) unless told to."""
    return ("--allow-root",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()

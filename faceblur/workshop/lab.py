"""The `lab` command: JupyterLab on the notebooks, the embedded AWS beside it. Imports runner and session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import runner
from .session import project_root, state_path

# Nothing is asked of the network unless the user does: no check for updates, no question about news.
OPTIONS = ("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",)
CONFIG = Path(__file__).parents[1] / "assets" / "jupyter"


def lab(options: Sequence[str] = ()) -> int:
    """Run JupyterLab until it ends; the embedded AWS ends with it. Returns JupyterLab's exit code."""
    notebooks = project_root() / "notebooks"
    state_path("local", "faceblur").unlink(missing_ok=True)  # it describes the last embedded AWS, now gone
    with runner.embedded_aws():
        print("JupyterLab opens in your browser; stop it with Ctrl-C twice, the embedded AWS stops with it.")
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *OPTIONS, *_root_option(), *options],
            cwd=notebooks,
            env=os.environ | {"JUPYTER_CONFIG_PATH": _config_path()},
        )
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is JupyterLab's; it asks back
        try:
            return server.wait()
        finally:
            signal.signal(signal.SIGINT, interrupt)
            if server.poll() is None:
                server.terminate()
                server.wait()


def _config_path() -> str:
    return os.pathsep.join(filter(None, [str(CONFIG), os.environ.get("JUPYTER_CONFIG_PATH")]))


def _root_option() -> tuple[str, ...]:
    """JupyterLab refuses to run as root (in containers, say) unless told to."""
    return ("--allow-root",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()

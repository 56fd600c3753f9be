"""The `faceblur` command. Turns every FaceblurError into one line and an exit code. Imports what the command needs.

One module a command, or a few that belong together; each has `add(commands)`, which describes its options,
and a function that runs it. `common` holds what they share.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module

from .. import __version__
from ..errors import FaceblurError

_MODULE_OF = {  # in the order of the help
    "blur": "blur",
    "plan": "plan",
    "review": "review",
    "audit": "audit",
    "detect": "look",
    "preview": "look",
    "sample": "look",
}


def main(arguments: list[str] | None = None) -> int:
    if arguments is None:  # the command itself, not a call from Python
        signal.signal(signal.SIGTERM, _stop)
        # NumPy's and OpenCV's OpenBLAS start threads that wait in a loop for work that never comes: 0.18 s of CPU.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = sys.argv[1:] if arguments is None else arguments
    options = _parser(*words[:1]).parse_args(words)
    try:
        return options.run(options) or 0
    except FaceblurError as problem:
        print(f"faceblur: {problem}", file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("faceblur: stopped; nothing was written", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # nobody reads any more: no word at exit
        return 0


def _stop(*_) -> None:
    """Being told to end is like Ctrl-C: what is half done is cleaned away."""
    raise KeyboardInterrupt


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options."""

    def error(self, message: str):
        self.exit(2, f"faceblur: {message} (see {self.prog} --help)\n")


def _parser(command: str = "") -> argparse.ArgumentParser:
    """Of this command alone, so that the others need not be loaded; of all when there is no such command."""
    parser = _Parser(prog="faceblur", description="Blur every face in a video, and prove it.")
    parser.add_argument("--version", action="version", version=f"faceblur {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in dict.fromkeys([_MODULE_OF[command]] if command in _MODULE_OF else _MODULE_OF.values()):
        import_module(f".{module}", __name__).add(commands)
    return parser

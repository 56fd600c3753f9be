"""The `faceblur` command. Turns every error into one line and an exit code.

One module a command, or a few that belong together; each has `add(commands)`, which describes its options,
and a function that runs it. `common` holds what they share. Where the system can fork, the command is two processes:
see `guard`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..process import return_large_blocks
from . import guard
from .failures import report

if TYPE_CHECKING:
    from .parsing import Parser

_MODULE_OF = {  # in the order of the help
    "blur": "blur",
    "plan": "plan",
    "review": "review",
    "audit": "audit",
    "detect": "look",
    "preview": "look",
    "sample": "look",
    "local": "local",
}


def main(arguments: list[str] | None = None) -> int:
    """The exit code of the command with these arguments; without them of the command itself, as it was started."""
    if arguments is not None:
        return _run(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a console cannot show is escaped, and nothing fails for it
            stream.reconfigure(errors="backslashreplace")
    # NumPy's and OpenCV's OpenBLAS start threads that wait in a loop for work that never comes: 0.18 s of CPU.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = sys.argv[1:]
    if guard.CAN_FORK:
        return guard.guard(lambda: _run(words), lambda line: _tell_end(line, words))
    signal.signal(signal.SIGTERM, _stop)
    return _run(words)


def _run(words: list[str]) -> int:
    return_large_blocks()
    try:
        options = _parser(*words[:1]).parse_args(words)
        return options.run(options) or 0
    except KeyboardInterrupt:
        print(guard.stop_line(), file=sys.stderr)
        return guard.STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more: no word at exit
        return 0
    except Exception as problem:
        return report(problem)


def _stop(*_: object) -> None:
    """Being told to end is like Ctrl-C: what is half done is cleaned away."""
    raise KeyboardInterrupt


def _tell_end(line: str, words: list[str]) -> None:
    """Say what ended the process that worked, and remove what it left."""
    from ..partials import sweep

    names = {}
    with contextlib.suppress(Exception, SystemExit):
        names = vars(_parser(*words[:1]).parse_args(words))
    for name in ("output", "report", "coverage", "out", "faces"):
        if names.get(name):
            path = Path(names[name]).resolve()
            sweep(path if path.is_dir() else path.parent, again=True)
    source = names.get("input") or (names.get("inputs") or [names.get("original") or names.get("video")])[0]
    print(f"faceblur: {f'{source}: ' if source else ''}{line}", file=sys.stderr)


def _parser(command: str = "") -> Parser:
    """Of this command alone, so that the others need not be loaded; of all when there is no such command."""
    from .parsing import Parser

    parser = Parser(prog="faceblur", description="Blur every face in a video, and prove it.")
    parser.add_argument("--version", action="version", version=f"faceblur {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in dict.fromkeys([_MODULE_OF[command]] if command in _MODULE_OF else _MODULE_OF.values()):
        import_module(f".{module}", __name__).add(commands)
    return parser

"""`python -m faceblur.localaws`: the embedded AWS in the foreground, until it is told to end (`faceblur local up`)."""

from __future__ import annotations

import argparse
import signal
import sys

from ..errors import FaceblurError
from .running import PORT, Running, serve

EXPLAINED = "# The embedded AWS is running; Ctrl-C ends it"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m faceblur.localaws")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--state")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return serve(options.port, options.state, say_json if options.json else say_exports)
    except FaceblurError as problem:
        print(f"faceblur: {problem}", file=sys.stderr)
        return problem.exit_code


def say_json(one: Running) -> None:
    print(one.ready_line(), flush=True)


def say_exports(one: Running) -> None:
    kept = f" and keeps what is in it in {one.state}." if one.state else " and deletes everything in it."
    print(f"{one.exports()}\n{EXPLAINED}{kept}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

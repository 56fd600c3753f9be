"""`python -m faceblur.localaws`: the embedded AWS in the foreground, until Ctrl-C."""

from __future__ import annotations

import shlex
import signal
import sys
import threading

from ..errors import FaceblurError
from .cloud import LocalAws


def main() -> int:
    aws, asked = LocalAws(), threading.Event()

    def stop(*_: object) -> None:
        asked.set()
        aws.ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        with aws:
            for name, value in aws.environment.items():
                print(f"export {name}={shlex.quote(value)}")
            print("# The embedded AWS is running; Ctrl-C ends it and deletes everything in it.", flush=True)
            aws.ended.wait()
    except FaceblurError as problem:
        print(f"faceblur: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0 if asked.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())

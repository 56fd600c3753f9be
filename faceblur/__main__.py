"""`python -m faceblur` is the `faceblur` command, and `faceblur` is this.

Until the command has its own answer to Ctrl-C, a moment after its start, that ends it without a word: Python's answer
would be a traceback of some import.
"""

import _signal  # what `signal` is made of; that one takes a while to load
import sys

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def main() -> int:
    """The command's exit code."""
    from .cli import main

    return main()


if __name__ == "__main__":
    sys.exit(main())

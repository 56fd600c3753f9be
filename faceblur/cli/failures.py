"""What went wrong, in one line and an exit code; also for what nobody expected."""

from __future__ import annotations

import errno
import os
import re
import sys

from ..errors import FaceblurError, InputError, OutputError

DEBUG = os.environ.get("FACEBLUR_DEBUG") == "1"
_FULL = (errno.ENOSPC, errno.EROFS, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
# What moves the cursor, begins a line or turns the direction of writing: a name could draw a line that is not ours.
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def in_words(problem: BaseException) -> tuple[str, int]:
    """(one line, exit code). With FACEBLUR_DEBUG=1 it also says where, on standard error."""
    if DEBUG:
        import traceback

        traceback.print_exception(problem)
    if isinstance(problem, FaceblurError):
        return on_one_line(str(problem)), problem.exit_code
    if isinstance(problem, MemoryError):
        return "there is not enough memory for this video", InputError.exit_code
    if isinstance(problem, OSError) and problem.strerror:
        name = f"{problem.filename}: " if problem.filename else ""
        code = OutputError.exit_code if problem.errno in _FULL else InputError.exit_code
        return on_one_line(f"{name}{problem.strerror}"), code
    said = f"{type(problem).__name__}: {problem}"[:300]
    if type(problem).__module__.startswith("av."):  # the codec library's own words
        return on_one_line(f"the video cannot be read to its end ({said})"), InputError.exit_code
    return on_one_line(f"unexpected {said}; please report it (FACEBLUR_DEBUG=1 shows where)"), FaceblurError.exit_code


def on_one_line(text: str) -> str:
    """The text with control characters escaped, as they may stand in the name of a file."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def report(problem: BaseException) -> int:
    """Say it on standard error; returns the exit code."""
    line, code = in_words(problem)
    print(f"faceblur: {line}", file=sys.stderr)
    return code

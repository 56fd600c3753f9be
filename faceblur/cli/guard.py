"""The process that watches over the one that works (POSIX), so that whatever happens ends in one line.

The command as it is started only waits. Its child does the work: what a native library does to it (an abort, a
segmentation fault, the system's end of a process that took all memory) is told by the parent, which removes what was
half written. In a batch each video has a child of its own, and the batch goes on.

SIGINT, SIGTERM and SIGHUP are passed on to the child. They end it where it is: what is half done is undone (see
`undo`), one line is written, and that is all; no exception has to find its way through imports and foreign code. Only
who waits for it in `interruptible` gets a KeyboardInterrupt. What was set to be ignored (nohup) stays ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..errors import FaceblurError, InputError, OutputError, by_name, death_by
from ..patience import tries
from ..undo import undo_all, was_written
from .failures import DEBUG, in_words, on_one_line

CAN_FORK = hasattr(os, "fork")
STOPPED = 130  # the exit code
_STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_PATIENCE_S = 10.0  # for how long a child may take to end when it is told to
_PR_SET_PDEATHSIG = 1  # prctl(2)


class _This:
    """What this process is."""

    is_guarded = False  # a child of `guard`
    is_quiet = False  # its parent says that it was stopped
    raises = False  # a stop is a KeyboardInterrupt


def is_guarded() -> bool:
    """Whether a process watches over this one, so that a video may have a process of its own."""
    return _This.is_guarded


def guard(work: Callable[[], int], tell: Callable[[str], None]) -> int:
    """The exit code of `work`, done in a child. tell: says what ended it, and cleans up behind it."""
    told: list[int] = []
    with _held_back():
        child = os.fork()
        if not child:
            _work(work)

        def pass_on(number: int, _: FrameType | None) -> None:
            told.append(number)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL if number == signal.SIGALRM else number)
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S)

        signal.signal(signal.SIGALRM, pass_on)
        _handle(pass_on)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    _handle(signal.SIG_IGN)
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    if told:
        tell("stopped; it did not end by itself and was killed")
        return STOPPED
    tell(death_by(os.WTERMSIG(status)))
    return InputError.exit_code


def contained(work: Callable[[], object], name: str) -> object:
    """What `work` returns (as JSON has it), done in a child when this process is a guarded one.

    Raises the FaceblurError that it raises, InputError when it took its process with it (`name` is said), and
    KeyboardInterrupt when it was stopped; `interruptible` is to be on.
    """
    if not _This.is_guarded:
        return work()
    _flush()
    reading, writing = os.pipe()
    child = 0
    try:
        with _held_back():
            child = os.fork()
            if not child:
                os.close(reading)
                _This.is_quiet = True
                _work(lambda: _report(work, writing))
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            data = answer.read()
        _, status = os.waitpid(child, 0)
    except KeyboardInterrupt:
        _end(child)
        raise
    if os.WIFSIGNALED(status):
        raise InputError(f"{name}: {death_by(os.WTERMSIG(status))}")
    if os.WEXITSTATUS(status) == STOPPED:
        raise KeyboardInterrupt
    if not data:
        raise FaceblurError(f"{name}: its process ended without a word (code {os.WEXITSTATUS(status)})")
    import json  # not above: most commands do without, and it takes as long to load as all of this

    said = json.loads(data)
    if "error" in said:
        raise by_name(*said["error"])
    return said["result"]


def _report(work: Callable[[], object], writing: int) -> int:
    import json

    try:
        said = {"result": work()}
    except Exception as problem:
        kind = type(problem).__name__ if isinstance(problem, FaceblurError) else "FaceblurError"
        said = {"error": [kind, in_words(problem)[0]]}
    with open(writing, "wb") as answer:
        answer.write(json.dumps(said).encode())
    return 0


@contextmanager
def interruptible() -> Iterator[None]:
    """In this block a stop is a KeyboardInterrupt, once: what comes after it is not stopped again."""
    before, _This.raises = _This.raises, True
    try:
        yield
    finally:
        _This.raises = before


def _work(work: Callable[[], int]) -> None:
    """What a child does; never returns. Signals are held back when it begins."""
    code = 1
    try:
        _This.is_guarded, _This.raises = True, False
        _end_with_parent()
        _handle(_stop)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        if not DEBUG and not _This.is_quiet:
            _silence_libraries()
        code = work()
        _handle(signal.SIG_IGN)
        code = _flush() or code
    except SystemExit as ended:  # argparse
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        code = _flush() or code
    except KeyboardInterrupt:
        code = STOPPED
    except BaseException as problem:  # nothing may go up into the parent's copy of the program
        print(f"faceblur: {in_words(problem)[0]}", file=sys.stderr)
    finally:
        undo_all()
        os._exit(code or 0)


def _stop(*_: object) -> None:
    """The handler of a child."""
    _handle(signal.SIG_IGN)
    if _This.raises:
        raise KeyboardInterrupt
    line = "" if _This.is_quiet else stop_line() + "\n"
    undo_all()
    with contextlib.suppress(Exception):  # it may have been stopped in the middle of writing there
        sys.stdout.flush()
    with contextlib.suppress(Exception):
        clear = "\r\033[K" if sys.stderr.isatty() else ""
        os.write(sys.stderr.fileno(), (clear + line).encode(sys.stderr.encoding, "backslashreplace"))
    os._exit(STOPPED)


def stop_line() -> str:
    """That it was stopped, and what was written before, if anything was."""
    written = ", ".join(map(on_one_line, was_written()))
    return f"faceblur: stopped; {written or 'nothing'} was written"


def _end(child: int) -> None:
    """End a child, at once if it does not do so by itself."""
    if not child:
        return
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, signal.SIGTERM)
        for _ in tries(_PATIENCE_S / 2, 0.01):
            if os.waitpid(child, os.WNOHANG)[0]:
                return
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _handle(action: Callable[[int, FrameType | None], Any] | int) -> None:
    """Have the signals that end us handled so, but for those that we were started to ignore."""
    for number in _STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN or action is signal.SIG_IGN:
            signal.signal(number, action)


@contextmanager
def _held_back() -> Iterator[None]:
    """No signal ends us in this block; those that come are heard at its end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Linux: have SIGTERM sent to us when our parent is killed."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # NumPy loads it in any case

    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _silence_libraries() -> None:
    """What native libraries write to standard error before they end the process goes nowhere; our own words stay."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError, ValueError):
        ours = os.dup(sys.stderr.fileno())
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        sys.stderr = os.fdopen(ours, "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)


def _flush() -> int:
    """Write what was printed; 3 when it could not be, else 0."""
    code = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:  # nobody reads any more
            pass
        except (OSError, ValueError) as problem:
            code = OutputError.exit_code
            with contextlib.suppress(Exception):
                print(f"faceblur: what was to be printed cannot be written ({problem})", file=sys.stderr, flush=True)
    return code

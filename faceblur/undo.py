"""What this process has to undo when it is told to end at once, wherever it is just then.

Whoever makes something that must not be left behind (a half-written file, a child process) says so here before making
it, and takes it back when it is gone or has become what it was to be. The command's signal handler undoes the rest: no
exception has to find its way up through code that might swallow it.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable

_actions: dict[int, Callable[[], object]] = {}
_moves: deque[tuple[os.PathLike, os.PathLike]] = deque(maxlen=1000)
_numbers = iter(range(1 << 62))


def remember(action: Callable[[], object]) -> int:
    """Have this done if the process ends meanwhile; returns the number for `forget`."""
    number = next(_numbers)
    _actions[number] = action
    return number


def forget(number: int) -> None:
    """Take it back: it need not be done any more."""
    _actions.pop(number, None)


def undo_all() -> None:
    """Do everything that was not taken back, the latest first."""
    while _actions:
        _, action = _actions.popitem()
        with contextlib.suppress(Exception):  # one that fails does not keep the others
            action()


def about_to_move(partial: os.PathLike, path: os.PathLike) -> None:
    """Say before a complete file gets its name what it was called until then."""
    _moves.append((partial, path))


def was_written() -> list[str]:
    """What got its name in this process so far, the latest thousand. To be asked before `undo_all`."""
    return [os.fspath(path) for partial, path in list(_moves) if not os.path.lexists(partial)]

"""What this process has to undo when it is told to end at once, wherever it is just then.

Whoever makes something that must not be left behind (a half-written file, a child process) says so here before making
it, and takes it back when it is gone or has become what it was to be. The command's signal handler undoes the rest:
no exception has to find its way up through code that might swallow it. Imports nothing of ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

_actions: dict[int, Callable[[], object]] = {}
_numbers = iter(range(1 << 62))


def remember(action: Callable[[], object]) -> int:
    """Have this done if the process ends meanwhile; returns the number for `forget`."""
    number = next(_numbers)
    _actions[number] = action
    return number


def forget(number: int) -> None:
    _actions.pop(number, None)


def undo_all() -> None:
    """Do everything that was not taken back, the latest first."""
    while _actions:
        _, action = _actions.popitem()
        with contextlib.suppress(Exception):  # one that fails does not keep the others
            action()

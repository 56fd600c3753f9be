"""Errors in a notebook as what they say, in place of a traceback; an IPython extension, too.

The lab loads it into each kernel, so that cells that are run before the first one get a sentence as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from ..errors import FaceblurError

SLIPS = (NameError, AttributeError, KeyError, ImportError)  # of whoever types
FOR_PEOPLE = (FaceblurError, AssertionError, *SLIPS, ClientError, BotoCoreError, Boto3Error, OSError)
KEYWORDS = ("True", "False", "None")
LOOKING_UP = ("__getattr__", "__getitem__")  # what a name after a dot, or in brackets, is looked up with
MOST = 400  # letters of a sentence of others: boto3 names all services when it does not know one


def sentence(problem: BaseException) -> str:
    """What to say in place of a traceback; empty where nothing says it better than the traceback."""
    if isinstance(problem, SLIPS) and not isinstance(problem, FaceblurError):
        return _slip(problem)
    if isinstance(problem, ClientError):
        error = problem.response["Error"]
        return f"AWS refused {problem.operation_name}: {error.get('Code', '?')}: {error.get('Message', '')}".strip()
    if isinstance(problem, EndpointConnectionError):
        return f"AWS does not answer: {problem} If the embedded AWS has ended, start it again: python3 kit.py lab"
    if isinstance(problem, BotoCoreError | Boto3Error):
        return f"boto3 did not get it done: {_shortened(str(problem))}"
    if isinstance(problem, OSError):
        return f"{problem.filename}: {problem.strerror}" if problem.filename and problem.strerror else ""
    return str(problem) if problem.args else ""


def _slip(problem: BaseException) -> str:
    """What was mistyped, and what was perhaps meant."""
    if isinstance(problem, NameError):
        if not problem.name:
            return ""
        return (
            f"{problem.name!r} is not known here: run the first cells, then those above this one, in order "
            "(menu Run > Run All Above Selected Cell). If they have run, look for a typing mistake "
            f"or, if it is a text, for quotes.{_meant(problem.name, KEYWORDS)}"
        )
    if isinstance(problem, AttributeError):
        if not problem.name:
            return ""
        if problem.obj is None:
            return f"what stands before .{problem.name} is None, so it has no such part: look where it was made"
        return f"{problem!s}{_line(problem)}: look for a typing mistake.{_meant(problem.name, dir(problem.obj))}"
    if isinstance(problem, KeyError):
        key = problem.args[0] if len(problem.args) == 1 else problem.args
        return (
            f"nothing is kept under {key!r}{_line(problem)}: look for a typing mistake there or in the cell "
            "that filled it"
        )
    words = str(problem).partition(" (")[0]
    return f"{words}: look for a typing mistake, or choose the kernel of the JupyterLab that kit.py started"


def _line(problem: BaseException) -> str:
    """Where in the cell: of many lines one is meant."""
    step, line = problem.__traceback__, 0
    while step:
        line = step.tb_lineno if step.tb_frame.f_globals.get("__name__") == "__main__" else line
        step = step.tb_next
    return f" (line {line} of the cell)" if line else ""


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, [one for one in known if not one.startswith("_")], n=1)
    return f" Is {near[0]} meant?" if near else ""


def _shortened(words: str) -> str:
    return words if len(words) <= MOST else f"{words[:MOST]} …"


def speak_plainly() -> None:
    """From now on errors for people are shown as their sentence. Does nothing outside of a notebook."""
    ipython = sys.modules.get("IPython")
    if ipython and (shell := ipython.get_ipython()):
        load_ipython_extension(shell)


def load_ipython_extension(shell: Any) -> None:
    """IPython's hook: errors for people lose their traceback; that is still what %tb shows."""
    shell.set_custom_exc(FOR_PEOPLE, _show)


def _show(
    shell: Any,
    kind: type[BaseException],
    problem: Any,
    traceback: Any,
    tb_offset: int | None = None,
) -> None:
    words = sentence(problem)
    if words and _is_from(problem, traceback):
        problem._render_traceback_ = lambda: [words]  # IPython asks for it; the output stays an error's
    try:
        shell.showtraceback((kind, problem, traceback), tb_offset=tb_offset)
    finally:
        vars(problem).pop("_render_traceback_", None)


def _is_from(problem: BaseException, traceback: Any) -> bool:
    """A check or a slip counts if a cell holds it; deeper inside of a library it is a bug, and may show."""
    if not isinstance(problem, AssertionError | NameError | AttributeError | KeyError | ImportError) or isinstance(
        problem, FaceblurError
    ):
        return True
    while traceback.tb_next and traceback.tb_next.tb_frame.f_code.co_name not in LOOKING_UP:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_globals.get("__name__") == "__main__"

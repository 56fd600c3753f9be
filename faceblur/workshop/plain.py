"""Errors in a notebook as what they say, in place of a traceback; an IPython extension, too.

The lab loads it into each kernel, so that cells that are run before the first one get a sentence as well.
"""

from __future__ import annotations

import sys
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from ..errors import FaceblurError

FOR_PEOPLE = (FaceblurError, AssertionError, NameError, ClientError, BotoCoreError, Boto3Error, OSError)
MOST = 400  # letters of a sentence of others: boto3 names all services when it does not know one


def sentence(problem: BaseException) -> str:
    """What to say in place of a traceback; empty where nothing says it better than the traceback."""
    if isinstance(problem, NameError):
        if not problem.name:
            return ""
        return (
            f"{problem.name!r} is not known here: run the first cells, then those above this one, in order "
            "(menu Run > Run All Above Selected Cell). If they have run, look for a typing mistake "
            "or, if it is a text, for quotes."
        )
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
    """A check or a missing name counts if a cell holds it; deeper inside of a library it is a bug, and may show."""
    if not isinstance(problem, AssertionError | NameError):
        return True
    while traceback.tb_next:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_globals.get("__name__") == "__main__"

"""`check.NAME(answer)`, with a hint and a solution for each of the `tasks`.

Every check takes `solve`: True takes the solution for the answer, which is how a run that nobody watches gets by.
"""

from __future__ import annotations

from typing import Any

from ...errors import WorkshopError
from .tasks import TASKS, Task


def ask(name: str, answer: Any, solve: bool = False) -> None:
    """Check an answer. Raises WorkshopError with what is wrong with it.

    None is not answered yet, and what is still broken as it was given not mended yet: both are said, and stop nothing.
    """
    task = _task(name)
    answer = taken(name, answer, solve)
    stuck = f'Stuck? check.hint("{name}"), then check.solution("{name}")'
    if answer is None:
        print(f"Not answered yet. {stuck}")
        return
    try:
        wrong = task.judge(answer)
    except Exception as problem:  # an answer may be a function, and do anything
        why = f"{type(problem).__name__}: {problem}"
        line = _line(answer, problem)
        wrong = (
            f"it breaks off in line {line} of its cell ({why})"
            if line
            else f"it does not have the form that is asked for: {_form(name)} ({why})"
        )
    if task.is_still_broken(wrong):
        print(f"Still broken: {task.symptom}. {stuck}")
    elif wrong:
        raise WorkshopError(f'Not yet: {wrong}. A hint: check.hint("{name}")')
    else:
        print(f"{'The solution' if solve else 'Right'}: {task.right}")


def taken(name: str, answer: Any, solve: bool = False) -> Any:
    """What is gone on with: the answer, or with `solve` the solution's."""
    return _task(name).solved() if solve else answer


def hint(name: str) -> None:
    """Print what helps without giving it away."""
    print(_task(name).hint)


def solution(name: str) -> None:
    """Print code that makes a right answer."""
    print(_task(name).solution)


def broken(name: str) -> None:
    """Print what was to be mended, as it was."""
    print(_task(name).broken or f"{name} is built, not mended.")


class NoTaskError(WorkshopError, AttributeError):
    """A name that was mistyped."""


def _task(name: str) -> Task:
    if name not in TASKS:
        raise NoTaskError(f"there is no task {name!r}; there are {', '.join(TASKS)}")
    return TASKS[name]


def _line(answer: Any, problem: BaseException) -> int:
    """The line of an answer that is a function where it broke off; 0 where it was not begun."""
    code, step, line = getattr(answer, "__code__", None), problem.__traceback__, 0
    while step:
        line = step.tb_lineno if code and step.tb_frame.f_code is code else line
        step = step.tb_next
    return line


def _form(name: str) -> str:
    """What is asked for, as the task's own function says it."""
    return (globals()[name].__doc__ or "").partition("answer: ")[2].rstrip(".")


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise NoTaskError(f"there is no task {name!r}; there are {', '.join(TASKS)}")


def sampling(answer: Any = None, solve: bool = False) -> None:
    """Chapter 1. answer: the longest time in ms between two looks of a detector that looks twice a second."""
    ask("sampling", answer, solve)


def pixels(answer: Any = None, solve: bool = False) -> None:
    """Chapter 1. answer: a function of a face and a picture's width and height that gives left, top, right, bottom."""
    ask("pixels", answer, solve)


def bucket_policy(answer: Any = None, solve: bool = False) -> None:
    """Chapter 2. answer: a statement for the bucket `photos` that refuses every call without TLS."""
    ask("bucket_policy", answer, solve)


def lifetime(answer: Any = None, solve: bool = False) -> None:
    """Chapter 2. answer: a lifecycle rule for a bucket whose drafts lie under tmp/."""
    ask("lifetime", answer, solve)


def roles(answer: Any = None, solve: bool = False) -> None:
    """Chapter 3. answer: the statements (Action, Resource) of a function that copies from `output` to `archive`."""
    ask("roles", answer, solve)


def layers(answer: Any = None, solve: bool = False) -> None:
    """Chapter 4. answer: the five lines of a Dockerfile in an order that builds fast again."""
    ask("layers", answer, solve)


def command(answer: Any = None, solve: bool = False) -> None:
    """Chapter 4. answer: the line that builds an image for a function on x86_64."""
    ask("command", answer, solve)


def execution_name(answer: Any = None, solve: bool = False) -> None:
    """Chapter 5. answer: a function of bucket, key and version that names the execution of an upload."""
    ask("execution_name", answer, solve)


def handler(answer: Any = None, solve: bool = False) -> None:
    """Chapter 5. answer: a function of S3's event and a client that says whether the upload begins as a video does."""
    ask("handler", answer, solve)


def loop(answer: Any = None, solve: bool = False) -> None:
    """Chapter 6. answer: the states Wait, Ask and Ready, which lead to GetResult or RecordFailure."""
    ask("loop", answer, solve)


def rounds(answer: Any = None, solve: bool = False) -> None:
    """Chapter 6. answer: the rule of the Catch that sends a segment back from its proof to be blurred."""
    ask("rounds", answer, solve)


def caller(answer: Any = None, solve: bool = False) -> None:
    """Chapter 7. answer: what add_permission is told so that S3 may call a function for the bucket `photos`."""
    ask("caller", answer, solve)


def trigger(answer: Any = None, solve: bool = False) -> None:
    """Chapter 7. answer: Events and Filter of a bucket that holds uploads/ and blurred/."""
    ask("trigger", answer, solve)


def retry(answer: Any = None, solve: bool = False) -> None:
    """Chapter 8. answer: one rule of a Retry, for a service that is throttled."""
    ask("retry", answer, solve)


def publish(answer: Any = None, solve: bool = False) -> None:
    """Chapter 9. answer: a function of a report and of the tracks that agreed to be seen: may it be published?."""
    ask("publish", answer, solve)


def area(answer: Any = None, solve: bool = False) -> None:
    """Chapter 9. answer: left, top, width, height, start_ms and end_ms of an area that covers the face."""
    ask("area", answer, solve)


def order(answer: Any = None, solve: bool = False) -> None:
    """Chapter 10. answer: the five kinds, in the order in which they are deleted."""
    ask("order", answer, solve)


def leftovers(answer: Any = None, solve: bool = False) -> None:
    """Chapter 10. answer: a function of buckets (name: tags) and a prefix that gives the names to be deleted."""
    ask("leftovers", answer, solve)

"""The tasks of the chapters: `check.NAME(answer)`, with a hint and a solution for each.

Every check takes `solve`: True takes the solution for the answer, which is how a run that nobody watches gets by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import WorkshopError
from . import judges, states


@dataclass(frozen=True)
class Task:
    """judge(answer): what is wrong with it, or "". solution: Python that makes `answer`."""

    chapter: int
    judge: Callable[[Any], str]  # each takes an answer of its own kind
    hint: str
    solution: str
    right: str

    def solved(self) -> Any:
        """The solution's answer."""
        scope: dict = {}
        exec(self.solution, scope)
        return scope["answer"]


TASKS: dict[str, Task] = {
    "sampling": Task(
        1,
        judges.sampling,
        "Two looks a second: how long is it from one look to the next?",
        "answer = 500  # ms, from one look to the next",
        "a face may come and go between two looks, for nearly half a second. That is why the blur looks, too.",
    ),
    "bucket_policy": Task(
        2,
        judges.bucket_policy,
        "aws:SecureTransport is \"false\" for a call without TLS. Such a call is to be refused, whoever makes it.",
        'answer = {\n    "Effect": "Deny",\n    "Principal": "*",\n    "Action": "s3:*",\n'
        '    "Resource": ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],\n'
        '    "Condition": {"Bool": {"aws:SecureTransport": "false"}},\n}',
        "nobody reaches bucket or objects without TLS, and who comes with TLS is neither let in nor kept out by it.",
    ),
    "roles": Task(
        3,
        judges.roles,
        "Two statements: objects have ARNs that end in /*, and each action is only good for one of the buckets.",
        'answer = [\n    {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::output/*"},\n'
        '    {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::archive/*"},\n]',
        "the function may read the results and write the archive, and nothing else.",
    ),
    "layers": Task(
        4,
        judges.layers,
        "A layer is built again when it or one before it has changed. What changes most often comes last.",
        'answer = ["FROM", "COPY requirements.txt", "RUN pip install", "COPY handlers.py", "CMD"]',
        "a change of the handlers builds one small layer again; the packages stay where they are.",
    ),
    "execution_name": Task(
        5,
        judges.execution_name,
        "The same event must give the same name, another upload another one. A hash is short and has no odd letters.",
        "import hashlib\n\n\ndef answer(bucket, key, version):\n"
        '    return hashlib.sha256(f"{bucket}/{key}/{version}".encode()).hexdigest()',
        "an event that comes twice starts one execution, and each upload has one of its own.",
    ),
    "loop": Task(
        6,
        states.loop,
        "Wait, ask, decide, and back to Wait. The Task needs a Catch that keeps the input, the Choice all ways out.",
        'answer = {\n    "Wait": {"Type": "Wait", "Seconds": 5, "Next": "Ask"},\n'
        '    "Ask": {\n        "Type": "Task",\n        "Next": "Ready",\n'
        '        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": '
        '"RecordFailure"}],\n    },\n'
        '    "Ready": {\n        "Type": "Choice",\n'
        '        "Choices": [{"Variable": "$.status", "StringEquals": "SUCCEEDED", "Next": "GetResult"}],\n'
        '        "Default": "Wait",\n    },\n}',
        "it asks until the job is done, with pauses, and whatever fails is recorded together with the input.",
    ),
    "trigger": Task(
        7,
        judges.trigger,
        "Results arrive under blurred/. Which keys must start the workflow, and which must never?",
        'answer = {\n    "Events": ["s3:ObjectCreated:*"],\n'
        '    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}},\n}',
        "an upload starts the workflow, and what the workflow writes does not.",
    ),
    "retry": Task(
        8,
        states.retry,
        "Repeat what passes by itself, with longer and longer pauses; a file that is no video stays none.",
        'answer = {\n    "ErrorEquals": ["ThrottlingException", "ProvisionedThroughputExceededException"],\n'
        '    "IntervalSeconds": 5,\n    "MaxAttempts": 6,\n    "BackoffRate": 2,\n    "JitterStrategy": "FULL",\n}',
        "a service that is busy is asked again, later and later, and a real mistake is told at once.",
    ),
    "area": Task(
        9,
        judges.area,
        "Ratios of the picture, from 0 to 1, and milliseconds; a little more on every side, in space and in time.",
        'answer = {"left": 0.55, "top": 0.15, "width": 0.2, "height": 0.3, "start_ms": 1200, "end_ms": 1700}',
        "the face is covered for as long as it is seen, and the rest of the picture stays.",
    ),
}  # fmt: skip


def ask(name: str, answer: Any, solve: bool = False) -> None:
    """Check an answer. None is not answered yet. Raises WorkshopError with what is wrong with it."""
    task = _task(name)
    if solve:
        answer = task.solved()
    if answer is None:
        print(f'Not answered yet. Stuck? check.hint("{name}"), then check.solution("{name}")')
        return
    try:
        wrong = task.judge(answer)
    except (TypeError, KeyError, AttributeError, ValueError) as problem:
        wrong = f"it does not have the form that is asked for ({type(problem).__name__}: {problem})"
    if wrong:
        raise WorkshopError(f'Not yet: {wrong}. A hint: check.hint("{name}")')
    print(f"{'The solution' if solve else 'Right'}: {task.right}")


def hint(name: str) -> None:
    """Print what helps without giving it away."""
    print(_task(name).hint)


def solution(name: str) -> None:
    """Print code that makes a right answer."""
    print(_task(name).solution)


def _task(name: str) -> Task:
    if name not in TASKS:
        raise WorkshopError(f"there is no task {name!r}; there are {', '.join(TASKS)}")
    return TASKS[name]


def sampling(answer: Any, solve: bool = False) -> None:
    """Chapter 1. answer: the longest time in ms between two looks of a detector that looks twice a second."""
    ask("sampling", answer, solve)


def bucket_policy(answer: Any, solve: bool = False) -> None:
    """Chapter 2. answer: a statement for the bucket `photos` that refuses every call without TLS."""
    ask("bucket_policy", answer, solve)


def roles(answer: Any, solve: bool = False) -> None:
    """Chapter 3. answer: the statements (Action, Resource) of a function that copies from `output` to `archive`."""
    ask("roles", answer, solve)


def layers(answer: Any, solve: bool = False) -> None:
    """Chapter 4. answer: the five lines of a Dockerfile in an order that builds fast again."""
    ask("layers", answer, solve)


def execution_name(answer: Any, solve: bool = False) -> None:
    """Chapter 5. answer: a function of bucket, key and version that names the execution of an upload."""
    ask("execution_name", answer, solve)


def loop(answer: Any, solve: bool = False) -> None:
    """Chapter 6. answer: the states Wait, Ask and Ready, which lead to GetResult or RecordFailure."""
    ask("loop", answer, solve)


def trigger(answer: Any, solve: bool = False) -> None:
    """Chapter 7. answer: Events and Filter of a bucket that holds uploads/ and blurred/."""
    ask("trigger", answer, solve)


def retry(answer: Any, solve: bool = False) -> None:
    """Chapter 8. answer: one rule of a Retry, for a service that is throttled."""
    ask("retry", answer, solve)


def area(answer: Any, solve: bool = False) -> None:
    """Chapter 9. answer: left, top, width, height, start_ms and end_ms of an area that covers `judges.FACE`."""
    ask("area", answer, solve)

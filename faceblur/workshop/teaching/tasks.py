"""The tasks of the chapters: what is built, and what is broken on purpose; a hint and a solution for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import judges, mending, states


@dataclass(frozen=True)
class Task:
    """judge(answer): what is wrong with it, or "". solution: Python that makes `answer`.

    broken: Python that makes the `answer` to be mended, as the notebook has it; "" where one is to be built. symptom:
    what it does wrong, as somebody notices it, which does not give away why.
    """

    chapter: int
    judge: Callable[[Any], str]  # each takes an answer of its own kind
    hint: str
    solution: str
    right: str
    broken: str = ""
    symptom: str = ""

    def solved(self) -> Any:
        """The solution's answer."""
        return _made(self.solution)

    def is_still_broken(self, wrong: str) -> bool:
        """Whether this is what is wrong with the one to be mended, too."""
        return bool(self.broken) and wrong == self.judge(_made(self.broken))


def _made(code: str) -> Any:
    scope: dict = {}
    exec(code, scope)
    return scope["answer"]


BUILD: dict[str, Task] = {
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
        "Wait, ask, decide, and back to Wait while it runs. The Task needs a Catch "
        "that keeps the input, the Choice all ways out.",
        'answer = {\n    "Wait": {"Type": "Wait", "Seconds": 5, "Next": "Ask"},\n'
        '    "Ask": {\n        "Type": "Task",\n        "Next": "Ready",\n'
        '        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": '
        '"RecordFailure"}],\n    },\n'
        '    "Ready": {\n        "Type": "Choice",\n'
        '        "Choices": [\n'
        '            {"Variable": "$.status", "StringEquals": "SUCCEEDED", "Next": "GetResult"},\n'
        '            {"Variable": "$.status", "StringEquals": "IN_PROGRESS", "Next": "Wait"},\n        ],\n'
        '        "Default": "RecordFailure",\n    },\n}',
        "it asks until the job has ended, with pauses, and whatever fails is recorded together with the input.",
    ),
    "caller": Task(
        7,
        judges.caller,
        "Four things: what S3 may do, who S3 is, for which bucket, and whose bucket that must be.",
        'answer = {\n    "Action": "lambda:InvokeFunction",\n    "Principal": "s3.amazonaws.com",\n'
        '    "SourceArn": "arn:aws:s3:::photos",\n    "SourceAccount": "111122223333",\n}',
        "S3 may call the function for this bucket, as long as it is yours.",
    ),
    "retry": Task(
        8,
        states.retry,
        "Repeat what passes by itself, with longer and longer pauses; a file that is no video stays none.",
        'answer = {\n    "ErrorEquals": ["ThrottlingException", "ProvisionedThroughputExceededException"],\n'
        '    "IntervalSeconds": 5,\n    "MaxAttempts": 6,\n    "BackoffRate": 2,\n    "JitterStrategy": "FULL",\n}',
        "a service that is busy is asked again, later and later, and a real mistake is told at once.",
    ),
    "publish": Task(
        9,
        judges.publish,
        "Of whatever is missing or odd, None too, the answer is False: look with .get, and compare with True itself.",
        "def answer(report, agreed):\n"
        '    passed = (report.get("audit") or {}).get("passed") is True\n'
        '    return passed and "kept_visible" in report and set(report["kept_visible"]) <= agreed',
        "what has not proven to be good stays where it is, and nobody is shown who has not agreed.",
    ),
    "order": Task(
        10,
        judges.order,
        "First what starts new work, then what works, then what was worked on, and last what lets it work.",
        'answer = ["trigger", "state machine", "functions", "buckets", "roles"]',
        "nothing new begins, what runs ends, and then nothing writes into what is deleted.",
    ),
}  # fmt: skip
"""name -> what is built in a chapter."""

MEND: dict[str, Task] = {
    "pixels": Task(
        1,
        mending.pixels,
        "Which of the two sizes does each ratio belong to? Then: a box may reach past the edge, and half pixels count.",
        "import math\n\n\ndef answer(face, wide, high):\n"
        "    left, top = max(0, math.floor(face.left * wide)), max(0, math.floor(face.top * high))\n"
        "    right = min(wide, math.ceil((face.left + face.width) * wide))\n"
        "    return left, top, right, min(high, math.ceil((face.top + face.height) * high))",
        "the whole face, to the pixel, and nothing outside of the picture.",
        "def answer(face, wide, high):\n"
        "    left, top = face.left * wide, face.top * wide\n"
        "    right, bottom = left + face.width * wide, top + face.height * wide\n"
        "    return round(left), round(top), round(right), round(bottom)",
        "the rectangle does not lie on the face",
    ),
    "lifetime": Task(
        2,
        mending.lifetime,
        "How do keys begin? And what is an upload that broke off: is it an object?",
        'answer = {\n    "ID": "drafts",\n    "Status": "Enabled",\n    "Filter": {"Prefix": "tmp/"},\n'
        '    "Expiration": {"Days": 1},\n    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},\n}',
        "drafts go after a day, unfinished uploads too, and all else stays.",
        'answer = {"ID": "drafts", "Status": "Enabled", "Filter": {"Prefix": "/tmp/"}, "Expiration": {"Days": 1}}',
        "S3 has taken the rule, and a month later every draft is still there",
    ),
    "command": Task(
        4,
        mending.command,
        "Of which processor is the function? And what is an image together with a record of its build?",
        'answer = "docker buildx build --platform linux/amd64 --provenance=false --sbom=false --tag faceblur ."',
        "one image, for the processor that runs it.",
        'answer = "docker buildx build --platform linux/arm64 --tag faceblur ."',
        "it is pushed, and Lambda says that the media type is not supported; were it, it would not start",
    ),
    "handler": Task(
        5,
        mending.handler,
        "get_object takes a Range. And compare the key in the event with the name of the file that was uploaded.",
        "from urllib.parse import unquote_plus\n\n\ndef answer(event, s3):\n"
        '    place = event["Records"][0]["s3"]\n    key = unquote_plus(place["object"]["key"])\n'
        '    begin = s3.get_object(Bucket=place["bucket"]["name"], Key=key, Range="bytes=0-7")["Body"].read()\n'
        '    return begin[4:8] == b"ftyp"',
        "eight bytes are enough, and the key is the one that was uploaded.",
        "def answer(event, s3):\n"
        '    place = event["Records"][0]["s3"]\n'
        '    body = s3.get_object(Bucket=place["bucket"]["name"], Key=place["object"]["key"])["Body"].read()\n'
        '    return body[4:8] == b"ftyp"',
        "of a long film the log says Runtime.ExitError, signal: killed; of some short ones NoSuchKey",
    ),
    "rounds": Task(
        6,
        states.rounds,
        "Which error alone is mended by blurring again, where does it go on, and under which name is it kept?",
        'answer = {"ErrorEquals": ["FacesMissedError"], "ResultPath": "$.missed", "Next": "BlurSegment"}',
        "a face that was missed is blurred too, and every other failure is told.",
        'answer = {"ErrorEquals": ["States.ALL"], "Next": "BlurSegment"}',
        "a role lacks a permission, and one segment is blurred all night",
    ),
    "trigger": Task(
        7,
        judges.trigger,
        "Results arrive under blurred/. Which keys must start the workflow, and which must never?",
        'answer = {\n    "Events": ["s3:ObjectCreated:*"],\n'
        '    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}},\n}',
        "an upload starts the workflow, and what the workflow writes does not.",
        'answer = {\n    "Events": ["s3:ObjectCreated:*"],\n'
        '    "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".mp4"}]}},\n}',
        "uploads/a.mp4 starts the workflow, then blurred/a.mp4, then blurred/blurred/a.mp4, then ...",
    ),
    "area": Task(
        9,
        judges.area,
        "Ratios of the picture, from 0 to 1, and milliseconds; a little more on every side, in space and in time.",
        'answer = {"left": 0.55, "top": 0.15, "width": 0.2, "height": 0.35, "start_ms": 1000, "end_ms": 1500}',
        "the face is covered for as long as it is seen, and the rest of the picture stays.",
        'answer = {"left": 0.58, "top": 0.2, "width": 0.12, "height": 0.25, "start_ms": 1250, "end_ms": 1500}',
        "before the rectangle comes somebody looks round the corner",
    ),
    "leftovers": Task(
        10,
        mending.leftovers,
        "Look at the tags: which two does everything carry that this workshop made for this prefix?",
        "def answer(buckets, prefix):\n"
        '    ours = {"project": "faceblur", "workshop": prefix}\n'
        "    return [name for name, tags in buckets.items() if ours.items() <= tags.items()]",
        "what is ours goes, whatever it is called, and nothing else.",
        "def answer(buckets, prefix):\n    return [name for name in buckets if name.startswith(prefix)]",
        "Lena's bucket is gone, and somebody's holidays",
    ),
}  # fmt: skip
"""name -> what is broken on purpose in a chapter; that of chapters 3 and 8 is in `trouble`."""

TASKS = BUILD | MEND

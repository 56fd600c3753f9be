"""What is wrong with an answer: one sentence for each way to be wrong, the empty string for a right one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

STEP_MS = 500
PHOTOS = ("arn:aws:s3:::photos", "arn:aws:s3:::photos/*")
OUTPUT, ARCHIVE = "arn:aws:s3:::output/*", "arn:aws:s3:::archive/*"
# The face of `sample.passing`: where it is, as ratios of the picture, and its first and its last frame, in ms.
FACE = {"left": 0.58, "top": 0.2, "width": 0.12, "height": 0.25, "start_ms": 1050, "end_ms": 1450}
MOST_AREA, MOST_MS = 0.15, 1000
CLEANING = ("trigger", "state machine", "functions", "buckets", "roles")
CALLER = "s3.amazonaws.com"
PHOTOS_ACCOUNT = "111122223333"
CLOCK = {"time", "time_ns", "monotonic", "strftime", "now", "utcnow", "today"}


def sampling(answer: Any) -> str:
    if isinstance(answer, str):
        return "a number is asked for, without quotes and without a unit"
    known = {
        250: "that is half of the time between two looks; the face may come right after one",
        1000: "two looks a second are closer to each other than that",
        2: "that is how often it looks in a second; how many milliseconds lie between?",
        0.5: "that are seconds; milliseconds are asked for",
        0: "it does not look at every frame",
    }
    return "" if answer == STEP_MS else known.get(answer, "one second has 1000 ms, and two looks")


def bucket_policy(answer: Mapping) -> str:
    if "Statement" in answer:
        return "that is a whole policy; one statement is asked for"
    conditions = answer.get("Condition", {})
    condition = _only(conditions.get("Bool", {}).get("aws:SecureTransport"))
    resources = set(_list(answer.get("Resource", ())))
    if answer.get("Effect") not in ("Allow", "Deny"):
        return "Effect is Allow or Deny, written like this"
    if answer["Effect"] == "Allow":
        return "an Allow lets somebody in, and refuses nobody: what is not allowed elsewhere is open to others still"
    if condition is None:
        return "without its Condition on aws:SecureTransport it refuses everybody, you included"
    if str(condition).lower() != "false":
        return "this refuses those who come with TLS, and lets the others in"
    if len(conditions) > 1 or len(conditions["Bool"]) > 1:
        return "all conditions must be met: who does not meet the other one may come without TLS"
    if answer.get("Principal") not in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
        return "it holds for one Principal only; everybody else may still come without TLS"
    if not {"s3:*", "*"} & set(_list(answer.get("Action", ()))):
        return "some actions are left out; a call of those may still come without TLS"
    if resources == {PHOTOS[0]}:
        return "the bucket itself is named, its objects are not: they have ARNs that end in /*"
    if resources == {PHOTOS[1]}:
        return "the objects are named, the bucket itself (listing, settings) is not"
    return "" if resources == set(PHOTOS) else f"Resource must be {' and '.join(PHOTOS)}"


def roles(answer: Sequence[Mapping]) -> str:
    if isinstance(answer, Mapping):
        return "a list of statements is asked for, and a role may have several: [...]"
    if any(one.get("Effect", "Allow") != "Allow" for one in answer):
        return "a Deny takes away; a role can do what its statements allow, and nothing else"
    granted = {
        (_spelled(action), resource)
        for one in answer
        for action in _list(one["Action"])
        for resource in _list(one["Resource"])
    }
    if any("*" in action for action, _ in granted):
        return "a * among the actions allows what nobody asked for, deleting for example"
    if any(resource == "*" for _, resource in granted):
        return "the resource * is every bucket that there is, also those of others"
    if any(action == "s3:ListBucket" for action, _ in granted):
        return "whoever is told of each object needs no list of them: s3:ListBucket is too much"
    if any(resource in (OUTPUT[:-2], ARCHIVE[:-2]) for _, resource in granted):
        return "that is the ARN of a bucket; its objects are arn:aws:s3:::NAME/*"
    if ("s3:PutObject", OUTPUT) in granted:
        return "it may also overwrite the results: each action needs its own resource, in a statement of its own"
    if ("s3:GetObject", ARCHIVE) in granted:
        return "it may also read the archive, which copying does not need"
    wanted = {("s3:GetObject", OUTPUT), ("s3:PutObject", ARCHIVE)}
    if missing := wanted - granted:
        return "it may not yet " + ", ".join(f"{action} on {resource}" for action, resource in sorted(missing))
    return f"{sorted(granted - wanted)[0][0]} is more than copying needs" if granted - wanted else ""


def _spelled(action: str) -> str:
    """An action as we write it: IAM does not look at capitals."""
    return {"s3:getobject": "s3:GetObject", "s3:putobject": "s3:PutObject"}.get(action.lower(), action)


def layers(answer: Sequence[str]) -> str:
    known = ("FROM", "COPY requirements.txt", "RUN pip install", "COPY handlers.py", "CMD")
    if sorted(answer) != sorted(known):
        return f"use each of these once: {', '.join(known)}"
    place = {line: answer.index(line) for line in known}
    if place["FROM"] != 0:
        return "nothing can be done before FROM says on what the image is built"
    if place["RUN pip install"] < place["COPY requirements.txt"]:
        return "pip does not know yet what to install: requirements.txt is copied later"
    if place["COPY handlers.py"] < place["RUN pip install"]:
        return "it works, but each change of the handlers installs all packages again"
    return "" if place["CMD"] == len(known) - 1 else "by custom CMD, what is started at the end, stands last"


def execution_name(answer: Callable[[str, str, str], str]) -> str:
    one = answer("b", "uploads/a.mp4", "v1")
    names = [answer("b", key, version) for key, version in (("uploads/a.mp4", "v2"), ("uploads/b.mp4", "v1"))]
    if one != answer("b", "uploads/a.mp4", "v1"):
        return "S3 may deliver an event twice: both get another name, so the video is blurred, and paid, twice"
    if one == names[0]:
        return "who uploads a new video under the same key gets no execution: the version is not in the name"
    if one == names[1]:
        return "two videos have one name: the second one is not blurred"
    odd = answer("b", "uploads/Ünser Film #1.mp4", "v1")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", odd):
        return f"keys may hold anything, names of executions letters, digits, - and _ alone; this one is {odd!r}"
    if len(answer("b", "k" * 1024, "v1")) > 80:
        return "a key may have 1024 bytes, the name of an execution 80 letters"
    if answer("b", "a/b", "v") == answer("b", "a-b", "v"):
        return "two keys have one name: what replaces odd letters makes them alike"
    if one == answer("c", "uploads/a.mp4", "v1"):
        return "the same key in another bucket has the same name: the bucket is not in it"
    if answer("b", "a", "bc") == answer("b", "ab", "c"):
        return "nearly: a with version bc and ab with version c get one name: put something between the parts"
    if "hash" in _asks(answer):
        return "nearly: Python's hash() is another one in each process, and Lambda has many (hashlib)"
    if CLOCK & _asks(answer):
        return "nearly: an event that comes again a minute later gets another name: no time belongs into it"
    return ""


def _asks(answer: Callable) -> set[str]:
    """The names of what a function uses, as far as they can be seen from outside."""
    code = getattr(answer, "__code__", None)
    return set(code.co_names) if code else set()


def trigger(answer: Mapping) -> str:
    if "LambdaFunctionConfigurations" in answer:
        return "that is the whole configuration; Events and Filter of one rule are asked for"
    events = _list(answer.get("Events", ()))
    if not events or not all(event.startswith("s3:ObjectCreated:") for event in events):
        return "only ObjectCreated events are uploads"
    if events != ["s3:ObjectCreated:*"]:
        return "large files are uploaded in parts and end with another event than Put: take s3:ObjectCreated:*"
    rules = {
        rule["Name"].lower(): rule["Value"] for rule in answer.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    }
    if not rules:
        return "without a filter blurred/a.mp4 starts the workflow again, and its result again, for ever"
    prefix = rules.get("prefix", "")
    if prefix.startswith("/"):
        return "keys begin without a slash: this prefix fits none"
    if not prefix and "suffix" in rules:
        return "the results end like the uploads: a suffix does not keep them out"
    if "blurred/".startswith(prefix) or prefix.startswith("blurred"):
        return "this fits the results, too"
    return "" if prefix == "uploads/" and set(rules) == {"prefix"} else "uploads/ is where uploads lie, of any ending"


def caller(answer: Mapping) -> str:
    source = answer.get("SourceArn", "")
    if answer.get("Principal") == "*":
        return "anybody in the world may call the function, and you pay"
    if answer.get("Principal") == {"Service": CALLER}:
        return "nearly: add_permission takes the name of the service alone, as a text"
    if answer.get("Principal") != CALLER:
        return f"S3 calls under the name {CALLER}"
    if "*" in answer.get("Action", ""):
        return "a * among the actions lets S3 change and delete the function, too"
    if answer.get("Action") != "lambda:InvokeFunction":
        return "to call a function is lambda:InvokeFunction"
    if not source:
        return "every bucket may call it: name yours (SourceArn)"
    if source.endswith("/*"):
        return "events come from the bucket, not from its objects: its ARN has no /*"
    if source != PHOTOS[0]:
        return f"the bucket is {PHOTOS[0]}"
    if "SourceAccount" not in answer:
        return "nearly: when photos is deleted one day, anybody may make a bucket of that name (SourceAccount)"
    if answer["SourceAccount"] != PHOTOS_ACCOUNT:
        return f"the account is {PHOTOS_ACCOUNT}, twelve digits in a text"
    return ""


def publish(answer: Callable[[Mapping, set[int]], bool]) -> str:
    def said(audit: Mapping, visible: Sequence[int] = (), agreed: Sequence[int] = ()) -> bool:
        return bool(answer({"kept_visible": [*visible], "audit": audit}, {*agreed}))

    if not said({"passed": True}):
        return "a video that passed its check and shows nobody may be published"
    if said({"passed": False}):
        return "this one did not pass its check"
    for what, report in ODD.items():
        try:
            let_out = answer(report, set())
        except (KeyError, TypeError, AttributeError) as problem:
            return f"a report {what} ends it ({type(problem).__name__}: {problem}): what is odd gets a plain False"
        if let_out:
            return f"a report {what} is let out: in doubt it is False"
    if said({"passed": "no"}) or said({"passed": None}):
        return 'passed must be True itself: this takes the text "no", or None, for it'
    if said({"passed": True}, [2], [1]):
        return "track 2 is visible and has not agreed"
    if said({"passed": True}, [1, 2], [1]):
        return "one of the visible has agreed, the other has not: all must have"
    return "" if said({"passed": True}, [1], [1, 3]) else "whoever is visible has agreed: that may be published"


ODD: dict[str, Mapping] = {
    "without an audit": {"kept_visible": []},
    "whose audit says nothing": {"kept_visible": [], "audit": {}},
    "whose audit is None": {"kept_visible": [], "audit": None},
    "that does not say who is visible": {"audit": {"passed": True}},
}
"""what is odd -> a report that nobody may publish."""


def order(answer: Sequence[str]) -> str:
    if sorted(answer) != sorted(CLEANING):
        return f"use each of these once: {', '.join(sorted(CLEANING))}"
    place = {kind: answer.index(kind) for kind in CLEANING}
    if place["trigger"] != 0:
        return "an upload that comes meanwhile starts new work in what is half gone: the trigger first"
    if place["functions"] < place["state machine"]:
        return "executions that run ask for functions that are gone, again and again"
    if place["buckets"] < place["functions"]:
        return "what still runs writes into a bucket that was just emptied, and a bucket that holds something stays"
    return "" if place["roles"] > place["buckets"] else "roles cost nothing, and what is being deleted may need them"


def area(answer: Mapping) -> str:
    if extra := answer.keys() - {*FACE}:
        return f"an area has no {', '.join(sorted(extra))}, as it is asked for here: {', '.join(FACE)}"
    if any(isinstance(side, str) for side in answer.values()):
        return "numbers are asked for, without quotes"
    left, top, width, height = (float(answer[side]) for side in ("left", "top", "width", "height"))
    start, end = float(answer["start_ms"]), float(answer["end_ms"])
    if max(left, top, width, height) > 1:
        return "sides are ratios from 0 to 1, no percent and no pixels"
    if 0 < end <= 60 and start < 60:
        return "times are milliseconds, no seconds"
    if start > FACE["start_ms"]:
        return f"the face is seen from {FACE['start_ms']} ms on: it begins too late"
    if end < FACE["end_ms"]:
        return f"the face is seen until {FACE['end_ms']} ms: it ends too early"
    right, bottom = FACE["left"] + FACE["width"], FACE["top"] + FACE["height"]
    if left > FACE["left"] or top > FACE["top"] or left + width < right or top + height < bottom:
        return "a part of the face looks out at one side"
    if width * height > MOST_AREA or end - start > MOST_MS:
        return "it covers far more than this face: viewers should still see the film"
    return ""


def _only(value: Any) -> Any:
    """What is in a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _list(value: Any) -> list:
    return [value] if isinstance(value, str) else list(value)

"""Break and mend: something in the finished application is broken on purpose, to be found by its traces.

    trouble.practise(ws, "permission")      # then upload again, read the record, mend it
    trouble.check(ws)                       # Not yet, or what was learned

`permission` works everywhere; the others use the failures that the embedded AWS makes on demand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import WorkshopError
from ..session import Workshop

if TYPE_CHECKING:
    from ...localaws import Chaos

ROLE, ACTION, POLICY = "get_detections", "s3:PutObject", "permissions"


@dataclass(frozen=True)
class Trouble:
    """start(ws): break it; what undoes it: the id of a failure that was switched on, or the policy as it was.

    learned: said when it is over.
    """

    start: Callable[[Workshop], str]
    task: str
    hint: str
    learned: str


def practise(ws: Workshop, name: str, solve: bool = False) -> None:
    """Break what `name` says, "" for nothing. solve: break a permission, see that it is told, mend it."""
    if solve:
        start(ws, "permission")
        try:
            check(ws)
        except WorkshopError as told:
            print(told)
        mend(ws)
    elif name:
        start(ws, name)
    else:
        print(f"Nothing is broken. To practise, name one: {', '.join(TROUBLES)}")


def forget(ws: Workshop, really: bool) -> None:
    """Of chapter 3: take one permission from one role, which chapter 8 will reveal."""
    if really:
        start(ws, "permission")
    else:
        print("No permission is left out.")


def start(ws: Workshop, name: str) -> None:
    """Break it, and say what to do. Raises WorkshopError for a name that is none, that wants the embedded AWS, or while
    something else is broken.
    """
    if name not in TROUBLES:
        raise WorkshopError(f"there is no trouble {name!r}; there are {', '.join(TROUBLES)}")
    if name != "permission" and ws.target != "local":
        raise WorkshopError(f"the trouble {name} can be made on the embedded AWS alone; here take: permission")
    noted = ws.state.get("trouble")
    if noted and noted["name"] != name:
        raise WorkshopError(
            f"something is broken already ({noted['name']}): mend that first, or put it back: trouble.mend(ws)"
        )
    mend(ws)
    ws.state["trouble"] = {"name": name, "failure": TROUBLES[name].start(ws)}
    print(TROUBLES[name].task)


def check(ws: Workshop) -> None:
    """Say whether it is mended, or has struck. Raises WorkshopError with what is wrong yet."""
    noted = ws.state.get("trouble")
    if not noted:
        print("Nothing is broken.")
        return
    wrong = _permission(ws) if noted["name"] == "permission" else _struck(noted["failure"])
    if wrong:
        raise WorkshopError(f"Not yet: {wrong}. A hint: trouble.hint(ws); trouble.mend(ws) puts all back")
    mend(ws)
    print(f"Right: {TROUBLES[noted['name']].learned}")


def hint(ws: Workshop) -> None:
    """Print what helps without giving it away."""
    noted = ws.state.get("trouble")
    print(TROUBLES[noted["name"]].hint if noted else "Nothing is broken.")


def mend(ws: Workshop) -> None:
    """Put everything back as it was: the solution."""
    noted = ws.state.get("trouble")
    if noted and noted["name"] == "permission":
        _write(ws, json.loads(noted["failure"]))
        _drop_others(ws)
    elif noted:
        _chaos().clear(noted["failure"])
    if noted:
        del ws.state["trouble"]


def _take_permission(ws: Workshop) -> str:
    ws.need("roles")
    whole = _statements(ws)
    _write(ws, [one for one in whole if not _writes(one)])
    return json.dumps(whole)


def _permission(ws: Workshop) -> str:
    """What the role may do now, asked of IAM."""
    place = f"arn:{ws.partition}:s3:::{ws.names.work_bucket}/a"
    if not _may(ws, place):
        return "an upload still fails. Which action was refused, for which role? The failure record and the log say it"
    if _may(ws, f"arn:{ws.partition}:s3:::{ws.names.output_bucket}/a"):
        return "the role may write now, but into other buckets, too: name the objects of the work bucket alone"
    if _may(ws, place, "s3:DeleteObject"):
        return "the role may write now, and delete, too: name the one action that was refused"
    for action, resource in _others(ws):
        if not _may(ws, resource, action):
            return f"the role may write now, and no longer {action}: put_role_policy replaces all that stood there"
    return ""


def _others(ws: Workshop) -> Iterator[tuple[str, str]]:
    """What else the role needs, as chapter 3 gives it."""
    group = ws.names.arn("logs", f"log-group:{ws.names.log_group(ROLE)}:log-stream:a")
    yield from (("rekognition:GetFaceDetection", "*"), ("logs:CreateLogStream", group), ("logs:PutLogEvents", group))


def _struck(failure: str) -> str:
    """Whether a failure of the embedded AWS has happened; one that somebody cleared counts as over."""
    found = next((one for one in _chaos().list() if one["id"] == failure), None)
    return "it has not happened yet: upload a video again" if found and not found["struck"] else ""


def _may(ws: Workshop, resource: str, action: str = ACTION) -> bool:
    arn = ws.need("roles")[ROLE]
    question = {"PolicySourceArn": arn, "ActionNames": [action], "ResourceArns": [resource]}
    answer = ws.client("iam").simulate_principal_policy(**question)
    return answer["EvaluationResults"][0]["EvalDecision"] == "allowed"


def _drop_others(ws: Workshop) -> None:
    """A policy of another name is a way to mend it, too, and none that the role had."""
    iam, role = ws.client("iam"), ws.names.role(ROLE)
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        if name != POLICY:
            iam.delete_role_policy(RoleName=role, PolicyName=name)


def _statements(ws: Workshop) -> list[Mapping]:
    document = ws.client("iam").get_role_policy(RoleName=ws.names.role(ROLE), PolicyName=POLICY)["PolicyDocument"]
    return document["Statement"]


def _write(ws: Workshop, statements: list[Mapping]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    ws.client("iam").put_role_policy(RoleName=ws.names.role(ROLE), PolicyName=POLICY, PolicyDocument=document)


def _writes(statement: Mapping) -> bool:
    actions = statement["Action"]
    return ACTION in ([actions] if isinstance(actions, str) else actions)


def _chaos() -> Chaos:
    from ...localaws import Chaos

    return Chaos()


TROUBLES: dict[str, Trouble] = {
    "permission": Trouble(
        _take_permission,
        "One role has lost one permission. Upload again, read the record of the failure and the log of the function "
        "that it names, and give back what is missing, no more. Then trouble.check(ws).",
        "GetObject reads and PutObject writes; chapter 3 has the statements of every role, each with its resource.",
        "the record named the state, the log the action, and a role is mended by one statement.",
    ),
    "worker": Trouble(
        lambda ws: _chaos().kill(ws.names.function("blur_segment"), times=1).id,
        "The next blur function will be killed, as one that runs out of memory is. Upload again and look at its visits "
        "in the timeline. Then trouble.check(ws).",
        "Only an upload makes a blur function run: upload again, and look how often BlurSegment was entered.",
        "a worker that dies is started once more by the state's Retry; the video came all the same.",
    ),
    "twice": Trouble(
        lambda ws: _chaos().repeat(f"s3:{ws.names.input_bucket}", times=1).id,
        "The event of your next upload will come twice. Upload again and count the executions. Then trouble.check(ws).",
        "Upload once more; each execution's input names its key. How many have yours?",
        "both events had one name, and of each name one execution starts.",
    ),
    "busy": Trouble(
        lambda ws: _chaos().throttle("rekognition:StartFaceDetection", times=4).id,
        "Rekognition will be too busy for the next calls. Upload again and see which state asks once more. Then "
        "trouble.check(ws).",
        "The start function asks twice, and then leaves it to a state: look for StartJob in the timeline.",
        "who is refused comes back later, and by itself.",
    ),
}

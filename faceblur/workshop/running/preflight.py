"""What can be asked of an AWS account before anything is made in it: rights, region, quotas, budget, and the price.

All of it is free and changes nothing. On the embedded AWS there is nothing to ask.
"""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from ..account import rights
from ..account.costs import run_costs, standing_costs
from ..session import Workshop
from .checks import Check

AT_ONCE = 10  # calls of Lambda functions that run at the same time; new accounts may have no more
NO_JOB = "0" * 64
IMAGE_GB, VIDEO_GB, SAMPLE_S = 0.35, 0.05, 12


def preflight(ws: Workshop) -> list[Check]:
    """What AWS says before anything is made; on the embedded AWS nothing is asked."""
    if ws.target != "aws":
        return [Check("AWS account", "none: the embedded AWS costs nothing and refuses nobody")]
    return [_asked(name, ask, ws) for name, ask in ASKED.items()] + [_price()]


def _asked(name: str, ask: Callable[[Workshop], Check], ws: Workshop) -> Check:
    """An answer that AWS refuses is not known, which is no reason to stop."""
    try:
        return ask(ws)
    except ClientError as problem:
        return Check(name, f"not known: you may not ask ({problem.response['Error'].get('Code', '?')})")
    except BotoCoreError as problem:
        return Check(name, f"not known: {problem}")


def _caller(ws: Workshop) -> Check:
    return Check("you are", f"{_arn(ws)} in {ws.region}")


def _arn(ws: Workshop) -> str:
    return ws.client("sts").get_caller_identity()["Arn"]


def _rights(ws: Workshop) -> Check:
    """IAM is asked about each action that the ten chapters need, on one of the resources on which they need it."""
    arn = _arn(ws)
    if ":assumed-role/" in arn:  # IAM knows roles, not who wears them
        arn = arn.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/").rpartition("/")[0]
    if arn.endswith(":root"):
        return Check("rights", "the account's root user: all of them; a user with fewer would do")
    refused, count, iam = [], 0, ws.client("iam")
    for group in rights.GROUPS:
        on = [resource.replace("*", "x") for resource in group.of(ws.names)[:1] if resource != "*"]
        question = {"PolicySourceArn": arn, "ActionNames": group.full} | ({"ResourceArns": on} if on else {})
        answer = iam.simulate_principal_policy(**question)["EvaluationResults"]
        refused += [one["EvalActionName"] for one in answer if one["EvalDecision"] != "allowed"]
        count += len(group.full)
    found = f"{count - len(refused)} of {count} actions allowed"
    advice = (
        f"you may not: {', '.join(refused)}; give what `python -m faceblur.workshop preflight --policy` prints to the "
        "account's administrator, or use the embedded AWS"
    )
    return Check("rights", found, not refused, advice)


def _rekognition(ws: Workshop) -> Check:
    """Asks for a job that does not exist: the answer tells whether there is a Rekognition that answers you."""
    advice = "choose a region with Amazon Rekognition Video, and the right to call it, before you start"
    try:
        ws.client("rekognition").get_face_detection(JobId=NO_JOB)
    except ClientError as problem:
        code = problem.response["Error"].get("Code", "?")
        return Check("Rekognition Video", f"{ws.region}: {code}", not code.startswith("AccessDenied"), advice)
    except BotoCoreError as problem:
        return Check("Rekognition Video", f"{ws.region}: does not answer ({type(problem).__name__})", False, advice)
    return Check("Rekognition Video", f"{ws.region}: answers")


def _lambda(ws: Workshop) -> Check:
    limit = ws.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    advice = "the segments of a video will wait for each other; ask for more under Service Quotas"
    return Check("Lambda at once", f"{limit} calls", limit >= AT_ONCE, advice)


def _budget(ws: Workshop) -> Check:
    answer = ws.client("budgets").describe_budgets(AccountId=ws.account)
    names = [budget["BudgetName"] for budget in answer.get("Budgets", ())]
    return Check("budget", ", ".join(names[:3]) or "none: one that sends you a mail is free (AWS Budgets)")


def _price() -> Check:
    sample, minute = (run_costs(video_s=seconds, video_gb=VIDEO_GB).total for seconds in (SAMPLE_S, 60))
    month = standing_costs(IMAGE_GB, 2 * VIDEO_GB).total
    words = f"{sample:.2f} for the sample, {minute:.2f} a minute of video, {month:.2f} a month if nothing is deleted"
    return Check("price", f"about USD {words}")


ASKED: dict[str, Callable[[Workshop], Check]] = {
    "you are": _caller,
    "rights": _rights,
    "Rekognition Video": _rekognition,
    "Lambda at once": _lambda,
    "budget": _budget,
}

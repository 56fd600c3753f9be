"""What can be asked of an AWS account before anything is made in it: rights, region, quotas, budget, and the price.

All of it is free and changes nothing. On the embedded AWS there is nothing to ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from ..account import rights
from ..account.costs import run_costs, standing_costs
from ..session import Workshop
from .checks import Check

AT_ONCE = 10  # calls of Lambda functions that run at the same time; new accounts may have no more
NO_JOB = "0" * 64
EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
IMAGE_GB, VIDEO_GB, SAMPLE_S = 0.35, 0.05, 12


def preflight(ws: Workshop) -> list[Check]:
    """What AWS says before anything is made; on the embedded AWS nothing is asked."""
    if ws.target != "aws":
        return [Check("AWS account", "none: the embedded AWS costs nothing and refuses nobody")]
    asked = ASKED | {name: ask for name, ask in DEMANDED.items() if getattr(ws.demands, name.replace(" ", "_"))}
    return [_asked(name, ask, ws) for name, ask in asked.items()] + [_price()]


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
    for group in rights.groups(ws.demands):
        question = {"PolicySourceArn": arn, "ActionNames": group.full, **_resources(group, ws)}
        answer = iam.simulate_principal_policy(**question)["EvaluationResults"]
        refused += [one["EvalActionName"] for one in answer if one["EvalDecision"] != "allowed"]
        count += len(group.full)
    found = f"{count - len(refused)} of {count} actions allowed"
    advice = (
        f"you may not: {', '.join(refused)}; give what `python3 kit.py preflight --policy` prints to the "
        "account's administrator, or use the embedded AWS"
    )
    return Check("rights", found, not refused, advice)


def _resources(group: rights.Group, ws: Workshop) -> dict[str, list[str]]:
    """One of the resources that the group is for, as a question to IAM has it."""
    on = [resource.replace("*", "x") for resource in group.of(ws.names)[:1] if resource != "*"]
    return {"ResourceArns": on} if on else {}


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


def _boundary(ws: Workshop) -> Check:
    """The policy is there, and IAM is asked whether a role that may do everything may do within it what ours do."""
    iam, arn = ws.client("iam"), ws.demands.boundary
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    except ClientError as problem:
        if problem.response["Error"].get("Code") != "NoSuchEntity":
            raise
        return Check("boundary", f"{arn}: there is no such policy", False, "ask for the right ARN (FACEBLUR_BOUNDARY)")
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    text = document if isinstance(document, str) else json.dumps(document)
    within, refused, count = {"PolicyInputList": [EVERYTHING], "PermissionsBoundaryPolicyInputList": [text]}, [], 0
    for group in rights.of_roles(ws.demands):
        question = {"ActionNames": group.full, **_resources(group, ws), **within}
        answer = iam.simulate_custom_policy(**question)["EvaluationResults"]
        refused += [one["EvalActionName"] for one in answer if one["EvalDecision"] != "allowed"]
        count += len(group.full)
    found = f"{count - len(refused)} of the {count} things that our roles do are within it"
    advice = f"it does not let our roles do: {', '.join(refused)}; ask who made it"
    return Check("boundary", found, not refused, advice)


def _key(ws: Workshop) -> Check:
    key = ws.client("kms").describe_key(KeyId=ws.demands.kms_key)["KeyMetadata"]
    policy = ws.client("kms").get_key_policy(KeyId=ws.demands.kms_key, PolicyName="default")["Policy"]
    wrong = [f"is {key['KeyState']}"] * (key["KeyState"] != "Enabled")
    wrong += ["does not encrypt and decrypt"] * (key.get("KeySpec") != "SYMMETRIC_DEFAULT")
    wrong += ["its policy does not name CloudWatch Logs"] * (f"logs.{ws.region}." not in policy)
    advice = f"the key {' and '.join(wrong)}: take another one (FACEBLUR_KMS_KEY), or have it changed"
    return Check("kms key", wrong[0] if wrong else f"{key['KeyState'].lower()}, {key['KeySpec']}", not wrong, advice)


def _mail(ws: Workshop) -> Check:
    return Check("mail", f"{ws.demands.mail}: AWS asks it in chapter 5 whether it wants to be told")


def _path(ws: Workshop) -> Check:
    return Check("role path", f"{ws.demands.role_path}: asked for with the rights above")


def _price() -> Check:
    sample, minute = (run_costs(video_s=seconds, video_gb=VIDEO_GB).total for seconds in (SAMPLE_S, 60))
    month = standing_costs(IMAGE_GB, 2 * VIDEO_GB).total
    words = f"{sample:.2f} for the sample, {minute:.2f} a minute of video, {month:.2f} a month if nothing is deleted"
    return Check("price", f"about USD {words}")


DEMANDED: dict[str, Callable[[Workshop], Check]] = {
    "boundary": _boundary,
    "role path": _path,
    "kms key": _key,
    "mail": _mail,
}
ASKED: dict[str, Callable[[Workshop], Check]] = {
    "you are": _caller,
    "rights": _rights,
    "Rekognition Video": _rekognition,
    "Lambda at once": _lambda,
    "budget": _budget,
}

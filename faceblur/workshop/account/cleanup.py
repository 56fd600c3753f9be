"""Deletes what the workshop has created, and nothing else.

What does not carry the workshop's tags is left alone; what is gone already is fine; what AWS is not ready to
delete is tried again. Each step can be repeated, so a clean-up that broke off is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ...errors import WorkshopError
from ...patience import tries
from ..session import Workshop
from .inventory import Inventory, inventory
from .kinds import Resource, is_missing, or_none
from .leftovers import left_by_aws, why_left
from .waiting import PAUSES_S

if TYPE_CHECKING:
    from botocore.client import BaseClient

# AWS answers this while something else is still going on: wait and try again.
BUSY = {
    "BucketNotEmpty",
    "ConflictException",
    "DeleteConflict",
    "OperationAborted",
    "ResourceConflictException",
}
PATIENCE_S = 120
MOST_AT_ONCE = 1000  # DeleteObjects takes no more


def clean_up(ws: Workshop, dry_run: bool = True) -> Inventory:
    """Delete everything of ours in the right order; with `dry_run` only say what would be deleted.

    Returns what was found at the beginning. Raises WorkshopError when something cannot be deleted; all else
    is gone then, so that it costs nothing any more.
    """
    found, problems = inventory(ws), []
    for resource in found.ours:
        verb = "would delete" if dry_run else "deleting"
        print(f"  {verb} {resource.kind} {resource.name} {resource.detail}".rstrip(), flush=True)
        if not dry_run:
            try:
                _persist(partial(DELETE[resource.kind], ws, resource), resource)
            except WorkshopError as problem:
                problems.append(str(problem))
    if not found.resources:
        print(f"  {found}")
    for resource in found.others:
        print(f"  leaving {resource.kind} {resource.name}: {why_left(ws, resource)}")
    for left in left_by_aws(ws):
        print(f"  leaving {left}")
    if problems:
        raise WorkshopError("; ".join(problems) + ". Put that right and run the clean-up again.")
    return found


def remaining(ws: Workshop, patience_s: float = PATIENCE_S) -> tuple[Resource, ...]:
    """What of ours is still there, by listing again; waits for deletions that AWS finishes later."""
    left: tuple[Resource, ...] = ()
    for _ in tries(patience_s, 3):
        if not (left := inventory(ws).ours):
            break
        print(f"  AWS is still deleting {left[0].kind} {left[0].name} ...", flush=True)
    return left


def _persist(delete: Callable[[], None], resource: Resource) -> None:
    """Missing is fine; busy is tried again; everything else is one clear line."""
    for pause_s in tries(PATIENCE_S, *PAUSES_S):
        try:
            delete()
            return
        except ClientError as problem:
            error = problem.response["Error"]
            if is_missing(problem):
                return
            if error["Code"] not in BUSY or not pause_s:
                raise WorkshopError(
                    f"{resource.kind} {resource.name} cannot be deleted: {error['Code']}: {error['Message']}"
                ) from problem


def _trigger(ws: Workshop, resource: Resource) -> None:
    ws.client("s3").put_bucket_notification_configuration(
        Bucket=resource.name, NotificationConfiguration={}, ExpectedBucketOwner=ws.account
    )


def _state_machine(ws: Workshop, resource: Resource) -> None:
    """Stop what runs, delete the machine with its history, and wait until AWS has done so."""
    sfn = ws.client("stepfunctions")
    pages = sfn.get_paginator("list_executions").paginate(stateMachineArn=resource.arn, statusFilter="RUNNING")
    for execution in [each for page in pages for each in page["executions"]]:
        print(f"    stopping execution {execution['name']}")
        sfn.stop_execution(executionArn=execution["executionArn"], error="CleanUp", cause="the workshop is over")
    sfn.delete_state_machine(stateMachineArn=resource.arn)
    for _ in tries(PATIENCE_S, 1):
        if not or_none(sfn.describe_state_machine, stateMachineArn=resource.arn):
            break


def _rule(ws: Workshop, resource: Resource) -> None:
    """A rule can only be deleted without targets."""
    events = ws.client("events")
    if targets := events.list_targets_by_rule(Rule=resource.name)["Targets"]:
        events.remove_targets(Rule=resource.name, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=resource.name)


def _function(ws: Workshop, resource: Resource) -> None:
    ws.client("lambda").delete_function(FunctionName=resource.name)


def _repository(ws: Workshop, resource: Resource) -> None:
    ws.client("ecr").delete_repository(repositoryName=resource.name, force=True)  # with its images


def _bucket(ws: Workshop, resource: Resource) -> None:
    """A bucket must be empty: unfinished uploads, all versions of all objects and delete markers go first."""
    s3, place = ws.client("s3"), {"Bucket": resource.name, "ExpectedBucketOwner": ws.account}
    for page in s3.get_paginator("list_multipart_uploads").paginate(**place):
        for upload in page.get("Uploads", ()):
            s3.abort_multipart_upload(**place, Key=upload["Key"], UploadId=upload["UploadId"])
    for versions in _versions(s3, place):
        problems = s3.delete_objects(**place, Delete={"Objects": versions, "Quiet": True}).get("Errors")
        if problems:
            first = problems[0]
            raise WorkshopError(
                f"bucket {resource.name}: {first.get('Key')} cannot be deleted: {first.get('Code')}: "
                f"{first.get('Message')}"
            )
    s3.delete_bucket(**place)


def _versions(s3: BaseClient, place: dict) -> Iterator[list[dict]]:
    """Versions and delete markers, a page at a time, as DeleteObjects wants them."""
    for page in s3.get_paginator("list_object_versions").paginate(**place, PaginationConfig={"PageSize": MOST_AT_ONCE}):
        items = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if items:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in items]


def _role(ws: Workshop, resource: Resource) -> None:
    """A role can only be deleted without policies."""
    iam, name = ws.client("iam"), {"RoleName": resource.name}
    for policy in iam.list_role_policies(**name)["PolicyNames"]:
        iam.delete_role_policy(**name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(**name)["AttachedPolicies"]:
        iam.detach_role_policy(**name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(**name)


def _log_group(ws: Workshop, resource: Resource) -> None:
    ws.client("logs").delete_log_group(logGroupName=resource.name)


def _topic(ws: Workshop, resource: Resource) -> None:
    ws.client("sns").delete_topic(TopicArn=resource.arn)


DELETE: dict[str, Callable[[Workshop, Resource], None]] = {
    "trigger": _trigger,
    "state machine": _state_machine,
    "rule": _rule,
    "function": _function,
    "repository": _repository,
    "bucket": _bucket,
    "role": _role,
    "log group": _log_group,
    "topic": _topic,
}

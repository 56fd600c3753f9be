"""The kinds of resources that the workshop creates: names, whether one is there, its tags, its console page.

Reads only; `cleanup` deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from ..session import Workshop

MISSING = {
    "404",
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "RepositoryNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
}


BUCKET_KEYS = ("input_bucket", "work_bucket", "output_bucket")  # in the state file


@dataclass(frozen=True)
class Resource:
    """Something that exists. `ours`: it carries this workshop's tags, so the clean-up may delete it."""

    kind: str
    name: str
    arn: str
    ours: bool
    detail: str = ""
    console: str = ""


@dataclass(frozen=True)
class Kind:
    """`expected` gives names by design, `service` and `arn_prefix` find more of them among ARNs."""

    name: str
    service: str
    arn_prefix: str
    expected: Callable[[Workshop], Iterable[str]]
    find: Callable[[Workshop, str], Resource | None]

    def names(self, ws: Workshop, arns: Iterable[str]) -> list[str]:
        """Names by design and by ARN, each once."""
        by_arn = (self._name_from(ws, arn) for arn in arns)
        return list(dict.fromkeys([*self.expected(ws), *filter(None, by_arn)]))

    def _name_from(self, ws: Workshop, arn: str) -> str | None:
        _, _, service, _, account, rest = arn.split(":", 5)
        if service != self.service or account not in ("", ws.account) or not rest.startswith(self.arn_prefix):
            return None
        name = rest.removeprefix(self.arn_prefix)
        if service == "iam":  # roles may have a path
            name = name.rpartition("/")[2]
        return name if ":" not in name else None


def is_missing(problem: ClientError) -> bool:
    return problem.response["Error"]["Code"] in MISSING


def or_none(call: Callable, *args: Any, **parameters: Any) -> Any:
    """The answer, or None when AWS says that there is no such thing."""
    try:
        return call(*args, **parameters)
    except ClientError as problem:
        if is_missing(problem):
            return None
        raise


def bucket_tags(ws: Workshop, name: str) -> dict[str, str] | None:
    """The tags of a bucket of this account, or None when there is no such bucket in it."""
    s3 = ws.client("s3")
    if or_none(s3.head_bucket, Bucket=name, ExpectedBucketOwner=ws.account) is None:
        return None
    try:
        answer = s3.get_bucket_tagging(Bucket=name, ExpectedBucketOwner=ws.account)
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "NoSuchTagSet":
            raise
        return {}
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def _bucket(ws: Workshop, name: str) -> Resource | None:
    tags = bucket_tags(ws, name)
    if tags is None:
        return None
    ours = ws.is_ours(tags)  # a note in the state file is no proof: anybody may have made it since
    pages = ws.client("s3").get_paginator("list_object_versions").paginate(Bucket=name)
    count = sum(len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ())) for page in pages)
    page = f"https://{ws.region}.console.aws.amazon.com/s3/buckets/{name}"
    return Resource("bucket", name, f"arn:{ws.partition}:s3:::{name}", ours, f"{count} object versions", page)


def _role(ws: Workshop, name: str) -> Resource | None:
    answer = or_none(ws.client("iam").get_role, RoleName=name)
    if answer is None:
        return None
    page = f"https://console.aws.amazon.com/iam/home#/roles/details/{name}"
    return Resource("role", name, answer["Role"]["Arn"], ws.is_ours(answer["Role"].get("Tags")), "", page)


def _repository(ws: Workshop, name: str) -> Resource | None:
    ecr = ws.client("ecr")
    answer = or_none(ecr.describe_repositories, repositoryNames=[name])
    if answer is None:
        return None
    arn = answer["repositories"][0]["repositoryArn"]
    pages = ecr.get_paginator("list_images").paginate(repositoryName=name)
    images = {image["imageDigest"] for page in pages for image in page["imageIds"]}
    tags = ecr.list_tags_for_resource(resourceArn=arn)["tags"]
    page = f"{_console(ws, 'ecr')}/repositories/private/{ws.account}/{name}?region={ws.region}"
    return Resource("repository", name, arn, ws.is_ours(tags), f"{len(images)} images", page)


def _topic(ws: Workshop, name: str) -> Resource | None:
    sns, arn = ws.client("sns"), ws.names.arn("sns", name)
    if or_none(sns.get_topic_attributes, TopicArn=arn) is None:
        return None
    tags = sns.list_tags_for_resource(ResourceArn=arn)["Tags"]
    page = f"{_console(ws, 'sns')}/v3/home?region={ws.region}#/topic/{arn}"
    return Resource("topic", name, arn, ws.is_ours(tags), "", page)


def _log_group(ws: Workshop, name: str) -> Resource | None:
    logs = ws.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    exact = next((group for group in found if group["logGroupName"] == name), None)
    if exact is None:
        return None
    arn = exact["arn"].removesuffix(":*")
    tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    kept = f"kept {exact['retentionInDays']} days" if "retentionInDays" in exact else "kept for ever"
    code = quote(quote(name, safe=""), safe="").replace("%", "$")
    page = f"{_console(ws, 'cloudwatch')}/home?region={ws.region}#logsV2:log-groups/log-group/{code}"
    return Resource("log group", name, arn, ws.is_ours(tags), kept, page)


def _function(ws: Workshop, name: str) -> Resource | None:
    answer = or_none(ws.client("lambda").get_function, FunctionName=name)
    if answer is None:
        return None
    configuration = answer["Configuration"]
    page = f"{_console(ws, 'lambda')}/home?region={ws.region}#/functions/{name}"
    detail = f"{configuration['PackageType']}, {configuration['MemorySize']} MB"
    return Resource("function", name, configuration["FunctionArn"], ws.is_ours(answer.get("Tags", {})), detail, page)


def _state_machine(ws: Workshop, name: str) -> Resource | None:
    sfn, arn = ws.client("stepfunctions"), ws.names.arn("states", f"stateMachine:{name}")
    answer = or_none(sfn.describe_state_machine, stateMachineArn=arn)
    if answer is None:
        return None
    tags = sfn.list_tags_for_resource(resourceArn=arn)["tags"]
    running = sfn.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    page = f"{_console(ws, 'states')}/home?region={ws.region}#/statemachines/view/{arn}"
    detail = f"{answer['status'].lower()}, {len(running)} executions running"
    return Resource("state machine", name, arn, ws.is_ours(tags), detail, page)


def _rule(ws: Workshop, name: str) -> Resource | None:
    events, arn = ws.client("events"), ws.names.arn("events", f"rule/{name}")
    answer = or_none(events.describe_rule, Name=name)
    if answer is None:
        return None
    tags = events.list_tags_for_resource(ResourceARN=arn)["Tags"]
    page = f"{_console(ws, 'events')}/home?region={ws.region}#/eventbus/default/rules/{name}"
    return Resource("rule", name, arn, ws.is_ours(tags), answer["State"].lower(), page)


def _trigger(ws: Workshop, name: str) -> Resource | None:
    s3 = ws.client("s3")
    answer = or_none(s3.get_bucket_notification_configuration, Bucket=name, ExpectedBucketOwner=ws.account)
    rules = (answer or {}).get("LambdaFunctionConfigurations", [])
    if not rules:
        return None
    ours = bool((bucket := _bucket(ws, name)) and bucket.ours)
    page = f"https://{ws.region}.console.aws.amazon.com/s3/buckets/{name}?tab=properties"
    return Resource("trigger", name, rules[0]["LambdaFunctionArn"], ours, f"{len(rules)} rules", page)


def _triggering(ws: Workshop) -> list[str]:
    """The buckets that may hold the trigger."""
    noted = ws.state.get("trigger", {}).get("bucket", ws.names.input_bucket)
    return list(dict.fromkeys([ws.names.input_bucket, noted]))


def _console(ws: Workshop, service: str) -> str:
    return f"https://{ws.region}.console.aws.amazon.com/{service}"


# In the order in which they must be deleted.
KINDS = (
    Kind("trigger", "", "", _triggering, _trigger),
    Kind("state machine", "states", "stateMachine:", lambda ws: [ws.names.state_machine], _state_machine),
    Kind("rule", "events", "rule/", lambda ws: [ws.names.rule], _rule),
    Kind("function", "lambda", "function:", lambda ws: ws.names.functions.values(), _function),
    Kind("repository", "ecr", "repository/", lambda ws: [ws.names.repository], _repository),
    Kind("bucket", "s3", "", lambda ws: ws.names.buckets, _bucket),
    Kind("role", "iam", "role/", lambda ws: ws.names.roles.values(), _role),
    Kind("log group", "logs", "log-group:", lambda ws: ws.names.log_groups.values(), _log_group),
    Kind("topic", "sns", "", lambda ws: [ws.names.topic], _topic),
)

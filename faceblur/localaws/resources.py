"""What a Task's Resource may name.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

ARN = re.compile(r"arn:[a-z-]+:(states|lambda):([\w-]*):(\d{12})?:.+")
SDK = re.compile(r"arn:[a-z-]+:states:::aws-sdk:(?P<service>[a-z0-9]+):(?P<action>\w+)(\.waitForTaskToken)?")
SERVICE = re.compile(r"arn:[a-z-]+:states:::(?P<service>[a-z0-9-]+):(?P<action>\w+)(\.(?P<how>.+))?")
WAITS, SYNC = "waitForTaskToken", ("sync", "sync:2")
# Integrations made for Step Functions, and the ways to wait that each has.
INTEGRATIONS: dict[str, tuple[str, ...]] = {
    "lambda:invoke": (WAITS,),
    "sqs:sendMessage": (WAITS,),
    "sns:publish": (WAITS,),
    "events:putEvents": (WAITS,),
    "states:startExecution": (WAITS, *SYNC),
    **dict.fromkeys(("dynamodb:getItem", "dynamodb:putItem", "dynamodb:updateItem", "dynamodb:deleteItem"), ()),
}
# Others that AWS has; what of theirs is not there says so when it is called.
OTHERS = {
    "apigateway", "athena", "batch", "bedrock", "codebuild", "databrew", "ecs", "eks", "elasticmapreduce",
    "emr-containers", "emr-serverless", "glue", "http", "mediaconvert", "sagemaker", "s3",
}  # fmt: skip
# Names that Step Functions gives services: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
CLIENTS = {
    "sfn": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events", "cognitoidentityprovider": "cognito-idp",
    "elasticloadbalancingv2": "elbv2", "resourcegroupstaggingapi": "resourcegroupstaggingapi",
}  # fmt: skip


def resource_faults(resource: Any, path: str) -> Iterator[str]:
    """Why Step Functions does not take a Task's Resource."""
    if not isinstance(resource, str):
        yield f"{path}: a Task needs a Resource"
        return
    unknown = f"{path}.Resource: The resource provided {resource} is not recognized."
    if found := SDK.fullmatch(resource):
        if found["action"] not in actions(found["service"]):
            yield unknown
    elif found := SERVICE.fullmatch(resource):
        name, how = f"{found['service']}:{found['action']}", found["how"]
        if found["service"] not in OTHERS and (name not in INTEGRATIONS or how not in (None, *INTEGRATIONS[name])):
            yield unknown
    elif not ARN.fullmatch(resource):
        yield f"{path}.Resource: Value is not a valid resource ARN: {resource}"


@functools.cache
def actions(service: str) -> frozenset[str]:
    """The names of a service's operations as an SDK integration spells them; none of a service that is not known."""
    import botocore.session
    from botocore.exceptions import UnknownServiceError

    try:
        model = botocore.session.Session().get_service_model(CLIENTS.get(service, service))
    except UnknownServiceError:
        return frozenset()
    return frozenset(name[0].lower() + name[1:] for name in model.operation_names)


def waits(resource: Any) -> bool:
    """Whether a Task waits for somebody else, which short machines (EXPRESS) do not."""
    text = str(resource)
    return ":activity:" in text or text.endswith((f".{WAITS}", *(f".{one}" for one in SYNC)))

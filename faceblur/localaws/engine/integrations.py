"""Tasks of a state machine act with the state machine's role, as on AWS.

Lambda functions are invoked where they are, after a look at the role's permissions; `aws-sdk:` integrations
and SNS are API calls by boto3 with the role's credentials, so that IAM and errors are the real ones.
"""

from __future__ import annotations

import contextvars
import json
import re

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_region
from ministack.services import lambda_svc
from ministack.services import stepfunctions as states

from . import permissions

LAMBDA_INVOKE, SNS_PUBLISH = "arn:aws:states:::lambda:invoke", "arn:aws:states:::sns:publish"
SDK = re.compile(r"arn:aws:states:::aws-sdk:(?P<service>[^:]+):(?P<action>[^:.]+)$")
# Names that Step Functions gives services: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
CLIENTS = {"sfn": "stepfunctions", "cloudwatchlogs": "logs"}
ERROR_PREFIXES = {"s3": "S3", "sns": "Sns", "sqs": "Sqs", "dynamodb": "DynamoDb"}

# The session of the state machine's role in which the current task runs.
_credentials: contextvars.ContextVar[dict] = contextvars.ContextVar("state_machine_role")


def install(url: str) -> None:
    states._execute_task = with_role(states._execute_task)
    states._invoke_resource = as_role(states._invoke_resource, url)
    lambda_svc._throttle_response = with_error_name(lambda_svc._throttle_response)


def with_role(original):
    def execute_task(state, raw_input, execution, context):
        role = states._state_machines[execution["stateMachineArn"]]["roleArn"]
        token = _credentials.set(permissions.role_credentials(role, execution["name"][:64]))
        try:
            return original(state, raw_input, execution, context)
        finally:
            _credentials.reset(token)

    return execute_task


def as_role(original, url: str):
    """A task does what the state machine's role may do."""

    def invoke_resource(resource, arguments):
        if found := SDK.match(resource):
            return call_sdk(url, found["service"], found["action"], arguments)
        if resource == SNS_PUBLISH:
            return call_sdk(url, "sns", "publish", arguments)
        function = function_arn(resource, arguments)
        denied = function and permissions.check(
            _credentials.get()["aws_access_key_id"], "lambda:InvokeFunction", function
        )
        if denied:
            raise states._ExecutionError(
                "Lambda.AWSLambdaException", f"{denied.message} (Service: Lambda, Status Code: 403)"
            )
        answer = original(resource, arguments)
        if resource == LAMBDA_INVOKE and "Payload" in answer:
            answer |= {"ExecutedVersion": "$LATEST", "SdkHttpMetadata": {"HttpStatusCode": 200}}
        return answer

    return invoke_resource


def with_error_name(original):
    """A throttled function is known by name to a state machine, so that it can try again."""

    def throttle_response(*arguments, **keywords):
        answer = original(*arguments, **keywords)
        name = {"errorType": "Lambda.TooManyRequestsException", "errorMessage": answer["body"]["message"]}
        return answer | {"body": answer["body"] | name}

    return throttle_response


def function_arn(resource: str, arguments) -> str | None:
    """The function that a task is about to invoke, or None when it invokes none that exists."""
    reference = arguments.get("FunctionName", "") if resource == LAMBDA_INVOKE else None
    reference = reference if reference is not None else states._extract_lambda_ref(resource)
    if not reference:
        return None
    _, config, _ = lambda_svc._get_func_record_for_ref(reference)
    return config and config["FunctionArn"]


def call_sdk(url: str, service: str, action: str, arguments: dict):
    """An `aws-sdk:` integration: the API call itself, with the role's credentials."""
    prefix = ERROR_PREFIXES.get(service, service.capitalize())
    try:
        name = CLIENTS.get(service, service)
        client = boto3.client(name, endpoint_url=url, region_name=get_region(), **_credentials.get())
        method = xform_name(action[0].upper() + action[1:])
        answer = getattr(client, method)(**{name: sdk_value(value) for name, value in arguments.items()})
    except ClientError as problem:
        code = problem.response["Error"]["Code"]
        code = code if code.endswith("Exception") else code + "Exception"
        raise states._ExecutionError(f"{prefix}.{code}", str(problem)) from problem
    except (AttributeError, BotoCoreError) as problem:
        raise states._ExecutionError("States.Runtime", f"aws-sdk:{service}:{action}: {problem}") from problem
    answer.pop("ResponseMetadata", None)
    return json.loads(json.dumps(answer, default=as_text))


def as_text(value) -> str:
    """A body that is read (S3's GetObject) is text in the answer."""
    return value.read().decode("utf-8", "replace") if hasattr(value, "read") else str(value)


def sdk_value(value):
    """A document given as a parameter (an S3 Body, an SNS Message) is sent as JSON text."""
    return json.dumps(value) if isinstance(value, dict | list) else value

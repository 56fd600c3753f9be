"""Tasks of a state machine act with the state machine's role, as on AWS.

Lambda functions are invoked where they are, after a look at the role's permissions; `aws-sdk:` integrations
and SNS are API calls by boto3 with the role's credentials, so that IAM and errors are the real ones.
"""

from __future__ import annotations

import contextvars
import datetime
import json
import re

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_region
from ministack.services import lambda_svc
from ministack.services import stepfunctions as states

from ..resources import CLIENTS
from . import permissions
from .stepfunctions import MAX_PAYLOAD_BYTES

LAMBDA_INVOKE, SNS_PUBLISH = "arn:aws:states:::lambda:invoke", "arn:aws:states:::sns:publish"
SDK = re.compile(r"arn:aws:states:::aws-sdk:(?P<service>[^:]+):(?P<action>[^:.]+)$")
OPTIMIZED = re.compile(r"arn:aws:states:::(?!lambda:)(?P<service>[a-z]+):(?P<action>[A-Za-z]+)")
# What a call is about, and what its failure is called.
RESOURCES = {
    "sqs": lambda given: permissions.own_arn("sqs", str(given.get("QueueUrl")).rpartition("/")[2]),
    "sns": lambda given: str(given.get("TopicArn")),
    "dynamodb": lambda given: permissions.own_arn("dynamodb", f"table/{given.get('TableName')}"),
    "events": lambda given: permissions.own_arn("events", "event-bus/default"),
    "states": lambda given: str(given.get("StateMachineArn") or given.get("stateMachineArn")),
}
EXCEPTIONS = {
    "sqs": "SQS.AmazonSQSException",
    "sns": "SNS.AmazonSNSException",
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "events": "EventBridge.AmazonEventBridgeException",
    "states": "StepFunctions.AWSStepFunctionsException",
}
ERROR_PREFIXES = {"s3": "S3", "sns": "Sns", "sqs": "Sqs", "dynamodb": "DynamoDb"}

# The session of the state machine's role in which the current task runs.
_credentials: contextvars.ContextVar[dict] = contextvars.ContextVar("state_machine_role")


def install(url: str) -> None:
    states._execute_task = with_role(states._execute_task)
    states._invoke_resource = as_role(states._invoke_resource, url)
    states._invoke_with_callback = with_token_as_role(states._invoke_with_callback)
    states._read_map_items = reads_as_role(states._read_map_items)
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
            look_at_size(arguments)
            return call_sdk(url, found["service"], found["action"], arguments)
        look_at(resource, arguments)
        if resource == SNS_PUBLISH:
            return call_sdk(url, "sns", "publish", arguments)
        if resource != LAMBDA_INVOKE:
            return original(resource, arguments)
        if arguments.get("InvocationType", "RequestResponse") != "RequestResponse":
            answer = call_sdk(url, "lambda", "invoke", arguments)
        else:
            answer = original(resource, {"Payload": {}} | qualified(arguments))
        version = {"ExecutedVersion": arguments.get("Qualifier", "$LATEST")}
        return version | answer | {"SdkHttpMetadata": {"HttpStatusCode": answer["StatusCode"]}}

    return invoke_resource


def qualified(arguments: dict) -> dict:
    """With the version or alias in the function's name, where ministack looks for it."""
    suffix = f":{arguments['Qualifier']}" if "Qualifier" in arguments else ""
    return arguments | {"FunctionName": f"{arguments.get('FunctionName', '')}{suffix}"}


def with_token_as_role(original):
    """So does a task that then waits for its token."""

    def invoke_with_callback(resource, arguments, token, state):
        look_at(resource.removesuffix(".waitForTaskToken"), arguments)
        return original(resource, arguments, token, state)

    return invoke_with_callback


def reads_as_role(original):
    """So does a Map that reads its items from S3."""

    def read_map_items(reader, effective, ctx):
        given = states._resolve_params_obj(reader.get("Parameters") or {}, effective, ctx)
        role = states._state_machines[ctx["StateMachine"]["Id"]]["roleArn"]
        bucket = f"arn:aws:s3:::{given.get('Bucket')}"
        lists = reader.get("Resource", "").endswith("listObjectsV2")
        need = ("s3:ListBucket", bucket) if lists else ("s3:GetObject", f"{bucket}/{given.get('Key')}")
        if denied := permissions.check(permissions.role_credentials(role, "map")["aws_access_key_id"], *need):
            raise states._ExecutionError("States.ItemReaderFailed", denied.message)
        return original(reader, effective, ctx)

    return read_map_items


def look_at_size(arguments) -> None:
    if len(json.dumps(arguments).encode()) > MAX_PAYLOAD_BYTES:
        text = "The state/task was given an input with a size exceeding the maximum number of bytes service limit."
        raise states._ExecutionError("States.DataLimitExceeded", text)


def look_at(resource: str, arguments) -> None:
    """Raises where the input is too large, or the role may not do it."""
    look_at_size(arguments)
    key = _credentials.get()["aws_access_key_id"]
    if function := function_arn(resource, arguments):
        denied, error = permissions.check(key, "lambda:InvokeFunction", function), "Lambda.AWSLambdaException"
    elif found := OPTIMIZED.match(resource):
        service, action = found["service"], found["action"]
        what = RESOURCES.get(service, lambda given: "*")(arguments if isinstance(arguments, dict) else {})
        denied = permissions.check(key, f"{service}:{action[0].upper()}{action[1:]}", what)
        error = EXCEPTIONS.get(service, f"{service.capitalize()}.{service.capitalize()}Exception")
    else:
        return
    if denied:
        raise states._ExecutionError(error, f"{denied.message} (Service: {error.partition('.')[0]}, Status Code: 403)")


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
        operation = action[0].upper() + action[1:]
        model = client.meta.service_model.operation_model(operation)
        answer = getattr(client, xform_name(operation))(**native(model.input_shape, arguments or {}))
    except ClientError as problem:
        code = problem.response["Error"]["Code"]
        code = "NoSuchKey" if code == "404" else code  # of a HEAD, which has no body to say so
        code = code if code.endswith("Exception") else code + "Exception"
        raise states._ExecutionError(f"{prefix}.{code}", str(problem)) from problem
    except (AttributeError, BotoCoreError, TypeError) as problem:
        raise states._ExecutionError("States.Runtime", f"aws-sdk:{service}:{action}: {problem}") from problem
    answer.pop("ResponseMetadata", None)
    return json.loads(json.dumps(told(model.output_shape, answer), default=as_text))


def native(shape, value):
    """Parameters as the service spells them: names begin with a capital for Step Functions, whatever they do there, and
    a document given as a text (an S3 Body, an SNS Message) is sent as JSON.
    """
    kind = getattr(shape, "type_name", "")
    if kind == "structure" and isinstance(value, dict):
        names = {name[0].upper() + name[1:]: name for name in shape.members}
        spelt = {names.get(name, name): one for name, one in value.items()}
        return {name: native(shape.members.get(name), one) for name, one in spelt.items()}
    if kind == "list" and isinstance(value, list):
        return [native(shape.member, one) for one in value]
    if kind == "map" and isinstance(value, dict):
        return {name: native(shape.value, one) for name, one in value.items()}
    return json.dumps(value) if kind in ("string", "blob") and isinstance(value, dict | list) else value


def told(shape, value):
    """An answer as Step Functions spells it."""
    kind = getattr(shape, "type_name", "")
    if kind == "structure" and isinstance(value, dict):
        return {name[0].upper() + name[1:]: told(shape.members.get(name), one) for name, one in value.items()}
    if kind == "list" and isinstance(value, list):
        return [told(shape.member, one) for one in value]
    if kind == "map" and isinstance(value, dict):
        return {name: told(shape.value, one) for name, one in value.items()}
    return value


def as_text(value) -> str:
    """A body that is read (S3's GetObject) is text in the answer, a time one of ISO 8601."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    content = value.read() if hasattr(value, "read") else value
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)

"""Invocations as AWS Lambda has them: limits of payloads, request ids, the client's context, and destinations.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import contextvars
import datetime
import functools
import json
import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from . import permissions

INVOKE = "lambda:InvokeFunction"
MAX_NOW, MAX_LATER = 6 * 1024**2, 1024**2
# What a function's role must be allowed for a destination of each service.
SENDS = {"lambda": INVOKE, "sqs": "sqs:SendMessage", "sns": "sns:Publish", "events": "events:PutEvents"}
# https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
EVENT_LIMITS = {"MaximumRetryAttempts": (0, 2), "MaximumEventAgeInSeconds": (60, 21_600)}
TYPES = ("RequestResponse", "Event", "DryRun")
# Of calls for later while nothing is free: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
LONGEST_AGE_S, FIRST_WAIT_S, LONGEST_WAIT_S = 6 * 3600, 1.0, 30.0  # AWS's waits grow to 300 s


@dataclass
class Call:
    """The Invoke request that is being answered; `tries` counts how often its event was handed to the function, whose
    version or alias `function_arn` names.
    """

    request_id: str
    client_context: str = ""
    tries: int = 0
    function_arn: str = ""


_call: contextvars.ContextVar[Call | None] = contextvars.ContextVar("invoke", default=None)
# Set while an event that is for later is handled.
_later: contextvars.ContextVar[bool] = contextvars.ContextVar("later", default=False)


def install(url: str) -> None:
    lambda_svc._put_event_invoke_config = reachable(lambda_svc._put_event_invoke_config)
    lambda_svc._get_policy = known(lambda_svc._get_policy)
    lambda_svc._execute_function = followed(patient(lambda_svc._execute_function), url)
    lambda_svc._route_async_failure = recorded(url)
    lambda_svc.invoke_async_with_retry = for_later(lambda_svc.invoke_async_with_retry)


def current() -> Call | None:
    return _call.get()


@contextlib.contextmanager
def noted(service: str, path: str, headers: dict, request_id: str) -> Iterator[None]:
    """What a function's process is to know of the request that calls it."""
    call = None
    if service == "lambda" and path.rstrip("/").endswith("/invocations"):
        call = Call(request_id, decoded(headers.get("x-amz-client-context", "")) or "")
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


def decoded(text: str) -> str | None:
    """The client's context as JSON text; None when it is none."""
    try:
        found = base64.b64decode(text, validate=True).decode()
        return found if isinstance(json.loads(found or "{}"), dict) else None
    except (ValueError, binascii.Error):
        return None


def refusal(operation: str, headers: dict, body: bytes):
    if operation != INVOKE:
        return None
    kind = headers.get("x-amz-invocation-type", TYPES[0])
    if kind not in TYPES:
        return error_response_json("InvalidParameterValueException", f"Invocation type {kind} is none", 400)
    limit = MAX_LATER if kind == "Event" else MAX_NOW
    if len(body) > limit:
        text = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        return error_response_json("RequestTooLargeException", text, 413)
    if decoded(headers.get("x-amz-client-context", "")) is None:
        return error_response_json("InvalidRequestContentException", "Client context must be a valid Base64 JSON", 400)
    try:
        json.loads(body or b"{}")
    except (ValueError, RecursionError) as problem:
        text = f"Could not parse request body into json: Could not parse payload into json: {problem}"
        return error_response_json("InvalidRequestContentException", text, 400)
    return None


def known(get_policy):
    """A function without a policy has none, not an empty one."""

    @functools.wraps(get_policy)
    def answer(name, *more, **named):
        status, fields, body = get_policy(name, *more, **named)
        if status == 200 and not json.loads(json.loads(body).get("Policy", "{}")).get("Statement"):
            return error_response_json("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return status, fields, body

    return answer


def for_later(invoke):
    """Whoever calls: all attempts are one request."""

    @functools.wraps(invoke)
    def invoke_async_with_retry(function, event):
        call = _call.get() or Call(str(uuid.uuid4()))
        call.function_arn = (function.get("config") or function)["FunctionArn"]
        tokens = _later.set(True), _call.set(call)
        try:
            invoke(of_its_own(function), event)
        finally:
            _later.reset(tokens[0])
            _call.reset(tokens[1])

    return invoke_async_with_retry


def of_its_own(function: dict) -> dict:
    """A version or an alias has settings for events of its own, and not those of the function."""
    config = function.get("config") or function
    qualifier = ":".join(config["FunctionArn"].split(":")[7:])
    if not qualifier:
        return function
    settings = (lambda_svc._functions.get(config["FunctionName"]) or {}).get("event_invoke_configs") or {}
    return function | {"event_invoke_config": settings.get(qualifier), "event_invoke_configs": {}}


def reachable(put):
    """A destination to which the function's role may send nothing is refused when it is set; so are odd numbers."""

    @functools.wraps(put)
    def put_event_invoke_config(name: str, qualifier: str | None, data: dict):
        for field, (least, most) in EVENT_LIMITS.items():
            if data.get(field) is not None and not least <= data[field] <= most:
                text = f"1 validation error detected: Value '{data[field]}' at '{field}' failed to satisfy constraint"
                return error_response_json("ValidationException", text, 400)
        config = (lambda_svc._functions.get(name) or {}).get("config")
        for each in (data.get("DestinationConfig") or {}).values():
            target = (each or {}).get("Destination") or ""
            action = SENDS.get(target.split(":")[2]) if target.count(":") > 4 else None
            if config and action and denied(config, action, target):
                what = action.partition(":")[2]
                text = f"The function's execution role does not have permissions to call {what} on {target}"
                return error_response_json("InvalidParameterValueException", text, 400)
        return put(name, qualifier, data)

    return put_event_invoke_config


def denied(config: dict, action: str, target: str) -> bool:
    key = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
    return permissions.check(key, action, target) is not None


def patient(execute):
    """A call for later waits while the account runs as many functions as it may, and no try of it is counted."""

    @functools.wraps(execute)
    def execute_function(record, event, *more, **named):
        result = execute(record, event, *more, **named)
        age_s = int((record.get("event_invoke_config") or {}).get("MaximumEventAgeInSeconds", LONGEST_AGE_S))
        end, wait_s = time.monotonic() + age_s, FIRST_WAIT_S
        while _later.get() and is_full(result) and time.monotonic() + wait_s < end:
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            result = execute(record, event, *more, **named)
        return result

    return execute_function


def is_full(result: dict) -> bool:
    return bool(result.get("throttle")) and result["body"].get("Reason") == "ConcurrentInvocationLimitExceeded"


def followed(execute, url: str):
    """A call for later that did well is told to the function's OnSuccess destination."""

    @functools.wraps(execute)
    def execute_function(record, event, *more, **named):
        call = _call.get()
        if call:
            call.tries += 1
        result = execute(record, event, *more, **named)
        settings = record.get("event_invoke_config") or (record.get("event_invoke_configs") or {}).get("$LATEST") or {}
        target = ((settings.get("DestinationConfig") or {}).get("OnSuccess") or {}).get("Destination")
        if target and _later.get() and not result.get("error"):
            send(url, record.get("config") or record, target, json.dumps(record_of(record, event, result)))
        return result

    return execute_function


def recorded(url: str):
    """What a failed call for later leaves: the record at its destination, the event itself in a dead-letter queue."""

    def route_async_failure(target, name, event, result):
        record = lambda_svc._functions.get(name) or {}
        config = record.get("config") or {}
        if target == (config.get("DeadLetterConfig") or {}).get("TargetArn"):
            send(url, config, target, json.dumps(event), about(result))
        else:
            send(url, config, target, json.dumps(record_of(record, event, result)))

    return route_async_failure


def about(result: dict) -> dict:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    body = result.get("body")
    message = str(body.get("errorMessage", "")) if isinstance(body, dict) else str(body)
    call = _call.get() or Call(str(uuid.uuid4()))
    return {
        "RequestID": {"DataType": "String", "StringValue": call.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": message[:1024] or "unknown"},
    }


def record_of(record: dict, event, result: dict) -> dict:
    config, call = record.get("config") or record, _call.get() or Call(str(uuid.uuid4()))
    failed = bool(result.get("error"))
    answer = {"statusCode": 200, "executedVersion": config.get("Version", "$LATEST")}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    arn = call.function_arn or config.get("FunctionArn", "")
    return {
        "version": "1.0",
        "timestamp": now.replace("+00:00", "Z"),
        "requestContext": {
            "requestId": call.request_id,
            "functionArn": arn if arn.count(":") > 6 else f"{arn}:$LATEST",
            "condition": "RetriesExhausted" if failed else "Success",
            "approximateInvokeCount": max(1, call.tries),
        },
        "requestPayload": event,
        "responseContext": answer | ({"functionError": "Unhandled"} if failed else {}),
        "responsePayload": result.get("body"),
    }


def send(url: str, config: dict, target: str, text: str, attributes: dict | None = None) -> None:
    """With the function's own role, as AWS does it; what it may not do is lost, and the engine's log says so."""
    _, _, service, region, account, *rest = target.split(":")
    values = lambda_runtime.execution_credentials(config)
    keys = {name.lower(): value for name, value in values.items()}
    try:
        client = boto3.client(service, endpoint_url=url, region_name=region, **keys)
        if service == "sqs":
            client.send_message(QueueUrl=f"{url}/{account}/{rest[0]}", MessageBody=text,
                                MessageAttributes=attributes or {})  # fmt: skip
        elif service == "sns":
            client.publish(TopicArn=target, Message=text, MessageAttributes=attributes or {})
        elif service == "lambda":
            client.invoke(FunctionName=target, InvocationType="Event", Payload=text)
        elif service == "events":
            entry = {"Source": "lambda", "DetailType": "Lambda Function Invocation Result", "Detail": text}
            client.put_events(Entries=[entry | {"EventBusName": target}])
    except (ClientError, BotoCoreError) as problem:
        logging.getLogger(__name__).warning("%s: nothing reached %s: %s", config.get("FunctionName"), target, problem)

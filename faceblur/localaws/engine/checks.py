"""What AWS refuses in a request before it does anything, and ministack lets through.

Two kinds: what botocore's model of a service says of its parameters (`models`), and rules of a service of its own
(`storage`, `invocations`, `policies`, and below).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import error_response_json
from ministack.services import iam, stepfunctions

from .. import limits
from ..policies import policy_fault
from . import conditions, functions, invocations, messages, objects, permissions, storage, uploads
from .models import faults, fits, model, number_or_text

# Service as ministack names it: as botocore does, and how it says that a parameter is none.
JSON_SERVICES = {
    "rekognition": ("rekognition", "InvalidParameterException"),
    "ecr": ("ecr", "InvalidParameterException"),
    "logs": ("logs", "InvalidParameterException"),
}
QUERY_SERVICES = {"iam": ("iam", "ValidationError"), "sts": ("sts", "ValidationError")}
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
ARN = re.compile(r"arn:aws[a-z-]*:states:[^:]*:[^:]*:.+")
# Operations with a name, and the one that they take where none is given.
NAMED = {"states:CreateStateMachine": "", "states:CreateActivity": "", "states:StartExecution": "x"}
NOT_THERE = ("states:RedriveExecution",)
UPDATED = {"definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration"}
TOKENS = ("states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat")
MAX_TAGS, HOUR_S = 50, 3600
MAX_POLICY = {"iam:PutRolePolicy": 10_240, "iam:PutUserPolicy": 2048, "iam:PutGroupPolicy": 5120,
              "iam:CreatePolicy": 6144, "iam:CreatePolicyVersion": 6144}  # fmt: skip
PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose")
# Operations with a policy: the field that holds it, and whether it says who may take a role.
POLICIES = {
    "iam:CreateRole": ("AssumeRolePolicyDocument", True),
    "iam:UpdateAssumeRolePolicy": ("PolicyDocument", True),
    **dict.fromkeys(
        ("iam:PutRolePolicy", "iam:PutUserPolicy", "iam:PutGroupPolicy", "iam:CreatePolicy", "iam:CreatePolicyVersion"),
        ("PolicyDocument", False),
    ),
}
# Who hands a role to a service: operation, the field with the role, the service.
PASSES_ROLE = {
    "lambda:CreateFunction": ("Role", "lambda.amazonaws.com"),
    "lambda:UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
    "states:CreateStateMachine": ("roleArn", "states.amazonaws.com"),
    "states:UpdateStateMachine": ("roleArn", "states.amazonaws.com"),
    "rekognition:StartFaceDetection": ("NotificationChannel.RoleArn", "rekognition.amazonaws.com"),
}


def install(url: str) -> None:
    app._dispatch_service_request = checked(app._dispatch_service_request)
    objects.install()
    uploads.install()
    functions.install()
    messages.install()
    invocations.install(url)


def checked(dispatch):
    @functools.wraps(dispatch)
    async def dispatch_service_request(method, path, headers, body, query, request_id):
        path = functions.plain(path)
        params = app._routing_params(method, path, headers, body, query)
        service = router.detect_service(method, path, headers, params)
        refusal = None
        if service == "s3":
            refusal = storage.refusal(method, path, headers, body, query)
        elif service in CHECKS:
            operation = iam_actions.extract_iam_action(service, method, path, headers, body, params) or ""
            refusal = CHECKS[service](service, operation, headers, body, params, request_id)
        with invocations.noted(service, path, headers, request_id), conditions.noted(headers, query):
            return refusal or await dispatch(method, path, headers, body, query, request_id)

    return dispatch_service_request


def document(body: bytes) -> dict:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def by_model(service: str, operation: str, headers: dict, body: bytes, params: dict, request_id: str):
    name, code = JSON_SERVICES[service]
    given = document(body)
    fault = next(faults(model(name, operation.partition(":")[2]), given, ""), None)
    text = f"Invalid parameter at '{fault}' failed to satisfy constraint" if fault else ""
    if operation == "logs:PutLogEvents" and not fault:
        times = [one["timestamp"] for one in given["logEvents"]]
        if times != sorted(times):
            text = "Log events in a single PutLogEvents request must be in chronological order."
    if text:
        text = "Request has invalid parameters" if service == "rekognition" else text
        return error_response_json(code, text, 400)
    return role_refusal(service, operation, headers, body, params)


def by_query(service: str, operation: str, headers: dict, body: bytes, params: dict, request_id: str):
    """Only what stands at the top: lists and structures are flattened in this protocol."""
    name, code = QUERY_SERVICES[service]
    given = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    shape = model(name, operation.partition(":")[2])
    for key, member in (shape.members if shape is not None else {}).items():
        is_plain = key in given and member.type_name in ("string", "integer")
        if is_plain and not fits(member, number_or_text(member, given[key])):
            text = f"1 validation error detected: Value at '{key[0].lower() + key[1:]}' failed to satisfy constraint"
            _, fields, answer = iam_actions.access_denied_response(
                service, operation, "", request_id, error_code=code, message=text, headers=headers
            )
            return 400, fields, answer
    if fault := limit_fault(operation, given) or session_fault(operation, given, headers, params):
        code, text = fault
        _, fields, answer = iam_actions.access_denied_response(
            service, operation, "", request_id, error_code=code, message=text, headers=headers
        )
        return 409 if code == "LimitExceeded" else 400, fields, answer
    return policy_refusal(service, operation, headers, given, request_id)


def limit_fault(operation: str, given: dict) -> tuple[str, str] | None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    size = len("".join(given.get("PolicyDocument", "").split()))
    if operation in MAX_POLICY and size > MAX_POLICY[operation]:
        return "LimitExceeded", f"Maximum policy size of {MAX_POLICY[operation]} bytes exceeded"
    name = given.get("UserName")
    if operation == "iam:CreateAccessKey" and sum(one["UserName"] == name for one in iam._access_keys.values()) >= 2:
        return "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"
    return None


def session_fault(operation: str, given: dict, headers: dict, params: dict) -> tuple[str, str] | None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    if operation != "sts:AssumeRole":
        return None
    wanted, role = int(given.get("DurationSeconds", 0)), iam._roles.get(given.get("RoleArn", "").rpartition("/")[2])
    if role and wanted > int(role.get("MaxSessionDuration") or HOUR_S):
        return "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    if wanted > HOUR_S and router.extract_access_key_id(headers, params).startswith("ASIA"):
        text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        return "ValidationError", text
    return None


def policy_refusal(service: str, operation: str, headers: dict, given: dict, request_id: str):
    """Policies that are no policies."""
    field, is_trust = POLICIES.get(operation, ("", False))
    problem = field and policy_fault(given.get(field), is_trust)
    if is_trust and not problem and (stranger := conditions.stranger_in(given[field])):
        problem = f'Invalid principal in policy: "AWS":"{stranger}"'
    if not problem:
        return None
    _, fields, body = iam_actions.access_denied_response(
        service, operation, "", request_id, error_code="MalformedPolicyDocument", message=problem, headers=headers
    )
    return 400, fields, body


def of_functions(service: str, operation: str, headers: dict, body: bytes, params: dict, request_id: str):
    if operation in functions.NOT_THERE:
        return not_there(operation)
    return (
        invocations.refusal(operation, headers, body)
        or body_fault(operation, body)
        or role_refusal(service, operation, headers, body, params)
    )


def not_there(operation: str):
    text = f"the embedded AWS does not run {operation.partition(':')[2]}"
    return error_response_json("UnsupportedOperationException", text, 400)


def body_fault(operation: str, body: bytes):
    """What stands in the body of a request to Lambda, but for what `limits` says of settings."""
    shape, given = model("lambda", operation.partition(":")[2]), document(body)
    members = shape.members if shape is not None and given else {}
    for name, member in members.items():
        if fault := "" if name in limits.LOOKED_AT else next(faults(member, given.get(name), name), ""):
            code = "InvalidParameterValueException" if operation in PASSES_ROLE else "ValidationException"
            text = (
                f"1 validation error detected: Value at '{fault[0].lower() + fault[1:]}' failed to satisfy constraint"
            )
            return error_response_json(code, text, 400)
    return None


def of_machines(service: str, operation: str, headers: dict, body: bytes, params: dict, request_id: str):
    given = document(body)
    if operation in NOT_THERE:
        return not_there(operation)
    if ":express:" in str(given.get("executionArn")):
        text = "Invalid Arn: 'Resource type not valid in this context: express'"
        return error_response_json("InvalidArn", text, 400)
    if operation in NAMED and not NAME.fullmatch(str(given.get("name", NAMED[operation]))):
        return error_response_json("InvalidName", f"Invalid Name: '{given.get('name')}'", 400)
    if operation in TOKENS and len(str(given.get("taskToken", ""))) < 32:
        return error_response_json("InvalidToken", f"Invalid Token: '{given.get('taskToken')}'", 400)
    if operation == "states:SendTaskSuccess" and not is_json(given.get("output")):
        return error_response_json("InvalidOutput", f"Invalid Output: '{given.get('output')}'"[:400], 400)
    if operation == "states:UpdateStateMachine" and not UPDATED & set(given):
        text = "Either the definition, the role ARN, or the LoggingConfiguration must be specified"
        return error_response_json("MissingRequiredParameter", text, 400)
    for field in ("executionArn", "stateMachineArn"):
        if field in given and not ARN.fullmatch(str(given[field])):
            return error_response_json("InvalidArn", f"Invalid Arn: '{given[field]}'", 400)
    if operation == "states:StartSyncExecution" and is_standard(given.get("stateMachineArn")):
        text = "State machine type STANDARD is not supported: StartSyncExecution is for EXPRESS"
        return error_response_json("StateMachineTypeNotSupported", text, 400)
    if operation == "states:TagResource" and not is_there(given.get("resourceArn")):
        return error_response_json("ResourceNotFound", f"Resource not found: '{given.get('resourceArn')}'", 400)
    if operation == "states:TagResource" and too_many_tags(given):
        return error_response_json("TooManyTags", f"A resource has {MAX_TAGS} tags at most", 400)
    if fault := next(faults(model("stepfunctions", operation.partition(":")[2]), given | {"input": None}, ""), None):
        text = f"1 validation error detected: Value at '{fault}' failed to satisfy constraint"
        return error_response_json("ValidationException", text, 400)
    return role_refusal(service, operation, headers, body, params)


def is_standard(arn) -> bool:
    base = stepfunctions._state_machines.get(stepfunctions._resolve_state_machine_arn(arn)) or {}
    return base.get("type") == "STANDARD"


def is_there(arn) -> bool:
    return arn in stepfunctions._state_machines or arn in stepfunctions._activities


def too_many_tags(given: dict) -> bool:
    known = {tag["key"] for tag in stepfunctions._tags.get(given.get("resourceArn"), [])}
    return len(known | {tag.get("key") for tag in given.get("tags") or ()}) > MAX_TAGS


def is_json(text) -> bool:
    try:
        json.loads(text)
    except (ValueError, TypeError):
        return False
    return True


def of_topics(service: str, operation: str, headers: dict, body: bytes, params: dict, request_id: str):
    given = {key: values[0] if isinstance(values, list) else values for key, values in params.items()}
    problem = ""
    if operation == "sns:Publish" and not given.get("Message"):
        problem = "Empty message"
    elif operation == "sns:CreateTopic" and not re.fullmatch(r"[\w-]{1,256}(\.fifo)?", given.get("Name", "")):
        problem = "Topic Name"
    elif operation == "sns:Subscribe" and given.get("Protocol") not in PROTOCOLS:
        problem = f"Amazon SNS does not support this protocol string: {given.get('Protocol')}"
    fault = ("InvalidParameter", f"Invalid parameter: {problem}") if problem else messages.topic_fault(operation, given)
    if fault is None:
        return None
    _, fields, answer = iam_actions.access_denied_response(
        service, operation, "", request_id, error_code=fault[0], message=fault[1], headers=headers
    )
    return 400, fields, answer


def role_refusal(service: str, operation: str, headers: dict, body: bytes, params: dict):
    """Who hands a role to a service must be let to: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    if operation not in PASSES_ROLE:
        return None
    field, to = PASSES_ROLE[operation]
    role: object = document(body)
    for name in field.split("."):
        role = role.get(name) if isinstance(role, dict) else None
    if not isinstance(role, str) or ":role/" not in role:
        return None
    caller = router.extract_access_key_id(headers, params)
    denied = permissions.check(caller, "iam:PassRole", role, {"iam:passedtoservice": to})
    return (
        error_response_json("AccessDeniedException", denied.message, 403 if service == "lambda" else 400)
        if denied
        else None
    )


CHECKS: dict[str, Callable] = {
    **dict.fromkeys(JSON_SERVICES, by_model),
    **dict.fromkeys(QUERY_SERVICES, by_query),
    "lambda": of_functions,
    "states": of_machines,
    "sns": of_topics,
}

"""Versions, aliases, event sources and limits of functions as AWS Lambda has them."""

from __future__ import annotations

import functools
import json
import random
import re

from ministack.core import iam_actions
from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import lambda_svc, sqs

from . import permissions

PARTIAL = re.compile(r"/functions/\d{12}(?::|%3A)function(?::|%3A)", re.IGNORECASE)
PRINCIPAL = re.compile(r"\*|\d{12}|arn:aws[\w-]*:(iam|sts)::\d{12}:.+|[\w.-]+\.(amazonaws|amazon)\.com(\.cn)?")
# What a queue's function must be allowed: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
RECEIVES = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
NOT_THERE = ("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig")


def install() -> None:
    lambda_svc._effective_func_record_for_qualifier = chosen(lambda_svc._effective_func_record_for_qualifier)
    lambda_svc._invoke = routed(lambda_svc._invoke)
    lambda_svc._create_alias = with_versions(lambda_svc._create_alias)
    lambda_svc._update_alias = with_versions(lambda_svc._update_alias)
    lambda_svc._publish_version = as_expected(lambda_svc._publish_version)
    lambda_svc._delete_function = but_not_the_latest(lambda_svc._delete_function)
    lambda_svc._put_function_concurrency = within_the_account(lambda_svc._put_function_concurrency)
    lambda_svc._put_provisioned_concurrency = of_published(lambda_svc._put_provisioned_concurrency)
    lambda_svc._tag_resource = whole(lambda_svc._tag_resource)
    lambda_svc._list_functions = with_all(lambda_svc._list_functions)
    lambda_svc._add_permission = for_somebody(lambda_svc._add_permission)
    lambda_svc._create_esm = that_may_be_read(lambda_svc._create_esm)
    lambda_svc.handle_request = updating(lambda_svc.handle_request)
    iam_actions.extract_resource_arn = qualified(iam_actions.extract_resource_arn)


def invalid(text: str):
    return error_response_json("InvalidParameterValueException", text, 400)


def plain(path: str) -> str:
    """A function by its partial ARN, 123456789012:function:NAME, by its name."""
    return PARTIAL.sub("/functions/", path)


def drawn(function: dict | None, qualifier: str | None) -> str | None:
    """The version that an alias leads to now, where it has more than one; else the qualifier as it is."""
    alias = ((function or {}).get("aliases") or {}).get(qualifier) or {}
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    if not weights:
        return qualifier
    rest = 1 - sum(weights.values())
    return random.choices([*weights, alias["FunctionVersion"]], [*weights.values(), rest])[0]


def chosen(effective):
    return lambda function, qualifier: effective(function, drawn(function, qualifier))


def routed(invoke):
    """https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html"""

    @functools.wraps(invoke)
    async def invoke_function(name, event, headers, path_qualifier=None, query_params=None):
        qualifier = path_qualifier or ((query_params or {}).get("Qualifier") or [None])[0]
        version = drawn(lambda_svc._functions.get(name), qualifier)
        return await invoke(name, event, headers, version if version != qualifier else path_qualifier, query_params)

    return invoke_function


def with_versions(change):
    """An alias leads to versions that are there."""

    @functools.wraps(change)
    def change_alias(name, *more):
        data, known = more[-1], (lambda_svc._functions.get(name) or {}).get("versions", {})
        weights = (data.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        version = data.get("FunctionVersion")
        for one in (*filter(None, [version]), *weights):
            if name in lambda_svc._functions and one != "$LATEST" and one not in known:
                text = f"Function not found: {lambda_svc._func_arn(name)}:{one}"
                return error_response_json("ResourceNotFoundException", text, 404)
        if weights and (version == "$LATEST" or "$LATEST" in weights):
            return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if any(not 0 <= weight <= 1 for weight in weights.values()) or len(weights) > 1:
            return invalid("Invalid AdditionalVersionWeights: one version with a weight from 0.0 to 1.0")
        return change(name, *more)

    return change_alias


def as_expected(publish):
    """https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html"""

    @functools.wraps(publish)
    def publish_version(name, data):
        config = (lambda_svc._functions.get(name) or {}).get("config")
        if config and (stale := lambda_svc._check_revision(config, data)):
            return stale
        if config and data.get("CodeSha256", config["CodeSha256"]) != config["CodeSha256"]:
            return invalid(f"CodeSHA256 ({data['CodeSha256']}) is different from current CodeSHA256 in $LATEST.")
        return publish(name, data)

    return publish_version


def but_not_the_latest(delete):
    @functools.wraps(delete)
    def delete_function(name, query_params, path_qualifier=None):
        if lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params) == "$LATEST":
            return invalid("$LATEST version cannot be deleted without deleting the function.")
        return delete(name, query_params, path_qualifier)

    return delete_function


def within_the_account(put):
    @functools.wraps(put)
    def put_function_concurrency(name, data):
        others = sum(one.get("concurrency") or 0 for other, one in lambda_svc._functions.items() if other != name)
        if others + (data.get("ReservedConcurrentExecutions") or 0) > lambda_svc._ACCOUNT_CONCURRENCY_CAP:
            return invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below 0 of its {lambda_svc._ACCOUNT_CONCURRENCY_CAP}."
            )
        return put(name, data)

    return put_function_concurrency


def of_published(put):
    @functools.wraps(put)
    def put_provisioned_concurrency(name, qualifier, data):
        if qualifier in (None, "", "$LATEST"):
            return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
        return put(name, qualifier, data)

    return put_provisioned_concurrency


def whole(tag):
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html"""

    @functools.wraps(tag)
    def tag_resource(arn, data):
        if ":function:" in arn and arn.count(":") > 6:
            return invalid(
                "Tags on function aliases and versions are not supported. Please specify either a function ARN."
            )
        return tag(arn, data)

    return tag_resource


def with_all(answer):
    """FunctionVersion=ALL: every version of every function."""

    @functools.wraps(answer)
    def list_functions(query_params):
        if query_params.get("FunctionVersion", [""])[0] != "ALL":
            return answer(query_params)
        found = [
            config
            for _, one in sorted(lambda_svc._functions.items())
            for config in (one["config"], *(version["config"] for version in one["versions"].values()))
        ]
        size, start = (int(query_params.get(name, [default])[0]) for name, default in (("MaxItems", 50), ("Marker", 0)))
        more = {"NextMarker": str(start + size)} if start + size < len(found) else {}
        return json_response({"Functions": found[start : start + size]} | more)

    return list_functions


def for_somebody(add):
    @functools.wraps(add)
    def add_permission(name, data, *more, **named):
        if not PRINCIPAL.fullmatch(data.get("Principal", "")):
            return invalid("The provided principal was invalid. Please check the principal and try again.")
        return add(name, data, *more, **named)

    return add_permission


def that_may_be_read(create):
    """A queue that is there, whose messages stay hidden long enough, and that the function's role may read."""

    @functools.wraps(create)
    def create_mapping(data):
        _, config, _ = lambda_svc._get_func_record_for_ref(data.get("FunctionName", ""))
        parts = str(data.get("EventSourceArn", "")).split(":")
        if config is None or parts[2:3] != ["sqs"]:
            return create(data)
        queue = next((one for one in sqs._queues.values() if one["name"] == parts[-1]), None)
        if queue is None:
            return invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                "SQS Error Message: The specified queue does not exist."
            )
        hidden, limit = int(queue["attributes"].get("VisibilityTimeout", 30)), config.get("Timeout", 3)
        if hidden < limit:
            text = f"Queue visibility timeout: {hidden} seconds is less than Function timeout: {limit} seconds"
            return invalid(text)
        key = permissions.role_credentials(config["Role"], config["FunctionName"])["aws_access_key_id"]
        for action in RECEIVES:
            if permissions.check(key, f"sqs:{action}", data["EventSourceArn"]):
                return invalid(f"The provided execution role does not have permissions to call {action} on SQS")
        return create(data)

    return create_mapping


def updating(handle):
    """UpdateFunctionEventInvokeConfig: what is not named stays."""

    @functools.wraps(handle)
    async def handle_request(method, path, headers, body, query_params):
        if method == "POST" and path.rstrip("/").endswith("/event-invoke-config"):
            status, fields, known = await handle("GET", path, headers, b"", query_params)
            if status != 200:
                return status, fields, known
            method, body = "PUT", json.dumps(json.loads(known) | json.loads(body or b"{}")).encode()
        return await handle(method, path, headers, body, query_params)

    return handle_request


def qualified(extract):
    """A version or an alias has an ARN of its own, which a right must name.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
    """

    @functools.wraps(extract)
    def extract_resource_arn(service, method, path, headers, body, query_params, region, account):
        arn = extract(service, method, path, headers, body, query_params, region, account)
        qualifier = (query_params.get("Qualifier") or [""])[0] if service == "lambda" else ""
        is_whole = arn.startswith(f"arn:aws:lambda:{region}:{account or get_account_id()}:function:")
        return f"{arn}:{qualifier}" if qualifier and is_whole and arn.count(":") == 6 else arn

    return extract_resource_arn

"""Topics and queues: what Amazon SNS and SQS refuse and ministack takes, and who must be let in.

https://docs.aws.amazon.com/sns/latest/api/
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

from __future__ import annotations

import collections
import functools
import json
import re

from ministack.services import lambda_svc, sns, sqs

from .permissions import service_may

QUEUE_NAME = re.compile(r"[\w-]{1,80}|[\w-]{1,75}\.fifo")
# Numbers of requests and of queues: at least, at most.
ASKED = {
    "VisibilityTimeout": (0, 43_200), "DelaySeconds": (0, 900), "WaitTimeSeconds": (0, 20),
    "MaxNumberOfMessages": (1, 10),
}  # fmt: skip
SETTINGS = {
    "VisibilityTimeout": (0, 43_200), "DelaySeconds": (0, 900), "ReceiveMessageWaitTimeSeconds": (0, 20),
    "MessageRetentionPeriod": (60, 1_209_600), "MaximumMessageSize": (1024, 1_048_576),
}  # fmt: skip
NAMES = {
    *SETTINGS, "Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled", "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
}  # fmt: skip
KINDS = re.compile(r"(String|Number|Binary)(\.[\w.-]+)?")
PENDING = ("email", "email-json")
SUBSCRIPTION = {"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy",
                "SubscriptionRoleArn", "ReplayPolicy"}  # fmt: skip


def install() -> None:
    for name, check in {
        "CreateQueue": of_queue, "SetQueueAttributes": of_settings, "SendMessage": of_message,
        "ReceiveMessage": of_numbers, "ChangeMessageVisibility": of_numbers,
    }.items():  # fmt: skip
        sqs._HANDLERS[name] = checked(sqs._HANDLERS[name], check)
    sqs._HANDLERS["ListDeadLetterSourceQueues"] = sources
    sqs._HANDLERS["DeleteMessage"] = deleted_once(sqs._HANDLERS["DeleteMessage"])
    sns._error = by_its_code(sns._error)
    sns._subscribe = confirmed(sns._subscribe)
    sns._deliver_to_lambda = where_let_in(sns._deliver_to_lambda)


def checked(act, check):
    @functools.wraps(act)
    def checked_first(data: dict, url: str):
        check(data)
        return act(data, url)

    return checked_first


def deleted_once(delete):
    """A message that is gone may be deleted again."""
    gone: collections.deque[str] = collections.deque(maxlen=10_000)

    @functools.wraps(delete)
    def delete_message(data: dict, url: str):
        receipt = data.get("ReceiptHandle", "")
        if receipt in gone:
            return {}
        answer = delete(data, url)
        gone.append(receipt)
        return answer

    return delete_message


def of_numbers(data: dict) -> None:
    for name, (least, most) in ASKED.items():
        if data.get(name) is not None and not least <= int(data[name]) <= most:
            text = f"Value {data[name]} for parameter {name} is invalid. Reason: Must be between {least} and {most}."
            raise sqs._Err("InvalidParameterValue", text)


def of_settings(data: dict) -> None:
    for name, value in (data.get("Attributes") or {}).items():
        if name not in NAMES:
            raise sqs._Err("InvalidAttributeName", f"Unknown Attribute {name}.")
        least, most = SETTINGS.get(name, (0, 0))
        if most and not (str(value).isdecimal() and least <= int(value) <= most):
            raise sqs._Err("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def of_queue(data: dict) -> None:
    if data.get("QueueName") and not QUEUE_NAME.fullmatch(data["QueueName"]):
        text = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        raise sqs._Err("InvalidParameterValue", text)
    of_settings(data)


def of_message(data: dict) -> None:
    of_numbers(data)
    for name, value in (data.get("MessageAttributes") or {}).items():
        if not KINDS.fullmatch(str(value.get("DataType"))):
            text = f"The type of message (user) attribute '{name}' is invalid."
            raise sqs._Err("InvalidParameterValue", text)
        if not (value.get("StringValue") or value.get("BinaryValue")):
            text = f"Message (user) attribute '{name}' must contain a non-empty value."
            raise sqs._Err("InvalidParameterValue", text)


def sources(data: dict, url: str) -> dict:
    """ListDeadLetterSourceQueues: the queues whose messages end in this one."""
    arn = sqs._get_q(data.get("QueueUrl", url), "sqs:ListDeadLetterSourceQueues")["attributes"]["QueueArn"]
    policies = {one: json.loads(queue["attributes"].get("RedrivePolicy") or "{}") for one, queue in sqs._queues.items()}
    return {"queueUrls": [one for one, policy in policies.items() if policy.get("deadLetterTargetArn") == arn]}


def by_its_code(error):
    """InvalidParameterException is the error's name; its code is another."""

    @functools.wraps(error)
    def coded(code, *more, **named):
        return error("InvalidParameter" if code == "InvalidParameterException" else code, *more, **named)

    return coded


def topic_fault(operation: str, given: dict) -> tuple[str, str] | None:
    """(code, message) of a request to SNS that it refuses."""
    if operation == "sns:PublishBatch" and not any(".member.1." in name for name in given):
        return "EmptyBatchRequest", "The batch request doesn't contain any entries."
    problem = ""
    if operation == "sns:Publish" and given.get("MessageStructure") == "json":
        problem = structure_fault(given.get("Message", ""))
    elif operation == "sns:Publish" and given.get("TopicArn", "").endswith(".fifo") and not given.get("MessageGroupId"):
        problem = "The MessageGroupId parameter is required for FIFO topics"
    elif operation == "sns:Subscribe":
        problem = next(filter(None, (setting_fault(*pair) for pair in settings(given))), "")
    elif operation == "sns:SetSubscriptionAttributes":
        problem = setting_fault(given.get("AttributeName", ""), given.get("AttributeValue", ""))
    return ("InvalidParameter", f"Invalid parameter: {problem}") if problem else None


def structure_fault(message: str) -> str:
    try:
        found = json.loads(message)
    except ValueError:
        return "Message Structure - JSON message body failed to parse"
    has_default = isinstance(found, dict) and isinstance(found.get("default"), str)
    return "" if has_default else "Message Structure - No default entry in JSON message body"


def settings(given: dict):
    number = 1
    while name := given.get(f"Attributes.entry.{number}.key"):
        yield name, given.get(f"Attributes.entry.{number}.value", "")
        number += 1


def setting_fault(name: str, value: str) -> str:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html"""
    if name not in SUBSCRIPTION:
        return "AttributeName"
    if name != "FilterPolicy" or not value:
        return ""
    try:
        policy = json.loads(value)
    except ValueError:
        return "FilterPolicy: failed to parse JSON"
    return "" if isinstance(policy, dict) and rules_fit(policy) else "FilterPolicy: a value must be an array"


def rules_fit(policy: dict) -> bool:
    return all(rules_fit(rule) if isinstance(rule, dict) else isinstance(rule, list) for rule in policy.values())


def confirmed(subscribe):
    """Nobody reads letters here, so a subscription by e-mail is never confirmed."""

    @functools.wraps(subscribe)
    def subscribe_to_topic(params):
        status, fields, body = subscribe(params)
        if status == 200 and sns._p(params, "Protocol") in PENDING:
            topic, _ = sns._get_topic(sns._p(params, "TopicArn"))
            for one in topic["subscriptions"]:
                if one["protocol"] in PENDING and one["endpoint"] == sns._p(params, "Endpoint"):
                    one["confirmed"], one["attributes"]["PendingConfirmation"] = False, "true"
                    if sns._p(params, "ReturnSubscriptionArn") != "true":
                        body = body.replace(one["arn"].encode(), b"pending confirmation")
            sns._refresh_subscription_counts(topic)
        return status, fields, body

    return subscribe_to_topic


def where_let_in(deliver):
    """A function hears of a topic only where its policy says so: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html"""

    @functools.wraps(deliver)
    def deliver_to_lambda(endpoint, envelope, topic_arn, *more):
        function, config, _ = lambda_svc._get_base_func_record_for_ref(endpoint)
        policy = (function or {}).get("policy")
        if config and service_may(policy, "sns.amazonaws.com", "lambda:InvokeFunction", endpoint, topic_arn):
            deliver(endpoint, envelope, topic_arn, *more)

    return deliver_to_lambda

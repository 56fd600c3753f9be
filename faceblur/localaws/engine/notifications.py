"""S3 may invoke a function only when the function's policy says so (lambda:AddPermission), and knows its events."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from ministack.services import lambda_svc, s3

from .models import model
from .permissions import service_may


def install() -> None:
    validate, deliver = s3._validate_notification_configs, s3._deliver_event_to_lambda

    def validate_notification_configs(configs, bucket_region, bucket_name="", skip_destination_validation=False):
        if strange := [event for c in configs for event in c["events"] if event not in known_events()]:
            return s3._invalid_notification_config(f"The event '{strange[0]}' is not supported for notifications")
        if fault := next(faults(configs), ""):
            return s3._invalid_notification_config(fault)
        problem = validate(configs, bucket_region, bucket_name, skip_destination_validation)
        if problem or skip_destination_validation:
            return problem
        refused = [c["arn"] for c in configs if c["type"] == "lambda" and not may_invoke(bucket_name, c["arn"])]
        if not refused:
            return None
        text = "Unable to validate the following destination configurations"
        return s3._invalid_notification_config(text)

    def deliver_event_to_lambda(arn: str, event_payload: dict, bucket_region: str) -> None:
        if may_invoke(event_payload["Records"][0]["s3"]["bucket"]["name"], arn):
            deliver(arn, event_payload, bucket_region)

    s3._validate_notification_configs = validate_notification_configs
    s3._deliver_event_to_lambda = deliver_event_to_lambda


def faults(configs: list[dict]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html"""
    if any(c["type"] in ("sqs", "sns") and c["arn"].endswith(".fifo") for c in configs):
        yield "FIFO queues and topics are not supported as destinations of notifications"
    for one, other in itertools.combinations(configs, 2):
        same = any(s3._event_matches(event, other["events"]) for event in one["events"]) or any(
            s3._event_matches(event, one["events"]) for event in other["events"]
        )
        if (
            same
            and overlap(one, other, "filter_prefix", str.startswith)
            and overlap(one, other, "filter_suffix", str.endswith)
        ):
            yield "Configurations overlap. Configurations on the same bucket cannot share a common event type."


def overlap(one: dict, other: dict, field: str, begins) -> bool:
    first, second = one.get(field) or "", other.get(field) or ""
    return begins(first, second) or begins(second, first)


@functools.cache
def known_events() -> frozenset[str]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html"""
    given = model("s3", "PutBucketNotificationConfiguration").members["NotificationConfiguration"]
    return frozenset(given.members["LambdaFunctionConfigurations"].member.members["Events"].member.enum)


def may_invoke(bucket: str, function_arn: str) -> bool:
    name = function_arn.split(":function:")[-1].split(":")[0]
    record = lambda_svc._functions.get(name)
    if record is None:
        return False
    source = f"arn:aws:s3:::{bucket}"
    return service_may(record["policy"], "s3.amazonaws.com", "lambda:InvokeFunction", function_arn, source)

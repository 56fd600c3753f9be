"""What AWS's own services make for an application and do not take away with it."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ..session import Workshop
from .kinds import Resource

# Step Functions and other services let themselves write logs with it, all of a region with one:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
LOG_DELIVERY = "AWSLogDeliveryWrite"


def left_by_aws(ws: Workshop) -> list[str]:
    """A line each. Deletes nothing: others may be using it."""
    logs = ws.client("logs")
    try:
        pages = logs.get_paginator("describe_resource_policies").paginate()
        names = [each["policyName"] for page in pages for each in page["resourcePolicies"]]
    except ClientError as problem:
        return [f"policies for the delivery of logs: not known ({problem.response['Error'].get('Code', '?')})"]
    words = "Step Functions made it, or added to it, when chapter 6 asked for a log; all state machines here share it"
    return [f"CloudWatch Logs policy {name}: {words}" for name in names if name.startswith(LOG_DELIVERY)]


def why_left(ws: Workshop, resource: Resource) -> str:
    """Why something with one of our names is not deleted."""
    why = f"it does not carry the tags {ws.tags}"
    if resource.kind != "log group":
        return why
    return (
        f"{why}: AWS makes a log group without tags when a call comes late. If it is from here, "
        f"`aws logs delete-log-group --log-group-name {resource.name}` removes it"
    )

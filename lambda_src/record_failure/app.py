"""Any error of the workflow ends here: say why beside the output and on the topic, leave no temporaries."""

import json
import os
from datetime import UTC, datetime

import boto3
from botocore.config import Config
from failures import record, subject

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})
s3 = boto3.client("s3", config=RETRIES)
sns = boto3.client("sns", config=RETRIES)


def handler(event, context):
    """{"failure", "input", "output", "work", "execution"} -> {"error", "cause"} for the Fail state."""
    failure = record(event, datetime.now(UTC).isoformat(timespec="seconds"))
    print(json.dumps(failure))
    text = json.dumps(failure, indent=2)
    s3.put_object(
        Bucket=event["output"]["bucket"],
        Key=f"{event['output']['key']}.failure.json",
        Body=text.encode(),
        ContentType="application/json",
    )
    sns.publish(TopicArn=os.environ["TOPIC_ARN"], Subject=subject(event["input"]["key"]), Message=text)
    remove_temporaries(**event["work"])
    return {"error": failure["error"], "cause": failure["cause"]}


def remove_temporaries(bucket: str, prefix: str) -> None:
    """Detections and blurred pieces of this execution."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=item["Key"])

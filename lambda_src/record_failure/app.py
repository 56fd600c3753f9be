"""Whatever ends an upload ends here: say why beside the output and on the topic, leave no temporaries."""

import contextlib
import json
import os
from datetime import UTC, datetime

import boto3
from aws import RETRIES, by_name, code_of
from botocore.exceptions import ClientError
from failures import ended, given_up, record, subject

s3 = boto3.client("s3", config=RETRIES)
sns = boto3.client("sns", config=RETRIES)

PASSING = ("SlowDown", "InternalError", "ServiceUnavailable", "Throttling", "ThrottlingException", "InternalFailure")


@by_name
def handler(event, context):
    """{"failure", "input", "output", "work", "execution"} from a state -> {"error", "cause", "delivered"}.

    delivered: the video is in its bucket all the same, and nothing is recorded.
    EventBridge's and Lambda's events bring what no execution could record itself: it is written unless it is there.
    """
    if "failure" in event:
        failure, is_delivered, _ = record_one(event)
        return {"error": failure["error"], "cause": failure["cause"], "delivered": is_delivered}
    bucket = os.environ["OUTPUT_BUCKET"]
    found = ended(event["detail"], bucket) if "detail" in event else given_up(event, bucket)
    for *_, problems in [record_one(each, IfNoneMatch="*") for each in found]:
        if problems:  # nobody reads the answer: let Lambda try again
            raise problems[0]
    return {"recorded": len(found)}


def record_one(event: dict, **condition) -> tuple[dict, bool, list[ClientError]]:
    """(the record, whether the video was delivered, what could not be done). It goes as far as it may: a record that
    cannot be written is still told.
    """
    failure, problems = record(event, datetime.now(UTC).isoformat(timespec="seconds")), []
    is_delivered, needless = False, ()
    for act in (check_delivery, write, publish, remove_temporaries):
        if act in needless:
            continue
        try:
            act(event, failure, condition)
        except DeliveredError:
            is_delivered, needless = True, (write, publish)
            failure["cause"] = f"The video was delivered all the same, and nothing is recorded. {failure['cause']}"
        except ClientError as problem:
            if code_of(problem) == "PreconditionFailed":  # it is there already, and told
                needless = (publish,)
                continue
            if code_of(problem) in PASSING:
                raise
            problems.append(problem)
            failure["cause"] += f". Nor could this be recorded in full: {problem}"
    print(json.dumps(failure))
    return failure, is_delivered, problems


class DeliveredError(Exception):
    """The video is in its bucket: its last function was ended before it could say so."""


def check_delivery(event: dict, failure: dict, condition: dict) -> None:
    """Raises DeliveredError. Asks for a byte: to who may not, HEAD does not say what he lacks."""
    if not event["work"] or "key" not in event["output"]:
        return
    try:
        found = s3.get_object(Bucket=event["output"]["bucket"], Key=event["output"]["key"], Range="bytes=0-0")
    except s3.exceptions.NoSuchKey:
        return
    if found["Metadata"].get("execution") == event["work"]["prefix"].rstrip("/"):
        raise DeliveredError


def write(event: dict, failure: dict, condition: dict) -> None:
    s3.put_object(
        Bucket=event["output"]["bucket"],
        Key=event["output"]["failure"],
        Body=json.dumps(failure, indent=2).encode(),
        ContentType="application/json",
        **condition,
    )


def publish(event: dict, failure: dict, condition: dict) -> None:
    text = json.dumps(failure, indent=2)
    sns.publish(TopicArn=os.environ["TOPIC_ARN"], Subject=subject(event["input"]["key"]), Message=text)


def remove_temporaries(event: dict, failure: dict, condition: dict) -> None:
    """Detections and blurred pieces of this execution, and what of the video has reached its bucket already."""
    if not event["work"]:
        return
    place = {"Bucket": event["work"]["bucket"], "Prefix": event["work"]["prefix"]}
    for page in s3.get_paginator("list_objects_v2").paginate(**place):
        for item in page.get("Contents", ()):
            here = {"Bucket": place["Bucket"], "Key": item["Key"]}
            if item["Key"] == f"{place['Prefix']}upload.json":
                give_up(json.load(s3.get_object(**here)["Body"])["id"], event["output"])
            s3.delete_object(**here)


def give_up(upload_id: str, output: dict) -> None:
    """The upload of a video whose function was ended: nobody would go on with it, and its parts are paid for."""
    gone = s3.exceptions.NoSuchUpload, s3.exceptions.NoSuchBucket  # join_segments may have given it up itself
    with contextlib.suppress(*gone):
        s3.abort_multipart_upload(Bucket=output["bucket"], Key=output["key"], UploadId=upload_id)

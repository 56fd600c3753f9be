"""Ask Rekognition once whether the job is done; the state machine does the waiting."""

import json
from datetime import UTC, datetime

import boto3
from aws import RETRIES, by_name
from polling import judge, length_of, seconds_between

rekognition = boto3.client("rekognition", config=RETRIES)


@by_name
def handler(event, context):
    """{"job_id", "length_ms", "size", "started"} -> {"status", "wait_seconds"}; a failed job raises JobFailedError."""
    answer = rekognition.get_face_detection(JobId=event["job_id"], MaxResults=1)
    waited_s = seconds_between(event["started"], datetime.now(UTC))
    verdict = judge(answer, length_of(event), waited_s)
    print(json.dumps({"job_id": event["job_id"], "waited_s": round(waited_s), **verdict}))
    return verdict

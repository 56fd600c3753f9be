"""Ask Rekognition once whether the job is done; the state machine does the waiting."""

import json
from datetime import UTC, datetime

import boto3
from botocore.config import Config
from polling import judge, seconds_between

rekognition = boto3.client("rekognition", config=Config(retries={"mode": "standard", "max_attempts": 8}))


def handler(event, context):
    """{"job_id", "size", "started"} -> {"status", "wait_seconds"}; a failed job raises JobFailedError."""
    answer = rekognition.get_face_detection(JobId=event["job_id"], MaxResults=1)
    waited_s = seconds_between(event["started"], datetime.now(UTC))
    verdict = judge(answer, event["size"], waited_s)
    print(json.dumps({"job_id": event["job_id"], "waited_s": round(waited_s), **verdict}))
    return verdict

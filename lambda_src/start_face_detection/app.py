"""S3 ObjectCreated -> Rekognition face detection job -> one execution of the state machine."""

import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from uploads import Upload, uploads

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})
rekognition = boto3.client("rekognition", config=RETRIES)
stepfunctions = boto3.client("stepfunctions", config=RETRIES)

# Refusals that no repetition changes: the execution records them, so that the uploader can read why.
REFUSALS = ("InvalidS3ObjectException", "InvalidParameterException", "VideoTooLargeException")


def handler(event, context):
    """Start every upload; when some failed, raise after all were tried (S3's retry repeats none twice)."""
    started, problems = [], []
    for upload in uploads(event):
        try:
            started.append(start(upload))
        except (ClientError, BotoCoreError) as problem:
            print(json.dumps({"key": upload.key, "error": str(problem)}))
            problems.append(problem)
    if problems:
        raise problems[0]
    return {"executions": started}


def start(upload: Upload) -> str:
    """Job and execution for one upload; the name of the execution."""
    work = upload.execution_input(job(upload), os.environ["WORK_BUCKET"], os.environ["OUTPUT_BUCKET"])
    try:
        stepfunctions.start_execution(
            stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=upload.token, input=json.dumps(work)
        )
    except stepfunctions.exceptions.ExecutionAlreadyExists:
        print(json.dumps({"key": upload.key, "duplicate": upload.token}))
    print(json.dumps({"key": upload.key, "execution": upload.token}))
    return upload.token


def job(upload: Upload) -> dict:
    """{"job_id": ...}, or {"problem": ...} when Rekognition refuses the video for good."""
    try:
        answer = rekognition.start_face_detection(
            Video=upload.rekognition_video(), ClientRequestToken=upload.token, FaceAttributes="DEFAULT"
        )
    except ClientError as refusal:
        error = refusal.response["Error"]
        if error["Code"] not in REFUSALS:
            raise
        return {"problem": {"Error": error["Code"], "Cause": error.get("Message", "")}}
    return {"job_id": answer["JobId"]}

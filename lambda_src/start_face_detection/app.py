"""S3 ObjectCreated -> a look at the video's header -> Rekognition's job -> one execution of the state machine."""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime

import boto3
from aws import RETRIES, by_name, code_of
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from budget import TooLongError
from damage import HeaderError
from header import read_header
from limits import RefusedError, check, finder
from uploads import UNREADABLE, UnsupportedEventError, Upload, output_names, records, upload_of, work_names

s3 = boto3.client("s3", config=RETRIES)
stepfunctions = boto3.client("stepfunctions", config=RETRIES)
# Few tries: when Rekognition is busy, the state machine asks again, for hours.
rekognition = boto3.client("rekognition", config=Config(retries={"mode": "standard", "max_attempts": 2}))

BUSY = (
    "LimitExceededException",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "InternalServerError",
)
GONE, REPLACED = ("NoSuchKey", "NoSuchVersion"), ("PreconditionFailed", "412")
PASSING = ("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout")


class NotStartedError(Exception):
    """Some uploads of the event have no execution: [the beginning of its name] and why, a line each."""


@by_name
def handler(event, context):
    """Start every upload of S3's event, or {"start_job": {"input", "token"}} for the state machine."""
    if isinstance(event, dict) and "start_job" in event:
        return job(Upload(**event["start_job"]["input"]))
    started, problems = [], []
    for record in records(event):
        name = UNREADABLE
        try:
            if upload := upload_of(record):
                name = upload.token[:16]
                started.append(start(upload))
        except (ClientError, BotoCoreError, UnsupportedEventError) as problem:
            problems.append(f"[{name}] {problem}")
    if problems:  # after all were tried; Lambda's second try of the event repeats none of the others
        print(json.dumps({"not_started": problems}))
        raise NotStartedError("\n".join(problems))
    return {"executions": started}


def start(upload: Upload) -> str:
    """The execution of one upload, which also records why it cannot be worked on; its name."""
    work = {
        "input": asdict(upload),
        "work": work_names(upload, os.environ["WORK_BUCKET"]),
        "output": output_names(upload, os.environ["OUTPUT_BUCKET"]),
        **looked_at(upload),
    }
    if "problem" not in work and work["finder"] == "rekognition":
        work |= try_job(upload)
    try:
        stepfunctions.start_execution(
            stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=upload.token, input=json.dumps(work)
        )
    except stepfunctions.exceptions.ExecutionAlreadyExists:
        print(json.dumps({"key": upload.key, "duplicate": upload.token}))
    facts = {name: work.get(name) for name in ("video", "finder", "problem")}
    print(json.dumps({"key": upload.key, "execution": upload.token, **facts}))
    return upload.token


def looked_at(upload: Upload) -> dict:
    """What its header says: "video", "finder" and "notes", or "problem" with the reason why it ends here."""

    def fetch(start: int, end: int) -> bytes:
        version = {"IfMatch": f'"{upload.etag}"'} if upload.etag else {}
        return s3.get_object(**upload.place(), **version, Range=f"bytes={start}-{end - 1}")["Body"].read()

    try:
        video = read_header(fetch, upload.size)
        check(video, int(os.environ["BLUR_MEMORY_MB"]))
    except (HeaderError, RefusedError, TooLongError) as problem:
        return refused("InputError", f"{upload.key}: {problem}")
    except ClientError as problem:
        return refused_by_s3(upload, problem)
    chosen, notes = finder(video)
    return {"video": asdict(video), "finder": chosen, "notes": notes}


def refused_by_s3(upload: Upload, problem: ClientError) -> dict:
    """Raises what may pass: Lambda tries the event again."""
    code = code_of(problem)
    if code in PASSING:
        raise problem
    if code in REPLACED:
        return refused(
            "InputError", f"{upload.key}: was replaced after this upload; the newer one has its own execution"
        )
    if code in GONE:
        return refused("InputError", f"{upload.key}: is no longer in the bucket {upload.bucket}")
    return refused(code, str(problem))


def try_job(upload: Upload) -> dict:
    """Gives "job", or nothing while Rekognition is busy, or "problem" when it refuses the video for good."""
    try:
        return {"job": job(upload)}
    except ClientError as refusal:
        return {} if code_of(refusal) in BUSY else refused(code_of(refusal), str(refusal))
    except BotoCoreError:
        return {}


def job(upload: Upload) -> dict:
    """Rekognition's job: the same one for the same upload, however often it is asked for."""
    answer = rekognition.start_face_detection(
        Video=upload.rekognition_video(), ClientRequestToken=upload.token, FaceAttributes="DEFAULT"
    )
    return {"id": answer["JobId"], "started": datetime.now(UTC).isoformat(timespec="seconds")}


def refused(error: str, cause: str) -> dict:
    return {"problem": {"Error": error, "Cause": cause}}

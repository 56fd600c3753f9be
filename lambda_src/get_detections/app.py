"""Copy every page of a finished job into the work bucket and hand on where they are, never the boxes."""

import json

import boto3
from aws import RETRIES, by_name
from botocore.config import Config
from pages import page_key, slim

# GetFaceDetection has a low rate limit.
rekognition = boto3.client("rekognition", config=Config(retries={"mode": "adaptive", "max_attempts": 10}))
s3 = boto3.client("s3", config=RETRIES)

PAGE_SIZE = 1000


@by_name
def handler(event, context):
    """{"job_id", "work": {"bucket", "detections"}} -> {"pages", "faces"}; page by page, so memory stays small."""
    work, request, pages, faces = event["work"], {"JobId": event["job_id"], "MaxResults": PAGE_SIZE}, 0, 0
    while True:
        answer = rekognition.get_face_detection(**request)
        page = slim(answer)
        s3.put_object(
            Bucket=work["bucket"],
            Key=page_key(work["detections"], pages),
            Body=json.dumps(page).encode(),
            ContentType="application/json",
        )
        pages, faces = pages + 1, faces + len(page["Faces"])
        if not answer.get("NextToken"):
            break
        request["NextToken"] = answer["NextToken"]
    print(json.dumps({"job_id": event["job_id"], "pages": pages, "faces": faces}))
    return {"pages": pages, "faces": faces}

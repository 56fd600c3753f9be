"""What the handlers do with S3: fetch the upload, keep pieces in the work bucket, deliver."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from faceblur.errors import InputError
from faceblur.video import RangedFile

s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 8}))

TRIES = 4
BROKEN_OFF = (ResponseStreamingError, IncompleteReadError, ReadTimeoutError)
# Without permission to list a bucket, S3 answers 403 for what is not there.
GONE = ("403", "404", "AccessDenied", "NoSuchKey", "NoSuchVersion")


def uploaded(upload: dict) -> RangedFile:
    """The uploaded object, read in parts and always in the version of this execution. Raises InputError when it is gone
    or was replaced.
    """
    place = {"Bucket": upload["bucket"], "Key": upload["key"]}
    if upload["version_id"]:
        place["VersionId"] = upload["version_id"]
    with refusals(upload):
        found = s3.head_object(**place)
    etag = upload["etag"] or found["ETag"].strip('"')

    def fetch(start: int, end: int) -> bytes:
        with refusals(upload):
            return get_range(place | {"IfMatch": f'"{etag}"'}, start, end)

    if etag != found["ETag"].strip('"'):
        raise replaced(upload)
    return RangedFile(Path(upload["key"]).name, found["ContentLength"], fetch)


def get_range(place: dict, start: int, end: int) -> bytes:
    """Bytes of an object, `end` not included. A connection that breaks off is tried anew, as botocore does before the
    first byte.
    """
    for more in reversed(range(TRIES)):
        try:
            return s3.get_object(**place, Range=f"bytes={start}-{end - 1}")["Body"].read()
        except BROKEN_OFF:
            if not more:
                raise
    raise AssertionError("not reached")


@contextlib.contextmanager
def refusals(upload: dict):
    """S3's answers about an upload, as InputError where they are about the upload."""
    try:
        yield
    except ClientError as problem:
        code = problem.response["Error"]["Code"]
        if code in ("412", "PreconditionFailed"):
            raise replaced(upload) from problem
        if code not in GONE:
            raise
        raise InputError(f"{upload['key']}: is no longer in the bucket {upload['bucket']}") from problem


def replaced(upload: dict) -> InputError:
    return InputError(f"{upload['key']}: was replaced after this upload; the newer one has its own execution")


def fetch_input(upload: dict, folder: Path, room: float) -> Path:
    """Download the uploaded object into `folder`; `room` is how many times its size is needed there.

    Raises InputError when it is gone, was replaced since the event, or does not fit.
    """
    version = {"VersionId": upload["version_id"]} if upload["version_id"] else {}
    place = {"Bucket": upload["bucket"], "Key": upload["key"]}
    try:
        found = s3.head_object(**place, **version)
    except ClientError as problem:
        if problem.response["Error"]["Code"] not in ("403", "404"):
            raise
        # Without permission to list a bucket, S3 answers 403 for what is not there.
        raise InputError(f"{upload['key']}: is no longer in the bucket {upload['bucket']}") from problem
    if upload["etag"] and found["ETag"].strip('"') != upload["etag"]:
        raise InputError(f"{upload['key']}: was replaced after this upload; the newer one has its own execution")
    free = shutil.disk_usage(folder).free
    if found["ContentLength"] * room > free:
        raise InputError(
            f"{upload['key']}: {found['ContentLength'] / 1e9:.1f} GB do not fit into the function's "
            f"{free / 1e9:.1f} GB of ephemeral storage; give the function more"
        )
    path = folder / f"input{Path(upload['key']).suffix}"
    s3.download_file(*place.values(), str(path), ExtraArgs=version)
    return path


class Work:
    """The temporaries of one execution: everything below one prefix of the work bucket."""

    def __init__(self, bucket: str, prefix: str, **_):
        self.bucket = bucket
        self.prefix = prefix

    def detections(self, pages: int) -> list[dict]:
        """The pages of GetFaceDetection that get_detections has copied."""
        return [self._read_json(f"detections/{number:05d}.json") for number in range(pages)]

    def put_segment(self, index: int, piece: Path, plan: dict, report: dict) -> None:
        s3.upload_file(str(piece), self.bucket, f"{self.prefix}pieces/{index:05d}.mp4")
        self._write_json(f"plans/{index:05d}.json", plan)
        self._write_json(f"reports/{index:05d}.json", report)

    def fetch_segment(self, index: int, folder: Path) -> tuple[Path, dict, dict]:
        """(piece, plan, report) as `put_segment` left them."""
        piece = folder / f"piece-{index:05d}.mp4"
        s3.download_file(self.bucket, f"{self.prefix}pieces/{index:05d}.mp4", str(piece))
        return piece, self._read_json(f"plans/{index:05d}.json"), self._read_json(f"reports/{index:05d}.json")

    def remove(self) -> None:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
            for item in page.get("Contents", ()):
                s3.delete_object(Bucket=self.bucket, Key=item["Key"])

    def _read_json(self, name: str) -> dict:
        return json.load(s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"])

    def _write_json(self, name: str, content: dict) -> None:
        body = json.dumps(content).encode()
        s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=body, ContentType="application/json")


def deliver(output: dict, video: Path, documents: dict[str, dict]) -> None:
    """Put the documents beside the output, then the video itself."""
    for name, content in documents.items():
        body = json.dumps(content).encode()
        key = f"{output['key']}.{name}.json"
        s3.put_object(Bucket=output["bucket"], Key=key, Body=body, ContentType="application/json")
    s3.upload_file(str(video), output["bucket"], output["key"], ExtraArgs={"ContentType": "video/mp4"})

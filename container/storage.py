"""What the handlers do with S3: read the upload in parts, keep temporaries in the work bucket, write documents."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from faceblur.detections import Detections, Face
from faceblur.errors import FaceblurError, FacesMissedError, InputError, VerificationError
from faceblur.video import RangedFile

s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 8}))

TRIES = 4
BROKEN_OFF = (ResponseStreamingError, IncompleteReadError, ReadTimeoutError)
GONE = ("404", "NoSuchKey", "NoSuchVersion")
CHANGED = ("412", "PreconditionFailed")
MISSED = "missed.json"
MOST_ROUNDS = 2  # of covering what a proof has found


class TemporaryGoneError(FaceblurError):
    """What an earlier function of the execution has left in the work bucket is not there any more."""


def uploaded(upload: dict) -> RangedFile:
    """The uploaded object, read in parts and always in the version of this execution. Raises InputError when it is gone
    or was replaced.
    """
    place = {"Bucket": upload["bucket"], "Key": upload["key"]}
    if upload["version_id"]:
        place["VersionId"] = upload["version_id"]
    size, etag = described(upload, place)
    place["IfMatch"] = f'"{etag}"'

    def fetch(start: int, end: int) -> bytes:
        with refusals(upload):
            return get_range(place, start, end)

    return RangedFile(Path(upload["key"]).name, size, fetch)


def described(upload: dict, place: dict) -> tuple[int, str]:
    """(size, ETag) of the upload. Asks for a byte of it: to who may not, HEAD does not say what he lacks."""
    pinned = {"IfMatch": f'"{upload["etag"]}"'} if upload["etag"] else {}
    try:
        with refusals(upload):
            found = s3.get_object(**place, **pinned, Range="bytes=0-0")
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "InvalidRange":  # it has not one
            return 0, upload["etag"]
        raise
    return size_and_etag(found)


def size_and_etag(found: dict) -> tuple[int, str]:
    """Of the whole object, from what GetObject says of one byte of it."""
    is_part = "ContentRange" in found
    size = int(found["ContentRange"].rpartition("/")[2]) if is_part else found["ContentLength"]
    return size, found["ETag"].strip('"')


def get_range(place: dict, start: int, end: int) -> bytes:
    """Bytes of an object, `end` not included. A connection that breaks off is tried anew, as botocore does before the
    first byte.
    """
    for more in reversed(range(TRIES)):
        try:
            answer = s3.get_object(**place, Range=f"bytes={start}-{end - 1}")
            data = answer["Body"].read()
            return data if "ContentRange" in answer else data[start:end]  # not everything like S3 knows ranges
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
        if code in CHANGED:
            raise replaced(upload) from problem
        if code not in GONE:
            raise
        raise InputError(f"{upload['key']}: is no longer in the bucket {upload['bucket']}") from problem


def replaced(upload: dict) -> InputError:
    return InputError(f"{upload['key']}: was replaced after this upload; the newer one has its own execution")


class Work:
    """The temporaries of one execution, by kind and number: names as they stand in the execution's input."""

    def __init__(self, bucket: str, prefix: str, **beginnings: str):
        """beginnings: of the names of each kind."""
        self.bucket, self.prefix, self._beginnings = bucket, prefix, beginnings

    @property
    def execution(self) -> str:
        """The name of the execution whose temporaries these are."""
        return self.prefix.rstrip("/")

    @property
    def _upload_key(self) -> str:
        return f"{self.prefix}upload.json"

    def key(self, kind: str, number: int, ending: str = "json") -> str:
        return f"{self._beginnings[kind]}{number:05d}.{ending}"

    def detections(self, pages: int) -> list[dict]:
        """The pages of GetFaceDetection that get_detections has copied."""
        return [self.read("detections", number)[0] for number in range(pages)]

    def put_segment(self, number: int, piece: Path, plan: dict, report: dict) -> None:
        s3.upload_file(str(piece), self.bucket, self.key("pieces", number, "mp4"))
        self.write("plans", number, plan)
        self.write("reports", number, report)

    def read(self, kind: str, number: int, etag: str | None = None) -> tuple[dict, str]:
        """A document and its ETag. Raises VerificationError when it is not the one with the ETag that is given."""
        return self._read(self.key(kind, number), **({"IfMatch": f'"{etag}"'} if etag else {}))

    def write(self, kind: str, number: int, content: dict) -> None:
        put_json(self.bucket, self.key(kind, number), content)

    def piece(self, number: int, facts: dict | None = None) -> tuple[RangedFile, dict]:
        """A rendered segment, read in parts, and {"etag", "bytes"}: as given, or those it has now."""
        place = {"Bucket": self.bucket, "Key": self.key("pieces", number, "mp4")}
        if facts is None:
            with self._as_left(place["Key"]):
                found = s3.get_object(**place, Range="bytes=0-0")
            facts = dict(zip(("bytes", "etag"), size_and_etag(found), strict=True))

        def fetch(start: int, end: int) -> bytes:
            with self._as_left(place["Key"]):
                return get_range(place | {"IfMatch": f'"{facts["etag"]}"'}, start, end)

        return RangedFile(Path(place["Key"]).name, facts["bytes"], fetch), facts

    def _read(self, key: str, **pinned: str) -> tuple[dict, str]:
        with self._as_left(key):
            answer = s3.get_object(Bucket=self.bucket, Key=key, **pinned)
        return json.load(answer["Body"]), answer["ETag"].strip('"')

    @contextlib.contextmanager
    def _as_left(self, key: str):
        """S3's answers about a temporary, in words."""
        try:
            yield
        except ClientError as problem:
            code = problem.response["Error"]["Code"]
            if code in CHANGED:
                raise VerificationError(f"{key}: was changed after it was proven") from problem
            if code not in GONE:
                raise
            said = f"{key}: is not in the bucket {self.bucket}, where an earlier step left it; upload the video again"
            raise TemporaryGoneError(said) from problem

    def missed(self, number: int) -> Detections:
        """The faces that proofs of this segment have found so far."""
        rows = self._missed(number)["faces"]
        return Detections.from_faces((time_ms, Face(*face)) for time_ms, *face in rows)

    def add_missed(self, number: int, faces: Detections, is_first: bool) -> None:
        """For the next round of blurring. Raises FacesMissedError, unless there were MOST_ROUNDS already."""
        so_far = {"rounds": 0, "faces": []} if is_first else self._missed(number)
        if so_far["rounds"] == MOST_ROUNDS:
            return
        rows = [[sample.time_ms, *face.box, face.score] for sample in faces.samples for face in sample.faces]
        content = {"rounds": so_far["rounds"] + 1, "faces": so_far["faces"] + rows}
        put_json(self.bucket, self.key("proofs", number, MISSED), content)
        raise FacesMissedError(f"segment {number}: {len(rows)} faces were missed; they are covered next")

    def _missed(self, number: int) -> dict:
        return self._read(self.key("proofs", number, MISSED))[0]

    def remember_upload(self, upload_id: str) -> None:
        """So that who comes after us, if we are ended, can give up the parts that were sent."""
        put_json(self.bucket, self._upload_key, {"id": upload_id})

    def forget_upload(self) -> None:
        s3.delete_object(Bucket=self.bucket, Key=self._upload_key)

    def give_up_earlier_upload(self, place: dict) -> None:
        """Of a function of this execution that was ended while it joined."""
        with contextlib.suppress(s3.exceptions.NoSuchKey, s3.exceptions.NoSuchUpload):
            found = s3.get_object(Bucket=self.bucket, Key=self._upload_key)
            s3.abort_multipart_upload(**place, UploadId=json.load(found["Body"])["id"])

    def remove(self) -> None:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
            for item in page.get("Contents", ()):
                s3.delete_object(Bucket=self.bucket, Key=item["Key"])


def put_json(bucket: str, key: str, content: dict) -> dict:
    """{"sha256", "version_id"} of what was written; the latter is empty in a bucket without versions."""
    body = json.dumps(content).encode()
    done = s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return {"sha256": hashlib.sha256(body).hexdigest(), "version_id": done.get("VersionId", "")}

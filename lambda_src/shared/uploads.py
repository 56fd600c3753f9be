"""What an S3 event says was uploaded, and every name that follows from it: pure, no AWS, no clock.

Event versions 2.0 to 2.6 share the fields used here:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import hashlib
from dataclasses import dataclass
from urllib.parse import unquote_plus

LONGEST_KEY = 1024  # bytes in UTF-8
UNREADABLE = "no upload"  # in place of an upload's name, where a record of an event cannot be read
LONGEST_ENDING = 80  # of what is put after an upload's key: more than any name below and in the container needs


class UnsupportedEventError(Exception):
    """The event is not one of S3's that this function understands."""


@dataclass(frozen=True)
class Upload:
    """One object as it was when the event happened; `version_id` is empty in a bucket without versions."""

    bucket: str
    key: str
    version_id: str
    sequencer: str
    size: int
    etag: str

    @property
    def token(self) -> str:
        """64 hex digits, equal for every delivery of one event: S3 delivers at least once.

        Used as ClientRequestToken (at most 64 characters) and as execution name (at most 80).
        """
        identity = "\n".join((self.bucket, self.key, self.version_id, self.sequencer))
        return hashlib.sha256(identity.encode()).hexdigest()

    @property
    def is_folder(self) -> bool:
        """As S3's console makes one; with content it is an upload like any other."""
        return self.key.endswith("/") and not self.size

    def place(self) -> dict:
        """The parameters of a call of S3 about this object, in this version."""
        return {"Bucket": self.bucket, "Key": self.key} | ({"VersionId": self.version_id} if self.version_id else {})

    def rekognition_video(self) -> dict:
        """The `Video` parameter of StartFaceDetection."""
        place = {"Bucket": self.bucket, "Name": self.key}
        return {"S3Object": place | ({"Version": self.version_id} if self.version_id else {})}


def work_names(upload: Upload, bucket: str) -> dict:
    """Where the temporaries of this upload lie: the beginnings of their names."""
    kinds = ("detections", "pieces", "plans", "reports", "proofs")
    return {"bucket": bucket, "prefix": f"{upload.token}/"} | {kind: f"{upload.token}/{kind}/" for kind in kinds}


def output_names(upload: Upload, bucket: str) -> dict:
    """Where what is delivered lies, and where it is said that nothing could be."""
    key = f"{shortened(upload.key)}.blurred.mp4"
    return {
        "bucket": bucket,
        "key": key,
        "plan": f"{key}.plan.json",
        "report": f"{key}.report.json",
        "parts": f"{key}.parts/",
        "failure": f"{key}.{upload.token[:16]}.failure.json",
    }


def shortened(key: str) -> str:
    """The key, or as much of it as leaves room for an ending, with a part of its hash in place of the rest."""
    content = key.encode()
    if len(content) <= LONGEST_KEY - LONGEST_ENDING:
        return key
    mark = f"~{hashlib.sha256(content).hexdigest()[:16]}"
    return content[: LONGEST_KEY - LONGEST_ENDING - len(mark)].decode(errors="ignore") + mark


def records(event: dict) -> list:
    """The records of an event, each of which may still be anything. S3's test event has none."""
    if isinstance(event, dict) and event.get("Event") == "s3:TestEvent":
        return []
    if not isinstance(event, dict) or not isinstance(event.get("Records"), list):
        raise UnsupportedEventError("the event has no Records; this function expects S3 ObjectCreated events")
    return event["Records"]


def upload_of(record: dict) -> Upload | None:
    """The object that was created; None for folder markers and for what was not created."""
    try:
        upload = _upload(record["s3"]) if _is_created(record) else None
        return None if upload and upload.is_folder else upload
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise UnsupportedEventError(f"not an event of S3's: {problem!r}") from problem


def _is_created(record: dict) -> bool:
    version = str(record.get("eventVersion", ""))
    if record.get("eventSource") != "aws:s3" or not version.startswith("2."):
        raise UnsupportedEventError(f"expected S3 event version 2.x, got {version!r}")
    return record["eventName"].startswith("ObjectCreated:")


def _upload(s3: dict) -> Upload:
    """Raises what a record of another shape leads to."""
    upload = Upload(
        bucket=s3["bucket"]["name"],
        key=unquote_plus(s3["object"]["key"]),  # "my clip.mp4" arrives as "my+clip.mp4"
        version_id=s3["object"].get("versionId") or "",
        sequencer=s3["object"].get("sequencer", ""),
        size=int(s3["object"].get("size", 0)),
        etag=s3["object"].get("eTag", ""),
    )
    if not isinstance(upload.etag, str) or not upload.bucket or not upload.token:
        raise ValueError("a name that is no text")
    return upload

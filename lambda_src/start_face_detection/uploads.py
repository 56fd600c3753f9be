"""What an S3 event says was uploaded, and what follows from it: pure, no AWS, no clock.

Event versions 2.0 to 2.6 share the fields used here:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import hashlib
from dataclasses import asdict, dataclass
from urllib.parse import unquote_plus


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

    def rekognition_video(self) -> dict:
        """The `Video` parameter of StartFaceDetection."""
        place = {"Bucket": self.bucket, "Name": self.key}
        return {"S3Object": place | ({"Version": self.version_id} if self.version_id else {})}

    def execution_input(self, job: dict, work_bucket: str, output_bucket: str) -> dict:
        """What the state machine starts with; `job` holds job_id, or problem when there is no job."""
        return {
            "input": asdict(self),
            "work": {"bucket": work_bucket, "prefix": f"{self.token}/"},
            "output": {"bucket": output_bucket, "key": f"{self.key}.blurred.mp4"},
            **job,
        }


def uploads(event: dict) -> list[Upload]:
    """Every object that was created. The test event of a new notification and folder markers are none."""
    if isinstance(event, dict) and event.get("Event") == "s3:TestEvent":
        return []
    if not isinstance(event, dict) or not isinstance(event.get("Records"), list):
        raise UnsupportedEventError("the event has no Records; this function expects S3 ObjectCreated events")
    try:
        return [_upload(record["s3"]) for record in event["Records"] if _is_upload(record)]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise UnsupportedEventError(f"not an event of S3's: {problem!r}") from problem


def _is_upload(record: dict) -> bool:
    version = str(record.get("eventVersion", ""))
    if record.get("eventSource") != "aws:s3" or not version.startswith("2."):
        raise UnsupportedEventError(f"expected S3 event version 2.x, got {version!r}")
    return record["eventName"].startswith("ObjectCreated:") and not record["s3"]["object"]["key"].endswith("/")


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

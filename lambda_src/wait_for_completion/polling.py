"""How a job's answer is read and how long to wait before asking again: pure, no AWS."""

from datetime import datetime

LONGEST_WAIT_S = 120
GIVE_UP_AFTER_S = 12 * 3600
BYTES_PER_SECOND = 1_000_000  # a guess at a video's length where its header does not say it


class JobFailedError(Exception):
    """Rekognition ended the job with FAILED; its message says why."""


class JobTimeoutError(Exception):
    """The job has not ended for so long that it never will."""


def wait_seconds(length_s: float, waited_s: float) -> int:
    """1 s for a short clip, longer for a long video and the longer it has taken already."""
    return round(min(LONGEST_WAIT_S, max(1.0, length_s / 60, waited_s / 10)))


def seconds_between(start: str, now: datetime) -> float:
    """From an ISO 8601 time of Step Functions ("2026-11-23T05:16:00.123Z") until now."""
    return max(0.0, (now - datetime.fromisoformat(start)).total_seconds())


def length_of(event: dict) -> float:
    """How long the video is, by its header or by its size."""
    return event["length_ms"] / 1000 if event["length_ms"] else event["size"] / BYTES_PER_SECOND


def judge(answer: dict, length_s: float, waited_s: float) -> dict:
    """{"status", "wait_seconds"} for the state machine. Raises JobFailedError, JobTimeoutError."""
    status = answer["JobStatus"]
    if status == "FAILED":
        raise JobFailedError(f"the face detection job failed: {answer.get('StatusMessage') or 'no reason is given'}")
    if status != "SUCCEEDED" and waited_s > GIVE_UP_AFTER_S:
        raise JobTimeoutError(f"the face detection job still runs after {waited_s / 3600:.1f} hours")
    return {"status": status, "wait_seconds": wait_seconds(length_s, waited_s)}

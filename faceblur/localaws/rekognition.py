"""Rekognition Video's face detection: jobs, tokens, pages and errors.

Knows nothing of the engine; the looking itself is done by `sampling`, in a process per job.

https://docs.aws.amazon.com/rekognition/latest/APIReference/API_StartFaceDetection.html
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_GetFaceDetection.html
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .failures import Failures

PAGE_SIZE = 1000
MAX_OPEN_JOBS = 20
MAX_VIDEO_BYTES = 10 * 1000**3


class ServiceError(Exception):
    """An error that the API answers with: its name and message."""

    def __init__(self, name: str, message: str):
        super().__init__(message)
        self.name, self.message = name, message


class Storage(Protocol):
    """What the service needs of the rest of the cloud, with the caller's permissions already looked at."""

    def size(self, caller: str, place: dict) -> int | None:
        """Bytes of the S3Object, or None when there is none or the caller may not read it."""

    def download(self, place: dict, path: Path) -> None:
        """Copy the S3Object into a file."""

    def may_publish(self, channel: dict) -> bool:
        """Whether Rekognition may assume the NotificationChannel's role."""

    def publish(self, channel: dict, message: str) -> None:
        """Send to the NotificationChannel with its role."""


@dataclass
class Job:
    """One StartFaceDetection. `pages` maps the tokens given out to the position they stand for."""

    id: str
    request: dict
    status: str = "IN_PROGRESS"
    message: str = ""
    metadata: dict = field(default_factory=dict)
    faces: list[dict] = field(default_factory=list)
    pages: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> dict:
        return self.request["Video"]["S3Object"]


class RekognitionVideo:
    """The service's state. Jobs work in threads of their own, as many at once as there are processors."""

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        max_bytes: int = MAX_VIDEO_BYTES,
        failures: Failures | None = None,
    ):
        self._failures = failures or Failures()
        self._storage, self._folder, self._max_bytes = storage, folder, max_bytes
        self._jobs: dict[str, Job] = {}
        self._tokens: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._workers = threading.Semaphore(os.cpu_count() or 1)
        self._processes: set[subprocess.Popen] = set()
        self._closed = False

    def handle(self, operation: str, request: dict, caller: str) -> dict:
        """Answer one API call. Raises ServiceError."""
        if operation == "StartFaceDetection":
            return self._start(request, caller)
        if operation == "GetFaceDetection":
            return self._get(request)
        raise ServiceError("InvalidAction", f"the embedded AWS has no Rekognition operation {operation}")

    def close(self) -> None:
        """End the jobs that are still working."""
        with self._lock:
            self._closed = True
            processes = list(self._processes)
        for process in processes:
            process.kill()

    def _start(self, request: dict, caller: str) -> dict:
        place = (request.get("Video") or {}).get("S3Object") or {}
        if not place.get("Bucket") or not place.get("Name"):
            raise ServiceError("InvalidParameterException", "Request has invalid parameters")
        if request.get("FaceAttributes", "DEFAULT") not in ("DEFAULT", "ALL"):
            raise ServiceError("InvalidParameterException", "Request has invalid parameters")
        token, fingerprint = request.get("ClientRequestToken"), json.dumps(request, sort_keys=True)
        with self._lock:
            known = self._tokens.get(token) if token else None
        if known and known[0] != fingerprint:
            text = (
                "A ClientRequestToken input parameter was reused with an operation, but at least one of the "
                "other input parameters is different from the previous call to the operation."
            )
            raise ServiceError("IdempotentParameterMismatchException", text)
        if known:
            return {"JobId": known[1]}
        self._check_video(place, caller)
        channel = request.get("NotificationChannel")
        if channel and not self._storage.may_publish(channel):
            raise ServiceError("InvalidParameterException", "Unable to assume the NotificationChannel's role")
        return {"JobId": self._open_job(request, token, fingerprint)}

    def _check_video(self, place: dict, caller: str) -> None:
        size = self._storage.size(caller, place)
        if size is None:
            text = "Unable to get object metadata from S3. Check object key, region and/or access permissions."
            raise ServiceError("InvalidS3ObjectException", text)
        if size > self._max_bytes:
            text = f"Video size in bytes {size} exceeds the limit of {self._max_bytes} bytes."
            raise ServiceError("VideoTooLargeException", text)

    def _open_job(self, request: dict, token: str | None, fingerprint: str) -> str:
        with self._lock:
            if token and token in self._tokens:
                return self._tokens[token][1]
            if sum(job.status == "IN_PROGRESS" for job in self._jobs.values()) >= MAX_OPEN_JOBS:
                raise ServiceError("LimitExceededException", f"Open job limit of {MAX_OPEN_JOBS} exceeded")
            job = Job(secrets.token_hex(32), request)
            self._jobs[job.id] = job
            if token:
                self._tokens[token] = fingerprint, job.id
        threading.Thread(target=self._work, args=(job,), daemon=True).start()
        return job.id

    def _get(self, request: dict) -> dict:
        job = self._jobs.get(request.get("JobId", ""))
        if job is None:
            raise ServiceError("ResourceNotFoundException", "Could not find JobId")
        size = request.get("MaxResults", PAGE_SIZE)
        if not isinstance(size, int) or size < 1:
            raise ServiceError("InvalidParameterException", "Request has invalid parameters")
        token = request.get("NextToken") or ""
        if token and token not in job.pages:
            raise ServiceError("InvalidPaginationTokenException", "Invalid pagination token")
        answer = {"JobStatus": job.status, "JobId": job.id, "Video": job.request["Video"], "Faces": []}
        if "JobTag" in job.request:
            answer["JobTag"] = job.request["JobTag"]
        if job.status == "FAILED":
            return answer | {"StatusMessage": job.message}
        if job.status == "SUCCEEDED":
            start = job.pages.get(token, 0)
            end = start + min(size, PAGE_SIZE)
            answer |= {"VideoMetadata": job.metadata, "Faces": job.faces[start:end]}
            if end < len(job.faces):
                answer["NextToken"] = secrets.token_urlsafe(48)
                job.pages[answer["NextToken"]] = end
        return answer

    def _work(self, job: Job) -> None:
        path = self._folder / f"{job.id}.video"
        try:
            with self._workers:
                self._storage.download(job.place, path)
                found = self._sample(path)
            found = self._spoiled(job, found)
            if "error" in found:
                job.message, status = found["error"], "FAILED"
            else:
                job.metadata, job.faces, status = found["metadata"], found["faces"], "SUCCEEDED"
        except Exception as problem:  # whatever it is, the job must end and say so
            job.message, status = f"Internal server error: {problem}", "FAILED"
        finally:
            path.unlink(missing_ok=True)
        job.status = status
        if channel := job.request.get("NotificationChannel"):
            self._storage.publish(channel, json.dumps(completion_message(job)))

    def _spoiled(self, job: Job, found: dict) -> dict:
        """What was found, later or not at all where such a failure is switched on."""
        target = f"{job.place['Bucket']}/{job.place['Name']}"
        if slow := self._failures.strike("slow-job", target):
            time.sleep(slow.options["seconds"])
        failed = self._failures.strike("fail-job", target)
        return {"error": failed.options["message"]} if failed else found

    def _sample(self, path: Path) -> dict:
        command = [sys.executable, "-m", "faceblur.localaws.sampling", str(path)]
        with self._lock:
            if self._closed:
                return {"error": "the embedded AWS is stopping"}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            self._processes.add(process)
        output, _ = process.communicate()
        with self._lock:
            self._processes.discard(process)
        if process.returncode not in (0, 1) or not output.strip():
            return {"error": f"The video could not be analysed (exit status {process.returncode})"}
        return json.loads(output)


def completion_message(job: Job) -> dict:
    """https://docs.aws.amazon.com/rekognition/latest/dg/video-notification-payload.html"""
    message = {
        "JobId": job.id,
        "Status": job.status,
        "API": "StartFaceDetection",
        "Timestamp": int(time.time() * 1000),
        "Video": {"S3ObjectName": job.place["Name"], "S3Bucket": job.place["Bucket"]},
    }
    if "JobTag" in job.request:
        message["JobTag"] = job.request["JobTag"]
    return message

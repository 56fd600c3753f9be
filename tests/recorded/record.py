"""Records executions of the application on the embedded AWS, for the tests of the second interpreter.

    python tests/recorded/record.py [part of a recording's name ...]

Builds what notebooks 02 to 07 build, lets each upload meet its fault, and writes what its execution did beside this
file. Once more when the state machine or what its functions take and give has changed.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from application_kit import build, execution_of, own_aws  # noqa: E402
from localaws_kit import eventually  # noqa: E402
from second_engine import FOLDER, MACHINE, recording  # noqa: E402
from video_kit import make  # noqa: E402

from faceblur import video  # noqa: E402
from faceblur.plan import Plan  # noqa: E402
from faceblur.sample import make_sample  # noqa: E402

PREFIX = MACHINE.removesuffix("-pipeline")
FRAMES = 12  # of a clip with faces


class Recorder:
    """The application, and one upload after the other."""

    def __init__(self, folder: Path, chaos):
        self.ws, self.chaos = build(PREFIX), chaos
        self.s3, self.sfn = boto3.client("s3"), boto3.client("stepfunctions")
        self.short = make(folder / "short.mp4").read_bytes()
        self.long = make(folder / "long.mp4", count=500, rate=5, options={"g": "25"}).read_bytes()
        self.matroska = make(folder / "short.mkv").read_bytes()
        self.faces = clip_of_faces(folder).read_bytes()
        busy = {"code": "LimitExceededException", "times": 7}
        self.all = {
            "several_segments": (self.long, lambda: chaos.slow_job(seconds=2)),
            "without_rekognition": (self.matroska, contextlib.nullcontext),
            "missed_faces": (self.faces, self.uncovered),
            "rekognition_busy": (self.short, lambda: chaos.throttle("rekognition:StartFaceDetection", **busy)),
            "function_killed": (self.short, lambda: chaos.kill("*-blur-segment", times=1)),
            "function_killed_twice": (self.short, lambda: chaos.kill("*-blur-segment")),
            "functions_throttled": (self.short, lambda: chaos.throttle("lambda:InvokeFunction", after=1, times=1)),
            "delivered_before": (self.short, contextlib.nullcontext),
            "job_failed": (self.short, chaos.fail_job),
            "no_video": (b"no video at all", contextlib.nullcontext),
            "refused": (self.short[:500], contextlib.nullcontext),
        }

    def record(self, name: str) -> dict:
        content, fault = self.all[name]
        key = f"{name}.{'mkv' if content is self.matroska else 'mp4'}"
        with fault() as uncover:
            self.s3.put_object(Bucket=self.ws.names.input_bucket, Key=key, Body=content)
            if callable(uncover):
                uncover()
            execution = eventually(lambda: self.execution(key), 300)
        if name == "delivered_before":
            execution = self.failed_after(execution)
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=execution["executionArn"])
        return recording(execution, [event for page in pages for event in page["events"]])

    def failed_after(self, delivered: dict) -> dict:
        """One that fails although its video is there, as if joining had been ended before it could say so."""
        given = json.loads(delivered["input"]) | {"problem": {"Error": "Runtime.ExitError", "Cause": "killed"}}
        machine = self.ws.need("state_machine_arn")
        arn = self.sfn.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        return eventually(lambda: (f := self.sfn.describe_execution(executionArn=arn))["status"] != "RUNNING" and f)

    def execution(self, key: str) -> dict | None:
        """When it has ended."""
        found = execution_of(self.ws, key)
        return found if found and found["status"] != "RUNNING" else None

    @contextlib.contextmanager
    def uncovered(self):
        """The first proof is killed, and the second one finds the video as it was uploaded, under an empty plan."""
        with self.chaos.kill("*-prove-segment", times=1):
            yield self.uncover

    def uncover(self) -> None:
        rows = {
            "frames": [{}] * FRAMES,
            "counts": {"frames": FRAMES},
            "notes": [],
            "kept_visible": [],
            "needs_review": [],
        }
        work = self.ws.names.work_bucket
        left = {"plan": json.dumps(Plan(()).to_json()), "report": json.dumps(rows)}

        def blurred():
            found = [item["Key"] for item in self.s3.list_objects_v2(Bucket=work).get("Contents", ())]
            return found if any("report" in name for name in found) else None

        for name in eventually(blurred):
            kind = next((kind for kind in ("plan", "report") if kind in name), None)
            if kind or name.endswith(".mp4"):
                self.s3.put_object(Bucket=work, Key=name, Body=left[kind] if kind else self.faces)


def clip_of_faces(folder: Path) -> Path:
    """Half a second of the sample."""
    pictures = []
    make_sample(folder / "sample.mp4")
    with video.Reader(folder / "sample.mp4") as reader:
        for frame in reader:
            if frame.time_ms >= 3000 and len(pictures) < FRAMES:
                pictures.append(frame.bgr(width=640))
    video.encode(folder / "faces.mp4", pictures, frame_rate=24)
    return folder / "faces.mp4"


def main(wanted: list[str]) -> None:
    with own_aws() as (folder, aws):
        recorder = Recorder(folder, aws.chaos)
        for name in recorder.all:
            if not wanted or any(part in name for part in wanted):
                found = recorder.record(name)
                (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
                print(f"{name}: {found['status']}, {len(found['calls'])} calls, {found['entered']}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

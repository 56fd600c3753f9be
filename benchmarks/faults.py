"""Uploads while something goes wrong, and how each of them ended.

    python -m benchmarks.faults [part of a fault's name ...]

On an embedded AWS of its own that runs ten functions at once, as a new account does, with the application as notebooks
02 to 07 build it. Every upload must end in one output or in one record.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import boto3

from benchmarks.permissions import OVER, Bench
from faceblur.localaws import LocalAws
from faceblur.localaws.chaos import Chaos

AT_ONCE, PATIENCE_S = "10", 500
SMALL = ("start_face_detection", "wait_for_completion", "get_detections")


class Faults:
    """Faults by name: (how it is switched on, what is uploaded)."""

    def __init__(self, bench: Bench, chaos: Chaos, folder: Path):
        self.bench, self.chaos = bench, chaos
        good, self.names = bench.video, bench.ws.names
        hevc = make_hevc(folder / "hevc.mp4").read_bytes()
        self.all: dict[str, tuple[Callable, list[bytes]]] = {
            "nothing wrong": (list, [good] * 3),
            "HEVC": (list, [hevc]),
            "cut off, empty, no video": (list, [good[:500], b"", b"no video at all"]),
            "every event twice": (lambda: [chaos.repeat(f"s3:{self.names.input_bucket}")], [good] * 3),
            "Rekognition is busy": (self.busy, [good] * 3),
            "Rekognition's job fails": (lambda: [chaos.fail_job()], [good]),
            "5 % of all calls throttled": (lambda: [chaos.throttle("*", probability=0.05, seed=1)], [good] * 6),
            "functions are throttled": (lambda: [chaos.throttle("lambda:InvokeFunction", times=6)], [good] * 3),
            "S3 slows down": (lambda: [chaos.throttle("s3:GetObject", times=25)], [good] * 3),
            "the execution is stopped": (lambda: [chaos.slow_job(seconds=60)], [good]),
            "25 at once": (list, [good] * 25),
        }
        for name in self.names.functions:
            content = good[:500] if name == "record_failure" else good
            self.all[f"{name} killed once"] = (lambda name=name: [self.killed(name, 1)], [content])
        self.all["blur_segment killed always"] = (lambda: [self.killed("blur_segment", None)], [good])

    def busy(self) -> list:
        return [self.chaos.throttle("rekognition:StartFaceDetection", code="LimitExceededException", times=9)]

    def killed(self, name: str, times: int | None):
        return self.chaos.kill(self.names.function(name), times=times)

    def run(self, name: str) -> Counter:
        """How many uploads ended how."""
        switch, contents = self.all[name]
        with contextlib.ExitStack() as stack:
            for failure in switch():
                stack.enter_context(failure)
            keys = [self.put(content) for content in contents]
            if "stopped" in name:
                self.stop(keys[0])
            self.wait(keys)
            time.sleep(3)  # a record too many would come now
        self.ends = {key: self.end(key) for key in keys}
        return Counter(self.ends.values())

    def put(self, content: bytes) -> str:
        self.bench.count += 1
        key = f"f{self.bench.count:03d}.mp4"
        self.bench.s3.put_object(Bucket=self.names.input_bucket, Key=key, Body=content)
        return key

    def stop(self, key: str) -> None:
        while not (found := self.bench.execution(key)):
            time.sleep(0.5)
        self.bench.sfn.stop_execution(executionArn=found["executionArn"])

    def wait(self, keys: list[str]) -> None:
        end, left = time.monotonic() + PATIENCE_S, set(keys)
        while left and time.monotonic() < end:
            left = {key for key in left if not self.is_over(key)}
            time.sleep(1)

    def is_over(self, key: str) -> bool:
        status = self.bench.execution(key).get("status")
        names = self.bench.outputs(key)
        return any(name.endswith((".failure.json", ".blurred.mp4")) for name in names) and (
            status is None or status in OVER
        )

    def end(self, key: str) -> str:
        names = self.bench.outputs(key)
        records = [name for name in names if name.endswith(".failure.json")]
        if f"{key}.blurred.mp4" in names:
            return "one output" if not records else "OUTPUT AND RECORD"
        if len(records) == 1:
            answer = self.bench.s3.get_object(Bucket=self.names.output_bucket, Key=records[0])
            record = json.load(answer["Body"])
            return f"one record: {record['error']}: {record['cause'][:110]}"
        return f"{len(records)} RECORDS, {self.bench.execution(key).get('status', 'no execution')}"


def make_hevc(path: Path) -> Path:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(25):
            picture = np.full((180, 320, 3), 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def main(wanted: list[str]) -> None:
    os.environ["FACEBLUR_CONCURRENT_EXECUTIONS"] = AT_ONCE
    with tempfile.TemporaryDirectory() as folder, LocalAws() as aws:
        os.environ.update(aws.environment)
        os.environ["FACEBLUR_STATE"] = str(Path(folder, "state.json"))
        boto3.setup_default_session()
        faults = Faults(Bench(Path(folder)), aws.chaos, Path(folder))
        for name in faults.all:
            if wanted and not any(part in name for part in wanted):
                continue
            began = time.monotonic()
            for how, count in faults.run(name).items():
                print(f"{name:32} {count:3}  {how}", flush=True)
            print(f"{'':32}      {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

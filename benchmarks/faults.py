"""Uploads while something goes wrong, and how each of them ended.

    python -m benchmarks.faults [part of a fault's name ...]

On an embedded AWS of its own that runs ten functions and 20 jobs of Rekognition at once, as a new account does, with
the application as notebooks 02 to 07 build it. Every upload must end in one output, whose report says that its proof
passed, which can be played to its end and which was delivered once, or in one record. Nothing may be left in the work
bucket, nor on its way to the output's. Exits with 1 when something else was seen.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from benchmarks.permissions import OVER, Bench, make_video, own_aws
from faceblur.localaws.chaos import Chaos

AT_ONCE, PATIENCE_S = "10", 500
# Seconds after which a function is killed in the middle of what it does with the small video.
HALF_WAY_S = {"plan_segments": 0.05, "blur_segment": 0.5, "prove_segment": 0.3, "join_segments": 0.15}


class Faults:
    """Faults by name: (how it is switched on, what is uploaded, and under which key, if they share one)."""

    def __init__(self, bench: Bench, chaos: Chaos, folder: Path):
        self.bench, self.chaos = bench, chaos
        good, self.names = bench.video, bench.ws.names
        self.s3 = bench.s3
        self.executions: dict[str, str] = {}  # ARN -> key of its upload
        other = make_video(folder / "other.mp4", colour=90).read_bytes()
        hevc = make_hevc(folder / "hevc.mp4").read_bytes()
        self.all: dict[str, tuple[Callable, list[bytes]]] = {
            "nothing wrong": (list, [good] * 3),
            "HEVC": (list, [hevc]),
            "cut off, empty, no video": (list, [good[:500], b"", b"no video at all"]),
            "every event twice": (lambda: [chaos.repeat(f"s3:{self.names.input_bucket}")], [good] * 3),
            "the same key twice at once": (list, [good, other]),
            "the same twice at once": (list, [good, good]),
            "Rekognition is busy": (self.busy, [good] * 3),
            "Rekognition's job fails": (lambda: [chaos.fail_job()], [good]),
            "5 % of all calls throttled": (lambda: [chaos.throttle("*", probability=0.05, seed=1)], [good] * 6),
            "functions are throttled": (lambda: [chaos.throttle("lambda:InvokeFunction", times=6)], [good] * 3),
            "S3 slows down": (lambda: [chaos.throttle("s3:GetObject", times=25)], [good] * 3),
            "the execution is stopped": (lambda: [chaos.slow_job(seconds=60)], [good]),
            "25 at once": (lambda: [chaos.slow_job(seconds=20)], [good] * 25),
        }
        for name in self.names.functions:
            content = good[:500] if name == "record_failure" else good
            self.all[f"{name} killed once"] = (lambda name=name: [self.killed(name, 1)], [content])
        for name, seconds in HALF_WAY_S.items():
            how = (lambda name=name, seconds=seconds: [self.killed(name, 1, seconds)], [good])
            self.all[f"{name} killed half way"] = how
        for name in self.names.functions:
            if name != "record_failure":
                self.all[f"{name} killed always"] = (lambda name=name: [self.killed(name, None)], [good])
        for name, seconds in HALF_WAY_S.items():
            how = (lambda name=name, seconds=seconds: [self.killed(name, None, seconds)], [good])
            self.all[f"{name} killed half way always"] = how

    def busy(self) -> list:
        return [self.chaos.throttle("rekognition:StartFaceDetection", code="LimitExceededException", times=9)]

    def killed(self, name: str, times: int | None, seconds: float = 0):
        return self.chaos.kill(self.names.function(name), times=times, seconds=seconds)

    def run(self, name: str) -> Counter:
        """How many uploads ended how."""
        switch, contents = self.all[name]
        with contextlib.ExitStack() as stack:
            for failure in switch():
                stack.enter_context(failure)
            keys = self.put(contents, one_key=name.startswith("the same"))
            if "stopped" in name:
                self.stop(keys[0])
            self.wait(keys)
            time.sleep(3)  # a record too many would come now
        ends = [end for key in dict.fromkeys(keys) for end in self.ends(key, keys.count(key))]
        return Counter(ends + self.left_behind())

    def put(self, contents: list[bytes], one_key: bool) -> list[str]:
        keys = []
        for content in contents:
            self.bench.count += not (one_key and keys)
            keys.append(f"f{self.bench.count:03d}.mp4")
            self.s3.put_object(Bucket=self.names.input_bucket, Key=keys[-1], Body=content)
        return keys

    def stop(self, key: str) -> None:
        while not (found := self.executions_of(key)):
            time.sleep(0.5)
        self.bench.sfn.stop_execution(executionArn=found[0]["executionArn"])

    def wait(self, keys: list[str]) -> None:
        end, left = time.monotonic() + PATIENCE_S, set(keys)
        while left and time.monotonic() < end:
            left = {key for key in left if not self.is_over(key, keys.count(key))}
            time.sleep(1)

    def is_over(self, key: str, uploads: int) -> bool:
        running = [each for each in self.executions_of(key) if each["status"] not in OVER]
        return not running and len(self.delivered(key) + self.records(key)) >= uploads

    def executions_of(self, key: str) -> list[dict]:
        """Those of this key's uploads."""
        sfn, found = self.bench.sfn, []
        pages = sfn.get_paginator("list_executions").paginate(stateMachineArn=self.bench.ws.need("state_machine_arn"))
        for each in (each for page in pages for each in page["executions"]):
            arn = each["executionArn"]
            if arn not in self.executions:
                work = json.loads(sfn.describe_execution(executionArn=arn)["input"])
                self.executions[arn] = work["input"]["key"]
            if self.executions[arn] == key:
                found.append(each)
        return found

    def delivered(self, key: str) -> list[dict]:
        """Every version of a key's output, with the execution that delivered it."""
        place = {"Bucket": self.names.output_bucket}
        listed = self.s3.list_object_versions(**place, Prefix=f"{key}.blurred.mp4").get("Versions", ())
        found = []
        for each in (each for each in listed if each["Key"].endswith(".blurred.mp4")):
            version = place | {"Key": each["Key"], "VersionId": each["VersionId"]}
            found.append(version | {"execution": self.s3.head_object(**version)["Metadata"]["execution"]})
        return found

    def records(self, key: str) -> list[str]:
        return [name for name in self.bench.outputs(key) if name.endswith(".failure.json")]

    def ends(self, key: str, uploads: int) -> list[str]:
        """How each upload of a key ended; an upload is known by the first digits of its execution's name."""
        ended: dict[str, list[str]] = {each["name"][:16]: [] for each in self.executions_of(key)}
        for version in self.delivered(key):
            ended.setdefault(version["execution"][:16], []).append(self.verified(version))
        for name in self.records(key):
            ended.setdefault(name.split(".")[-3], []).append(self.told(name))
        how = [" AND ".join(each) or "NOTHING" for each in ended.values()]
        how = [end.upper() if " AND " in end else end for end in how]
        return how + ["LOST"] * (uploads - len(how)) + ["AN EXECUTION TOO MANY"] * (len(how) - uploads)

    def verified(self, version: dict) -> str:
        """That it is one output, if it is whole and its report tells of it, and of a proof that passed."""
        place = {name: version[name] for name in ("Bucket", "Key", "VersionId")}
        film = self.s3.get_object(**place)["Body"].read()
        listed = self.s3.list_object_versions(Bucket=place["Bucket"], Prefix=f"{place['Key']}.report.json")["Versions"]
        for each in listed:
            where = {"Bucket": place["Bucket"], "Key": each["Key"], "VersionId": each["VersionId"]}
            report = json.load(self.s3.get_object(**where)["Body"])
            if report["execution"] == version["execution"]:
                with av.open(io.BytesIO(film)) as container:
                    frames = sum(1 for _ in container.decode(video=0))
                is_whole = frames == report["counts"]["frames"] and len(film) == report["output"]["bytes"]
                return "one output" if is_whole and report["audit"]["passed"] is True else "AN OUTPUT NOT PROVEN"
        return "AN OUTPUT WITHOUT REPORT"

    def told(self, name: str) -> str:
        record = json.load(self.s3.get_object(Bucket=self.names.output_bucket, Key=name)["Body"])
        return f"one record: {record['error']}: {record['cause'][:110]}"

    def left_behind(self) -> list[str]:
        work = self.s3.list_objects_v2(Bucket=self.names.work_bucket).get("Contents", ())
        sent = self.s3.list_multipart_uploads(Bucket=self.names.output_bucket).get("Uploads", ())
        found = [f"LEFT IN THE WORK BUCKET: {item['Key']}" for item in work]
        return found + [f"LEFT ON ITS WAY: {upload['Key']}" for upload in sent]


def make_hevc(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(25):
            picture = np.full((180, 320, 3), 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def main(wanted: list[str]) -> int:
    os.environ["FACEBLUR_CONCURRENT_EXECUTIONS"] = AT_ONCE
    with own_aws() as (folder, aws):
        faults, is_good = Faults(Bench(folder), aws.chaos, folder), True
        for name in faults.all:
            if wanted and not any(part in name for part in wanted):
                continue
            began = time.monotonic()
            for how, count in faults.run(name).items():
                is_good = is_good and how.startswith("one ")
                print(f"{name:32} {count:3}  {how}", flush=True)
            print(f"{'':32}      {time.monotonic() - began:.0f} s", flush=True)
    return not is_good


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A long or a large video through the whole application, from its upload to its output.

    python -m benchmarks.whole_machine minutes [30]
    python -m benchmarks.whole_machine gigabytes [1.5]

On an embedded AWS of its own, with the application as notebooks 02 to 07 build it, but for functions of MEMORY_MB with
DISK_MB of temporary disk: event, Rekognition's job, state machine, proof and delivery. Prints a line of JSON: how it
ended, the seconds of each state, events of the history, and each function's runs and memory, as Lambda reports them.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import boto3

from benchmarks.long_videos import ROOT, make

sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from application_kit import build, execution_of, own_aws  # noqa: E402

from faceblur import documents, workshop  # noqa: E402
from faceblur.workshop.watching.progress import follow  # noqa: E402

PREFIX, MEMORY_MB, DISK_MB, KEY = "long", 1024, 512, "long.mp4"


def run(ws: workshop.Workshop, video: Path) -> dict:
    """Upload, and wait for the end."""
    sfn, s3 = boto3.client("stepfunctions"), boto3.client("s3")
    size, began = video.stat().st_size, time.monotonic()
    s3.upload_file(str(video), ws.names.input_bucket, KEY)
    video.unlink()
    while not (found := execution_of(ws, KEY)):
        time.sleep(0.5)
    execution = follow(sfn, found["executionArn"], poll_s=10)
    pages = sfn.get_paginator("get_execution_history").paginate(executionArn=execution.arn)
    figures = {"input_mb": round(size / 1e6, 1), "seconds": round(time.monotonic() - began, 1)}
    figures |= {
        "status": execution.status,
        "failure": str(execution.failure),
        "events": sum(len(p["events"]) for p in pages),
    }
    figures["states"] = {time.state: round(time.seconds, 1) for time in execution.times}
    return figures | (delivered(s3, ws.names.output_bucket) if execution.succeeded else {})


def delivered(s3, bucket: str) -> dict:
    """What the report tells, put together as a person's command would."""

    def read(name: str) -> bytes:
        return s3.get_object(Bucket=bucket, Key=name)["Body"].read()

    name = f"{KEY}.blurred.mp4.report.json"
    head = json.loads(read(name))
    report = documents.assemble(head, name, read)
    figures = {"frames": len(report["frames"]), "proven": report["audit"]["passed"], "segments": len(head["segments"])}
    return figures | {"faces": report["counts"]["frames_with_regions"], "output_mb": report["output"]["bytes"] >> 20}


def functions(ws: workshop.Workshop) -> dict[str, str]:
    """Runs, and the most memory, of each function: from its log."""
    logs, found = boto3.client("logs"), {}
    for name in ws.names.functions:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{ws.names.function(name)}", filterPattern='"Max Memory Used"'
        )
        lines = [event["message"] for page in pages for event in page["events"]]
        used = [int(re.search(r"Max Memory Used: (\d+)", line)[1]) for line in lines]
        found[name] = f"{len(used)} runs, {max(used, default=0)} MB"
    return found


def main(kind: str, amount: float) -> None:
    with own_aws() as (folder, _):
        ws = build(PREFIX, MEMORY_MB=MEMORY_MB, STORAGE_MB=DISK_MB)
        figures = run(ws, make(kind, amount, folder))
        print(json.dumps(figures | {"functions": functions(ws)}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else {"minutes": 30.0, "gigabytes": 1.5}[sys.argv[1]])

"""What the embedded AWS costs and leaves: seconds to start, milliseconds a call, processor while idle, memory.

    python benchmarks/localaws.py [functions]          # with so many warm functions
    python benchmarks/localaws.py uploads [count]      # before and after so many objects that each call a function
    python benchmarks/localaws.py kills                # processes and files left after each way to end it

Prints one line of JSON. The figures mean something on a machine that does nothing else; memory is the share of the
engine and all its functions (PSS), of which Linux alone knows.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from localaws_kit import allow, eventually, invoke, make_bucket, make_function  # noqa: E402

from faceblur.localaws import LocalAws  # noqa: E402

WARM_CALLS, IDLE_S = 200, 15
SOURCE = "def handler(event, context): return 1"


def used(processes: list[psutil.Process]) -> float:
    """Seconds of processor, user and system."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(count: int) -> dict:
    began = time.perf_counter()
    with LocalAws() as aws:
        figures = {"start_s": time.perf_counter() - began}
        os.environ.update(aws.environment)
        engine = psutil.Process(aws.pid)
        functions = [make_function(SOURCE, MemorySize=128) for _ in range(count)]
        invoke(functions[0])  # whatever the first call of all brings
        before, began = used([engine, *engine.children(recursive=True)]), time.perf_counter()
        for function in functions[1:]:
            invoke(function)
        figures["cold_cpu_s"] = (used([engine, *engine.children(recursive=True)]) - before) / max(1, count - 1)
        figures["cold_s"] = (time.perf_counter() - began) / max(1, count - 1)
        everything = [engine, *engine.children(recursive=True)]  # those beyond what may stay warm have ended
        figures["warm_ms"] = 1000 * statistics.median(call_seconds(functions[-1]) for _ in range(WARM_CALLS))
        before = used(everything)
        time.sleep(IDLE_S)
        figures["idle_percent"] = 100 * (used(everything) - before) / IDLE_S
        figures["memory_mb"] = sum(process.memory_full_info().pss for process in everything) / 2**20
        figures["processes"] = len(everything)
    return {name: round(value, 2) for name, value in figures.items()}


def call_seconds(function: str) -> float:
    began = time.perf_counter()
    invoke(function)
    return time.perf_counter() - began


def stands(aws: LocalAws) -> dict:
    """What there is of it now."""
    family = [psutil.Process(aws.pid), *psutil.Process(aws.pid).children(recursive=True)]
    return {
        "processes": len(family),
        "open_files": psutil.Process(aws.pid).num_fds(),
        "threads": psutil.Process(aws.pid).num_threads(),
        "files": sum(len(files) for _, _, files in os.walk(str(aws.root))),
        "memory_mb": round(sum(one.memory_full_info().pss for one in family) / 2**20, 1),
    }


COPIES = """
import boto3
def handler(event, context):
    for record in event["Records"]:
        boto3.client("s3").put_object(Bucket="KEPT", Key=record["s3"]["object"]["key"], Body=b"")
"""


def uploads(count: int) -> dict:
    """Objects that come as fast as they can, each of which calls a function that writes another object."""
    with LocalAws() as aws:
        os.environ.update(aws.environment)
        s3, source, kept = boto3.client("s3"), make_bucket(), make_bucket()
        function = make_function(COPIES.replace("KEPT", kept), allow("s3:PutObject"), MemorySize=256, Timeout=60)
        boto3.client("lambda").add_permission(
            FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
        )
        rule = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=source, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
        )

        def send(first: int, last: int) -> float:
            began = time.perf_counter()
            for number in range(first, last):
                s3.put_object(Bucket=source, Key=f"{number:05}.mp4", Body=b"video")
            eventually(lambda: s3.list_objects_v2(Bucket=kept)["KeyCount"] >= last, 300)
            return time.perf_counter() - began

        send(0, 1)
        found = {"after_1": stands(aws), "seconds": round(send(1, count + 1), 1), f"after_{count + 1}": stands(aws)}
        boto3.client("lambda").delete_function(FunctionName=function)
        time.sleep(1)
        return found | {"function_deleted": stands(aws)}


HOLDER = """
import json, os, psutil, sys, time
sys.path[:0] = sys.argv[1:3]
from faceblur.localaws import LocalAws
from localaws_kit import invoke, make_function
aws = LocalAws()
aws.start()
os.environ.update(aws.environment)
invoke(make_function("def handler(event, context): return 1"))
family = [one.pid for one in psutil.Process(aws.pid).children(recursive=True)]
print(json.dumps([aws.pid, str(aws.root), family]), flush=True)
time.sleep(600)
"""
KILLS = {
    f"{who} {number.name}": (who, number)
    for who in ("parent", "engine")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
} | {"function SIGKILL, then parent SIGTERM": ("function", signal.SIGKILL)}


def kill(who: str, number: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", HOLDER, str(ROOT), str(ROOT / "tests")]
        places = {"TMPDIR": folder, "HOME": folder}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": os.environ | places}
        with subprocess.Popen(command, **options) as process:
            engine, root, family = json.loads(process.stdout.readline())
            target = {"parent": process.pid, "engine": engine, "function": family[-1]}[who]
            os.kill(target, number)
            began = time.perf_counter()
            if who == "function":
                process.terminate()
            while time.perf_counter() - began < 10 and (
                any(map(psutil.pid_exists, (engine, *family))) or Path(root).exists()
            ):
                time.sleep(0.02)
            seconds = time.perf_counter() - began
            left = {"processes": sum(map(psutil.pid_exists, (engine, *family)))}
            left["files"] = sum(len(files) for place in (root, folder) for _, _, files in os.walk(place))
            process.kill()
    return left | {"seconds": round(seconds, 2)}


def main(words: list[str]) -> dict:
    if words[:1] == ["uploads"]:
        return uploads(int(words[1]) if words[1:] else 200)
    if words == ["kills"]:
        return {name: kill(*how) for name, how in KILLS.items()}
    return measure(int(words[0]) if words else 6)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))

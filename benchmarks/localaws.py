"""What the embedded AWS costs: seconds to start, milliseconds a call, processor while idle, memory.

    python benchmarks/localaws.py [functions]

Prints one line of JSON. The figures mean something on a machine that does nothing else; memory is the share of the
engine and all its functions (PSS), of which Linux alone knows.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from localaws_kit import invoke, make_function  # noqa: E402

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


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 6)))

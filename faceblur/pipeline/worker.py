"""A child process that analyses or renders one span; started by `jobs` alone.

The task comes as one line of JSON on standard input; progress and the outcome go out as lines of JSON,
results into the files that the task names. When nobody reads the lines any more, the child ends.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from ..detections import detections_from_json
from ..errors import FaceblurError
from ..finding.analysis import analyse
from ..plan import Plan
from ..process import return_large_blocks
from ..rendering.renderer import render
from ..shapes import JsonObject
from ..video import EncoderSettings, Span


def main() -> int:
    """Do the one task that standard input holds as JSON; the exit code."""
    return_large_blocks()
    task = json.loads(sys.stdin.readline())
    try:
        {"analyse": _analyse, "render": _render}[task["do"]](task)
    except FaceblurError as problem:
        _say(error=[type(problem).__name__, str(problem)])
        return 1
    return 0


def _analyse(task: JsonObject) -> None:
    span, given = Span.from_json(task["span"]), detections_from_json(task["detections"])
    every_frame = task["every_frame"]
    plan = analyse(task["source"], given, span=span, every_frame=every_frame, progress=_Progress())
    Path(task["result"]).write_text(json.dumps(plan.to_json()), encoding="utf-8")


def _render(task: JsonObject) -> None:
    plan = Plan.from_json(json.loads(Path(task["plan"]).read_text(encoding="utf-8")))
    encoder, span = EncoderSettings(**task["encoder"]), Span.from_json(task["span"])
    report = render(task["source"], task["piece"], plan, span=span, encoder=encoder, progress=_Progress())
    content = {"frames": report["frames"], "notes": report["notes"]}
    Path(task["result"]).write_text(json.dumps(content), encoding="utf-8")


class _Progress:
    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._last > 0.1:
            self._last = now
            _say(done=done, total=total)


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)

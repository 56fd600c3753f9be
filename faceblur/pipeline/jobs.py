"""The same work in several processes: a video is split at keyframes, each span done apart, the results joined."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from ..detections import Detections, detections_to_json
from ..errors import FaceblurError, InputError, by_name, death_by
from ..finding.analysis import analyse
from ..partials import working_folder
from ..plan import Plan
from ..rendering.renderer import render
from ..rendering.report import make_report, once
from ..shapes import JsonObject, Progress
from ..undo import forget, remember
from ..video import EncoderSettings, Reader, Span, check_output, join, probe, settled, size_notes, split
from .merge import merge_plans

Said = queue.Queue[tuple[int, JsonObject | None]]  # which child, and what it says; None at its end
_SHORTEST_S = 4.0  # a span is analysed with a margin before and after; shorter ones are mostly margin


def analyse_in_jobs(
    source: str | Path,
    detections: Detections | None = None,
    *,
    jobs: int,
    every_frame: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """`analyse`, in up to `jobs` processes at once. Raises InputError, DetectorError."""
    spans = _spans(source, jobs)
    if len(spans) == 1:
        return analyse(source, detections, every_frame=every_frame, progress=progress)
    with working_folder(tempfile.gettempdir()) as folder:
        results = [Path(folder, f"{span.index}.json") for span in spans]
        given = detections_to_json(detections)
        tasks = [
            {"do": "analyse", **_facts(source, span, result), "detections": given, "every_frame": every_frame}
            for span, result in zip(spans, results, strict=True)
        ]
        run_tasks(tasks, jobs, progress)
        return merge_plans([Plan.from_json(_read(result)) for result in results])


def render_in_jobs(
    source: str | Path,
    output: str | Path,
    plan: Plan,
    *,
    encoder: EncoderSettings | None = None,
    jobs: int,
    progress: Progress | None = None,
) -> JsonObject:
    """`render`, in up to `jobs` processes at once, which share the machine's threads."""
    check_output(source, output)
    encoder = encoder or EncoderSettings()
    spans = _spans(source, jobs)
    if len(spans) == 1:
        return render(source, output, plan, encoder=encoder, progress=progress)
    with Reader(source) as reader:
        used = settled(reader, encoder, output)
    each = replace(used, threads=encoder.threads or max(1, (os.cpu_count() or 1) // len(spans)))
    with working_folder(Path(os.path.realpath(output)).parent) as folder:
        written = Path(folder, "plan.json")
        written.write_text(json.dumps(plan.to_json()), encoding="utf-8")
        pieces = [Path(folder, f"{span.index}.mp4") for span in spans]
        results = [piece.with_suffix(".json") for piece in pieces]
        tasks = [
            {
                "do": "render",
                **_facts(source, span, result),
                "plan": str(written),
                "piece": str(piece),
                "encoder": each.to_json() | {"threads": each.threads},
            }
            for span, result, piece in zip(spans, results, pieces, strict=True)
        ]
        run_tasks(tasks, jobs, progress)
        notes = join(source, pieces, output)
        parts = [_read(result) for result in results]
    rows = [row for part in parts for row in part["frames"]]
    notes = once(notes + [note for part in parts for note in part["notes"]])
    if encoder.crf is None:
        notes += size_notes(source, output, used.to_json())
    return make_report(source, output, plan, rows, used, notes)


def _spans(source: str | Path, jobs: int) -> list[Span]:
    if jobs <= 1:
        return [Span(0, None, None)]
    return split(source, max(_SHORTEST_S, probe(source).duration_ms / 1000 / jobs))


def _facts(source: str | Path, span: Span, result: Path) -> JsonObject:
    return {"source": str(Path(source).absolute()), "span": span.to_json(), "result": str(result)}


def _read(path: Path) -> JsonObject:
    content: JsonObject = json.loads(path.read_text(encoding="utf-8"))
    return content


def run_tasks(tasks: Sequence[JsonObject], jobs: int, progress: Progress | None = None) -> None:
    """Do the tasks in child processes, `jobs` at a time; raise what the first failing one raised, and end the
    rest.
    """
    said: Said = queue.Queue()
    waiting = list(enumerate(tasks))[::-1]
    running: dict[int, subprocess.Popen[str]] = {}
    counts = [(0, 1)] * len(tasks)
    note = remember(lambda: _kill(running))
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, task = waiting.pop()
                running[number] = _start(number, task, said)
            number, facts = said.get()
            if facts is None:
                _check_end(running.pop(number), tasks[number])
            elif "error" in facts:
                raise by_name(*facts["error"])
            else:
                counts[number] = (facts["done"], facts["total"])
                if progress:
                    progress(sum(done for done, _ in counts), sum(total for _, total in counts))
    finally:
        _end(running)
        forget(note)


def _end(running: dict[int, subprocess.Popen[str]]) -> None:
    for child in running.values():
        child.terminate()
    for child in running.values():
        child.wait()


def _kill(running: dict[int, subprocess.Popen[str]]) -> None:
    """From a signal's handler: it may have come in the middle of `wait`, whose lock is held then."""
    for child in running.values():
        if child.returncode is None:
            with contextlib.suppress(OSError):
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)


def _start(number: int, task: JsonObject, said: Said) -> subprocess.Popen[str]:
    """A child, and a thread that passes on what it says; None at its end."""
    home = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH")]))
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; from faceblur.pipeline.worker import main; sys.exit(main())"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C is ours to handle
    )

    assert child.stdin and child.stdout  # pipes, as asked for above

    def listen(lines: IO[str]) -> None:
        with lines:
            for line in lines:
                said.put((number, json.loads(line)))
        said.put((number, None))

    with child.stdin as to_child:
        to_child.write(json.dumps(task) + "\n")
    threading.Thread(target=listen, args=(child.stdout,), daemon=True, name="faceblur-job").start()
    return child


def _check_end(child: subprocess.Popen[str], task: JsonObject) -> None:
    """Raises InputError when the codec library took the process with it, which is the file's fault."""
    code = child.wait()
    if code < 0:
        raise InputError(f"{task['source']}: {death_by(-code)} while working on a part of it")
    if code:
        raise FaceblurError(f"{task['source']}: a process that worked on a part of it ended with code {code}")

"""Ways to blur a clip, each run as a command; what it blurred and what it cost. Imports `truth`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from truth import Reference, Regions

from faceblur import Detections, Face, Sample
from faceblur.finding.detector import model_bytes
from faceblur.video import Reader

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
EVERY_MS = 500.0
REFERENCE, ALONE, SAMPLED = "reference samples", "no samples", "YuNet samples"
DEFACE, OPENSCRUB = "deface", "OpenScrub"
OURS, OTHERS = (REFERENCE, ALONE, SAMPLED), (DEFACE, OPENSCRUB)


@dataclass(frozen=True)
class Result:
    """One method on one clip. shift_ms: the clip's time minus the output's; CPU seconds of the analysis (None
    where it cannot be told apart) and of the whole command, start-up included.
    """

    output: Path
    regions: Regions
    shift_ms: float
    analysis_s: float | None
    whole_s: float
    peak_mb: float | None


class MethodError(Exception):
    """A tool ended with an error; the text is its last line."""


def run(method: str, clip: Path, reference: Reference | None, folder: Path, other: Path | None, phase_ms=0.0) -> Result:
    """Blur `clip` into `folder`. reference: needed for its samples only; other: the command of another tool."""
    name = f"{clip.stem}.{method.replace(' ', '_')}"
    output = folder / f"{name}.mp4"
    if method in OTHERS:
        return _run_other(method, clip, output, folder, other)
    given = None
    if method == REFERENCE:
        given = folder / f"{name}.detections.json"
        given.write_text(json.dumps(samples(reference, phase_ms=phase_ms).to_rekognition()), encoding="utf-8")
    elif method == SAMPLED:
        given = folder / f"{name}.detections.json"
        _command([sys.executable, "-m", "faceblur", "detect", clip, "-o", given, "--every-ms", str(EVERY_MS)])
    return _run_ours(clip, output, folder / f"{name}.report.json", given)


def samples(reference: Reference, every_ms: float = EVERY_MS, phase_ms: float = 0.0) -> Detections:
    """The reference at the frames nearest to every `every_ms`; times without a face are left out, as
    Rekognition does.
    """
    taken, time_ms = [], reference.times_ms[0] + phase_ms
    while time_ms <= reference.times_ms[-1]:
        index = reference.nearest(time_ms)
        if reference.faces[index]:
            faces = tuple(Face(*box) for _, box in reference.faces[index])
            taken.append(Sample(reference.times_ms[index], faces))
        time_ms += every_ms
    return Detections(tuple(taken))


def _run_ours(clip: Path, output: Path, report: Path, given: Path | None) -> Result:
    command = [sys.executable, HERE / "blur_timed.py", clip, output, report, *([given] if given else [])]
    printed, whole_s = _command(command)
    printed = json.loads(printed)
    content = json.loads(report.read_text(encoding="utf-8"))
    frames = content["frames"]
    regions = Regions(
        tuple(frame["time_ms"] for frame in frames),
        tuple(tuple(tuple(box) for _, *box in frame["regions"]) for frame in frames),
        content["settings"]["style"]["feather_ratio"],
    )
    return Result(output, regions, 0.0, printed["analysis_s"], whole_s, printed["peak_mb"])


def _run_other(method: str, clip: Path, output: Path, folder: Path, tool: Path) -> Result:
    boxes = folder / f"{output.stem}.boxes.json"
    if method == DEFACE:
        command = [interpreter(tool), HERE / "deface_recorded.py", boxes, clip, "-o", output]
        _, whole_s = _command(command)
    else:
        command = [interpreter(tool), HERE / "openscrub_recorded.py", boxes, clip, "-o", output, "--overwrite"]
        _, whole_s = _command(
            [*command, "--categories", "face", "--encoder", "x264"], HOME=str(_home(output.with_suffix(".home")))
        )
    content = json.loads(boxes.read_text(encoding="utf-8"))
    with Reader(output) as blurred:
        times = tuple(frame.time_ms for frame in blurred)
    regions = Regions(times, tuple(tuple(map(tuple, frame)) for frame in content["frames"][: len(times)]))
    return Result(output, regions, _shift_ms(clip, output), None, whole_s, content["peak_mb"])


def _home(home: Path) -> Path:
    """A home folder in which OpenScrub finds YuNet's file, the same as ours, so that it downloads nothing."""
    models = home / ".openscrub" / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / "face_detection_yunet_2023mar.onnx").write_bytes(model_bytes())
    return home


def _shift_ms(clip: Path, output: Path) -> float:
    """The clip's time minus the output's: a tool may move the start to 0, or fill it up with copies of the
    first frame. The one of the two under which the pictures are more alike.
    """
    before, after = _thumbnails(clip), _thumbnails(output)
    shifts = (0.0, before[0][0] - after[0][0])
    return min(shifts, key=lambda shift: _unlikeness(before, after, shift))


def _thumbnails(path: Path) -> list[tuple[float, np.ndarray]]:
    with Reader(path) as reader:
        return [(frame.time_ms, cv2.resize(frame.gray(64), (64, 36)).astype(float)) for frame in reader]


def _unlikeness(before, after, shift_ms: float) -> float:
    times = np.array([time_ms for time_ms, _ in after]) + shift_ms
    nearest = [after[int(np.argmin(np.abs(times - time_ms)))][1] for time_ms, _ in before]
    return float(np.mean([np.abs(a - b).mean() for (_, a), b in zip(before, nearest, strict=True)]))


def interpreter(script: Path) -> str:
    """The Python that a console script runs in, from its first line; MethodError when it names none."""
    first = script.read_bytes().split(b"\n", 1)[0].decode(errors="replace")
    if not first.startswith("#!"):
        raise MethodError(f"{script}: names no Python in its first line")
    return first[2:].strip().split()[-1]


def _command(command: list, **environment: str) -> tuple[str, float]:
    """Run it; -> what it printed, its CPU seconds with those of its children."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": paths} | environment
    words = [str(word) for word in command]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        printed, complaints = _drain(process)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = (complaints.strip() or printed.strip() or "no message").splitlines()[-1]
        raise MethodError(f"{Path(words[1]).name} ended with {process.returncode}: {last}")
    return printed, used.ru_utime + used.ru_stime


def _drain(process: subprocess.Popen) -> tuple[str, str]:
    """Read both pipes to their ends; unlike `communicate` it leaves the process to be waited for."""
    from threading import Thread

    complaints: list[str] = []
    reader = Thread(target=lambda: complaints.append(process.stderr.read()))
    reader.start()
    printed = process.stdout.read()
    reader.join()
    return printed, complaints[0]

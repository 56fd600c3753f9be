#!/usr/bin/env python3
"""One network, three ways to run it: OpenCV's DNN module, ONNX Runtime (what faceblur uses), OpenVINO if
installed.

    python benchmarks/detector.py [CLIP ...] [--repeat N] [--json FILE]

On pictures of the clips (the shared ones when there, else the sample video) at 160, 640 and 1280 pixels: do
they find the same boxes, and at how much CPU time? Then `faceblur.blur` of each whole clip with either
detector: what does the dependency gain, all in all? Everything is measured in this one process, turn by turn,
on one thread a detector. Exit 0 when the boxes agree and the whole pass gains 25 % or more over OpenCV's, 1
when not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

import faceblur
from faceblur.boxes import overlap
from faceblur.detections import Face
from faceblur.finding import search
from faceblur.finding.detector import FaceDetector, model_bytes
from faceblur.video import Reader

ROOT = Path(__file__).resolve().parent.parent
SIDES = (160, 640, 1280)
SCORE = 0.5
LEAST_GAIN = 0.25
_PICTURES = 8  # of each clip


class OpenCvDetector:
    """The network run and decoded by OpenCV."""

    def __init__(self, score_threshold: float = 0.6):
        model = np.frombuffer(model_bytes(), np.uint8)
        self._net = cv2.FaceDetectorYN.create("onnx", model, np.zeros(0, np.uint8), (32, 32), score_threshold, 0.3)

    def find(self, bgr: np.ndarray, width: int | None = None) -> list[Face]:
        if width is not None and width != bgr.shape[1]:
            height = max(1, round(bgr.shape[0] * width / bgr.shape[1]))
            shrinks = width < bgr.shape[1]
            way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            bgr = cv2.resize(bgr, (width, height), interpolation=way)
        high, wide = bgr.shape[:2]
        self._net.setInputSize((wide, high))
        _, rows = self._net.detect(bgr)
        rows = np.zeros((0, 15)) if rows is None else rows.astype(float) / ([wide, high] * 7 + [1])
        return [Face(*(float(n) for n in row[:4]), float(row[14])) for row in rows]


class OpenVinoDetector(FaceDetector):
    """faceblur's own detector with OpenVINO in the place of ONNX Runtime."""

    def __init__(self, score_threshold: float = 0.6):
        super().__init__(score_threshold)
        self._session = _OpenVinoSession()


class _OpenVinoSession:
    """What the detector calls of an ONNX Runtime session; one compiled network an input size."""

    def __init__(self):
        import openvino

        self._core, self._requests = openvino.Core(), {}

    def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        picture = inputs["input"]
        if picture.shape not in self._requests:
            network = self._core.read_model(model_bytes(), b"")
            network.reshape(list(picture.shape))
            one = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
            self._requests[picture.shape] = self._core.compile_model(network, "CPU", one).create_infer_request()
        request = self._requests[picture.shape]
        request.infer({"input": picture})
        return [request.get_tensor(name).data.copy() for name in names]


def detectors() -> dict[str, Callable]:
    found = {"OpenCV": OpenCvDetector, "ONNX Runtime": FaceDetector}
    try:
        import openvino  # noqa: F401
    except ImportError:
        return found
    return found | {"OpenVINO": OpenVinoDetector}


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="detector-") as temporary:
        folder = Path(temporary)
        clips = options.clips or _clips(folder)
        pictures = [picture for clip in clips for picture in _pictures(clip)]
        alone = compare_alone(pictures, options.repeat)
        whole = compare_whole(clips, folder, options.repeat)
    print("\n".join([*_alone_lines(alone), "", *_whole_lines(whole)]))
    if options.json:
        Path(options.json).write_text(json.dumps({"alone": alone, "whole": whole}, indent=1) + "\n", encoding="utf-8")
    return _verdict(alone, whole)


def _verdict(alone: list[dict], whole: dict) -> int:
    gain = 1 - whole["total"]["ONNX Runtime"] / whole["total"]["OpenCV"]
    agree = all(row["agreed"] >= 0.99 for row in alone)
    print(f"\nthe boxes {'agree' if agree else 'DO NOT AGREE'}; the whole pass takes {gain:.0%} less CPU time")
    print(f"{'met    ' if gain >= LEAST_GAIN else 'NOT MET'}  at least {LEAST_GAIN:.0%} less than with OpenCV")
    return 0 if agree and gain >= LEAST_GAIN else 1


def _options(arguments) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP")
    parser.add_argument("--repeat", type=int, default=2, help="the least of so many runs counts (default 2)")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args(arguments)


def _clips(folder: Path) -> list[Path]:
    shared = ROOT.parent / "shared" / "clips"
    known = sorted(Path(str(p).removesuffix(".faces.json")) for p in shared.glob("*.faces.json"))
    if known:
        return known
    from faceblur.sample import make_sample

    make_sample(folder / "sample.mp4")
    return [folder / "sample.mp4"]


def _pictures(clip: Path) -> list[np.ndarray]:
    """Some frames of the clip, spread over it, BGR."""
    with Reader(clip) as reader:
        step = max(1, reader.expected_frames // _PICTURES)
        return [frame.bgr() for frame in reader if frame.index % step == step // 2][:_PICTURES]


def compare_alone(pictures: list[np.ndarray], repeat: int) -> list[dict]:
    """For each size and detector: CPU ms a picture, and how its boxes agree with OpenCV's."""
    rows = []
    for side in SIDES:
        sized = [_sized(picture, side) for picture in pictures]
        made = {name: build(SCORE) for name, build in detectors().items()}
        expected = None
        for name, detector in made.items():
            found = [detector.find(picture) for picture in sized]
            expected = expected or found
            rows.append({"side": side, "detector": name} | agreement(expected, found))
        times = {name: [] for name in made}
        for _ in range(repeat):
            for name, detector in made.items():
                times[name].append(_cpu_ms(lambda d=detector, p=sized: [d.find(one) for one in p]) / len(sized))
        for row in rows[-len(made) :]:
            row["ms"] = round(min(times[row["detector"]]), 2)
    return rows


def _sized(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture with its longer side at `side` pixels."""
    scale = side / max(picture.shape[:2])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def agreement(expected: list[list[Face]], found: list[list[Face]]) -> dict:
    """faces: found by OpenCV; agreed: share of all faces, of either, that the other has, IoU over 0.8."""
    matched = total = 0
    for ours, theirs in zip(found, expected, strict=True):
        total += len(ours) + len(theirs)
        if ours and theirs:
            shared = overlap(_boxes(ours), _boxes(theirs))
            matched += int((shared.max(axis=0) > 0.8).sum() + (shared.max(axis=1) > 0.8).sum())
    faces = sum(map(len, expected))
    return {"faces": faces, "agreed": round(matched / total, 4) if total else 1.0}


def _boxes(faces: list[Face]) -> np.ndarray:
    return np.array([face.box for face in faces])


def compare_whole(clips: list[Path], folder: Path, repeat: int) -> dict:
    """CPU seconds of `faceblur.blur` by clip and detector, and their totals."""
    rows, names = {}, detectors()
    for clip in clips:
        best = dict.fromkeys(names, float("inf"))
        for _ in range(repeat):
            for name, build in names.items():
                with _using(build):
                    best[name] = min(best[name], _cpu_ms(lambda c=clip: faceblur.blur(c, folder / "out.mp4")) / 1000)
        rows[clip.name] = {name: round(seconds, 2) for name, seconds in best.items()}
        print(f"{clip.name}: done", file=sys.stderr, flush=True)
    return {
        "clips": rows,
        "total": {name: round(sum(row[name] for row in rows.values()), 2) for name in names},
    }


@contextmanager
def _using(build: Callable) -> Iterator[None]:
    """The analysis with another detector."""
    usual = search.FaceDetector
    search.FaceDetector = build
    try:
        yield
    finally:
        search.FaceDetector = usual


def _cpu_ms(work: Callable) -> float:
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def _alone_lines(rows: list[dict]) -> list[str]:
    lines = [f"{'longer side':<13}{'detector':<15}{'faces':>6}{'agreed':>9}{'CPU ms':>9}{'of OpenCV':>11}"]
    theirs = {row["side"]: row["ms"] for row in rows if row["detector"] == "OpenCV"}
    for row in rows:
        share = row["ms"] / theirs[row["side"]]
        lines.append(
            f"{row['side']:<13}{row['detector']:<15}{row['faces']:>6}{row['agreed']:>9.1%}{row['ms']:>9.2f}{share:>11.0%}"
        )
    return lines


def _whole_lines(whole: dict) -> list[str]:
    names = list(whole["total"])
    lines = [f"{'whole pass, CPU s':<34}" + "".join(f"{name:>14}" for name in names)]
    for clip, row in [*whole["clips"].items(), ("all", whole["total"])]:
        lines.append(f"{clip[:33]:<34}" + "".join(f"{row[name]:>14.2f}" for name in names))
    return lines


if __name__ == "__main__":
    sys.exit(main())

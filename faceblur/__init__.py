"""faceblur: find every face in a video, blur it, keep everything else, and prove it.

>>> import faceblur
>>> report = faceblur.blur("in.mp4", "out.mp4")          # doctest: +SKIP
"""

from importlib import import_module

TYPE_CHECKING = False  # as in `typing`, which takes as long to load as all the rest of a command's start
if TYPE_CHECKING:
    from .detections import Detections, Face, Sample
    from .errors import (
        DetectionsError,
        DetectorError,
        DocumentError,
        FaceblurError,
        InputError,
        OutputError,
        PlanError,
        VerificationError,
        WorkshopError,
    )
    from .finding import analyse, detect
    from .pipeline import blur
    from .plan import Area, Plan, Style, Track
    from .rendering import render
    from .video import EncoderSettings, probe
    from .video.splicing import segments

__version__ = "0.1.0"

_HOMES = {  # where the public names are; each is loaded when it is first asked for
    "detections": ("Detections", "Face", "Sample"),
    "errors": (
        "DetectionsError",
        "DetectorError",
        "DocumentError",
        "FaceblurError",
        "InputError",
        "OutputError",
        "PlanError",
        "VerificationError",
        "WorkshopError",
    ),
    "finding": ("analyse", "detect"),
    "pipeline": ("blur",),
    "plan": ("Area", "Plan", "Style", "Track"),
    "rendering": ("render",),
    "video": ("EncoderSettings", "probe"),
    "video.splicing": ("segments",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Area",
    "Detections",
    "DetectionsError",
    "DetectorError",
    "DocumentError",
    "EncoderSettings",
    "Face",
    "FaceblurError",
    "InputError",
    "OutputError",
    "Plan",
    "PlanError",
    "Sample",
    "Style",
    "Track",
    "VerificationError",
    "WorkshopError",
    "analyse",
    "blur",
    "detect",
    "probe",
    "render",
    "segments",
]


def __getattr__(name: str) -> object:
    """Loads one public name: the workshop's processes and the command's start need neither codecs nor arrays."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = f"{__name__}.{_HOME_OF[name]}"
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

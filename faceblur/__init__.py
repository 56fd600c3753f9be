"""faceblur: find every face in a video, blur it, keep everything else, and prove it.

>>> import faceblur
>>> report = faceblur.blur("in.mp4", "out.mp4")          # doctest: +SKIP
"""

__version__ = "0.1.0"

from .analysis import analyse, detect
from .detections import Detections, Face, Sample
from .errors import (
    DetectionsError,
    DetectorError,
    FaceblurError,
    InputError,
    JobFailedError,
    OutputError,
    VerificationError,
    WorkshopError,
)
from .pipeline import blur
from .plan import Area, Plan, Track
from .render import render
from .styles import Style
from .video import EncoderSettings, probe, segments

__all__ = [
    "Area",
    "Detections",
    "DetectionsError",
    "DetectorError",
    "EncoderSettings",
    "Face",
    "FaceblurError",
    "InputError",
    "JobFailedError",
    "OutputError",
    "Plan",
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

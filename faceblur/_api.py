"""The names of `faceblur` itself, loaded when the first of them is asked for. Imports nearly everything."""

from .detections import Detections, Face, Sample
from .errors import (
    DetectionsError,
    DetectorError,
    FaceblurError,
    InputError,
    JobFailedError,
    OutputError,
    PlanError,
    VerificationError,
    WorkshopError,
)
from .finding import analyse, detect
from .pipeline.whole import blur
from .plan.plan import Area, Plan, Track
from .plan.style import Style
from .rendering.renderer import render
from .video import EncoderSettings, probe
from .video.splicing import segments

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

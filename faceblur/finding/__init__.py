"""From a video to a plan: faces found in frames, followed between them, linked to people."""

from .analysis import analyse, detect
from .detector import FaceDetector

__all__ = ["FaceDetector", "analyse", "detect"]

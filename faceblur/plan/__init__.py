"""What is to be covered, when and how: JSON that a person can edit. Draws nothing, reads no video."""

from .frame_times import FrameTimes
from .moments import Regions
from .plan import Area, Plan, Track, refuse_areas_beyond
from .style import Style

__all__ = ["Area", "FrameTimes", "Plan", "Regions", "Style", "Track", "refuse_areas_beyond"]

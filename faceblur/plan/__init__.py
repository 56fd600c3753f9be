"""What is to be covered, when and how: JSON that a person can edit. Draws nothing, reads no video."""

from .area import Area, refuse_areas_beyond
from .frame_times import FrameTimes
from .moments import Regions
from .plan import Plan
from .style import Style
from .track import Track

__all__ = ["Area", "FrameTimes", "Plan", "Regions", "Style", "Track", "refuse_areas_beyond"]

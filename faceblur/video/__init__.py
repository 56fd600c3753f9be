"""Video files: probe, read, write, split, join. The only package that touches the codec library (PyAV).

Times are presentation times in milliseconds on the clock that a player shows; boxes and pictures are
as displayed. May import `errors`; nothing else of ours.
"""

from .choice import settled
from .encoder import EncoderSettings
from .formats import SUFFIXES
from .frame import Frame
from .orientation import Orientation
from .output import CONTAINERS, check_output
from .pictures import encode
from .probe import VideoInfo, probe
from .reader import Packet, Reader, Span
from .scan import Scan, scan
from .segments import cut, join
from .sparse import Irregular, Passed, SparseReader
from .stills import Stills, changeable
from .trial import size_notes
from .writer import Writer

__all__ = [
    "CONTAINERS",
    "SUFFIXES",
    "EncoderSettings",
    "Frame",
    "Irregular",
    "Orientation",
    "Packet",
    "Passed",
    "Reader",
    "Scan",
    "Span",
    "SparseReader",
    "Stills",
    "VideoInfo",
    "Writer",
    "changeable",
    "check_output",
    "cut",
    "encode",
    "join",
    "probe",
    "scan",
    "settled",
    "size_notes",
]

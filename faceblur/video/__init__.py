"""Video files: probe, read, write, split, join. The only package that touches the codec library (PyAV).

Times are presentation times in milliseconds on the clock that a player shows; boxes and pictures are as displayed.
"""

from av import VideoFrame

from .reading.formats import SUFFIXES
from .reading.frame import Frame
from .reading.orientation import Orientation
from .reading.probe import VideoInfo, probe
from .reading.ranged import RangedFile, Source
from .reading.reader import Packet, Reader, Span
from .reading.scan import Scan, scan
from .reading.sound import CopiedSound
from .reading.sparse import Irregular, Passed, SparseReader
from .reading.stills import Stills
from .splicing.segments import join, split
from .writing.choice import settled
from .writing.copies import changeable
from .writing.encoder import EncoderSettings
from .writing.output import CONTAINERS, check_output
from .writing.pictures import encode
from .writing.trial import size_notes
from .writing.writer import Writer

__all__ = [
    "CONTAINERS",
    "SUFFIXES",
    "CopiedSound",
    "EncoderSettings",
    "Frame",
    "Irregular",
    "Orientation",
    "Packet",
    "Passed",
    "RangedFile",
    "Reader",
    "Scan",
    "Source",
    "Span",
    "SparseReader",
    "Stills",
    "VideoFrame",
    "VideoInfo",
    "Writer",
    "changeable",
    "check_output",
    "encode",
    "join",
    "probe",
    "scan",
    "settled",
    "size_notes",
    "split",
]

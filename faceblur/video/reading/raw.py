"""PyAV's packets, frames and streams where their times are worked with, by one name each.

PyAV's own types say of every stamp and time base that it may be missing, and know fewer attributes than there are: what
a file that can be opened always has would have to be asked for at each use. Their attributes are not type-checked.
"""

from typing import Any

RawPacket = Any  # av.Packet
RawFrame = Any  # av.VideoFrame, av.AudioFrame
RawStream = Any  # av.VideoStream, av.AudioStream or one of another kind
RawContext = Any  # av.CodecContext

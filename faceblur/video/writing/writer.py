"""Encode a reader's frames into a `Muxer`."""

from __future__ import annotations

from pathlib import Path

import av

from ...errors import OutputError
from ..reading.frame import Frame
from ..reading.reader import Packet, Reader
from ..reading.sidedata import display_matrix
from .choice import pixel_formats, settled
from .copies import FrameCopies
from .encoder import EncoderSettings, add_video
from .fitting import Fitter
from .mux import Muxer

_HIGH_10 = "H.264 with 10 bits plays in few players (not in Safari, QuickTime, most televisions); --codec hevc in more"


class Writer(Muxer):
    """Write the frames of a reader, blurred or not, and pass its other streams' packets on. `settings`: those given,
    with what was left open decided.
    """

    def __init__(self, path: str | Path, reader: Reader, settings: EncoderSettings, *, copy_streams: bool = True):
        self.settings = settled(reader, settings, path)
        super().__init__(path, reader, copy_streams=copy_streams)
        self._copies: FrameCopies | None = None
        self._fitter: Fitter | None = None
        self._last: av.VideoFrame | None = None  # until the next one says for how long it is shown
        self._video: av.VideoStream

    def writable(self, frame: Frame) -> av.VideoFrame:
        """Make the frame's planes safe to change; its decoded frame, as it will be encoded."""
        self._prepare(frame)
        if self._copies is None:
            self._copies = FrameCopies(frame.raw)
        frame.raw = self._copies.of(frame.raw)  # the decoder may still refer to it
        return frame.raw

    def write(self, item: Frame | Packet) -> None:
        """Encode a frame, or copy a packet of another stream. Raises OutputError."""
        if isinstance(item, Packet):
            self.copy(item)
            return
        self._prepare(item)
        raw = item.raw
        raw.pict_type = 0  # else the source's own choice of I, P and B frames is forced on the encoder
        assert raw.pts is not None
        raw.pts -= self.shift(self.reader.time_base)
        self._encode_last(raw.pts)
        self._last = raw

    def _encode_last(self, until_pts: int | None) -> None:
        """The last frame that was written; where times vary, a decoder gives it another one's duration."""
        raw, self._last = self._last, None
        if raw is None:
            return
        if until_pts is not None and raw.pts is not None:
            raw.duration = until_pts - raw.pts
        for packet in self._video.encode(raw):
            self.container.mux(packet)

    def finish(self) -> None:
        """Encode what the encoder still holds."""
        self._encode_last(None)
        for packet in self._video.encode(None):
            self.container.mux(packet)
        self.notes += self._fitter.notes if self._fitter else ()

    def _prepare(self, frame: Frame) -> None:
        if self._fitter is None:
            self._fitter = Fitter(frame.raw, pixel_formats(self.reader.stream, self.settings.decided))
            matrix = display_matrix(frame.raw)
            if frame.orientation.is_mirrored and self.output.container_format == "matroska":
                raise OutputError(f"{self.output.path}: Matroska cannot hold a mirrored picture; name it .mp4 or .mov")
            frame.raw = self._fitter.fit(frame.raw)
            tags = self._fitter.tags
            self._video = add_video(self.container, self.reader, frame.raw, tags, self.settings)
            self.start(matrix, self._video)
            if self.settings.codec == "h264" and self._fitter.format.endswith("10le"):
                self.notes.append(_HIGH_10)
        elif not frame.is_fitted:
            frame.raw = self._fitter.fit(frame.raw)
        frame.is_fitted = True

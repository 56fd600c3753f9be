"""Try a track's packets on a muxer whose file goes nowhere: what it refuses would have ended the true one."""

from __future__ import annotations

import contextlib
from typing import Any

import av

from ..reading.raw import RawPacket, RawStream

REFUSALS = (av.error.FFmpegError, ValueError, OverflowError)


class Rehearsal:
    """One stream like `source` in a container of this format. Raises one of REFUSALS when it cannot hold it."""

    def __init__(self, container_format: str, source: RawStream):
        self._container = av.open(_Nowhere(), "w", format=container_format)
        try:
            self._stream = self._container.add_stream_from_template(source, opaque=True)
            self._container.start_encoding()
        except BaseException:
            self.close()
            raise

    def takes(self, packet: RawPacket) -> bool:
        """Whether the muxer takes this packet after those before it; the packet stays as it is."""
        times = packet.pts, packet.dts, packet.duration, packet.time_base
        packet.stream = self._stream
        try:
            self._container.mux(packet)
        except REFUSALS:
            return False
        finally:
            packet.pts, packet.dts, packet.duration, packet.time_base = times
        return True

    def close(self) -> None:
        """Its container; nothing of it is kept."""
        with contextlib.suppress(*REFUSALS):  # it may miss packets that there were none of
            self._container.close()


class _Nowhere:
    """A file that forgets what is written to it."""

    def __init__(self) -> None:
        self._place = self._end = 0

    def write(self, data: Any) -> int:
        self._place += len(data)
        self._end = max(self._end, self._place)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = offset + (0, self._place, self._end)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

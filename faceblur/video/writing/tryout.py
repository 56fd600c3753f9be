"""Find out how a track can travel before there is anything to lose: its first packets go into a file in memory."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
from av.container import InputContainer

from ..reading.opening import open_input, packets_of
from ..reading.ranged import Source
from .rehearsal import REFUSALS

_ENOUGH = 8  # packets of each sound track
_LOOKED_AT = 3000  # packets of all of them, among which these are looked for


class Trial:
    """Tracks of the file at `path`, to be written in this format. Use as a context manager.

    The file is opened anew: what is left in these decoders must not come out in the true file.
    """

    def __init__(self, path: Source, container_format: str):
        self._format = container_format
        self._container = open_input(path)
        sounds = [stream for stream in self._container.streams.audio if stream.codec_context]
        self._first = _first_packets(self._container, sounds)

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def succeeds(self, index: int, way: str, add_track: Callable) -> bool:
        """Whether a file with the beginning of this track can be written, and holds anything of it."""
        first = self._first.get(index, ())
        try:
            with av.open(io.BytesIO(), "w", format=self._format) as target:
                track = add_track(target, self._container.streams[index], way)
                target.start_encoding()
                ready = [packet for raw in first for packet in track.take(raw)]
                ready += track.finish()
                for packet in ready:
                    target.mux(packet)
        except REFUSALS:
            return False
        return bool(ready) or not first


def _first_packets(container: InputContainer, streams: list) -> dict[int, list[av.Packet]]:
    first: dict[int, list] = {stream.index: [] for stream in streams}
    for number, packet in enumerate(packets_of(container, streams) if streams else ()):
        kept = first[packet.stream.index]
        if len(kept) < _ENOUGH:
            kept.append(packet)
        if number == _LOOKED_AT or all(len(kept) == _ENOUGH for kept in first.values()):
            break
    return first

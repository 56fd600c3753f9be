"""Copies of frames in memory that is used again. Imports nothing of ours.

`make_writable` takes new memory from the system for every large frame: 1.5 ms at 1080p, where the copying itself takes
0.5. FFmpeg's filters keep theirs.
"""

from __future__ import annotations

from av.filter import Graph


class FrameCopies:
    """Makes copies of frames of one size and pixel format, with all that belongs to them."""

    def __init__(self, like):
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_buffer(
            width=like.width, height=like.height, format=like.format, time_base=like.time_base
        )
        self._graph.link_nodes(source, self._graph.add("copy"), self._graph.add("buffersink")).configure()

    def of(self, raw):
        """A copy that nothing else refers to."""
        self._graph.push(raw)
        return self._graph.vpull()

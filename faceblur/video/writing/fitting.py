"""Fit decoded frames to what is encoded: one size, one planar pixel format, the first frame's colours."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np

from ...errors import InputError
from ..reading.planes import ENCODABLE, plane_views
from ..reading.raw import RawFrame

FULL_RANGE = 2  # libavutil AVCOL_RANGE_JPEG
_VIDEO_RANGE = 1
_DYNAMIC_HDR = ("DOVI_RPU_BUFFER", "DOVI_METADATA", "DYNAMIC_HDR_PLUS", "DYNAMIC_HDR_VIVID")
_HIGHEST_OF_TEN_BITS = 1023
_BT709, _SRGB = 1, 13  # ITU-T H.273 numbers of matrix, primaries and transfer characteristics


@dataclass(frozen=True)
class ColourTags:
    """range as in libavutil; primaries, transfer and matrix as numbered by ITU-T H.273."""

    range: int
    primaries: int
    transfer: int
    matrix: int


class Fitter:
    """Decides by the first frame, which alone has the true colour tags; `notes` says what it changes."""

    def __init__(self, first: av.VideoFrame, formats: tuple[str, ...] = tuple(ENCODABLE)):
        self.notes: list[str] = []
        self.format = working_format(first.format, formats)
        across, down = ENCODABLE[self.format]
        self.width, self.height = first.width - first.width % across, first.height - first.height % down
        if not self.width or not self.height:
            raise InputError(f"a picture of {first.width}x{first.height} pixels is too small to be encoded")
        self.tags = _tags(first)
        self._first_size = (first.width, first.height)
        self._note_changes(first)

    def fit(self, raw: av.VideoFrame) -> av.VideoFrame:
        """The frame itself where it fits, else a converted copy with its time stamps."""
        if (raw.width, raw.height) != self._first_size:
            self._note(f"the picture's size changes on the way: all of it was scaled to {self.width}x{self.height}")
            return self._within_depth(_stamped(self._converted(raw, self.width, self.height), raw))
        if raw.format.name != self.format:
            raw = _stamped(self._converted(raw, raw.width, raw.height), raw)
        if (self.width, self.height) != self._first_size:
            raw = _stamped(_cropped(raw, self.width, self.height), raw)
        return self._within_depth(raw)

    def _within_depth(self, raw: av.VideoFrame) -> av.VideoFrame:
        if not self.format.endswith("10le") or is_within_ten_bits(raw):
            return raw
        self._note("samples beyond 10 bits were cut to the highest value")
        return cut_to_ten_bits(raw)

    def _converted(self, raw: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        if raw.format.is_rgb or raw.format.has_palette:
            return raw.reformat(width, height, self.format, dst_colorspace="ITU709", dst_color_range="MPEG")
        same = FULL_RANGE if self.tags.range == FULL_RANGE else _VIDEO_RANGE
        return raw.reformat(width, height, self.format, src_color_range=same, dst_color_range=same)

    def _note_changes(self, first: av.VideoFrame) -> None:
        if (self.width, self.height) != self._first_size:
            self._note(
                f"{first.width}x{first.height} was cut to {self.width}x{self.height}: "
                "video with half the colour resolution has even sides"
            )
        if _is_lossy(first.format, self.format):
            self._note(f"pixel format {first.format.name} was converted to {self.format}")
        if any(first.side_data.get(kind) is not None for kind in _DYNAMIC_HDR):
            self._note("HDR data that changes by scene (Dolby Vision, HDR10+) was left out")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def is_within_ten_bits(raw: av.VideoFrame) -> bool:
    """Samples have 16 bits in memory: raw video may use them all, and a damaged stream too. libx264 may
    abort then (seen with the preset ultrafast).
    """
    return all(view.max() <= _HIGHEST_OF_TEN_BITS for view in plane_views(raw))


def cut_to_ten_bits(raw: av.VideoFrame) -> av.VideoFrame:
    """The frame, with its own memory, its samples at most 1023."""
    raw.make_writable()
    for view in plane_views(raw):
        np.minimum(view, _HIGHEST_OF_TEN_BITS, out=view)
    return raw


def working_format(pixel_format: av.VideoFormat, formats: tuple[str, ...] = tuple(ENCODABLE)) -> str:
    """The planar format to blur and encode in: the frame's own where it can be, else the nearest one."""
    if pixel_format.name in formats:
        return pixel_format.name
    depth = max((component.bits for component in pixel_format.components), default=8)
    tail = "10le" if depth > 8 else ""
    if pixel_format.is_rgb or pixel_format.has_palette:
        return "yuv420p" + tail
    across, down = (2, 2) if len(pixel_format.components) < 3 else _subsampling(pixel_format)
    wanted = "yuv444p" if across == 1 else "yuv422p" if down == 1 else "yuv420p"
    return (wanted if wanted in formats else "yuv420p") + tail


def _subsampling(pixel_format: av.VideoFormat) -> tuple[int, int]:
    return 16 // max(1, pixel_format.chroma_width(16)), 16 // max(1, pixel_format.chroma_height(16))


def _is_lossy(source: av.VideoFormat, wanted: str) -> bool:
    """Whether the conversion changes numbers, and not only their order in memory."""
    if source.name == wanted or source.name.replace("yuvj", "yuv") == wanted:
        return False
    target = av.VideoFormat(wanted)
    same_depth = {c.bits for c in source.components} == {c.bits for c in target.components}
    if len(source.components) == 1:
        return not same_depth or source.has_palette
    same_planes = len(source.components) == len(target.components)
    same_grid = _subsampling(source) == _subsampling(target)
    return not (same_depth and same_planes and same_grid) or source.is_rgb


def _tags(first: RawFrame) -> ColourTags:
    if first.format.is_rgb or first.format.has_palette:
        return ColourTags(_VIDEO_RANGE, _BT709, _SRGB, _BT709)
    is_full = first.format.name.startswith("yuvj") or first.color_range == FULL_RANGE
    return ColourTags(
        FULL_RANGE if is_full else first.color_range, first.color_primaries, first.color_trc, first.colorspace
    )


def _cropped(frame: RawFrame, width: int, height: int) -> RawFrame:
    cropped = av.VideoFrame(width, height, frame.format.name)
    for target, source in zip(plane_views(cropped), plane_views(frame), strict=True):
        target[...] = source[: target.shape[0], : target.shape[1]]
    cropped.color_range, cropped.colorspace = frame.color_range, frame.colorspace
    return cropped


def _stamped(frame: RawFrame, source: RawFrame) -> RawFrame:
    frame.pts, frame.time_base, frame.duration = source.pts, source.time_base, source.duration
    return frame

"""What has to be known of an H.264 bit stream (ITU-T H.264): its units, parameter sets and clean starting
points.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8  # nal_unit_type, table 7-1
_HIGH_PROFILES = {100, 110, 122, 144, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}  # 7.3.2.1.1
_RECOVERY_POINT = 6  # SEI payload type, D.1.8


class Bits:
    """Reads the bits of a unit's payload: fixed width and Exp-Golomb numbers (9.1)."""

    def __init__(self, payload: bytes):
        self._data = payload.replace(b"\0\0\3", b"\0\0")  # emulation prevention, 7.4.1
        self._at = 0

    def number(self, width: int) -> int:
        """The next bits as a whole number."""
        value = 0
        for _ in range(width):
            value = value << 1 | (self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1)
            self._at += 1
        return value

    def golomb(self) -> int:
        """The next Exp-Golomb number, 0 or more."""
        zeros = 0
        while not self.number(1):
            zeros += 1
        return (1 << zeros) - 1 + (self.number(zeros) if zeros else 0)

    def signed_golomb(self) -> int:
        """The next signed Exp-Golomb number."""
        code = self.golomb()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def kind(unit: bytes) -> int:
    """The type of a NAL unit (ITU-T H.264, table 7-1)."""
    return unit[0] & 31


def split_annexb(data: bytes) -> list[bytes]:
    """The units between start codes (annex B)."""
    starts, at = [], 0
    while (at := data.find(b"\0\0\1", at)) >= 0:
        starts.append(at + 3)
        at += 3
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    units = [data[start:end] for start, end in zip(starts, ends, strict=True)]
    return [unit.rstrip(b"\0") if unit is not units[-1] else unit for unit in units if unit]


def split_lengths(data: bytes, length_size: int) -> list[bytes]:
    """The units of a packet in MP4 or Matroska, each with its length before it. ValueError when they do not
    fit.
    """
    units, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        if not size or at + size > len(data):
            raise ValueError("a unit's length reaches past its packet")
        units.append(data[at : at + size])
        at += size
    return units


def with_lengths(units: Iterable[bytes], length_size: int) -> bytes:
    """NAL units as MP4 stores them: the length before each, in so many bytes."""
    return b"".join(len(unit).to_bytes(length_size, "big") + unit for unit in units)


@dataclass(frozen=True)
class AvcConfig:
    """AVCDecoderConfigurationRecord, ISO/IEC 14496-15 5.3.3: the parameter sets that an MP4 file keeps."""

    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    tail: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> AvcConfig:
        """ValueError when it is no such record."""
        if len(data) < 7 or data[0] != 1:
            raise ValueError("no avcC record")
        sps, at = _sets(data, 6, data[5] & 31)
        pps, end = _sets(data, at + 1, data[at])
        return cls((data[4] & 3) + 1, sps, pps, data[end:])

    def to_bytes(self) -> bytes:
        """The record again, level and profile the highest of its sets."""
        profile, level = max(s[1] for s in self.sps), max(s[3] for s in self.sps)
        compatible = 0xFF
        for one in self.sps:
            compatible &= one[2]
        head = bytes([1, profile, compatible, level, 0xFC | (self.length_size - 1), 0xE0 | len(self.sps)])
        sps = b"".join(len(s).to_bytes(2, "big") + s for s in self.sps)
        pps = b"".join(len(p).to_bytes(2, "big") + p for p in self.pps)
        return head + sps + bytes([len(self.pps)]) + pps + self.tail


def _sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    if at > len(data) or not all(found):
        raise ValueError("the avcC record is cut off")
    return tuple(found), at


@dataclass(frozen=True)
class Sps:
    """What a sequence parameter set (7.3.2.1.1) says of how its pictures are stored."""

    id: int
    profile: int
    level: int
    chroma_format: int = 1
    bit_depth: int = 8
    macroblocks: tuple[int, int] = (0, 0)
    frames_only: bool = True

    @classmethod
    def parse(cls, unit: bytes) -> Sps:
        """Of the NAL unit with its header. Raises IndexError when it is cut off."""
        bits = Bits(unit[4:])
        profile, level, number = unit[1], unit[3], bits.golomb()
        chroma, depth = 1, 8
        if profile in _HIGH_PROFILES:
            chroma = bits.golomb()
            if chroma == 3:
                bits.number(1)
            depth = 8 + bits.golomb()
            bits.golomb()
            bits.number(1)
            if bits.number(1):
                _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
        bits.golomb()  # log2_max_frame_num_minus4
        order = bits.golomb()
        if order == 0:
            bits.golomb()
        elif order == 1:
            bits.number(1)
            bits.signed_golomb()
            bits.signed_golomb()
            for _ in range(bits.golomb()):
                bits.signed_golomb()
        bits.golomb()  # max_num_ref_frames
        bits.number(1)
        size = (bits.golomb() + 1, bits.golomb() + 1)
        return cls(number, profile, level, chroma, depth, size, bool(bits.number(1)))


def _skip_scaling_lists(bits: Bits, count: int) -> None:
    """7.3.2.1.1.1"""
    for index in range(count):
        if not bits.number(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.signed_golomb()) % 256
            last = following or last


def pps_ids(unit: bytes) -> tuple[int, int]:
    """(its own number, that of the sequence parameter set it belongs to)"""
    bits = Bits(unit[1:])
    return bits.golomb(), bits.golomb()


def is_clean_start(units: Iterable[bytes]) -> bool:
    """Whether decoding may start here and shows every picture from here on as it should be.

    True for an IDR picture, and for another keyframe whose recovery point is the picture itself; false for
    the first of several pictures that refresh the screen bit by bit.
    """
    units = list(units)
    if any(kind(unit) == IDR for unit in units):
        return True
    return any(_recovery_frames(unit) == 0 for unit in units if kind(unit) == SEI)


def _recovery_frames(unit: bytes) -> int | None:
    """recovery_frame_cnt of an SEI unit (7.3.2.3, D.1.8), None when it has no recovery point."""
    payload, at = unit[1:].replace(b"\0\0\3", b"\0\0"), 0
    while at + 2 <= len(payload) and payload[at:] != b"\x80":
        values = []
        for _ in range(2):  # payload type and size
            value = 0
            while at < len(payload) and payload[at] == 0xFF:
                value, at = value + 255, at + 1
            if at >= len(payload):
                return None
            values.append(value + payload[at])
            at += 1
        if values[0] == _RECOVERY_POINT:
            return Bits(payload[at : at + values[1]]).golomb()
        at += values[1]
    return None

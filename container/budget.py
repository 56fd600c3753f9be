"""How long a segment may be so that the function that works on it ends in time: pure, no AWS.

The rates are what analysing and rendering took of one processor: 31 ms a frame of 720p, 45 to 59 of 1080p, 257 of
4K.
"""

from __future__ import annotations

from faceblur.errors import InputError
from faceblur.video import VideoInfo

CPU_MS_A_FRAME, CPU_MS_A_MEGAPIXEL = 4.0, 30.0
MEMORY_OF_A_CPU_MB = 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
SHARED = 0.7  # what a processor adds to the first one
WORK_S = 120.0  # of one function for one segment: a repetition costs little, and Lambda's 900 s are far away
LIMIT_S = 700.0  # more is not begun: what was estimated may take a quarter longer
SHORTEST_S = 30.0  # of video: a segment is searched with 1.5 s more at both ends
AT_ONCE = 8  # functions that work at the same time on one video


def work_seconds(info: VideoInfo, length_ms: float, memory_mb: int) -> float:
    """About how long a function of this memory works on so much of a video."""
    frames = length_ms / 1000 * info.frame_rate
    megapixels = info.width * info.height / 1e6
    processors = memory_mb / MEMORY_OF_A_CPU_MB
    speed = processors if processors <= 1 else 1 + SHARED * (processors - 1)
    return frames * (CPU_MS_A_FRAME + CPU_MS_A_MEGAPIXEL * megapixels) / 1000 / speed


def segment_seconds(info: VideoInfo, memory_mb: int) -> float:
    """Of video in a segment: as many segments as work at once, none of them longer than WORK_S allows."""
    length_s = max(info.duration_ms / 1000, 1.0)
    longest_s = length_s * WORK_S / max(work_seconds(info, info.duration_ms, memory_mb), 1e-3)
    return min(max(length_s / AT_ONCE, SHORTEST_S), longest_s)


def check_lengths(name: str, info: VideoInfo, lengths_ms: list[float], memory_mb: int) -> list[str]:
    """Notes on how the video was divided. Raises InputError when a segment could not end in time."""
    seconds = work_seconds(info, max(lengths_ms), memory_mb)
    if seconds > LIMIT_S:
        raise InputError(
            f"{name}: {max(lengths_ms) / 1000:.0f} s of it can only be worked on in one piece, because no keyframe "
            f"divides them; that takes a function about {seconds:.0f} s, and Lambda ends it after 900. "
            "Encode it anew with a keyframe every few seconds, or use faceblur blur on a machine of your own"
        )
    if len(lengths_ms) == 1 and lengths_ms[0] / 1000 > 2 * segment_seconds(info, memory_mb):
        return ["the video was worked on in one piece: it has no keyframe at which it could be divided"]
    return []

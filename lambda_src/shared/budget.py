"""How long a segment may be so that the functions that work on it end in time: pure, no AWS.

The start function asks before anything is paid, as far as the header tells, and plan_segments when it has divided the
video: a copy of this file is in the image. Standard library only.

The rates were measured with both detectors on real clips of 270p to 4K, crowds among them, as time of one processor.
Blurring holds one rendering: the second look may ask for two more. A video is whatever has `width` and `height` in
pixels, `frame_rate` and `duration_ms`.
"""

from __future__ import annotations

from dataclasses import dataclass

MEMORY_OF_A_CPU_MB = 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
PROVING_MEMORY_MB = 3538  # notebook 05 gives prove_segment no more
SHARED = 0.7  # what a processor adds to the first one
WORK_S = 120.0  # of one function for one segment: a repetition costs little, and Lambda's 900 s are far away
# More is not begun: a crowd that is rendered three times takes three times as long, and proving it half as long again.
BLURRING_LIMIT_S, PROVING_LIMIT_S = 300.0, 600.0
SHORTEST_S = 30.0  # of video: a segment is searched with 1.5 s more at both ends
AT_ONCE = 8  # functions that work at the same time on one video


class TooLongError(Exception):
    """A part of the video would keep a function at work beyond its time."""


@dataclass(frozen=True)
class Rate:
    """Milliseconds of a processor: for a second of video, which no second processor makes less, for a frame and for a
    million of its pixels.
    """

    second: float
    frame: float
    megapixel: float

    def seconds(self, video, length_ms: float, memory_mb: float) -> float:
        """About how long a function of this memory works on so much of a video."""
        processors = memory_mb / MEMORY_OF_A_CPU_MB
        alone, together = (processors, processors) if processors <= 1 else (1, 1 + SHARED * (processors - 1))
        frame = self.frame + self.megapixel * video.width * video.height / 1e6
        return length_ms / 1e6 * (self.second / alone + video.frame_rate * frame / together)


BLURRING, PROVING = Rate(400.0, 3.0, 36.0), Rate(200.0, 28.0, 12.0)


def blurring_seconds(video, length_ms: float, memory_mb: int) -> float:
    """About how long blur_segment works on so much of a video."""
    return BLURRING.seconds(video, length_ms, memory_mb)


def proving_seconds(video, length_ms: float, memory_mb: int) -> float:
    """The same of prove_segment. memory_mb: of blur_segment."""
    return PROVING.seconds(video, length_ms, min(PROVING_MEMORY_MB, memory_mb))


def work_seconds(video, length_ms: float, memory_mb: int) -> float:
    """Of the slower of the two."""
    return max(step(video, length_ms, memory_mb) for step in (blurring_seconds, proving_seconds))


def segment_seconds(video, memory_mb: int) -> float:
    """Of video in a segment: as many segments as work at once, none of them longer than WORK_S allows."""
    length_s = max(video.duration_ms / 1000, 1.0)
    longest_s = length_s * WORK_S / max(work_seconds(video, video.duration_ms, memory_mb), 1e-3)
    return min(max(length_s / AT_ONCE, SHORTEST_S), longest_s)


def check_piece(video, length_ms: float, memory_mb: int) -> None:
    """Raises TooLongError when a segment of this length could not be done in time."""
    work_s = blurring_seconds(video, length_ms, memory_mb), proving_seconds(video, length_ms, memory_mb)
    if work_s[0] > BLURRING_LIMIT_S or work_s[1] > PROVING_LIMIT_S:
        raise TooLongError(
            f"{length_ms / 1000:.0f} s of it can only be worked on in one piece, because no keyframe divides them; "
            f"that takes a function {max(work_s):.0f} s or a few times as long, and Lambda ends it after 900. Encode "
            "it anew with a keyframe every few seconds, or use faceblur blur on your own machine"
        )


def check_lengths(video, lengths_ms: list[float], memory_mb: int) -> list[str]:
    """Notes on how the video was divided. Raises TooLongError."""
    longest_ms = max(lengths_ms)
    check_piece(video, longest_ms, memory_mb)
    if len(lengths_ms) == 1 and longest_ms / 1000 > 2 * segment_seconds(video, memory_mb):
        return ["the video was worked on in one piece: it has no keyframe at which it could be divided"]
    return []

"""What can be done with a video, decided before anything is paid: pure, no AWS.

Rekognition Video takes H.264 in MP4 and MOV, up to 10 GB and 6 hours:
https://docs.aws.amazon.com/rekognition/latest/dg/limits.html
"""

from budget import check_piece
from header import Video

MOST_BYTES = 10 * 1000**3
LONGEST_MS = 6 * 3600 * 1000
CONTAINERS, CODEC = ("mp4", "mov"), "h264"
NAMES = {"matroska": "Matroska", "webm": "WebM", "mp4": "MP4", "mov": "MOV"}


class RefusedError(Exception):
    """Why this upload cannot be worked on, in words."""


def check(video: Video, memory_mb: int) -> None:
    """Raises RefusedError for what is too much for every way of finding faces, TooLongError for a part that is too much
    for the function that blurs, which has this memory. What the header does not tell plan_segments finds out.
    """
    if video.bytes > MOST_BYTES:
        size = f"{video.bytes / 1e9:.1f} GB"
        raise RefusedError(f"it has {size}, and {MOST_BYTES / 1e9:.0f} GB is the most: upload it in parts")
    if video.duration_ms and video.duration_ms > LONGEST_MS:
        hours = f"{video.duration_ms / 3_600_000:.1f} hours"
        raise RefusedError(f"it lasts {hours}, and {LONGEST_MS / 3_600_000:.0f} hours is the most: upload it in parts")
    if video.longest_group_ms and video.frame_rate:
        check_piece(video, video.longest_group_ms, memory_mb)


def finder(video: Video) -> tuple[str, list[str]]:
    """("rekognition" or "image", notes for the report)."""
    if video.container in CONTAINERS and video.codec == CODEC:
        return "rekognition", []
    if video.container is None:
        what = "the container of this video"
    elif video.container in CONTAINERS:
        what = f"{video.codec} in {NAMES[video.container]}"
    else:
        what = NAMES[video.container]
    note = f"Amazon Rekognition does not read {what} (only H.264 in MP4 and MOV): the container found the faces"
    return "image", [note]

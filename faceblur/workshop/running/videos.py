"""The video that the workshop sends through the pipeline: the user's, or the sample, made once."""

from __future__ import annotations

from pathlib import Path

from ...errors import FaceblurError, InputError, WorkshopError
from ..places import project_root


def chosen_video(path: str = "") -> Path:
    """The file at `path`; without one the sample in build/. Raises InputError when there is no such file."""
    if not path:
        return sample_video(project_root() / "build")
    chosen = Path(path).expanduser().resolve()
    if not chosen.is_file():
        raise InputError(f"{path}: no such file")
    return chosen


def check_length(video: Path, most_minutes: float, target: str) -> None:
    """Refuse what would cost more than you meant, before anything is uploaded. most_minutes 0: no limit.

    The embedded AWS costs nothing, and takes all. Raises WorkshopError, also for a video whose length nobody knows.
    """
    from ...video import probe

    if target != "aws" or not most_minutes:
        return
    try:
        minutes = probe(video).duration_ms / 60_000
    except FaceblurError as problem:
        raise WorkshopError(
            f"{video.name}: its length is not known ({problem}), so neither is what it costs; MAX_VIDEO_MINUTES = 0 "
            "uploads it all the same"
        ) from problem
    if minutes > most_minutes:
        raise WorkshopError(
            f"{video.name} is {minutes:.1f} minutes long and MAX_VIDEO_MINUTES is {most_minutes:g}: nothing was "
            "uploaded and nothing paid. Take a shorter video or raise the limit; chapter 7 says what a minute costs"
        )


def sample_video(folder: Path) -> Path:
    """folder/sample.mp4 with its true boxes in sample.faces.json; made anew when its recipe has changed."""
    from ... import sample

    video = folder / "sample.mp4"
    recipe = max(file.stat().st_mtime for file in Path(sample.__file__).parent.glob("*.py"))
    if not video.is_file() or video.stat().st_mtime < recipe:
        print("making the sample video (once, some seconds) ...", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        sample.make_sample(video, folder / "sample.faces.json")
    return video

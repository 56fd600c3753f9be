"""The video that the workshop sends through the pipeline: the user's, or the sample, made once."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .session import project_root


def chosen_video(path: str = "") -> Path:
    """The file at `path`; without one the sample in build/. Raises InputError when there is no such file."""
    if not path:
        return sample_video(project_root() / "build")
    chosen = Path(path).expanduser().resolve()
    if not chosen.is_file():
        raise InputError(f"{path}: no such file")
    return chosen


def sample_video(folder: Path) -> Path:
    """folder/sample.mp4 with its true boxes in sample.faces.json, made unless it is there."""
    video = folder / "sample.mp4"
    if not video.is_file():
        from ..sample import write_sample

        print("making the sample video (some seconds, once) ...", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_sample(video, folder / "sample.faces.json")
    return video

"""The video that the workshop sends through the pipeline: the user's, or the sample, made once."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ..session import project_root


def chosen_video(path: str = "") -> Path:
    """The file at `path`; without one the sample in build/. Raises InputError when there is no such file."""
    if not path:
        return sample_video(project_root() / "build")
    chosen = Path(path).expanduser().resolve()
    if not chosen.is_file():
        raise InputError(f"{path}: no such file")
    return chosen


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

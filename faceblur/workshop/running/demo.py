"""The `demo` command: all ten notebooks on the embedded AWS, and a folder with the result to look at.

The result folder changes only when the whole demo has succeeded.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path

from ...errors import OutputError
from ..chapters import CHAPTERS
from . import runner
from .cells import CellFailure
from .page import ChapterLine, write_page
from .videos import chosen_video

MARK = ".faceblur-demo"
"""An empty file in every result folder: a folder without it that holds something is somebody else's."""


def demo(out: Path, video: Path | None = None) -> int:
    """Run everything and fill `out`; 0, or 1 when a notebook failed. Raises InputError and OutputError."""
    began = time.monotonic()
    out = out.resolve()
    _check_ours(out)
    source = chosen_video(str(video) if video else "")
    work = _folder_beside(out)
    try:
        done = _run_notebooks(source, work)
        if not done.passed:
            return _failed(done, work, out)
        print("putting the result together ...", flush=True)
        _finish(work, source, done, time.monotonic() - began)
        _publish(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(
        f"\ndone in {time.monotonic() - began:.0f} s. Open {out / 'index.html'} in a browser;\n"
        f"the blurred video is {out / 'blurred.mp4'}"
    )
    return 0


def _run_notebooks(source: Path, work: Path) -> runner.Run:
    parameters = {"TARGET": "local", "VIDEO": str(source), "OUT": str(work)}
    with runner.embedded_aws(), runner.environment({"FACEBLUR_STATE": str(work / "state.json")}):
        return runner.run(tuple(CHAPTERS.values()), parameters, work / "notebooks")


def _finish(work: Path, source: Path, done: runner.Run, seconds: float) -> None:
    """What the notebooks left, made presentable: static HTML of them and the page."""
    from .static import to_html

    lines = []
    for one in done.notebooks:
        html = to_html(one.copy)
        chapter = one.chapter
        lines.append(ChapterLine(chapter.number, chapter.title, one.seconds, html.name, one.copy.name))
    report = json.loads((work / "report.json").read_text(encoding="utf-8"))
    execution = json.loads((work / "execution.json").read_text(encoding="utf-8"))
    write_page(work, f"original{source.suffix}", report, execution, lines, seconds)
    (work / "state.json").unlink(missing_ok=True)


def _failed(done: runner.Run, work: Path, out: Path) -> int:
    """Keep the executed notebooks beside the result folder, which stays as it was; say why."""
    kept = out.with_name(f"{out.name}-failed")
    _check_ours(kept)
    _publish(work, kept)
    first = done.failures[0]
    assert first.failure
    print(
        f"\nthe demo failed in {first.chapter.file}: {_message(first.failure)}\n"
        f"the executed notebooks are in {kept / 'notebooks'}"
    )
    return 1


def _message(failure: CellFailure) -> str:
    """The first line of the error, without the name of an error that is there to be read."""
    return failure.error.splitlines()[0].removeprefix("WorkshopError: ")


def _check_ours(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise OutputError(f"{folder} holds something else than an earlier demo's result; choose another --out")


def _folder_beside(out: Path) -> Path:
    """A folder on the same disk, so that the result can be moved into place."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as problem:
        raise OutputError(f"{out.parent}: cannot be written ({problem.strerror})") from problem
    work.chmod(0o755)
    (work / MARK).touch()
    return work


def _publish(work: Path, out: Path) -> None:
    """Put `work` in the place of `out`, whose earlier result goes only when the new one stands."""
    for page in (*work.glob("notebooks/*.ipynb"), *work.glob("notebooks/*.html")):  # they name files where they were
        page.write_bytes(page.read_bytes().replace(bytes(work), bytes(out)))
    old = out.with_name(f".{out.name}-old-{work.name[-8:]}")
    if out.exists():
        out.rename(old)
    work.rename(out)
    shutil.rmtree(old, ignore_errors=True)

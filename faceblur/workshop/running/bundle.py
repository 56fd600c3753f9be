"""The `bundle` command: sources and wheels in one ZIP, for rooms without a network.

The wheels are for machines like this one: its system, processor and Python. `kit.py` takes them when a folder `wheels`
lies beside it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import WorkshopError
from ..building.image import pip_options
from ..places import project_root, short

_FIRST_OF_ZIP = 315_619_200  # 1980-01-02: a ZIP knows no earlier times
Run = Callable[[Sequence[str], Path], None]


def bundle(out: Path, run: Run | None = None) -> Path:
    """Write out/faceblur-VERSION.zip and return its path. run: runs a command in a folder; raises WorkshopError."""
    run = run or _run
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as work:
        folder = _sources(Path(work), run)
        for step in downloads(folder):
            print(f"pip download {' '.join(step[:4])} ...", flush=True)
            command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
            run([*command, "--dest", "wheels", *step], folder)
        packed = shutil.make_archive(str(out / folder.name), "zip", work, folder.name)
    size = Path(packed).stat().st_size
    print(
        f"{short(Path(packed))}: {size / 1e6:.0f} MB, for Python {sys.version_info[0]}.{sys.version_info[1]} on "
        "machines like this one. Unpack it there; python3 kit.py lab needs no network then"
    )
    return Path(packed)


def downloads(folder: Path) -> list[list[str]]:
    """What pip is to download, as options: what `kit.py` installs, and what the image of chapter 4 is made of."""
    lock, image = "requirements.lock", "container/requirements.txt"
    alone = ["--no-deps", "-r", "container/no-deps.txt"]
    options = pip_options()
    missing = [name for name in (lock, image, alone[-1]) if not (folder / name).is_file()]
    if missing:
        raise WorkshopError(f"{', '.join(missing)} is not in {folder}: run this in a checkout")
    return [["-r", lock], alone, ["-r", image, "-c", lock, *options], [*alone, *options]]


def _sources(work: Path, run: Run) -> Path:
    """All that a checkout has, without what was built in it, in a folder of `work`."""
    code = f"from flit_core import buildapi; buildapi.build_sdist({str(work)!r})"
    run([sys.executable, "-c", code], project_root())
    (packed,) = work.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        members = archive.getmembers()
        for member in members:
            member.mtime = max(member.mtime, _FIRST_OF_ZIP)
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2 has none
        archive.extractall(work, members)
    packed.unlink()
    (folder,) = work.iterdir()
    return folder


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise WorkshopError(f"the bundle could not be made: {words[-1] if words else done.returncode}")

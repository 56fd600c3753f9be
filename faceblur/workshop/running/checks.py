"""Is this machine ready for the workshop? Looks only; imports session and boto3's neighbours by version."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata

from ...errors import WorkshopError
from ..places import project_root

PACKAGES = ("boto3", "av", "opencv-python-headless", "jupyterlab", "ipywidgets", "matplotlib", "papermill")
LOCAL_PACKAGES = ("ministack", "psutil")
OLDEST_PYTHON = (3, 11)
DISK_GB = 2.0  # the image's layer, its copy in the registry and unpacked, and the videos


@dataclass(frozen=True)
class Check:
    """One line of the list: what was looked at, what was found, and what to do when it is not good."""

    name: str
    found: str
    is_good: bool = True
    advice: str = ""

    def __str__(self) -> str:
        line = f"{'ok ' if self.is_good else 'NO '} {self.name:24} {self.found}"
        return line if self.is_good else f"{line}\n    {self.advice}"


def check_setup(target: str) -> list[Check]:
    """Everything that can be known before anything is created."""
    packages = PACKAGES + (LOCAL_PACKAGES if target == "local" else ())
    return [_python(), *map(_package, packages), _disk(), _docker(target)]


def show(checks: list[Check]) -> None:
    """Print the list. Raises WorkshopError when something is missing."""
    print("\n".join(map(str, checks)))
    wrong = [check.name for check in checks if not check.is_good]
    if wrong:
        raise WorkshopError(f"not ready: {', '.join(wrong)}; the lines marked NO say what to do")


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} ({platform.machine()})"
    advice = "make the environment again with Python 3.11 or newer: python3.12 kit.py lab"
    return Check("Python", found, sys.version_info >= OLDEST_PYTHON, advice)


def _package(name: str) -> Check:
    try:
        return Check(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, "missing", False, "start with python3 kit.py lab: it installs what is needed")


def _disk() -> Check:
    free_gb = shutil.disk_usage(project_root()).free / 1e9
    advice = f"free some space: the workshop needs about {DISK_GB:.0f} GB for a while"
    return Check("free disk space", f"{free_gb:.1f} GB", free_gb >= DISK_GB, advice)


def _docker(target: str) -> Check:
    """Docker is never needed: pip builds the image where there is none."""
    found = "there" if shutil.which("docker") else "not there, and not needed: pip builds the image"
    return Check("docker command", found)

"""What AWS puts beside a function's own code, boto3 and the runtime client, as folders of links.

On AWS the managed Python runtime carries boto3; a container image carries what it was built with. So two folders are
made from the installed distributions and everything they require, and nothing else of this environment is visible:
`managed` (boto3, runtime client) for ZIP functions, `client` (runtime client) for images without one of their own.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

FALLBACK_CLIENT = Path(__file__).with_name("runtime_client.py")


@dataclass(frozen=True)
class ManagedRuntime:
    """Folders for PYTHONPATH, and the module that talks to the Runtime API."""

    managed: Path
    client: Path
    module: str

    @classmethod
    def build(cls, folder: Path) -> ManagedRuntime:
        """Make both folders in `folder` (a moment: they hold links)."""
        official = find_spec("awslambdaric") is not None and find_spec("runtime_client") is not None
        client_names = closure("awslambdaric") if official else set()
        managed, client = folder / "managed", folder / "client"
        link(client_names, client)
        link(client_names | closure("boto3"), managed)
        if not official:
            for place in (managed, client):
                shutil.copy(FALLBACK_CLIENT, place / "localaws_runtime.py")
        return cls(managed, client, "awslambdaric" if official else "localaws_runtime")


def closure(name: str) -> set[str]:
    """The distribution and everything it requires here (extras left out), as normalised names."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if current in found:
            continue
        try:
            requirements = metadata.requires(current) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(current)
        named = (re.match(r"[\w.-]+", line) for line in requirements if "extra ==" not in line)
        waiting += [name[0] for name in named if name]
    return found


def link(distributions: set[str], folder: Path) -> None:
    """Link the top-level packages and modules of these distributions into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in distributions:
        for file in metadata.files(name) or []:
            top = file.parts[0]
            if top in ("..", "__pycache__") or top.startswith(("/", "_virtualenv")) or top.endswith(".pth"):
                continue
            target = Path(str(file.locate())).parents[len(file.parts) - 1] / top
            if not (folder / top).exists() and target.exists():
                (folder / top).symlink_to(target.resolve(), target_is_directory=target.is_dir())

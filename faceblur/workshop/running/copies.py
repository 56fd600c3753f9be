"""The notebooks that a participant works on: copies in build/lab, so that those of the sources stay as they are."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from ...files import write_text
from ..chapters import CHAPTERS
from ..places import project_root, short
from .links import INDEX

PICTURES, DOCS = "../docs/images/", "../docs/"


def working_copies(name: str, reset: bool = False) -> Path:
    """The folder build/lab/NAME with a copy of each chapter; one that is there stays, unless `reset` takes all anew."""
    folder = project_root() / "build" / "lab" / name
    if reset and folder.exists():
        aside = folder.with_name(f"{name}.{time.strftime('%Y%m%d-%H%M%S')}")
        folder.rename(aside)
        print(f"The notebooks are taken anew; yours are in {short(aside)}.")
    folder.mkdir(parents=True, exist_ok=True)
    _copy_pictures(folder)
    older = [chapter.file for chapter in CHAPTERS.values() if not _copy(chapter.file, folder)]
    if older:
        print(f"Newer than your copy: {', '.join(older)}. kit.py lab --reset takes them anew.")
    return folder


def _copy(file: str, folder: Path) -> bool:
    """Copy a notebook that is not there yet. False: yours was copied from an older one."""
    source, copy, original = project_root() / "notebooks" / file, folder / file, folder / ".original" / file
    if copy.exists() and original.exists():
        return original.read_bytes() == source.read_bytes()
    original.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, original)
    if not copy.exists():
        shutil.copyfile(source, copy)
    return True


def _copy_pictures(folder: Path) -> None:
    """Diagrams, and the index with the pictures of the documentation: all that the chapters link to."""
    root = project_root()
    shutil.copytree(root / "notebooks" / "images", folder / "images", dirs_exist_ok=True)
    index = (root / "notebooks" / INDEX).read_text(encoding="utf-8")
    for picture in (root / "docs" / "images").glob("*.jpg"):
        shutil.copyfile(picture, folder / "images" / picture.name)
    write_text(folder / INDEX, index.replace(PICTURES, "images/").replace(DOCS, "../../../docs/"))

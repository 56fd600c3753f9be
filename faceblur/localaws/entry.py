"""What a container image begins with: ENTRYPOINT, CMD and WORKDIR, and what ImageConfig puts in their place.

A program that the image brings runs in the image's own system, where functions are confined. Images without a
system (the workshop's, made with pip), and where nothing is confined AWS's base image, too, run with this machine's
Python, if it is Python that they begin with.
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from .function import Entry, UnpackedImage
from .images import PYTHON, ImageError
from .sandbox import SYSTEM_PATH
from .view import TASK

# AWS's base images: starts the runtime client with the handler in CMD.
OF_AWS = ("/lambda-entrypoint.sh",)
CLIENT = ("-m", "awslambdaric")
IS_PYTHON = re.compile(r"python(3(\.\d+)?)?")


class EntryError(ImageError):
    """The image begins with what cannot be run here."""

    name = "Runtime.InvalidEntrypoint"


class FolderError(ImageError):
    """The image has no such folder to work in."""

    name = "Runtime.InvalidWorkingDir"


def entry_of(image: UnpackedImage, overrides: dict, confined: bool) -> tuple[Entry, str]:
    """(how the image's process begins, what it is to handle). overrides: ImageConfig. Raises ImageError."""
    entrypoint = tuple(overrides.get("EntryPoint") or image.entrypoint)
    command = tuple(overrides.get("Command") or image.command)
    folder = overrides.get("WorkingDirectory") or image.folder or TASK
    on_disk = place(image, folder)
    if folder not in ("/", "/tmp") and (on_disk is None or not on_disk.is_dir()):
        raise FolderError(f"the image has no folder {folder} to work in")
    handler = command[0] if command else ""
    words = (*entrypoint, *command)
    program = find_program(image, words[0]) if words else None
    if program and confined:
        return Entry((program, *words[1:]), True, folder, on_disk or image.root), handler
    if not entrypoint or entrypoint == OF_AWS:
        words = (*CLIENT, *command[:1])
    elif IS_PYTHON.fullmatch(Path(entrypoint[0]).name):
        words = (*entrypoint[1:], *command)
    else:
        why = "this system gives no namespace to run it in" if program else "the image has no such program"
        raise EntryError(f"ENTRYPOINT {entrypoint[0]} cannot be run: {why}")
    check_python(image)
    return Entry(words, False, folder, on_disk or image.root), handler


def check_python(image: UnpackedImage) -> None:
    if image.pythons and PYTHON not in image.pythons:
        made_for = " and ".join(sorted(image.pythons))
        raise ImageError(
            f"the image's packages were built for Python {made_for}; the embedded AWS runs it with the "
            f"Python of this machine: build it for {PYTHON}"
        )


def find_program(image: UnpackedImage, name: str) -> str | None:
    """Where a program lies in the image, if what it needs to begin is there, too."""
    path = image.environment.get("PATH") or SYSTEM_PATH
    names = [name] if "/" in name else [f"{folder}/{name}" for folder in path.split(":") if folder]
    for candidate in names:
        file = place(image, candidate)
        if file and file.is_file() and os.access(file, os.X_OK):
            with file.open("rb") as content:
                first = content.readline(200)
            interpreter = first[2:].split()[:1] if first.startswith(b"#!") else []
            if all(find_program(image, os.fsdecode(one)) for one in interpreter):
                return candidate
    return None


def place(image: UnpackedImage, name: str) -> Path | None:
    """Where a name of the image lies on this machine; None for what a link leads outside to."""
    root = image.root.resolve()
    real = Path(os.path.realpath(root / name.lstrip("/")))
    return real if real.is_relative_to(root) else None

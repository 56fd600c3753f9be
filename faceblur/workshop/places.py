"""Where the workshop is: its checkout, its target and prefix, its state files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from ..errors import WorkshopError

TARGETS = ("local", "aws")
TARGET, PREFIX, STATE = "FACEBLUR_TARGET", "FACEBLUR_PREFIX", "FACEBLUR_STATE"  # in the environment
USUAL = "faceblur"
_ENGINE = r"-[0-9a-f]{8}"


def project_root() -> Path:
    """The checkout that holds lambda_src/, container/ and notebooks/. Raises WorkshopError where there is none."""
    candidates = (Path(__file__).resolve().parents[2], Path.cwd(), *Path.cwd().parents)
    for folder in candidates:
        if (folder / "lambda_src").is_dir() and (folder / "container").is_dir():
            return folder
    raise WorkshopError(
        "the workshop's notebooks/, lambda_src/ and container/ are not here, for the wheel does not hold them: "
        "start it in a checkout or an unpacked sdist of faceblur, with python3 kit.py demo"
    )


def chosen(target: str = "", prefix: str = "") -> tuple[str, str]:
    """(target, prefix): what a notebook says, else what the environment says, else "local" and "faceblur"."""
    return target or os.environ.get(TARGET) or "local", prefix or os.environ.get(PREFIX) or USUAL


def bring_back(prefix: str) -> str:
    """How the chapters of this prefix are run again, for people."""
    named = "" if prefix == USUAL else f" --prefix {prefix}"
    return f"stop JupyterLab and bring them back with: python3 kit.py lab --until 7{named}"


def state_path(target: str, prefix: str, engine: str = "") -> Path:
    """$FACEBLUR_STATE, or build/state-TARGET-PREFIX.json in the checkout; each embedded AWS has one of its own."""
    if own := os.environ.get(STATE):
        return Path(own)
    return project_root() / "build" / (f"state-{target}-{prefix}" + (f"-{engine}" if engine else "") + ".json")


def engine_id(access_key: str) -> str:
    """Which embedded AWS this is: each makes a key of its own when it starts."""
    return sha256(access_key.encode()).hexdigest()[:8]


def earlier_states(path: Path) -> list[Path]:
    """The state files of other embedded AWSs beside this one, for the same prefix."""
    stem = path.stem if os.environ.get(STATE) else re.sub(f"{_ENGINE}$", "", path.stem)
    wanted = re.compile(re.escape(stem) + _ENGINE + re.escape(path.suffix))
    return [other for other in sorted(path.parent.glob("*")) if wanted.fullmatch(other.name) and other != path]


def all_states() -> list[Path]:
    """Every state file in build/, of all targets and prefixes."""
    return sorted((project_root() / "build").glob("state-*.json"))


def short(path: Path) -> str:
    """The path as seen from the checkout, if it lies there."""
    try:
        return str(path.relative_to(project_root()))
    except ValueError:
        return str(path)


def settings(target: str, prefix: str) -> Mapping[str, str]:
    """The environment in which every notebook has this target and prefix."""
    return {TARGET: target, PREFIX: prefix}

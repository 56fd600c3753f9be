"""What the notebooks hand on: one JSON file that a person can read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from ..errors import OutputError, WorkshopError
from ..files import make_folder, write_text


class State(MutableMapping):
    """A mapping that is saved on each assignment; values are whatever JSON holds.

    Assign whole values: changing a nested dict in place is not seen (reading returns a copy), use `add`.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self._values = _read(self.path)

    def __getitem__(self, key: str) -> Any:
        return json.loads(json.dumps(self._values[key]))

    def __setitem__(self, key: str, value: Any) -> None:
        self._save({**self._values, key: json.loads(json.dumps(value))})

    def __delitem__(self, key: str) -> None:
        self._save({name: value for name, value in self._values.items() if name != key})

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"State({self.path}: {', '.join(self._values) or 'empty'})"

    def add(self, key: str, name: str, value: Any) -> None:
        """Set one entry of a nested dict: state.add("roles", "plan_segments", arn)."""
        self[key] = {**self._values.get(key, {}), name: value}

    def forget(self, **kept: Any) -> None:
        """Forget everything but `kept`, without that the file, too (the last step of the clean-up)."""
        if kept:
            self._save(kept)
        else:
            self._values = {}
            self.path.unlink(missing_ok=True)

    def move(self, path: Path) -> Path:
        """Keep what is noted under another name and go on empty; the new name."""
        try:
            self.path.replace(path)
        except OSError as problem:
            raise WorkshopError(f"{self.path}: the state cannot be set aside ({problem.strerror})") from problem
        self._values = {}
        return path

    def _save(self, values: dict) -> None:
        try:
            make_folder(self.path.parent)
            write_text(self.path, json.dumps(values, indent=2) + "\n")
        except OutputError as problem:
            raise WorkshopError(f"the state is not saved: {problem}") from problem
        self._values = values


def _read(path: Path) -> dict:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise WorkshopError(f"the state file {path} cannot be read ({problem.strerror})") from problem
    except ValueError as problem:
        raise WorkshopError(f"{path}: the state file is no JSON any more; repair or delete it") from problem
    if not isinstance(values, dict):
        raise WorkshopError(f"{path}: the state file holds no JSON object; repair or delete it")
    return values

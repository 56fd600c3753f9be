"""The state machine's definition with its ${Placeholders} filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import WorkshopError

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def render_definition(path: str | Path, values: Mapping[str, object]) -> str:
    """Replace every ${Name} in a JSON file's strings; a string that is nothing else takes the value's type.

    Raises WorkshopError when a placeholder has no value or a value no placeholder: either is a slip.
    """
    template = json.loads(Path(path).read_text(encoding="utf-8"))
    names = set(_PLACEHOLDER.findall(json.dumps(template)))
    if names != set(values):
        raise WorkshopError(f"{Path(path).name}: placeholders and values differ in {sorted(names ^ set(values))}")
    return json.dumps(_fill(template, values), indent=2)


def _fill(node: Any, values: Mapping[str, object]) -> Any:
    if isinstance(node, dict):
        return {key: _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, values) for value in node]
    if isinstance(node, str):
        whole = _PLACEHOLDER.fullmatch(node)
        return values[whole[1]] if whole else _PLACEHOLDER.sub(lambda found: str(values[found[1]]), node)
    return node

"""The parameters of a notebook: which there are, and whether what was written into them can be meant."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import WorkshopError
from .chapters import CHAPTERS
from .places import project_root

KINDS = {bool: "True or False", int: "a whole number, without quotes", float: "a number, without quotes", str: "a text"}


def usual(notebook: int) -> dict[str, Any]:
    """name -> the value in the committed notebook's parameters cell; empty where the notebooks are not there."""
    path = project_root() / "notebooks" / CHAPTERS[notebook].file
    if not path.is_file():
        return {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (cell,) = (cell for cell in cells if "parameters" in cell["metadata"].get("tags", ()))
    assigned = [node for node in ast.parse("".join(cell["source"])).body if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: ast.literal_eval(node.value) for node in assigned if isinstance(node.targets[0], ast.Name)
    }


def check_kinds(notebook: int, given: Mapping[str, Any]) -> None:
    """Raises WorkshopError for a parameter that is of another kind than its usual value: days in quotes, say."""
    for name, value in usual(notebook).items():
        found = given.get(name, value)
        if type(found) is not type(value) and not (type(value) is float and type(found) is int):
            raise WorkshopError(f"{name} = {found!r}: {KINDS[type(value)]} is asked for, as in {name} = {value!r}")


def of_this_notebook() -> Mapping[str, Any]:
    """The variables of the notebook that runs; none outside of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell.user_ns if shell else {}

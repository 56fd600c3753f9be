"""Who may import what: the engine's internals in one room, the embedded AWS out of everything that is
deployed.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "faceblur").rglob("*.py"))


def imported(path):
    """Absolute names of the modules that a file imports."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            yield from (f"{base}{node.module or ''}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_engine_imports_ministack(path):
    inside = path.is_relative_to(ROOT / "faceblur/localaws/engine")
    assert inside or not [name for name in imported(path) if name.split(".")[0] == "ministack"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_workshop_uses_the_embedded_aws(path):
    inside = path.relative_to(ROOT / "faceblur").parts[0] in ("localaws", "workshop")
    assert inside or not [name for name in imported(path) if name.startswith("faceblur.localaws")]

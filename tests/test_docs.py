"""What the documentation shows exists: commands are accepted, YAML parses, links and pictures are there."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

from faceblur.workshop.__main__ import _parser

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", ["docs/guarantees.md", "SECURITY.md"])
def test_every_test_that_a_guarantee_names_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    names = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(names) > 40 and len(names) == text.count("::")
    for file, name in names:
        (path,) = (ROOT / "tests").rglob(file)
        assert re.search(rf"^def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE), name


def test_every_promise_has_its_tests():
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    promises = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(promises) == 8
    for promise in promises:
        rows = [line for line in promise.splitlines() if line.startswith("| ") and not line.startswith("| what |")]
        assert rows and all(re.search(r"`test_\w+\.py::test_\w+`", row) for row in rows), promise.splitlines()[0]


def test_the_run_commands_are_understood():
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    commands = re.findall(r"python -m faceblur\.workshop ([^\n#`]+)", text)
    assert len(commands) >= 4
    for command in commands:
        words = re.sub(r"\$\{\{.*?\}\}", "1", command).split()
        assert _parser().parse_args(words)


def test_the_workflow_is_yaml_that_calls_what_exists():
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (workflow,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    jobs = yaml.safe_load(workflow)["jobs"]
    assert set(jobs) == {"embedded", "aws"}
    assert jobs["aws"]["permissions"]["id-token"] == "write"
    assert not re.search(r"AKIA|secret_access_key|secrets\.AWS", workflow, re.IGNORECASE)


def test_the_drawing_of_the_rooms_is_the_one_of_these_borders():
    module = runpy.run_path(str(ROOT / "docs" / "draw_rooms.py"))
    assert (ROOT / "docs" / "images" / "rooms.svg").read_text(encoding="utf-8") == module["svg"]()

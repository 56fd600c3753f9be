"""What the documentation shows exists: commands are accepted, YAML parses, links and pictures are there."""

import re
from pathlib import Path

import pytest
import yaml

from faceblur.workshop.__main__ import _parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


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

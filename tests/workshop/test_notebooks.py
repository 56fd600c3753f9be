"""The committed notebooks: complete, in order, linked, stripped, small, and readable by papermill."""

import ast
import json
import re
from pathlib import Path

import pytest

from faceblur.workshop.chapters import CHAPTERS, MEASURED_S
from faceblur.workshop.names import FUNCTIONS
from faceblur.workshop.running import links, runner

FOLDER = Path(__file__).parents[2] / "notebooks"
MAX_CELLS, MAX_CODE_LINES, MAX_BYTES = 45, 110, 60_000

chapters = pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=lambda chapter: chapter.file)


def cells_of(chapter):
    return json.loads((FOLDER / chapter.file).read_text(encoding="utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


def test_the_ten_notebooks_are_all_there_is():
    assert sorted(path.name for path in FOLDER.glob("*.ipynb")) == [c.file for c in CHAPTERS.values()]


def test_links_diagrams_index_and_stripping_are_up_to_date():
    stale = [
        path.name
        for path, text in links.wanted_files(FOLDER).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, "run: python -m faceblur.workshop links"


@chapters
def test_every_link_leads_somewhere(chapter):
    text = "\n".join(source(cell) for cell in cells_of(chapter) if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (FOLDER / target).exists(), target


@chapters
def test_cells_have_readable_names_that_occur_once(chapter):
    names = [cell["id"] for cell in cells_of(chapter)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) for name in names), names


@chapters
def test_the_first_cell_says_what_is_built_for_how_long_and_how_much(chapter):
    intro = source(cells_of(chapter)[1])
    assert intro.startswith(f"# {chapter.number}. ")
    assert re.search(r"minute", intro)
    assert re.search(r"[Cc]ost", intro)
    assert re.search(r"[Cc]reates", intro)
    assert f"images/pipeline_{chapter.number:02d}.svg" in intro


@chapters
def test_parameters_are_literals_and_papermill_reads_them(chapter):
    (cell,) = [cell for cell in cells_of(chapter) if "parameters" in cell["metadata"].get("tags", ())]
    assigned = set()
    for statement in ast.parse(source(cell)).body:
        assert isinstance(statement, ast.Assign), "the parameters cell holds assignments only"
        ast.literal_eval(statement.value)
        assigned |= {target.id for target in statement.targets}
    assert {"TARGET", "PREFIX"} <= assigned
    assert runner.known_parameters(chapter) == assigned


@chapters
def test_parameters_come_before_all_other_code_and_begin_before_aws(chapter):
    code = [cell for cell in cells_of(chapter) if cell["cell_type"] == "code"]
    assert "parameters" in code[0]["metadata"]["tags"]
    assert f"workshop.begin(notebook={chapter.number}," in source(code[1])


@chapters
def test_code_is_explained_first_and_comes_in_small_portions(chapter):
    cells = cells_of(chapter)
    code = [source(cell) for cell in cells if cell["cell_type"] == "code"]
    assert len(cells) <= MAX_CELLS
    assert sum(bool(line.strip()) for text in code for line in text.splitlines()) <= MAX_CODE_LINES
    assert (FOLDER / chapter.file).stat().st_size <= MAX_BYTES
    assert not [text for text in code if re.search(r"^\s*[%!]", text, re.MULTILINE)]


@chapters
def test_it_has_checkpoints_troubleshooting_exercises_and_an_end(chapter):
    names = [cell["id"] for cell in cells_of(chapter)]
    assert {"troubleshooting", "exercises", "done", "end"} <= set(names)
    text = "\n".join(map(source, cells_of(chapter)))
    assert "Checkpoint" in text or chapter.number == CHAPTERS[10].number
    assert "| What you see |" in text


@chapters
def test_it_builds_on_faceblur_with_plain_boto3(chapter):
    text = "\n".join(source(cell) for cell in cells_of(chapter) if cell["cell_type"] == "code")
    assert "endpoint_url" not in text
    for match in re.finditer(r"^(?:from|import) ([\w.]+)", text, re.MULTILINE):
        assert match[1].split(".")[0] in ALLOWED_IMPORTS, match[0]


ALLOWED_IMPORTS = {
    "base64", "boto3", "botocore", "contextlib", "cv2", "faceblur", "hashlib", "io", "json", "matplotlib", "pathlib",
    "shutil", "time", "zipfile",
}  # fmt: skip


def test_minutes_are_counted_by_the_rule_that_is_said():
    words = {
        "cell_type": "markdown",
        "id": "text",
        "source": ["one two\n", "| Takes | 99 minutes, 7 words |\n", "x " * 398],
    }
    code = {"cell_type": "code", "id": "code", "source": ["a = 1\n", "\n", *["b = 2\n"] * 14]}
    extra = {"cell_type": "markdown", "id": "exercises", "source": ["x " * 4000]}
    assert links.minutes([words, code, extra]) == 3
    assert links.minutes([words, code, extra, code]) == 4


@chapters
def test_the_minutes_stand_in_the_intro_and_in_the_index(chapter):
    number = links.minutes(cells_of(chapter))
    assert f"| Takes | about {number} minutes to read and do" in source(cells_of(chapter)[1])
    seconds = MEASURED_S[chapter.number]
    assert f"; the cells run for {seconds} seconds" in source(cells_of(chapter)[1])
    assert f"]({chapter.file}) | {number} | {seconds} |" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_running_links_twice_changes_nothing(tmp_path):
    notebook = {
        "cells": [
            {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": ["# 2. S3 buckets"]},
            {
                "cell_type": "code",
                "id": "code",
                "metadata": {"tags": ["parameters"], "papermill": {}},
                "execution_count": 4,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": ["secret"]}],
                "source": ["TARGET = 1"],
            },
        ],
        "metadata": {"widgets": {}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = tmp_path / CHAPTERS[2].file
    path.write_text(json.dumps(notebook))
    assert path.name in links.update(tmp_path)
    assert links.update(tmp_path) == []
    written = path.read_text()
    assert "secret" not in written
    assert "papermill" not in written
    assert "parameters" in written
    assert "01_introduction.ipynb" in written
    assert "images/pipeline_02.svg" in written


def test_what_is_created_and_deleted_is_counted():
    intro = {number: source(cells_of(CHAPTERS[number])[1]) for number in (3, 5, 10)}
    functions, roles = len(FUNCTIONS), len(FUNCTIONS) + 1  # one for the state machine
    assert f"| Creates | {roles} IAM roles" in intro[3]
    assert f"| Creates | {functions} Lambda functions, {functions} log groups" in intro[5]
    assert f" {functions} functions, " in intro[10] and f" {roles} roles, {roles} log groups" in intro[10]

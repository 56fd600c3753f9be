"""The page of a class: who has done what, from state files alone."""

import json
import os

import boto3
import pytest

from faceblur import workshop
from faceblur.workshop import __main__ as command
from faceblur.workshop.running.classroom import class_page, read_class


@pytest.fixture
def shared(tmp_path):
    for name, done in (("anna", [1, 2, 3]), ("bert", []), ("carla", list(range(1, 11)))):
        folder = tmp_path / name
        folder.mkdir()
        state = {"prefix": name, "target": "local", "done": done}
        (folder / f"state-local-{name}-0badc0de.json").write_text(json.dumps(state))
    return tmp_path


def test_each_lab_has_its_chapters_and_the_next(shared, capsys):
    out = shared / "class.html"
    assert command.main(["class", "--out", str(out), *(str(shared / name) for name in ("carla", "anna", "bert"))]) == 0
    assert capsys.readouterr().out == f"3 labs: {out}\n"
    rows = out.read_text().split("<tr>")[2:]
    assert [row.count(">done<") for row in rows] == [3, 0, 10]
    assert "4. Container image" in rows[0] and "1. Introduction" in rows[1] and "all done" in rows[2]


def test_a_file_that_cannot_be_read_is_left_out_and_said(shared, capsys):
    (shared / "bert" / "state-local-torn.json").write_text("{")
    (shared / "bert" / "state-local-odd.json").write_text('{"prefix": "odd", "target": "local", "done": 3}')
    assert [lab.prefix for lab in read_class([shared / "bert"])] == ["bert"]
    assert capsys.readouterr().out.count("left out: ") == 2


def test_of_a_lab_that_was_started_again_the_last_counts(shared):
    again = shared / "anna" / "state-local-anna-0ddba11e.json"
    again.write_text('{"prefix": "anna", "target": "local", "done": [1]}')
    os.utime(again, (2**33, 2**33))
    (shared / "anna" / "state-aws-anna.json").write_text('{"prefix": "anna", "target": "aws", "done": [1, 2]}')
    assert {lab.target: lab.done for lab in read_class([shared / "anna"])} == {"local": {1}, "aws": {1, 2}}


def test_who_has_cleaned_up_is_still_there_with_all_chapters(tmp_path):
    path = tmp_path / "state-local-anna.json"
    names, state = workshop.Names("anna", "1", "eu-west-1"), workshop.State(path)
    state["done"], state["input_bucket"] = [1, 2, 3, 4, 5, 6, 7, 8, 9], "b"
    for _ in range(2):  # also when the clean-up is run again
        workshop.Workshop(10, "local", names, state, boto3.Session()).finish()
    assert "input_bucket" not in workshop.State(path)
    assert [lab.next for lab in read_class([tmp_path])] == ["all done"]
    mistyped = workshop.State(tmp_path / "state-local-ana.json")
    mistyped["prefix"] = "ana"
    workshop.Workshop(10, "local", names, mistyped, boto3.Session()).finish()
    assert [lab.prefix for lab in read_class([tmp_path])] == ["anna"]


def test_names_are_text(shared):
    (shared / "anna" / "state-local-x.json").write_text('{"prefix": "<script>", "target": "<b>"}')
    page = class_page(read_class([shared / "anna"]))
    assert "<script>" not in page and "&lt;script&gt;" in page and "&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("folder", "words"), [("nowhere", "no such folder"), ("", "name the build folder of each lab")]
)
def test_a_folder_without_labs_is_one_line(tmp_path, capsys, folder, words):
    assert command.main(["class", "--out", str(tmp_path / "c.html"), str(tmp_path / folder)]) != 0
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert not (tmp_path / "c.html").exists()

"""One word a thing: names that meant two things do not come back, and those that mean one are given once."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from faceblur.cli import _parser

PACKAGE = Path(__file__).parents[1] / "faceblur"
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")
}
# what a thing was called once -> what it is called; as a whole identifier, in any room
GONE = {
    "cut": "split for files; a cut is the picture's, found by CutDetector",
    "Shot": "Moment",
    "shots_of": "moments_of",
    "render_smart": "render_copying",
    "SmartWriter": "CopyingWriter",
    "Leak": "FoundFace, or BlurredFace",
    "Search": "Searcher while finding, Inspection while auditing, collect for files",
    "leads": "is_given",
    "confidence": "score, 0 to 1; Confidence is Rekognition's, 0 to 100, in its JSON",
    "spans_of": "intervals_of",
    "track_spans": "blurred_seconds",
    "run_batch": "run_chapters; a batch is the command's over many files",
}
ONCE = ("BlurredFace", "Box", "FoundFace", "Image", "Inspection", "Interval", "LabelledBox", "Searcher", "Span")


def identifiers(tree):
    """Everything that a module calls by a name of its own choice, and every attribute that it asks for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def given_names(tree):
    """Classes and other names that a module gives to something at its top."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id


def test_names_that_meant_two_things_do_not_come_back():
    back = {(file, name, GONE[name]) for file, tree in TREES.items() for name in identifiers(tree) if name in GONE}
    assert back == set()


def test_names_that_mean_one_thing_are_given_once():
    given = Counter(name for tree in TREES.values() for name in given_names(tree))
    assert {name: given[name] for name in ONCE} == dict.fromkeys(ONCE, 1)


def test_the_detail_that_is_left_is_a_number_and_nothing_else():
    fields = [
        ast.unparse(node.annotation)
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", None) == "detail_left"
    ]
    assert fields and set(fields) <= {"float", "float | None"}
    assert not any(getattr(node, "name", None) == "detail_left" for tree in TREES.values() for node in ast.walk(tree))


def test_smart_is_a_word_for_users_and_a_batch_is_the_commands():
    assert [file for file in TREES if Path(file).stem == "smart"] == []
    assert [file for file in TREES if Path(file).stem == "batch"] == ["cli/batch.py"]


@pytest.mark.parametrize("command", ["blur in.mp4 out.mp4", "plan in.mp4 -o plan.json"])
def test_keep_is_understood_and_not_shown(command, capsys):
    assert _parser().parse_args([*command.split(), "--keep", "3", "--show", "4"]).show == [3, 4]
    with pytest.raises(SystemExit):
        _parser().parse_args([command.split()[0], "--help"])
    said = capsys.readouterr().out
    assert "--show TRACK" in said and "--keep" not in said

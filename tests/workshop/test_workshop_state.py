"""The state file: readable, saved on each assignment, never half written."""

import json

import pytest

from faceblur.errors import WorkshopError
from faceblur.workshop import State


@pytest.fixture
def path(tmp_path):
    return tmp_path / "build" / "state.json"


def test_what_is_assigned_is_in_the_file_at_once(path):
    state = State(path)
    state["image_uri"] = "host/repository@sha256:1"
    assert json.loads(path.read_text()) == {"image_uri": "host/repository@sha256:1"}
    assert State(path)["image_uri"] == "host/repository@sha256:1"


def test_entries_of_a_nested_mapping_are_added_one_by_one(path):
    state = State(path)
    state.add("roles", "a", "arn:a")
    state.add("roles", "b", "arn:b")
    assert State(path)["roles"] == {"a": "arn:a", "b": "arn:b"}


def test_changing_a_value_in_place_changes_nothing(path):
    state = State(path)
    state["done"] = [2]
    state["done"].append(3)
    assert state["done"] == [2]


def test_it_is_a_mapping(path):
    state = State(path)
    state["a"], state["b"] = 1, 2
    del state["a"]
    assert dict(state) == {"b": 2} and len(state) == 1 and "a" not in state
    assert str(path) in repr(state)


def test_a_value_that_json_cannot_hold_changes_nothing(path):
    state = State(path)
    state["a"] = 1
    with pytest.raises(TypeError):
        state["b"] = object()
    assert dict(State(path)) == {"a": 1}


def test_nothing_is_left_beside_the_file(path):
    state = State(path)
    state["a"] = 1
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]
    state.forget(b=2)
    assert dict(State(path)) == dict(state) == {"b": 2}
    state.forget()
    assert not path.exists() and not state


@pytest.mark.parametrize(("content", "words"), [("{", "no JSON"), ("[1]", "no JSON object")])
def test_a_damaged_file_is_told_in_one_line(path, content, words):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(WorkshopError, match=words):
        State(path)


def test_an_unwritable_place_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkshopError, match="cannot be"):
        State(tmp_path / "file" / "state.json")["a"] = 1

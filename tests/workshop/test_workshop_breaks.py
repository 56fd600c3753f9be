"""A workshop that stops anywhere can be cleaned up: after each notebook and in the middle of one."""

import pytest
from moving import Mover, Scene
from notebook_kit import code_cells, names_left, run_notebook

PERSON = Scene((Mover(80, 90, 0.3, 0, 60, "eileen"),), seconds=1.2, rate=10)
# What each service lists after a notebook: buckets, roles, the repository, functions with logs and topic, ...
MADE = {1: 0, 2: 3, 3: 12, 4: 13, 5: 30, 6: 33, 7: 33, 8: 33, 9: 33}
# Notebook and the first cell that is not run any more; in 08 an execution is running then.
WITHIN = [
    (2, "checkpoint-create"),
    (4, "build"),
    (5, "settings"),
    (6, "create"),
    (8, "follow"),
]
# From here on a notebook only tries what it has made, which takes as long as all the rest.
TRIES = {5: "call-start", 6: "try"}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return PERSON.write(tmp_path_factory.mktemp("video") / "person.mp4")


@pytest.fixture
def run(local_aws, monkeypatch, tmp_path, video):
    """run(number, until=None, PREFIX=...): a notebook, with a small video and a state file of its own."""
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    out = tmp_path / "result"
    own = {8: {"VIDEO": str(video), "OUT": str(out)}, 9: {"OUT": str(out)}}
    return lambda number, until=None, **values: run_notebook(number, until, **values, **own.get(number, {}))


def run_before(run, number, prefix):
    """The notebooks before this one, in order, but 01, which makes nothing."""
    for earlier in range(2, number):
        run(earlier, TRIES.get(earlier), PREFIX=prefix)["ws"].done()


@pytest.mark.parametrize("last", MADE)
def test_a_run_that_ends_after_any_notebook_can_be_cleaned_up(run, last):
    prefix = f"after-{last}"
    run_before(run, last, prefix)
    run(last, PREFIX=prefix)
    if last == 9:  # the last two once more: every cell can be run twice
        run(8, PREFIX=prefix)
        run(9, PREFIX=prefix)
    assert len(names_left(prefix)) == MADE[last]
    run(10, PREFIX=prefix)
    assert names_left(prefix) == []


@pytest.mark.parametrize(("number", "cell"), WITHIN)
def test_a_notebook_that_breaks_off_can_be_cleaned_up(run, number, cell):
    prefix = f"within-{number}"
    run_before(run, number, prefix)
    assert cell in [each["id"] for each in code_cells(number)]
    run(number, cell, PREFIX=prefix)
    assert names_left(prefix)
    run(10, PREFIX=prefix)
    assert names_left(prefix) == []


def test_without_its_notes_a_workshop_is_cleaned_up_all_the_same(run, tmp_path):
    """The state file is gone: everything is found by its name and its tags."""
    run_before(run, 5, "forgotten")
    (tmp_path / "state.json").unlink()
    assert len(names_left("forgotten")) == MADE[4]
    run(10, PREFIX="forgotten")
    assert names_left("forgotten") == []

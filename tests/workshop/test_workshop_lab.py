"""The lab's one setting for all notebooks, its working copies, its last words; JupyterLab itself is not run."""

import json

import pytest

from faceblur import workshop
from faceblur.errors import WorkshopError
from faceblur.workshop.places import bring_back
from faceblur.workshop.running import copies, lab, runner


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the notebooks' folder alone; lab's copies and state files go to its build/."""
    (tmp_path / "notebooks" / "images").mkdir(parents=True)
    (tmp_path / "docs" / "images").mkdir(parents=True)
    (tmp_path / "docs" / "images" / "review.jpg").write_bytes(b"jpg")
    (tmp_path / "notebooks" / "README.md").write_text("![x](../docs/images/review.jpg)")
    for chapter in workshop.CHAPTERS.values():
        (tmp_path / "notebooks" / chapter.file).write_text("{}")
    monkeypatch.setattr(copies, "project_root", lambda: tmp_path)
    return tmp_path


def test_one_works_on_copies_that_stay_and_the_sources_are_left_alone(checkout, capsys):
    folder = copies.working_copies("local-anna")
    mine = folder / "02_s3_buckets.ipynb"
    mine.write_text("mine")
    assert copies.working_copies("local-anna") == folder and mine.read_text() == "mine"
    assert (checkout / "notebooks" / mine.name).read_text() == "{}"
    assert (folder / "README.md").read_text() == "![x](images/review.jpg)" and (folder / "images/review.jpg").exists()
    assert capsys.readouterr().out == ""


def test_a_reset_takes_them_anew_and_throws_nothing_away(checkout):
    folder = copies.working_copies("local-anna")
    (folder / "02_s3_buckets.ipynb").write_text("mine")
    copies.working_copies("local-anna", reset=True)
    assert (folder / "02_s3_buckets.ipynb").read_text() == "{}"
    (aside,) = [each for each in folder.parent.iterdir() if each != folder]
    assert (aside / "02_s3_buckets.ipynb").read_text() == "mine"


def test_a_chapter_that_is_newer_than_the_copy_is_named(checkout, capsys):
    folder = copies.working_copies("local-anna")
    (checkout / "notebooks" / "03_iam_roles.ipynb").write_text('{"new": 1}')
    copies.working_copies("local-anna")
    assert "Newer than your copy: 03_iam_roles.ipynb." in capsys.readouterr().out
    assert (folder / "03_iam_roles.ipynb").read_text() == "{}"


@pytest.mark.parametrize(
    ("choice", "words"), [({"prefix": "Anna"}, "PREFIX = 'Anna' cannot be used"), ({"until": 10}, "1 to 9")]
)
def test_a_choice_that_cannot_be_is_one_line_before_anything_starts(choice, words):
    with pytest.raises(WorkshopError, match=words):
        lab.Choice(**choice)


def test_every_notebook_takes_what_the_lab_was_started_with_unless_it_says_otherwise(local_aws, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    with runner.environment({"FACEBLUR_TARGET": "local", "FACEBLUR_PREFIX": "anna"}):
        assert workshop.begin(notebook=1).names.prefix == "anna"
        monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "other.json"))
        assert workshop.begin(notebook=1, prefix="bert").names.prefix == "bert"


def test_the_lab_for_aws_starts_no_embedded_aws_and_the_one_for_aws_is_not_diverted(monkeypatch, checkout, capsys):
    monkeypatch.setattr(runner, "embedded_aws", lambda: pytest.fail("an embedded AWS"))
    monkeypatch.setattr(lab, "_serve", lambda folder, options: 0)
    monkeypatch.setenv("FACEBLUR_STATE", str(checkout / "state.json"))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert lab.lab(choice=lab.Choice("aws", "anna")) == 0
    assert "Nothing of the prefix anna is noted in your account" in capsys.readouterr().out
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(WorkshopError, match="AWS_ENDPOINT_URL would send the calls elsewhere"):
        lab.lab(choice=lab.Choice("aws", "anna"))


def test_at_the_end_it_says_what_is_lost_and_how_to_go_on(tmp_path):
    words = lab.farewell(lab.Choice(prefix="anna"), {"done": [1, 2, 3]}, tmp_path)
    assert "what chapters 2 to 3 made in it is gone" in words
    assert words.endswith("python3 kit.py lab --prefix anna --until 3")
    assert "there was nothing in it" in lab.farewell(lab.Choice(), {"done": [1]}, tmp_path)
    on_aws = lab.farewell(lab.Choice("aws"), {"input_bucket": "b"}, tmp_path)
    assert "costs money" in on_aws and "kit.py lab --target aws, then 10_clean_resources.ipynb" in on_aws


def test_another_or_restarted_embedded_aws_is_recognised(local_aws, tmp_path, monkeypatch, capsys):
    """The state file notes which one it belongs to; it is kept, and this one starts with its own."""
    path = tmp_path / "state.json"
    monkeypatch.setenv("FACEBLUR_STATE", str(path))
    ws = workshop.begin(notebook=2)
    engine = ws.state["engine"]
    path.write_text(json.dumps({**ws.state, "engine": "0badc0de", "done": [2, 3], "roles": {"a": "b"}}))
    with pytest.raises(WorkshopError, match=r"that AWS is gone: .*Start at 02_s3_buckets.*kit\.py lab --until 7"):
        workshop.begin(notebook=4)
    assert json.loads((tmp_path / "state-0badc0de.json").read_text())["done"] == [2, 3]
    assert "state-0badc0de.json is of another embedded AWS" in capsys.readouterr().out
    assert workshop.begin(notebook=2).state["engine"] == engine
    assert bring_back("faceblur").endswith("lab --until 7")
    assert bring_back("anna").endswith("lab --until 7 --prefix anna")  # not another's chapters


def test_each_prefix_target_and_embedded_aws_has_a_state_file_of_its_own(monkeypatch):
    monkeypatch.delenv("FACEBLUR_STATE", raising=False)
    paths = {
        workshop.state_path(*which)
        for which in (("local", "a", "1"), ("local", "a", "2"), ("local", "b", "1"), ("aws", "a"))
    }
    assert len(paths) == 4

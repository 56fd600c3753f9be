"""benchmarks/reidentify.py: which faces are known and which tried, how names are counted. (No dlib in the tests.)"""

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
BOX = (0.1, 0.1, 0.2, 0.2)


@pytest.fixture
def reidentify(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("reidentify")


@pytest.fixture
def clip(reidentify):
    """Two people, each known by one picture and tried once or twice; descriptors are places on a line."""
    shown = [(0, True, 0.0), (1, True, 5.0), (0, False, 0.1), (0, False, 0.2), (1, False, 5.1)]
    seen = [reidentify.Seen(time, BOX, person, known) for time, (person, known, _) in enumerate(shown)]
    made = reidentify.Clip(Path("made.mp4"), seen)
    made.descriptors[reidentify.ORIGINAL] = np.array([[place] for *_, place in shown])
    return made


def test_a_track_s_first_part_is_known_its_last_part_tried_and_what_is_too_short_left_out(reidentify):
    shown = {(7, 0): [(float(time), BOX) for time in range(20)], (7, 1): [(30.0, BOX)] * 5}
    seen = reidentify.spread(shown)
    assert {face.person for face in seen} == {0}
    known, tried = ([face.time_ms for face in seen if face.known is it] for it in (True, False))
    assert (known[0], known[-1], tried[0], tried[-1]) == (0, 8, 11, 19)
    assert len(known) == len(tried) == 6


def test_names_are_counted_by_person_with_sharp_and_with_blurred_pictures(reidentify, clip):
    clip.descriptors["veil"] = np.array([[9.0], [5.0], [8.0], [0.2], [5.1]])
    row = reidentify.row(clip, "veil")
    assert (row["people"], row["tried"], row["chance"]) == (2, 3, 0.5)
    assert row["sharp"] == 0.75  # half of the first person's two faces, all of the other's
    assert row["blurred"] == 0.75
    assert reidentify.row(clip, reidentify.ORIGINAL)["sharp"] == 1


def test_the_sum_counts_every_person_of_every_clip_the_same(reidentify, clip):
    row = reidentify.row(clip, reidentify.ORIGINAL)
    other = row | {"clip": "b", "people": 4, "chance": 0.25, "sharp": 0.5, "blurred": 0.5}
    whole = reidentify.total(reidentify.ORIGINAL, [row, other])
    assert whole["sharp"] == pytest.approx(4 / 6) and whole["chance"] == pytest.approx(2 / 6)
    assert reidentify.table([row, whole])[0].split() == ["made.mp4:", "2", "people,", "3", "faces", "sharp", "blurred"]


def test_without_dlib_it_says_how_to_get_it(reidentify, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    assert reidentify.main([str(tmp_path)]) == 2
    assert "recogniser.py says how to install it" in capsys.readouterr().err

"""benchmarks/reidentify.py: who counts as one person, and how names are counted. (No dlib in the tests.)"""

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
    """Two people, the first in two tracks that follow each other; descriptors are places on a line."""
    shown = [(0, 0.0), (1, 5.0), (0, 0.1), (1, 5.1), (2, 0.2), (2, 0.1)]
    known = [True, True, False, False, True, False]
    times = [0, 0, 1, 1, 8, 9]
    seen = [
        reidentify.Seen(time, BOX, track, is_known)
        for time, (track, _), is_known in zip(times, shown, known, strict=True)
    ]
    made = reidentify.Clip(Path("made.mp4"), seen)
    made.descriptors[reidentify.ORIGINAL] = np.array([[place] for _, place in shown])
    reidentify._name_people(made)
    return made


def test_tracks_alike_are_one_person_unless_both_are_seen_at_once(reidentify, clip):
    assert [face.person for face in clip.seen] == [0, 1, 0, 1, 0, 0]
    for face, time_ms in zip(clip.seen, [0, 0, 9, 9, 8, 9], strict=True):
        face.time_ms = time_ms
    reidentify._name_people(clip)
    assert [face.person for face in clip.seen] == [0, 1, 0, 1, 2, 2]


def test_names_are_counted_by_person_and_elsewhere_without_the_same_track(reidentify, clip):
    clip.descriptors["veil"] = np.array([[0.0], [5.0], [4.9], [5.1], [0.2], [0.1]])
    row = reidentify.row(clip, "veil")
    assert (row["people"], row["tried"], row["chance"]) == (2, 3, 0.5)
    assert row["sharp"] == (0.75, 2)  # half of the first person's two faces, all of the other's
    assert row["elsewhere"] == (0.5, 1)  # the second is in one track alone
    assert reidentify.row(clip, reidentify.ORIGINAL)["sharp"] == (1.0, 2)


def test_the_sum_counts_every_person_of_every_clip_the_same(reidentify, clip):
    row = reidentify.row(clip, reidentify.ORIGINAL)
    other = row | {
        "clip": "b",
        "people": 4,
        "chance": 0.25,
        "sharp": (0.5, 4),
        "blurred": (0.5, 4),
        "elsewhere": (0.0, 0),
    }
    whole = reidentify.total(reidentify.ORIGINAL, [row, other])
    assert whole["sharp"] == (pytest.approx(4 / 6), 6) and whole["chance"] == pytest.approx(2 / 6)
    assert whole["elsewhere"] == (1.0, 1)
    assert reidentify.table([row, whole])[0].split() == [
        "made.mp4:",
        "2",
        "people,",
        "3",
        "faces",
        "sharp",
        "blurred",
        "elsewhere",
        "(1",
        "people)",
    ]


def test_without_dlib_it_says_how_to_get_it(reidentify, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    assert reidentify.main([str(tmp_path)]) == 2
    assert "recogniser.py says how to install it" in capsys.readouterr().err

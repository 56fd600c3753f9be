"""benchmarks/faceless.py: what it takes, what it draws and how it counts. (All of it is run by hand: minutes.)"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import video_kit

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def run(*arguments) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS.parent)}
    command = [sys.executable, str(BENCHMARKS / "faceless.py"), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_takes_pictures_and_clips_without_reference_faces_by_the_kind_that_their_folder_names(tmp_path):
    (tmp_path / "toys").mkdir()
    grey = np.random.default_rng(0).integers(90, 160, (60, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "toys" / "block.png"), grey)
    video_kit.make(tmp_path / "street.mp4", count=5)
    video_kit.make(tmp_path / "people.mp4", count=5)
    (tmp_path / "people.mp4.faces.json").write_text("{}")
    done = run(tmp_path, "--no-made", "--json", tmp_path / "said.json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "said.json").read_text())["rows"]
    assert [(row["clip"], row["kind"], row["judged"]) for row in rows] == [
        ("street.mp4", "given", False),
        ("block.png", "toys", False),
    ]
    assert [(row["lasts_s"], row["blurred_s"]) for row in rows] == [(0.2, 0), (4, 0)]


def test_says_which_pictures_no_installed_package_carries_and_that_nothing_is_left(tmp_path):
    done = run("--names", "raccoon", "--packages", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "left out, not carried by an installed scipy: raccoon",
        "faceless.py: nothing to measure",
    ]


def test_a_made_clip_that_is_blurred_for_too_long_is_named_but_not_a_cartoon(module, capsys):
    faceless = module("faceless")
    row = {"lasts_s": 4.0, "blurred_s": 1.2, "longest_s": 0.6, "most": 10.0, "mean": 1.0}
    bear = {"clip": "bear", "kind": "toys", "judged": True} | row
    clown = {"clip": "clown", "kind": "cartoon faces", "judged": False} | row
    assert (faceless.verdict([clown]), faceless.verdict([clown, bear])) == (0, 1)
    assert "1 are: bear" in capsys.readouterr().out
    counted = {
        kind["clip"]: (kind["clips"], kind["over"], kind["blurred_s"]) for kind in faceless.totals([bear, clown])
    }
    assert counted == {"toys": (1, 1, 1.2), "cartoon faces": (1, 1, 1.2)}


def test_scenes_are_the_same_every_time_and_show_something(module):
    scenes = module("faceless_scenes").SCENES
    kinds = {kind for kind, _ in scenes.values()}
    assert kinds == {"toys", "statues", "posters", "things"}
    for name in ("drawn wood", "drawn sockets"):
        first, second = scenes[name][1](), scenes[name][1]()
        assert first.shape == (540, 960, 3) and first.std() > 10 and np.array_equal(first, second)


def test_share_of_the_picture_is_that_of_the_ellipses_without_their_feather(module):
    truth = module("truth")
    shown = truth.Regions((0.0, 40.0, 80.0), ((), ((0.0, 0.0, 1.0, 1.0),), ()), feather=0.5)
    assert shown.frame_ms == 40
    assert shown.shares() == [0, pytest.approx(np.pi / 4 * 0.25, abs=0.002), 0]

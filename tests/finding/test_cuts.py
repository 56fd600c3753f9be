"""Hard cuts are found; motion, fades and noise are none."""

import numpy as np
import pytest
from clips import FOLDER, needs_clips
from moving import HEIGHT, WIDTH, Mover, Scene

from faceblur.finding.cuts import CutDetector
from faceblur.video import Reader


def cuts(pictures) -> list[int]:
    detector = CutDetector()
    return [number for number, picture in enumerate(pictures) if detector.is_cut(picture)]


def luma(scene: Scene) -> list[np.ndarray]:
    return [frame.mean(axis=2).astype(np.uint8) for frame in scene.frames()]


@pytest.mark.parametrize("cut_ms", [200.0, 1000.0, 1900.0])
def test_a_cut_is_found_at_its_frame(cut_ms):
    scene = Scene((Mover(160, 90, 0, 0, 50),), seconds=2, cut_ms=cut_ms, seed=3)
    expected = next(i for i, t in enumerate(scene.times_ms) if t >= cut_ms)
    assert cuts(luma(scene)) == [expected]


@pytest.mark.parametrize("level", [0.5, 0.3])
def test_a_cut_in_the_dark_is_found(level):
    scene = Scene((Mover(160, 90, 0, 0, 50),), seconds=2, cut_ms=1000.0, seed=3)
    expected = next(i for i, t in enumerate(scene.times_ms) if t >= 1000.0)
    random = np.random.default_rng(0)
    dark = [
        (picture * level + random.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8) for picture in luma(scene)
    ]
    assert cuts(dark) == [expected]


def test_fast_motion_is_no_cut():
    scene = Scene((Mover(60, 90, 2, 0, 70), Mover(260, 90, -2, 0, 70)), seconds=2, seed=4)
    assert cuts(luma(scene)) == []


def test_a_fade_to_black_and_back_is_no_cut():
    picture = luma(Scene((), seconds=0.1))[0]
    shares = np.abs(np.linspace(-1, 1, 60))
    assert cuts([(picture * share).astype(np.uint8) for share in shares]) == []


def test_noise_is_no_cut():
    random = np.random.default_rng(0)
    picture = luma(Scene((), seconds=0.1))[0].astype(float)
    noisy = [np.clip(picture + random.normal(0, 25, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8) for _ in range(20)]
    assert cuts(noisy) == []


def test_the_first_frame_is_no_cut():
    assert cuts([np.full((HEIGHT, WIDTH), 255, np.uint8)]) == []


@needs_clips
def test_the_cuts_of_a_real_film():
    with Reader(FOLDER / "hamilton_360p_cuts_audio.mp4") as reader:
        assert len(cuts(frame.gray(320) for frame in reader)) == 3

"""Optical flow: boxes go where the picture goes, and say so when they cannot tell."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceblur.finding.flow import carry

WIDE, HIGH = 320, 180


def texture(seed: int = 0, size=(HIGH, WIDE)) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, size).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.clip((soft - soft.mean()) * 5 + 128, 0, 255).astype(np.uint8)


def moved(picture: np.ndarray, dx: float, dy: float, scale: float = 1.0, about=(0.0, 0.0)) -> np.ndarray:
    x, y = about
    matrix = np.array([[scale, 0, dx + x - scale * x], [0, scale, dy + y - scale * y]])
    size = (picture.shape[1], picture.shape[0])
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def box(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([[x / WIDE, y / HIGH, width / WIDE, height / HIGH]])


def centre_px(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:] / 2) * (WIDE, HIGH)


@settings(max_examples=40)
@given(st.floats(-12, 12), st.floats(-12, 12), st.floats(16, 80), st.integers(0, 3))
def test_a_box_follows_the_picture(dx, dy, side, seed):
    start = texture(seed)
    before = box(120, 60, side, side)
    after, agreed = carry(start, moved(start, dx, dy), before)
    assert agreed.all()
    assert centre_px(after) - centre_px(before) == pytest.approx(np.array([[dx, dy]]), abs=1.0)
    assert after[:, 2:] == pytest.approx(before[:, 2:], rel=0.05)


@settings(max_examples=15)
@given(st.floats(0.97, 1.04))
def test_a_box_grows_with_the_picture(scale):
    start = texture(1)
    before = box(120, 50, 80, 80)
    after, agreed = carry(start, moved(start, 0, 0, scale, (160, 90)), before)
    assert agreed.all()
    assert after[0, 2:] / before[0, 2:] == pytest.approx(np.array([scale, scale]), abs=0.015)
    assert centre_px(after) == pytest.approx(centre_px(before), abs=1.0)


def test_boxes_go_their_own_ways():
    start, end = texture(2), texture(2)
    end[:, :160] = moved(start, 5, 0)[:, :160]
    end[:, 160:] = moved(start, 0, -4)[:, 160:]
    before = np.vstack([box(40, 60, 50, 50), box(220, 60, 50, 50)])
    after, agreed = carry(start, end, before)
    assert agreed.all()
    assert centre_px(after) - centre_px(before) == pytest.approx(np.array([[5, 0], [0, -4]]), abs=0.7)


def test_a_box_stays_where_there_is_nothing_to_follow():
    before = box(120, 60, 40, 40)
    after, agreed = carry(texture(3), np.full((HIGH, WIDE), 90, np.uint8), before)
    assert not agreed.any()
    assert (after == before).all()


def test_a_box_outside_the_picture_stays():
    before = np.array([[-0.5, 0.2, 0.2, 0.2], [1.1, 0.2, 0.2, 0.2]])
    start = texture(4)
    after, agreed = carry(start, moved(start, 3, 3), before)
    assert not agreed.any()
    assert (after == before).all()


def test_a_box_half_outside_follows_by_what_is_seen_of_it():
    start = texture(5)
    before = box(-24, 60, 48, 48)
    after, agreed = carry(start, moved(start, 4, 2), before)
    assert agreed.all()
    assert centre_px(after) - centre_px(before) == pytest.approx(np.array([[4, 2]]), abs=1.0)


def test_no_boxes_and_the_input_is_left_alone():
    start = texture(6)
    after, agreed = carry(start, start, np.zeros((0, 4)))
    assert after.shape == (0, 4) and agreed.shape == (0,)
    before = box(100, 50, 40, 40)
    kept = before.copy()
    carry(start, moved(start, 3, 0), before)
    assert (before == kept).all()

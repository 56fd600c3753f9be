"""Crops: what a detector finds in one lies where it is in the picture, turned or not; and what it thinks of a place."""

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur.detections import Face
from faceblur.finding.crops import Crop
from faceblur.finding.opinions import is_face, opinion
from faceblur.finding.retinaface import RetinaFace
from faceblur.sample import pictures
from faceblur.sample.portraits import EILEEN
from faceblur.video import Frame
from faceblur.video.reading.orientation import Orientation

WIDE, HIGH = 640, 360
RADIUS = 14


def frame_of(picture: np.ndarray) -> Frame:
    raw = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24").reformat(format="yuv420p")
    raw.pts = 0
    return Frame(raw, 0, 0.0, Orientation())


def disc(x: float, y: float) -> Frame:
    picture = np.zeros((HIGH, WIDE, 3), np.uint8)
    cv2.circle(picture, (round(x), round(y)), RADIUS, (255, 255, 255), -1)
    return frame_of(picture)


def find_disc(picture: np.ndarray) -> list[Face]:
    """A detector of bright discs."""
    rows, columns = np.nonzero(picture[..., 1] > 128)
    if not len(rows):
        return []
    high, wide = picture.shape[:2]
    left, top = columns.min() / wide, rows.min() / high
    return [Face(left, top, (columns.max() + 1) / wide - left, (rows.max() + 1) / high - top)]


@given(st.floats(60, WIDE - 60), st.floats(60, HIGH - 60), st.sampled_from([0.0, 25.0, -25.0]))
def test_what_is_found_in_a_crop_lies_where_it_is_in_the_picture(x, y, turn):
    around = np.array([x - 20, y - 20, 40.0, 40.0])
    [face] = Crop.around(disc(x, y), around, 2.2, 160, turn).find(disc(x, y), find_disc)
    middle = ((face.left + face.width / 2) * WIDE, (face.top + face.height / 2) * HIGH)
    assert middle == pytest.approx((round(x), round(y)), abs=2.0)
    assert face.width * WIDE == pytest.approx(2 * RADIUS, abs=4.0)


@pytest.mark.parametrize(("x", "is_whole"), [(300, True), (344, False)])
def test_a_face_that_the_crop_cuts_off_does_not_count(x, is_whole):
    around = np.array([280.0, 160.0, 40.0, 40.0])
    found = Crop.around(disc(x, 180), around, 2.2, 160).find(disc(x, 180), find_disc)
    assert bool(found) == is_whole


def test_at_the_border_of_the_picture_there_is_nothing_to_be_cut_off():
    [face] = Crop.around(disc(4, 180), np.array([-16.0, 160.0, 40.0, 40.0]), 2.2, 160).find(disc(4, 180), find_disc)
    assert face.left == pytest.approx(0.0, abs=0.01)


def test_outside_of_the_picture_there_is_no_crop():
    assert Crop.around(disc(100, 100), np.array([WIDE + 60.0, 100.0, 40.0, 40.0]), 2.2, 160) is None


def test_the_second_detector_tells_a_face_from_a_place_without_one():
    picture = pictures.load(EILEEN.picture)
    high, wide = picture.shape[:2]
    frame, find = frame_of(picture), RetinaFace(0.05).find
    left, top, across, down = EILEEN.face
    assert opinion(find, frame, np.array([left / wide, top / high, across / wide, down / high])) > 0.9
    assert opinion(find, frame, np.array([0.05, 0.75, 0.15, 0.15])) < 0.2


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_surer_opinions_never_make_less_of_a_face(first, second, more, other):
    surer = (max(first, more), max(second, other))
    for likely in (False, True):
        assert is_face(*surer, likely) >= is_face(first, second, likely)
    assert is_face(first, second, likely=True) >= is_face(first, second)


def test_one_certain_detector_is_enough_and_two_doubtful_ones_are_not():
    assert is_face(0.0, 0.9) and is_face(0.9, 0.0) and is_face(0.6, 0.6)
    assert not is_face(0.7, 0.1) and not is_face(0.1, 0.7) and is_face(0.1, 0.7, likely=True)

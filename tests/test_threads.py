"""OpenCV's threads are off while a video is worked on, and as before afterwards."""

import cv2
import pytest

from faceblur import analyse
from faceblur.errors import InputError
from faceblur.process import one_thread


def test_threads_are_put_back_also_after_an_error(tmp_path):
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        with one_thread():
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 2
        with pytest.raises(InputError):
            analyse(tmp_path / "missing.mp4")
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_calls_that_overlap_put_back_what_was_there_before_the_first():
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        first, second = one_thread(), one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert cv2.getNumThreads() == 1  # the second is still at work
        second.__exit__(None, None, None)
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)

"""Threads are as before when a call returns: OpenCV's, and everybody's priority."""

import ctypes
import os
import threading
from contextlib import suppress
from pathlib import Path

import cv2
import pytest
from video_kit import make, no_faces

from faceblur import EncoderSettings, analyse, render
from faceblur.errors import InputError
from faceblur.process import one_thread, same_priority


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


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="a Linux process's threads lie in /proc")


def policies() -> set[int]:
    found = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            found.add(os.sched_getscheduler(int(thread.name)))
    return found


@needs_proc
def test_no_encoder_takes_the_priority_of_the_process(tmp_path):
    """SVT-AV1 makes everything real time that runs as root."""
    assert policies() == {os.SCHED_OTHER}
    source = make(tmp_path / "in.mp4", count=3)
    during = []
    settings = EncoderSettings(codec="av1", preset="ultrafast")
    render(source, tmp_path / "out.mp4", no_faces(), encoder=settings, progress=lambda *_: during.append(policies()))
    assert {policy for each in during for policy in each} == {os.SCHED_OTHER} == policies()


@needs_proc
def test_who_asks_the_c_library_hears_the_same(tmp_path):
    """As ZeroMQ does, for its own threads."""
    settings = EncoderSettings(codec="av1", preset="ultrafast")
    render(make(tmp_path / "in.mp4", count=3), tmp_path / "out.mp4", no_faces(), encoder=settings)
    policy, priority = ctypes.c_int(-1), ctypes.c_int(-1)
    thread = ctypes.c_ulong(threading.get_ident())
    ctypes.CDLL(None).pthread_getschedparam(thread, ctypes.byref(policy), ctypes.byref(priority))
    assert (policy.value, priority.value) == (os.SCHED_OTHER, 0)


@needs_proc
def test_priority_is_put_back_after_an_error():
    def fail():
        with same_priority():
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert policies() == {os.SCHED_OTHER}

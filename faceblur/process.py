"""Threads and memory of this process: what a library call may borrow, and what only a process of our own may set."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
_LARGE = 1 << 20
_THREADS = "/proc/self/task"

_lock = threading.Lock()
_within, _threads_before = 0, 0


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV kept to the calling thread while it lasts, also as a decorator.

    Its pool waits in a loop for the next small picture and takes the processor from the decoder and the encoder, which
    run beside: with it, rendering eight faces a frame at 720p costs 15 % over a plain transcode, without it 7 %.
    The setting is the process's: the first of several that overlap makes it, the last puts it back.
    """
    import cv2  # here, because a command sets its memory before it knows whether it needs OpenCV

    global _within, _threads_before
    with _lock:
        if not _within:
            _threads_before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not _within:
                cv2.setNumThreads(_threads_before)


@contextmanager
def same_priority() -> Iterator[None]:
    """The calling thread and those begun meanwhile keep its scheduling, as a system that knows them by /proc lets it.

    For root, SVT-AV1 takes the highest real-time priority as it opens: for all its threads, for the one that called it
    and so for every process started from there, which then keep all others from running.
    """
    if not os.path.isdir(_THREADS):
        yield
        return
    before, policy, priority = _threads(), os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in _threads() - before:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, priority)
        # The C library remembers what it was told of a thread, and others (ZeroMQ) ask it for what theirs should have.
        of_this_thread = ctypes.c_int(priority.sched_priority)
        ctypes.CDLL(None).pthread_setschedparam(
            ctypes.c_ulong(threading.get_ident()), policy, ctypes.byref(of_this_thread)
        )


def _threads() -> set[int]:
    return {int(thread.name) for thread in Path(_THREADS).iterdir()}


def return_large_blocks() -> None:
    """From now on blocks of a MiB and more (pictures, tensors) go back to the system when they are freed.

    For processes of our own (commands, workers, functions): the setting is for good. Once a large block was freed,
    glibc takes all up to its size from a heap that it seldom gives back: without this, a `blur` of 1080p holds 318 MiB
    when it is done, with it 142. Only glibc needs it.
    """
    libc = _glibc()
    if libc:
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)


def hand_back() -> None:
    """What is free now is the system's again. Changes no setting."""
    libc = _glibc()
    if libc:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if hasattr(libc, "mallopt") else None

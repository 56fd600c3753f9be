"""Produce in a thread of its own, a little ahead of who consumes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")
_AHEAD = 2  # decoded frames kept ready while the caller works


def ahead(items: Iterator[Item], count: int = _AHEAD) -> Iterator[Item]:
    """The same items, made up to `count` ahead in a thread of their own; errors arrive where they would."""
    ready: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(count)
    stopped = threading.Event()

    def produce() -> None:
        last: tuple[None, BaseException]
        try:
            for item in items:
                while not stopped.is_set():
                    try:
                        ready.put((item, None), timeout=0.1)
                        break
                    except queue.Full:
                        continue
                if stopped.is_set():
                    return
            last = (None, StopIteration())
        except BaseException as problem:  # handed over to the consumer, whatever it is
            last = (None, problem)
        while not stopped.is_set():
            try:
                ready.put(last, timeout=0.1)
                return
            except queue.Full:
                continue

    worker = threading.Thread(target=produce, daemon=True, name="faceblur-decode")
    worker.start()
    try:
        while True:
            item, problem = ready.get()
            if isinstance(problem, StopIteration):
                return
            if problem is not None:
                raise problem
            yield item  # type: ignore[misc]  # without a problem it is an item
    finally:
        stopped.set()
        worker.join()

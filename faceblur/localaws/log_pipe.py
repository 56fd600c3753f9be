"""What a process prints, collected from a pipe: nothing that was printed is missed or waited for."""

from __future__ import annotations

import os
import select
import threading

CHUNK_BYTES = 1 << 16


class LogPipe:
    """Give `write_end` to the process as its output, then call `started`; `take` gives what it printed."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._content = bytearray()
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        self._reader = threading.Thread(target=self._collect, daemon=True)

    def started(self) -> None:
        """The process has its end: close ours, and keep the pipe from filling."""
        os.close(self.write_end)
        self._reader.start()

    def take(self) -> list[str]:
        """Lines printed since the last call, up to this moment."""
        with self._lock:
            self._drain()
            text, self._content = self._content.decode("utf-8", "replace"), bytearray()
        return text.splitlines()

    def close(self) -> None:
        os.write(self._wake_write, b"x")
        self._reader.join()
        for end in (self._read_end, self._wake_read, self._wake_write):
            os.close(end)

    def _collect(self) -> None:
        poll = select.poll()
        for end in (self._read_end, self._wake_read):
            poll.register(end, select.POLLIN)
        while True:
            if any(end == self._wake_read for end, _ in poll.poll()):
                return
            with self._lock:
                if not self._drain():
                    return

    def _drain(self) -> bool:
        """Read what is in the pipe; False at its end."""
        while True:
            try:
                chunk = os.read(self._read_end, CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._content += chunk

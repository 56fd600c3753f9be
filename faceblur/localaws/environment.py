"""One execution environment: a child process that handles one event at a time until it is closed."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
import uuid
from pathlib import Path

from .family import resident_bytes
from .function import Function, Result, error_document
from .log_pipe import LogPipe
from .runtime_api import Answer, Invocation, RuntimeApi
from .sandbox import WRAPPING, Sandbox, in_memory
from .warden import Warden, remove

# AWS gives the code outside the handler at least this long.
INIT_SECONDS = 10
LOOK_S = 0.02
# /tmp is looked at less often than memory.
LOOKS_PER_TMP = 10


class Environment:
    """A sandboxed process with its Runtime API, log pipe and memory watch."""

    def __init__(self, function: Function, sandbox: Sandbox, folder: Path, warden: Warden | None = None):
        self.function, self._warden = function, warden
        self.started = self.last_used = time.monotonic()
        self.log_stream = time.strftime("%Y/%m/%d/", time.gmtime()) + f"[{function.version}]{uuid.uuid4().hex}"
        self.peak_mb = 0
        self._out_of_memory = False
        self._tmp_mb = 0
        self._used = self._killed = self._closed = False
        self._closing = threading.Lock()
        self._folder = folder
        (folder / "tmp").mkdir(parents=True)
        self._api = RuntimeApi()
        self._log = LogPipe()
        self._wrapping = WRAPPING if sandbox.confined is not None else 0
        self._keeps_tmp = sandbox.confined is not None and in_memory(function.storage_mb)
        self._process = sandbox.start(function, folder / "tmp", self._api.address, self.log_stream, self._log.write_end)
        self._api.belongs_to(self._process.pid)
        if warden:
            warden.began(self._process.pid)
        self._log.started()
        tasks = (self._wait_for_exit, self._watch_limits)
        self._threads = [threading.Thread(target=task, daemon=True) for task in tasks]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        return not self._killed and self._process.poll() is None

    def invoke(
        self, event: bytes, request_id: str, dies_after_s: float | None = None, client_context: str = ""
    ) -> Result:
        """Run the handler on one event; afterwards the environment may be dead (exit, timeout, memory).

        dies_after_s: kill it so many seconds after it was given the event, if it is still at work then.
        """
        cold, self._used = not self._used, True
        init_ms, answer = self._start() if cold else (0.0, None)
        begun = time.monotonic()
        if answer is None:
            answer = self._handle(event, request_id, dies_after_s, client_context)
        duration_ms = 1000 * (time.monotonic() - begun)
        self._look_at_memory()
        payload, note = self._payload(answer, request_id)
        log = self._report(request_id, note, duration_ms, init_ms)
        self.last_used = time.monotonic()
        error = answer.kind != "response"
        return Result(payload, error, log, duration_ms, init_ms, self.peak_mb, self.log_stream)

    def close(self) -> None:
        """Whoever comes second waits for the first: what is closed twice may be somebody else's by then."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._end()

    def _end(self) -> None:
        self._kill()
        for thread in self._threads:
            thread.join()
        if self._process.stdin:
            self._process.stdin.close()
        if self._warden:
            self._warden.ended(self._process.pid)
        self._log.close()
        self._api.close()
        remove(self._folder)

    def _start(self) -> tuple[float, Answer | None]:
        """Wait until the code has been imported: milliseconds, and the answer if that failed."""
        self._api.ready.wait(max(INIT_SECONDS, self.function.timeout_s))
        init_ms = 1000 * (time.monotonic() - self.started)
        if not self._api.answers.empty():
            answer = self._api.answers.get_nowait()
            self._kill()
            return init_ms, answer
        if not self._api.ready.is_set():
            self._kill()
            return init_ms, Answer("timeout")
        return init_ms, None

    def _handle(self, event: bytes, request_id: str, dies_after_s: float | None, client_context: str) -> Answer:
        deadline = time.time() + self.function.timeout_s
        self._api.submit(Invocation(request_id, event, deadline, self.function.arn, client_context))
        if dies_after_s == 0:
            self._kill()
        if not self.alive:
            return Answer("exit")
        killer = threading.Timer(dies_after_s or 0, self._kill)
        if dies_after_s:
            killer.start()
        try:
            return self._api.answers.get(timeout=self.function.timeout_s)
        except queue.Empty:
            self._kill()
            return Answer("timeout")
        finally:
            killer.cancel()

    def _payload(self, answer: Answer, request_id: str) -> tuple[bytes, str]:
        """The body that the caller gets, and the line that the log gets when the process did not end well."""
        if answer.kind == "timeout":
            message = f"Task timed out after {self.function.timeout_s:.2f} seconds"
            name = "Sandbox.Timedout"
        elif answer.kind == "exit":
            self._process.wait()
            killed = self._out_of_memory or self._process.returncode == -signal.SIGKILL
            reason = "signal: killed" if killed else f"exit status {self._process.returncode}"
            if self._tmp_mb > self.function.storage_mb:
                reason = f"/tmp holds {self._tmp_mb} MB, EphemeralStorage is {self.function.storage_mb} MB"
            message = f"Runtime exited with error: {reason}"
            name = "Runtime.ExitError"
        else:
            return answer.body, ""
        note = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) + f"{request_id} {message}"
        return error_document(name, f"RequestId: {request_id} Error: {message}"), note

    def _report(self, request_id: str, note: str, duration_ms: float, init_ms: float) -> str:
        """The log of one invocation as CloudWatch has it."""
        function = self.function
        report = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {duration_ms:.2f} ms",
            f"Billed Duration: {int(duration_ms + init_ms) + 1} ms",
            f"Memory Size: {function.memory_mb} MB",
            f"Max Memory Used: {self.peak_mb} MB",
        ]
        if init_ms:
            report.append(f"Init Duration: {init_ms:.2f} ms")
        lines = [f"START RequestId: {request_id} Version: {function.version}", *self._log.take()]
        lines += [note] if note else []
        return "\n".join([*lines, f"END RequestId: {request_id}", "\t".join(report)])

    def _kill(self) -> None:
        self._killed = True
        self._api.end()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _wait_for_exit(self) -> None:
        self._process.wait()
        self._api.end()
        self._api.answers.put(Answer("exit"))
        self._api.ready.set()

    def _watch_limits(self) -> None:
        """Past the function's memory or /tmp it is killed. Nobody looks while it is idle."""
        looks = 0
        while self._api.working.wait() and self.alive:
            self._look_at_memory()
            if looks % LOOKS_PER_TMP == 0 and not self._keeps_tmp:
                self._tmp_mb = _size(self._folder) >> 20
            if self._out_of_memory or self._tmp_mb > self.function.storage_mb:
                self._kill()
                return
            looks += 1
            time.sleep(LOOK_S)

    def _look_at_memory(self) -> None:
        """Note the peak of the process family."""
        used_mb = resident_bytes(self._process.pid, self._wrapping) >> 20
        self.peak_mb = max(self.peak_mb, used_mb)
        self._out_of_memory = self._out_of_memory or used_mb > self.function.memory_mb


def _size(folder: Path) -> int:
    """Bytes that a folder holds on disk; files that vanish meanwhile do not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_blocks * 512
    return total

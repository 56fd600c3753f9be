"""Runs Lambda functions: unpacked code and a pool of execution environments."""

from __future__ import annotations

import functools
import hashlib
import io
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .environment import Environment
from .failures import Failures
from .function import Function, Result
from .limits import MAX_DEPTH, MAX_UNPACKED_BYTES
from .sandbox import Sandbox, compile_code
from .warden import Warden, remove

IDLE_SECONDS = 300
REAP_SECONDS = 30
# Warm ones beyond this many end, those that waited longest first.
MAX_IDLE = 16


class Executor:
    """Environments are reused while they live, as on AWS; concurrent invocations get one each."""

    def __init__(
        self,
        root: Path,
        sandbox: Sandbox | None = None,
        warden: Warden | None = None,
        failures: Failures | None = None,
    ):
        self.root, self._warden, self._failures = root, warden, failures or Failures()
        self.sandbox = sandbox or Sandbox.prepare(root)
        self._idle: dict[str, list[Environment]] = {}
        self._busy: set[Environment] = set()
        self._lock = threading.Lock()
        self._unpack_lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._reap, daemon=True).start()

    def unpack(self, package: bytes, owner: str = "") -> Path:
        """The folder with the contents of a ZIP package; the same bytes of one owner give the same folder.

        Raises ValueError for what cannot be unpacked.
        """
        folder = self.root / "code" / hashlib.sha256(owner.encode() + b"\0" + package).hexdigest()[:20]
        with self._unpack_lock:
            if folder.is_dir():
                return folder
            beside = folder.with_suffix(".new")
            remove(beside)
            beside.mkdir(parents=True)
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
                    raise ValueError(f"Unzipped size must be smaller than {MAX_UNPACKED_BYTES} bytes")
                try:
                    for entry in archive.infolist():
                        unpack_entry(archive, entry, beside)
                except Exception as problem:  # there is no end to what a broken archive can bring about
                    remove(beside)
                    raise ValueError(f"Could not unzip uploaded file: {problem_of(problem)}") from problem
            compile_code(beside)
            return beside.rename(folder)

    def invoke(
        self, function: Function, event: bytes, request_id: str | None = None, client_context: str = ""
    ) -> Result:
        """Run one event in a warm environment if there is one, else in a new one."""
        environment = self._acquire(function)
        killed = self._failures.strike("kill", function.name)
        try:
            dies_after_s = killed.options["seconds"] if killed else None
            return environment.invoke(event, request_id or str(uuid.uuid4()), dies_after_s, client_context)
        finally:
            self._release(environment)

    def close(self) -> None:
        """End every environment, working or idle."""
        self._closed.set()
        with self._lock:
            everything = [*self._busy, *(one for group in self._idle.values() for one in group)]
            self._idle.clear()
        _close_all(everything)

    def forget(self, arn: str) -> None:
        """The function was deleted: end what waits for its next event."""
        self._end_idle(lambda one: one.function.arn == arn)

    def _reap(self) -> None:
        while not self._closed.wait(REAP_SECONDS):
            long_ago = time.monotonic() - IDLE_SECONDS
            self._end_idle(functools.partial(_is_over, long_ago))

    def _end_idle(self, is_over: Callable[[Environment], bool]) -> None:
        with self._lock:
            retired = self._take_out(is_over)
        _close_all(retired)

    def _acquire(self, function: Function) -> Environment:
        with self._lock:
            retired = self._take_out(
                lambda one: not one.alive or (one.function.arn == function.arn and one.function.key != function.key)
            )
            group = self._idle.get(function.key, [])
            environment = group.pop() if group else None
        for old in retired:
            old.close()
        if self._closed.is_set():
            raise RuntimeError("the embedded AWS is stopping")
        if environment is None:
            folder = self.root / "environments" / f"{function.name}-{uuid.uuid4().hex[:12]}"
            environment = Environment(function, self.sandbox, folder, self._warden)
        with self._lock:
            self._busy.add(environment)
        return environment

    def _release(self, environment: Environment) -> None:
        with self._lock:
            self._busy.discard(environment)
            surplus = [environment]
            if environment.alive and not self._closed.is_set():
                self._idle.setdefault(environment.function.key, []).append(environment)
                waiting = sorted((one for group in self._idle.values() for one in group), key=lambda one: one.last_used)
                over = waiting[: max(0, len(waiting) - MAX_IDLE)]
                surplus = self._take_out(lambda one: one in over)
        _close_all(surplus)

    def _take_out(self, is_over: Callable[[Environment], bool]) -> list[Environment]:
        """Remove and return the idle environments that are over; the lock must be held."""
        retired = [one for group in self._idle.values() for one in group if is_over(one)]
        for key, group in list(self._idle.items()):
            self._idle[key] = [one for one in group if one not in retired]
            if not self._idle[key]:
                del self._idle[key]
        return retired


def unpack_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    if entry.filename.count("/") > MAX_DEPTH:
        raise ValueError("its folders are too deep in each other")
    path = Path(archive.extract(entry, folder))
    mode = entry.external_attr >> 16 & 0o777
    if mode and path.is_file():
        path.chmod(mode | 0o400)


def problem_of(problem: Exception) -> str:
    """Without the names of our folders."""
    return (problem.strerror if isinstance(problem, OSError) else "") or str(problem)


def _is_over(long_ago: float, environment: Environment) -> bool:
    return environment.last_used < long_ago or not environment.alive


def _close_all(environments: list[Environment]) -> None:
    """Each close waits for threads to end: all at once."""
    if len(environments) == 1:
        environments[0].close()
    elif environments:
        with ThreadPoolExecutor(len(environments)) as closing:
            list(closing.map(Environment.close, environments))

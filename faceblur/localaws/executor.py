"""Runs Lambda functions: unpacked code and a pool of execution environments.

Imports `environment`, `function`, `sandbox`.
"""

from __future__ import annotations

import hashlib
import io
import threading
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .environment import Environment
from .function import Function, Result
from .sandbox import Sandbox

IDLE_SECONDS = 300


class Executor:
    """Environments are reused while they live, as on AWS; concurrent invocations get one each."""

    def __init__(self, root: Path, sandbox: Sandbox | None = None):
        self.root = root
        self.sandbox = sandbox or Sandbox.prepare(root)
        self._idle: dict[str, list[Environment]] = {}
        self._busy: set[Environment] = set()
        self._lock = threading.Lock()
        self._unpack_lock = threading.Lock()

    def unpack(self, package: bytes) -> Path:
        """The folder with the contents of a ZIP package; the same bytes give the same folder."""
        folder = self.root / "code" / hashlib.sha256(package).hexdigest()[:20]
        with self._unpack_lock:
            if folder.is_dir():
                return folder
            beside = folder.with_suffix(".new")
            beside.mkdir(parents=True)
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                for entry in archive.infolist():
                    path = Path(archive.extract(entry, beside))
                    mode = entry.external_attr >> 16 & 0o777
                    if mode and path.is_file():
                        path.chmod(mode | 0o400)
            return beside.rename(folder)

    def invoke(self, function: Function, event: bytes, request_id: str | None = None) -> Result:
        """Run one event in a warm environment if there is one, else in a new one."""
        environment = self._acquire(function)
        try:
            return environment.invoke(event, request_id or str(uuid.uuid4()))
        finally:
            self._release(environment)

    def close(self) -> None:
        """End every environment, working or idle."""
        with self._lock:
            everything = [*self._busy, *(one for group in self._idle.values() for one in group)]
            self._idle.clear()
        # Each close waits for threads and a server to end: all at once.
        with ThreadPoolExecutor(len(everything) or 1) as closing:
            list(closing.map(Environment.close, everything))

    def _acquire(self, function: Function) -> Environment:
        with self._lock:
            retired = self._retire(function)
            group = self._idle.get(function.key, [])
            environment = group.pop() if group else None
        for old in retired:
            old.close()
        if environment is None:
            folder = self.root / "environments" / f"{function.name}-{uuid.uuid4().hex[:12]}"
            environment = Environment(function, self.sandbox, folder)
        with self._lock:
            self._busy.add(environment)
        return environment

    def _release(self, environment: Environment) -> None:
        with self._lock:
            self._busy.discard(environment)
            if environment.alive:
                self._idle.setdefault(environment.function.key, []).append(environment)
                return
        environment.close()

    def _retire(self, function: Function) -> list[Environment]:
        """Take out environments that ended, sat idle too long, or run an older state of this function."""
        now, retired = time.monotonic(), []
        for key, group in list(self._idle.items()):
            kept = []
            for one in group:
                outdated = one.function.arn == function.arn and key != function.key
                stale = now - one.last_used > IDLE_SECONDS
                (retired if outdated or stale or not one.alive else kept).append(one)
            if kept:
                self._idle[key] = kept
            else:
                del self._idle[key]
        return retired

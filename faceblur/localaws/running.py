"""The embedded AWS by itself: started for whoever comes, found again by other commands of the same user.

What is needed to find it lies in its own folder, which only this user can read, and goes with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import WorkshopError
from ..patience import tries
from .cloud import KEEP_SECONDS, REGION, LocalAws

# As other emulators of AWS have it.
PORT = 4566
FILE = "local.json"


@dataclass(frozen=True)
class Running:
    """One that runs: where, since when (seconds of the epoch), with which environment and folders ("" for none)."""

    endpoint_url: str
    pid: int
    since: float
    state: str
    root: str
    environment: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.endpoint_url.rpartition(":")[2])

    def ready_line(self) -> str:
        """One line of JSON with what a client needs."""
        keys = {name.lower(): self.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        document = {"endpoint_url": self.endpoint_url, "region": REGION, **keys}
        return json.dumps(document | {"pid": self.pid, "state": self.state or None})

    def exports(self) -> str:
        """Lines for a shell's eval."""
        return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in self.environment.items())

    def client(self, service: str) -> Any:
        """boto3's client of this service, whatever the environment of this process says."""
        import boto3

        own = self.environment
        keys = {name: own[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
        return boto3.client(service, endpoint_url=self.endpoint_url, region_name=REGION, **keys)


@contextlib.contextmanager
def up(port: int = PORT, state: str | None = None) -> Iterator[tuple[LocalAws, Running]]:
    """Start one that `find` finds, and end it. Raises WorkshopError."""
    with LocalAws(port, state) as aws:
        own = Running(aws.endpoint_url, aws.pid, time.time(), str(aws.state or ""), str(aws.root), aws.environment)
        file = Path(own.root) / FILE
        with os.fdopen(os.open(file.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(asdict(own), out)
        file.with_suffix(".new").rename(file)
        if aws.lacks:
            print(f"faceblur: {aws.lacks}", file=sys.stderr, flush=True)
        yield aws, own


def serve(port: int, state: str | None, say: Callable[[Running], None]) -> int:
    """Until somebody ends it: an exit code. say: tells of it once it is ready. KeyboardInterrupt ends it, too."""
    with contextlib.suppress(KeyboardInterrupt), up(port, state) as (aws, own):
        say(own)
        aws.ended.wait()
        return int(aws.failed)
    return 0


def detach(port: int, state: str | None) -> Running:
    """Start one that stays when this process ends. Raises WorkshopError."""
    command = [sys.executable, "-m", "faceblur.localaws", "--port", str(port), "--json"]
    command += ["--state", state] if state else []
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        assert child.stdout
        with child.stdout as said_first:
            line = said_first.readline()
        if not line:
            child.wait()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().removeprefix("faceblur: ")
            raise WorkshopError(said or "the embedded AWS did not start")
    child.returncode = 0  # it is nobody's child any more: no warning that it still runs
    return find(json.loads(line)["endpoint_url"].rpartition(":")[2])


def all_running() -> list[Running]:
    from .roots import held_roots  # needs a POSIX system

    found = []
    for root in held_roots():
        with contextlib.suppress(OSError, ValueError, TypeError):  # it is just starting, or ending
            found.append(Running(**json.loads((root / FILE).read_text())))
    return found


def find(port: int | str | None = None) -> Running:
    """The one that runs, or the one on this port. Raises WorkshopError when there is none, or more than one."""
    found = all_running() if os.name == "posix" else []
    if port is not None:
        found = [one for one in found if one.port == int(port)]
    if not found:
        where = "" if port is None else f" on port {port}"
        raise WorkshopError(f"the embedded AWS is not running{where}: faceblur local up")
    if len(found) > 1:
        ports = ", ".join(str(one.port) for one in found)
        raise WorkshopError(f"more than one embedded AWS is running: say which with --port ({ports})")
    return found[0]


def down(one: Running) -> None:
    """End it and wait until it has kept what it keeps. Raises WorkshopError when it does not end."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.pid, signal.SIGTERM)
    for _ in tries(KEEP_SECONDS, 0.02):
        if not Path(one.root).exists():
            return
    raise WorkshopError(f"the embedded AWS (process {one.pid}) does not end")


def log_lines(one: Running, function: str) -> Iterator[str]:
    """What a function has written, oldest first. Raises WorkshopError for one that is not there."""
    functions, logs = one.client("lambda"), one.client("logs")
    names = [each["FunctionName"] for page in functions.get_paginator("list_functions").paginate()
             for each in page["Functions"]]  # fmt: skip
    name = function.rpartition(":")[2]
    if name not in names:
        there = f"there are {', '.join(sorted(names))}" if names else "there is none"
        raise WorkshopError(f"there is no function {function}; {there}")
    try:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}"):
            for event in page["events"]:
                yield event["message"].rstrip("\n")
    except logs.exceptions.ResourceNotFoundException:
        return

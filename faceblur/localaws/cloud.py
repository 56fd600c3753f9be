"""Starts and stops the embedded AWS."""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import select
import socket
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

from ..errors import WorkshopError
from .chaos import Chaos
from .warden import remove

REGION = "us-east-1"
# AWS's example account: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
ACCOUNT = "123456789012"
# What the extra `local` brings.
PACKAGES = ("ministack", "psutil", "statelint", "boto3")
START_SECONDS = 60
STOP_SECONDS = 10
# With images of hundreds of megabytes to keep.
KEEP_SECONDS = 60
LOG = "engine.log"


class LocalAws:
    """The embedded AWS as a context manager; `environment` is what unmodified boto3 needs to find it.

    port: where it listens on 127.0.0.1; 0 for any free one. state: a folder that keeps what is in it until it is
    started with that folder again (`engine.keeping` says what is not kept); without one all is deleted.
    Raises WorkshopError when ministack is not installed, the port or the folder is taken, or the process does not
    come up.
    """

    def __init__(self, port: int = 0, state: str | os.PathLike | None = None):
        self.port, self.state = port, None if state is None else Path(state).resolve()
        self.endpoint_url = ""
        self.environment: dict[str, str] = {}
        self.root: Path | None = None
        self.pid = 0
        # Set when the process ends, by `stop` or by itself.
        self.ended = threading.Event()
        self.failed = False
        # What functions are not kept from on this system, in words.
        self.lacks = ""
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> LocalAws:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it answers (about a second)."""
        if os.name != "posix":
            raise WorkshopError("the embedded AWS needs Linux or macOS; on Windows use it inside WSL")
        if any(find_spec(name) is None for name in PACKAGES):
            raise WorkshopError("the embedded AWS is not installed: pip install 'faceblur[local]'")
        from . import roots  # needs a POSIX system

        roots.remove_abandoned_roots()
        with contextlib.ExitStack() as opened:
            listener = opened.enter_context(listen(self.port))
            locks = [roots.hold_state(self.state)] if self.state else []
            self.root, lock = roots.private_root()
            locks.append(lock)
            for file in locks:
                opened.callback(os.close, file)
            log = opened.enter_context((self.root / LOG).open("wb"))
            port, number = listener.getsockname()[1], listener.fileno()
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "faceblur.localaws.engine", str(self.root), str(number)],
                env=engine_environment(self.root, port, self.state),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[number, *locks],
                start_new_session=True,
            )
        self.pid = process.pid
        atexit.register(self.stop)
        keys = self._wait_until_ready(process)
        self.lacks = keys.pop("lacks")
        self.endpoint_url = f"http://127.0.0.1:{port}"
        self.environment = client_environment(self.root, self.endpoint_url, keys)
        self.ended.clear()
        threading.Thread(target=self._notice_the_end, args=(process,), daemon=True).start()

    @property
    def chaos(self) -> Chaos:
        """Switches failures on and off in it."""
        return Chaos(self.environment)

    def stop(self) -> None:
        """End the process and everything it started, and delete its files. May be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        assert process.stdin and process.stdout and self.root
        process.stdin.close()
        try:
            process.wait(KEEP_SECONDS if self.state else STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        remove(self.root)

    def _wait_until_ready(self, process: subprocess.Popen) -> dict[str, str]:
        """The access key that the engine says when it answers."""
        assert process.stdout
        said, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        if said and (line := process.stdout.readline()):
            return json.loads(line)
        process.kill()
        last = self._last_words()
        self.stop()
        raise WorkshopError(f"the embedded AWS did not start: {last or 'it said nothing'}")

    def _notice_the_end(self, process: subprocess.Popen) -> None:
        """An engine that dies by itself is no secret: what is called afterwards only meets a closed port."""
        status, last = process.wait(), self._last_words()
        if process is self._process:
            cause = f"signal {-status}" if status < 0 else f"exit status {status}"
            words = f"ended by itself ({cause}) {last}".rstrip() if status else "was told to end"
            print(f"faceblur: the embedded AWS {words}", file=sys.stderr, flush=True)
            self.failed = status != 0
        self.ended.set()

    def _last_words(self) -> str:
        try:
            assert self.root
            lines = (self.root / LOG).read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return " | ".join(lines[-5:])


def listen(port: int) -> socket.socket:
    """On this port of 127.0.0.1. Raises WorkshopError."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise WorkshopError(f"port {port} is taken: choose another (0 takes any that is free)") from None
        raise WorkshopError(f"port {port} cannot be used: {problem.strerror}") from None
    except OverflowError:
        raise WorkshopError(f"there is no port {port}: 0 to 65535") from None


def engine_environment(root: Path, port: int, state: Path | None = None) -> dict[str, str]:
    """This process's environment without its AWS settings, and with what ministack reads."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINISTACK_", "LAMBDA_"))}
    package = str(Path(__file__).resolve().parents[2])
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")])),
        "TMPDIR": str(root),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "AUTH": "true",
        "AWS_DEFAULT_REGION": REGION,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        # No other listener, no Docker daemon of the user's, no state that outlives the process unasked.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{root}/no-docker.sock",
        "PERSIST_STATE": "1" if state else "0",
        "S3_PERSIST": "1" if state else "0",
        "STATE_DIR": str((state or root) / "services"),
        "S3_DATA_DIR": str((state or root) / "objects"),
        "LOCALSTACK_PERSISTENCE": "0",
        "LOG_LEVEL": "WARNING",
    }
    return kept | alone(root) | own


def client_environment(root: Path, endpoint_url: str, keys: dict[str, str]) -> dict[str, str]:
    """What boto3 and the AWS CLI need to talk to the embedded AWS and to nothing else."""
    return alone(root) | {
        "AWS_ENDPOINT_URL": endpoint_url,
        **keys,
        "AWS_SESSION_TOKEN": "",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def alone(root: Path) -> dict[str, str]:
    """Keeps boto3 from this machine's profiles, instance metadata and proxies."""
    config = root / "aws-config"
    # A profile that is set on this machine must exist, but its keys and settings must not be used.
    profiles = {os.environ.get(name, "") for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")} - {"", "default"}
    sections = ["default", *(f"profile {name}" for name in sorted(profiles))]
    config.write_text("".join(f"[{section}]\nregion = {REGION}\n" for section in sections))
    no_proxy = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1"]))
    return {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }

"""What a Lambda function is and what an invocation gives back: values only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class UnpackedImage:
    """An unpacked container image: its root folder and the configuration it carries."""

    root: Path
    digest: str
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    folder: str = ""
    # Those that its compiled modules were made for, as "3.12".
    pythons: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Entry:
    """How an image's process begins: its own program in its own system, or words for this machine's Python.

    folder: where it works, as the image has it; folder_on_disk: where that lies on this machine.
    """

    command: tuple[str, ...]
    own: bool
    folder: str
    folder_on_disk: Path


@dataclass(frozen=True)
class Function:
    """One version of a function with everything its execution environments need.

    `task` is the folder that is /var/task on AWS; `layers` are unpacked folders (each /opt); `image` is set
    for functions made from a container image, `entry` how it begins. `variables` are the user's, `credentials` those
    of the execution role.
    """

    name: str
    arn: str
    handler: str
    task: Path
    timeout_s: float = 3
    memory_mb: int = 128
    storage_mb: int = 512
    version: str = "$LATEST"
    region: str = "us-east-1"
    variables: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    endpoint_url: str = ""
    layers: tuple[Path, ...] = ()
    image: UnpackedImage | None = None
    entry: Entry | None = None

    @property
    def key(self) -> str:
        """Environments may be reused by invocations with the same key."""
        content = [
            self.arn,
            self.handler,
            str(self.task),
            self.memory_mb,
            self.storage_mb,
            self.version,
            dict(self.variables),
        ]
        content += [dict(self.credentials), [str(layer) for layer in self.layers]]
        content += [self.entry.command, self.entry.folder] if self.entry else []
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Result:
    """One invocation's end. `payload` is JSON; `error` says that it is an error document."""

    payload: bytes
    error: bool
    log: str
    duration_ms: float
    init_ms: float
    peak_mb: int
    log_stream: str = ""


def error_document(name: str, message: str) -> bytes:
    return json.dumps({"errorType": name, "errorMessage": message}).encode()

"""Container images without Docker: deterministic layers, an OCI manifest, pushing to a registry's /v2 API.

Standard library only. Formats: https://github.com/opencontainers/image-spec, protocol:
https://github.com/opencontainers/distribution-spec. Equal files give equal digests.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin

from ...errors import WorkshopError
from ...files import Replacement

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
TIMEOUT_S = 300


@dataclass(frozen=True)
class Layer:
    """A gzipped tar on disk: its digest as stored, and its digest when unpacked (the config's diff_id)."""

    path: Path
    digest: str
    diff_id: str
    size: int


@dataclass(frozen=True)
class Image:
    """What a registry stores of an image, layers in order from the bottom."""

    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def size(self) -> int:
        """Bytes in the registry."""
        return len(self.manifest) + len(self.config) + sum(layer.size for layer in self.layers)


@dataclass(frozen=True)
class Base:
    """An image to build upon: its config as it was, and its layers."""

    config: dict
    layers: tuple[Layer, ...]


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class _Hashing:
    """A writer that hashes what passes through."""

    def __init__(self, sink: BinaryIO | gzip.GzipFile):
        self._sink = sink
        self.hash = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.hash.update(content)
        return self._sink.write(content)

    def flush(self) -> None:
        self._sink.flush()


def write_layer(path: Path, files: Mapping[str, Path]) -> Layer:
    """Write `files` (name in the image -> file here) as one layer; written beside, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replacement = Replacement(path)
    try:
        with replacement.partial.open("wb") as target:
            stored = _Hashing(target)
            with gzip.GzipFile(filename="", mode="wb", fileobj=stored, compresslevel=4, mtime=0) as packed:
                unpacked = _Hashing(packed)
                with tarfile.open(fileobj=unpacked, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
                    for name in sorted(files):
                        _add(archive, name, files[name])
        replacement.keep()
    finally:
        replacement.discard()
    diff_id = "sha256:" + unpacked.hash.hexdigest()
    return Layer(path, "sha256:" + stored.hash.hexdigest(), diff_id, path.stat().st_size)


def _add(archive: tarfile.TarFile, name: str, file: Path) -> None:
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.size = file.stat().st_size
    entry.mode = 0o755 if os.access(file, os.X_OK) else 0o644
    with file.open("rb") as content:
        archive.addfile(entry, content)


def make_image(
    layers: Sequence[Layer],
    architecture: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    base: Base | None = None,
) -> Image:
    """The manifest and config of an image for Linux; `architecture` in OCI's words (amd64, arm64).

    base: an image whose layers lie below ours, and whose entry point, variables and whatever else we do not set stay.
    All layers get one media type, whatever they had: Lambda takes no mixture.
    """
    below = base.layers if base else ()
    settings: dict = dict(base.config.get("config") or {}) if base else {"WorkingDir": "/var/task"}
    settings["Cmd"] = list(command)
    settings["Env"] = [*settings.get("Env", ()), *(f"{name}={value}" for name, value in environment.items())]
    diff_ids = [layer.diff_id for layer in (*below, *layers)]
    described = {"architecture": architecture, "os": "linux", "config": settings}
    config = _json(described | {"rootfs": {"type": "layers", "diff_ids": diff_ids}})
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": each.digest, "size": each.size} for each in (*below, *layers)],
    }
    return Image(_json(manifest), config, (*below, *layers))


def push(image: Image, registry: str, repository: str, tag: str, token: str, say: Callable[[str], None]) -> str:
    """Store the image as repository:tag and return its digest; blobs the registry has are not sent again.

    `registry` is http(s)://host[:port], `token` GetAuthorizationToken's. Raises WorkshopError.
    """
    remote = _Registry(registry, repository, token)
    for layer in image.layers:
        if not remote.has(layer.digest):
            say(f"pushing {layer.size / 1e6:.1f} MB")
            with layer.path.open("rb") as content:
                remote.upload(layer.digest, content, layer.size)
    if not remote.has(digest_of(image.config)):
        remote.upload(digest_of(image.config), image.config, len(image.config))
    remote.put_manifest(tag, image.manifest)
    return image.digest


class _Registry:
    """The few calls of the distribution API that a push needs."""

    def __init__(self, registry: str, repository: str, token: str):
        self._base = f"{registry.rstrip('/')}/v2/{repository}/"
        self._headers = {"Authorization": f"Basic {token}"}

    def has(self, digest: str) -> bool:
        return self._send("HEAD", urljoin(self._base, f"blobs/{digest}"), allowed=(200, 404))[0] == 200

    def upload(self, digest: str, content: bytes | BinaryIO, size: int) -> None:
        _, location = self._send("POST", urljoin(self._base, "blobs/uploads/"), b"", allowed=(202,))
        place = urljoin(self._base, location)
        place += ("&" if "?" in place else "?") + f"digest={digest}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._send("PUT", place, content, headers, allowed=(201,))

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        self._send("PUT", urljoin(self._base, f"manifests/{tag}"), manifest, {"Content-Type": MANIFEST}, (201,))

    def _send(
        self,
        method: str,
        url: str,
        content: bytes | BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
        allowed: tuple[int, ...] = (200,),
    ) -> tuple[int, str]:
        request = urllib.request.Request(url, content, {**self._headers, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                status, location, body = answer.status, answer.headers.get("Location", ""), b""
        except urllib.error.HTTPError as problem:
            with problem:
                status, location, body = problem.code, "", problem.read(500)
        except (OSError, http.client.HTTPException) as problem:
            raise WorkshopError(f"the registry at {self._base} does not answer: {problem}") from problem
        if status not in allowed:
            words = body.decode("utf-8", "replace").strip()
            raise WorkshopError(f"the registry answered {status} to {method} {url}: {words}")
        return status, location


def _json(document: dict) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

"""Container images: from the blobs of a registry to a folder with the image's files.

Formats: https://github.com/opencontainers/image-spec (manifest, config, layer) and Docker's schema 2, which
is the same but for its media types. An image index (several platforms, BuildKit's provenance) is refused, as
AWS Lambda does.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from .function import UnpackedImage
from .layers import ImageError, apply_layer
from .limits import MAX_IMAGE_BYTES
from .sandbox import compile_code
from .warden import remove

# (repository, 'manifests' | 'blobs', tag or digest) -> content, or None when the registry has no such thing.
Fetch = Callable[[str, str, str], bytes | None]

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def split_uri(uri: str) -> tuple[str, str]:
    """'host/repository:tag' or 'host/repository@sha256:...' -> repository, reference."""
    _, _, rest = uri.partition("/")
    if "@" in rest:
        repository, _, reference = rest.partition("@")
    else:
        repository, _, reference = rest.partition(":")
    return repository, reference or "latest"


def read_manifest(uri: str, fetch: Fetch) -> tuple[str, dict]:
    """Digest and manifest of an image. Raises ImageError with the words AWS Lambda uses."""
    repository, reference = split_uri(uri)
    content = fetch(repository, "manifests", reference)
    if content is None:
        raise ImageError(f"Source image {uri} does not exist. Provide a valid source image.")
    manifest = json.loads(content)
    if "config" not in manifest or "layers" not in manifest:
        kind = manifest.get("mediaType", "unknown")
        raise ImageError(
            f"The image manifest, config or layer media type for the source image {uri} is not supported: "
            f"{kind}. Build for one platform and without provenance (--provenance=false --sbom=false)."
        )
    return "sha256:" + hashlib.sha256(content).hexdigest(), manifest


class ImageStore:
    """Unpacked images in `folder`, each once per digest."""

    def __init__(self, folder: Path, max_bytes: int = MAX_IMAGE_BYTES):
        self._folder, self._max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._images: dict[str, UnpackedImage] = {}

    def get(self, uri: str, fetch: Fetch) -> UnpackedImage:
        """Unpack on first use. Raises ImageError."""
        repository, _ = split_uri(uri)
        digest, manifest = read_manifest(uri, fetch)
        with self._lock:
            if digest not in self._images:
                try:
                    self._images[digest] = self._unpack(repository, digest, manifest, fetch)
                except Exception as problem:  # there is no end to what a broken archive can bring about
                    remove(self._place(digest))
                    if isinstance(problem, ImageError):
                        raise
                    raise ImageError(f"{uri} cannot be unpacked: {problem}") from problem
            return self._images[digest]

    def _place(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")[:20]

    def _unpack(self, repository: str, digest: str, manifest: dict, fetch: Fetch) -> UnpackedImage:
        root = self._place(digest)
        remove(root)
        root.mkdir(parents=True)
        room = self._max_bytes
        for layer in manifest["layers"]:
            room -= apply_layer(self._blob(repository, layer["digest"], fetch), root, room)
        (root / "var/task").mkdir(parents=True, exist_ok=True)
        compile_code(root)
        settings = json.loads(self._blob(repository, manifest["config"]["digest"], fetch)).get("config") or {}
        variables = dict(entry.partition("=")[::2] for entry in settings.get("Env") or ())
        command, entrypoint = tuple(settings.get("Cmd") or ()), tuple(settings.get("Entrypoint") or ())
        folder, pythons = settings.get("WorkingDir") or "", frozenset(python_versions(root))
        return UnpackedImage(root, digest, variables, command, entrypoint, folder, pythons)

    @staticmethod
    def _blob(repository: str, digest: str, fetch: Fetch) -> bytes:
        blob = fetch(repository, "blobs", digest)
        if blob is None:
            raise ImageError(f"the registry has no blob {digest} of {repository}: push the image again")
        if "sha256:" + hashlib.sha256(blob).hexdigest() != digest:
            raise ImageError(f"the blob {digest} of {repository} is damaged: push the image again")
        return blob


def python_versions(root: Path) -> set[str]:
    """The Pythons ('3.12') that the image's compiled modules were made for; empty when it has none."""
    found = set()
    for folder in ("var/task", "var/lang/lib", "usr/local/lib", "opt/python"):
        for path in (root / folder).rglob("*.cpython-3*.so"):
            if minor := re.search(r"\.cpython-3(\d+)", path.name):
                found.add(f"3.{minor[1]}")
    return found

"""AWS's base image without Docker: fetched by its registry's HTTP interface, as anybody may, checked, and kept.

Protocol: https://github.com/opencontainers/distribution-spec, tokens:
https://distribution.github.io/distribution/spec/auth/token/. Standard library only.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

from ...errors import WorkshopError
from . import oci

REGISTRY, REPOSITORY = "https://public.ecr.aws", "lambda/python"
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = (oci.MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
LAYERS = (oci.LAYER, "application/vnd.docker.image.rootfs.diff.tar.gzip")
_CHUNK = 1 << 20
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


def fetch(
    registry: str,
    repository: str,
    tag: str,
    architecture: str,
    folder: Path,
    say: Callable[[str], None],
    token: str = "",
) -> oci.Base:
    """The image for Linux on this architecture (amd64, arm64). Its layers lie in `folder`, and are fetched once.

    token: of a registry that lets nobody in without (GetAuthorizationToken's). Raises WorkshopError: no answer, no
    image of this kind, or something else than its digest says.
    """
    remote = _Remote(f"{registry}/v2/{repository}", f"Basic {token}" if token else "")
    manifest = remote.document(f"manifests/{tag}", (*INDEXES, *MANIFESTS))
    if "manifests" in manifest:
        manifest = remote.checked(_of_platform(manifest, architecture, f"{repository}:{tag}"), MANIFESTS)
    config = remote.checked(manifest["config"]["digest"])
    diff_ids = config["rootfs"]["diff_ids"]
    kinds = {layer["mediaType"] for layer in manifest["layers"]}
    if not kinds <= set(LAYERS) or len(diff_ids) != len(manifest["layers"]):
        raise WorkshopError(
            f"the image {repository}:{tag} is packed in a way that is not known here: {', '.join(kinds)}"
        )
    if config.get("architecture") != architecture:
        raise WorkshopError(f"the image {repository}:{tag} is for {config.get('architecture')}, not for {architecture}")
    layers = []
    for described, diff_id in zip(manifest["layers"], diff_ids, strict=True):
        digest, size = described["digest"], described["size"]
        path = folder / f"{digest.partition(':')[2]}.tar.gz"
        if not path.exists() or path.stat().st_size != size:
            say(f"base image: fetching {size / 1e6:.1f} MB")
            remote.save(digest, path)
        layers.append(oci.Layer(path, digest, diff_id, size))
    return oci.Base(config, tuple(layers))


def _of_platform(index: dict, architecture: str, name: str) -> str:
    """The digest of the manifest for Linux on this architecture."""
    for each in index["manifests"]:
        platform = each.get("platform", {})
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return str(each["digest"])
    raise WorkshopError(f"there is no image {name} for linux/{architecture}")


class _Remote:
    """A repository; it is asked for a token when it wants one."""

    def __init__(self, address: str, authorization: str):
        self._address, self._authorization = address, authorization

    def document(self, path: str, kinds: tuple[str, ...] = ()) -> dict:
        return self._json(self._content(path, kinds), path)

    def checked(self, digest: str, kinds: tuple[str, ...] = ()) -> dict:
        """The document with this digest."""
        path = f"manifests/{digest}" if kinds else f"blobs/{digest}"
        content = self._content(path, kinds)
        if oci.digest_of(content) != digest:
            raise WorkshopError(f"{self._address}/{path} is not what its digest says")
        return self._json(content, path)

    def save(self, digest: str, path: Path) -> None:
        """Write a blob, beside its name until it is whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside, found = path.with_name(f".{path.name}.{os.getpid()}"), hashlib.sha256()
        try:
            with self._open(f"blobs/{digest}", ()) as answer, beside.open("wb") as target:
                while chunk := self._read(answer):
                    found.update(chunk)
                    target.write(chunk)
            if f"sha256:{found.hexdigest()}" != digest:
                raise WorkshopError(f"{self._address}/blobs/{digest} is not what its digest says")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def _content(self, path: str, kinds: tuple[str, ...]) -> bytes:
        with self._open(path, kinds) as answer:
            return b"".join(iter(lambda: self._read(answer), b""))

    def _read(self, answer: IO[bytes]) -> bytes:
        try:
            return answer.read(_CHUNK)
        except (OSError, http.client.HTTPException) as problem:
            raise WorkshopError(f"{self._address} broke off: {problem}") from problem

    def _json(self, content: bytes, path: str) -> dict:
        try:
            found: dict = json.loads(content)
            return found
        except ValueError:
            raise WorkshopError(f"{self._address}/{path} is no JSON") from None

    def _open(self, path: str, kinds: tuple[str, ...]) -> IO[bytes]:
        url = f"{self._address}/{path}"
        for is_last in (False, True):
            request = urllib.request.Request(url, headers={"Accept": ", ".join(kinds)} if kinds else {})
            if self._authorization:  # not for where blobs lie: a registry sends there with an address of its own
                request.add_unredirected_header("Authorization", self._authorization)
            try:
                answer: IO[bytes] = urllib.request.urlopen(request, timeout=oci.TIMEOUT_S)
                return answer
            except urllib.error.HTTPError as problem:
                with problem:
                    challenge = problem.headers.get("WWW-Authenticate", "")
                    if problem.code != 401 or is_last or not challenge.startswith("Bearer "):
                        raise WorkshopError(f"the registry answered {problem.code} to GET {url}") from None
                self._authorization = f"Bearer {self._anonymous(challenge)}"
            except (OSError, http.client.HTTPException) as problem:
                raise WorkshopError(f"the registry at {self._address} does not answer: {problem}") from problem
        raise AssertionError("not reached")

    def _anonymous(self, challenge: str) -> str:
        """The token that anybody gets."""
        asked = dict(_PARAMETER.findall(challenge))
        address = f"{asked.pop('realm', '')}?{urlencode(asked)}"
        try:
            with urllib.request.urlopen(address, timeout=oci.TIMEOUT_S) as answer:
                given = json.load(answer)
            return str(given.get("token") or given["access_token"])
        except (OSError, ValueError, KeyError, http.client.HTTPException) as problem:
            raise WorkshopError(f"{address} gives no token: {problem}") from problem

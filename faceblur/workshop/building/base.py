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
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

from ...errors import WorkshopError
from . import oci

REGISTRY, REPOSITORY = "https://public.ecr.aws", "lambda/python"
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = (oci.MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
LAYERS = (oci.LAYER, "application/vnd.docker.image.rootfs.diff.tar.gzip")
_CHUNK = 1 << 20
_LARGEST_DOCUMENT = 4 << 20  # what registries take for a manifest
_TRIES = 3  # for a blob that breaks off
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
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
    image of this kind, or something else than its digest and size say.
    """
    name = f"{repository}:{tag}"
    remote = _Remote(f"{registry}/v2/{repository}", f"Basic {token}" if token else "")
    manifest = remote.document(f"manifests/{tag}", (*INDEXES, *MANIFESTS))
    try:
        if "manifests" in manifest:
            manifest = remote.checked(_of_platform(manifest, architecture, name), MANIFESTS)
        config = remote.checked(manifest["config"]["digest"])
        described = [(each["mediaType"], each["digest"], int(each["size"])) for each in manifest["layers"]]
        diff_ids = [str(each) for each in config["rootfs"]["diff_ids"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise WorkshopError(f"the image {name} is described in a way that is not known here") from None
    kinds = {str(kind) for kind, _, _ in described}
    if not kinds <= set(LAYERS) or len(diff_ids) != len(described):
        raise WorkshopError(f"the image {name} is packed in a way that is not known here: {', '.join(sorted(kinds))}")
    if config.get("architecture") != architecture:
        raise WorkshopError(f"the image {name} is for {config.get('architecture')}, not for {architecture}")
    layers = [
        oci.Layer(remote.kept(digest, size, folder, say), digest, diff_id, size)
        for (_, digest, size), diff_id in zip(described, diff_ids, strict=True)
    ]
    return oci.Base(config, tuple(layers))


def _of_platform(index: dict, architecture: str, name: str) -> str:
    """The digest of the manifest for Linux on this architecture."""
    for each in index["manifests"]:
        platform = each.get("platform", {})
        if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
            return str(each["digest"])
    raise WorkshopError(f"there is no image {name} for linux/{architecture}")


class _BrokenOffError(WorkshopError):
    """Less came than there is."""


def _sound(digest: str) -> str:
    """It becomes a file's name here: nothing but a SHA-256 may."""
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise WorkshopError(f"the registry names something by {str(digest)[:80]!r}, which is no SHA-256")
    return digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Where a registry sends us elsewhere, for its blobs, the token stays here: who is there may be anybody."""

    def redirect_request(self, request: urllib.request.Request, *answer: Any) -> urllib.request.Request | None:
        there = super().redirect_request(request, *answer)
        sent = request.unredirected_hdrs.get("Authorization")
        if there and sent and _origin(there.full_url) == _origin(request.full_url):
            there.add_unredirected_header("Authorization", sent)
        return there


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


_OPENER = urllib.request.build_opener(_Redirects)


class _Remote:
    """A repository; it is asked for a token when it wants one."""

    def __init__(self, address: str, authorization: str):
        self._address, self._authorization = address, authorization

    def document(self, path: str, kinds: tuple[str, ...] = ()) -> dict:
        return self._json(self._content(path, kinds), path)

    def checked(self, digest: str, kinds: tuple[str, ...] = ()) -> dict:
        """The document with this digest."""
        path = f"{'manifests' if kinds else 'blobs'}/{_sound(digest)}"
        content = self._content(path, kinds)
        if oci.digest_of(content) != digest:
            raise self._other(path)
        return self._json(content, path)

    def kept(self, digest: str, size: int, folder: Path, say: Callable[[str], None]) -> Path:
        """Where the blob lies in `folder`; it is fetched if it does not yet."""
        path = folder / f"{_sound(digest).partition(':')[2]}.tar.gz"
        if not path.exists() or path.stat().st_size != size or _digest(path) != digest:
            say(f"base image: fetching {size / 1e6:.1f} MB")
            self._save(digest, size, path)
        return path

    def _save(self, digest: str, size: int, path: Path) -> None:
        """Write a blob, beside its name until it is whole; once more when it breaks off."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            for more in reversed(range(_TRIES)):
                try:
                    self._copy(f"blobs/{digest}", size, beside)
                    break
                except _BrokenOffError:
                    if not more:
                        raise
            if _digest(beside) != digest:
                raise self._other(f"blobs/{digest}")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def _copy(self, blob: str, size: int, target: Path) -> None:
        """Raises WorkshopError for more than there should be, as soon as it comes."""
        got = 0
        with self._open(blob, ()) as answer, target.open("wb") as file:
            while chunk := self._read(answer):
                got += len(chunk)
                if got > size:
                    raise WorkshopError(f"{self._address}/{blob} is longer than the {size} bytes that it should have")
                file.write(chunk)
        if got < size:
            raise _BrokenOffError(f"{self._address}/{blob} ends after {got} of {size} bytes")

    def _content(self, path: str, kinds: tuple[str, ...]) -> bytes:
        content = b""
        with self._open(path, kinds) as answer:
            while chunk := self._read(answer):
                content += chunk
                if len(content) > _LARGEST_DOCUMENT:
                    raise WorkshopError(f"{self._address}/{path} is too long for a document")
        return content

    def _read(self, answer: IO[bytes]) -> bytes:
        try:
            return answer.read(_CHUNK)
        except (OSError, http.client.HTTPException) as problem:
            raise _BrokenOffError(f"{self._address} broke off: {problem}") from problem

    def _other(self, path: str) -> WorkshopError:
        return WorkshopError(f"{self._address}/{path} is not what its digest says")

    def _json(self, content: bytes, path: str) -> dict:
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise WorkshopError(f"{self._address}/{path} is no JSON object")
        return found

    def _open(self, path: str, kinds: tuple[str, ...]) -> IO[bytes]:
        url = f"{self._address}/{path}"
        for is_last in (False, True):
            request = urllib.request.Request(url, headers={"Accept": ", ".join(kinds)} if kinds else {})
            if self._authorization:
                request.add_unredirected_header("Authorization", self._authorization)
            try:
                answer: IO[bytes] = _OPENER.open(request, timeout=oci.TIMEOUT_S)
                return answer
            except urllib.error.HTTPError as problem:
                with problem:
                    challenge = problem.headers.get("WWW-Authenticate", "")
                    if problem.code != 401 or is_last or not challenge.lower().startswith("bearer "):
                        raise WorkshopError(f"the registry answered {problem.code} to GET {url}") from None
                self._authorization = f"Bearer {self._anonymous(challenge)}"
            except (OSError, http.client.HTTPException) as problem:
                raise WorkshopError(f"the registry at {self._address} does not answer: {problem}") from problem
        raise AssertionError("not reached")

    def _anonymous(self, challenge: str) -> str:
        """The token that anybody gets."""
        asked = dict(_PARAMETER.findall(challenge))
        realm = asked.pop("realm", "")
        # No file of this machine's, and nothing unencrypted where the registry is not.
        if not realm.startswith(("https://", f"{self._address.partition('://')[0]}://")):
            raise WorkshopError(f"the registry at {self._address} asks for a token of {realm or 'nowhere'}")
        known = {name: value for name, value in asked.items() if name in ("service", "scope")}
        address = f"{realm}{'&' if '?' in realm else '?'}{urlencode(known)}"
        try:
            with urllib.request.urlopen(address, timeout=oci.TIMEOUT_S) as answer:
                given = self._json(answer.read(_LARGEST_DOCUMENT), "token")
        except (OSError, http.client.HTTPException) as problem:
            raise WorkshopError(f"{address} gives no token: {problem}") from problem
        if not (token := given.get("token") or given.get("access_token")):
            raise WorkshopError(f"{address} gives no token")
        return str(token)

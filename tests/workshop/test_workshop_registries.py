"""AWS's base image from registries that are odd or hostile: taken whole and as described, or refused in one line."""

import json
import platform
import sys

import pytest
from registry_kit import PLACE, serving

from faceblur.errors import WorkshopError
from faceblur.workshop.building import base, image, oci

INDEX = f"{PLACE}/manifests/3.13"


def fetch(server, folder, say=print):
    return base.fetch(server.address, base.REPOSITORY, "3.13", "amd64", folder, say)


@pytest.fixture
def registry(tmp_path):
    with serving(tmp_path) as (server, _):
        yield server


def blob_of(server):
    return next(path for path, (status, *_) in server.content.items() if status == 307)


def test_of_several_architectures_ours_is_taken_and_each_blob_once(registry, tmp_path):
    got = fetch(registry, tmp_path / "cache")
    assert (
        got.config["architecture"] == "amd64" and oci.digest_of(got.layers[0].path.read_bytes()) == got.layers[0].digest
    )
    fetch(registry, tmp_path / "cache")
    assert registry.asked.count("/elsewhere/layer") == 1


def test_a_layer_that_was_damaged_on_this_machine_is_fetched_again(registry, tmp_path):
    path = fetch(registry, tmp_path / "cache").layers[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    assert fetch(registry, tmp_path / "cache").layers[0].path.read_bytes() == whole


@pytest.mark.parametrize("how", ["short", "broken off"])
def test_a_blob_that_breaks_off_is_tried_again(registry, tmp_path, how):
    status, content, _ = registry.content["/elsewhere/layer"]
    length = {} if how == "short" else {"Content-Length": str(len(content))}
    halves = [(status, content[:20], length), (status, content[:30], length)]
    registry.turns["/elsewhere/layer"] = list(halves)
    assert fetch(registry, tmp_path / "cache").layers[0].path.read_bytes() == content
    registry.turns["/elsewhere/layer"] = [halves[0]] * 3
    with pytest.raises(WorkshopError, match=r"ends after 20 of|broke off"):
        fetch(registry, tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []


def test_more_than_was_said_is_not_taken(registry, tmp_path):
    status, content, more = registry.content["/elsewhere/layer"]
    registry.content["/elsewhere/layer"] = status, content + b"x" * 9999, more
    with pytest.raises(WorkshopError, match=r"longer than the \d+ bytes that it should have"):
        fetch(registry, tmp_path / "cache")
    assert registry.asked.count("/elsewhere/layer") == 1 and list((tmp_path / "cache").iterdir()) == []


def test_a_size_that_is_not_the_blobs_is_refused_although_the_digest_is_right(tmp_path):
    with serving(tmp_path, size=9_999_999) as (server, _), pytest.raises(WorkshopError, match="ends after"):
        fetch(server, tmp_path / "cache")


@pytest.mark.parametrize("digest", ["sha256:../../../../tmp/mine", "md5:abc", "sha256:" + "A" * 64, 7, None])
def test_a_digest_that_would_be_another_file_here_is_refused(tmp_path, digest):
    with serving(tmp_path, digest=digest) as (server, _), pytest.raises(WorkshopError, match="is no SHA-256"):
        fetch(server, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("packed", ["tar+zstd", "tar"])
def test_layers_that_are_no_gzip_are_refused(tmp_path, packed):
    kind = f"application/vnd.oci.image.layer.v1.{packed}"
    with serving(tmp_path, mediaType=kind) as (server, _), pytest.raises(WorkshopError, match=r"packed in a way .*tar"):
        fetch(server, tmp_path / "cache")


@pytest.mark.parametrize(
    "document",
    [
        b"[]",
        b"{}",
        b"<html>",
        b"[" * 100_000,
        b'{"manifests": 7}',
        b'{"manifests": [{"digest": 1}]}',
        b'{"layers": [], "config": 1}',
        b" " * (5 << 20),
    ],
    ids=["list", "empty", "html", "deep", "number", "no platform", "config", "endless"],
)
def test_what_describes_no_image_is_one_line(registry, tmp_path, document):
    registry.content[INDEX] = 200, document, {}
    with pytest.raises(WorkshopError) as caught:
        fetch(registry, tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_an_index_within_an_index_is_refused(registry, tmp_path):
    inner = json.dumps({"manifests": []}).encode()
    entry = {"digest": oci.digest_of(inner), "platform": {"os": "linux", "architecture": "amd64"}}
    registry.content[INDEX] = 200, json.dumps({"manifests": [entry]}).encode(), {}
    registry.content[f"{PLACE}/manifests/{oci.digest_of(inner)}"] = 200, inner, {}
    with pytest.raises(WorkshopError, match="described in a way that is not known here"):
        fetch(registry, tmp_path / "cache")


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "ftp://127.0.0.1/token", "", "//127.0.0.1/token"])
def test_a_token_is_asked_of_the_web_alone(registry, tmp_path, realm):
    registry.realm = realm
    with pytest.raises(WorkshopError, match="asks for a token of"):
        fetch(registry, tmp_path / "cache")


def test_service_and_scope_are_those_of_the_challenge_and_the_token_goes_nowhere_else(registry, tmp_path):
    fetch(registry, tmp_path / "cache")
    assert registry.tokens == ["service=here&scope=all"]
    assert {path: sent for path, sent in registry.sent if path.startswith("/elsewhere/")} == {"/elsewhere/layer": None}


def test_a_registry_that_takes_no_token_is_asked_once_more_not_for_ever(registry, tmp_path):
    registry.takes = "Bearer somebody"
    with pytest.raises(WorkshopError, match="answered 401"):
        fetch(registry, tmp_path / "cache")
    assert len(registry.asked) == 3


def test_within_the_registry_the_token_goes_along(registry, tmp_path):
    """Some lead from one of their own addresses to another, which wants it, too."""
    blob, moved = blob_of(registry), f"{PLACE}/moved"
    registry.content[moved] = registry.content["/elsewhere/layer"]
    registry.content[blob] = 307, b"", {"Location": moved}
    fetch(registry, tmp_path / "cache")
    assert dict(registry.sent)[moved] == "Bearer anybody"


def test_a_blob_that_leads_in_a_circle_is_one_line(registry, tmp_path):
    blob = blob_of(registry)
    registry.content[blob] = 307, b"", {"Location": registry.address + blob}
    with pytest.raises(WorkshopError, match="the registry answered 307"):
        fetch(registry, tmp_path / "cache")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="elsewhere pip builds for this machine alone")
def test_pip_is_never_told_another_python_than_its_own():
    """It would choose wheels for that one, but packages by the markers of the Python that it runs on."""
    options = image.pip_options()
    assert options[options.index("--python-version") + 1] == f"{sys.version_info[0]}.{sys.version_info[1]}"

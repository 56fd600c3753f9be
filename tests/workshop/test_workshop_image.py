"""Building and pushing the image: the same bytes every time, by pip or by Docker, with clear refusals."""

import contextlib
import dataclasses
import gzip
import io
import json
import os
import tarfile
import time
from pathlib import Path

import boto3
import pytest
from registry_kit import serving

from faceblur import workshop
from faceblur.errors import WorkshopError
from faceblur.workshop.building import base, image, oci


@pytest.fixture
def ws(local_aws, monkeypatch, tmp_path):
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    workshop.begin(notebook=2, prefix="image-test").done()
    workshop.begin(notebook=3, prefix="image-test").done()
    session = workshop.begin(notebook=4, prefix="image-test")
    ecr = session.client("ecr")
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=session.names.repository, tags=session.tag_list)
    return session


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    return {"var/task/a.py": tmp_path / "a.py", "var/task/run": tmp_path / "run"}


def test_equal_files_make_an_equal_layer(files, tmp_path):
    first = oci.write_layer(tmp_path / "1.tar.gz", files)
    os.utime(files["var/task/a.py"], (time.time() + 99, time.time() + 99))
    second = oci.write_layer(tmp_path / "2.tar.gz", dict(reversed(files.items())))
    assert (first.digest, first.diff_id, first.size) == (second.digest, second.diff_id, second.size)


def test_a_layer_holds_the_files_with_their_modes(files, tmp_path):
    layer = oci.write_layer(tmp_path / "layer.tar.gz", files)
    with tarfile.open(layer.path) as archive:
        modes = {member.name: member.mode for member in archive}
        assert modes == {"var/task/a.py": 0o644, "var/task/run": 0o755}
        assert archive.extractfile("var/task/a.py").read() == b"a = 1\n"
    assert layer.digest == oci.digest_of(layer.path.read_bytes())


def test_a_layer_that_cannot_be_written_leaves_nothing(files, tmp_path):
    files["gone"] = tmp_path / "gone"
    with pytest.raises(FileNotFoundError):
        oci.write_layer(tmp_path / "out" / "layer.tar.gz", files)
    assert list((tmp_path / "out").iterdir()) == []


def small_image(files, tmp_path):
    layer = oci.write_layer(tmp_path / "layer.tar.gz", files)
    return oci.make_image([layer], "amd64", ["app.handler"], {"A": "1"})


def test_the_config_names_its_layers_and_command(files, tmp_path):
    made = small_image(files, tmp_path)
    config = json.loads(made.config)
    assert config["rootfs"]["diff_ids"] == [made.layers[0].diff_id]
    assert config["config"]["Cmd"] == ["app.handler"] and config["config"]["Env"] == ["A=1"]
    assert made.digest == small_image(files, tmp_path).digest


def test_a_push_arrives_and_a_second_one_sends_no_layer(ws, files, tmp_path):
    made, said = small_image(files, tmp_path), []
    login = image._login(ws)
    place = (login.registry, ws.names.repository, "latest", login.token, said.append)
    assert oci.push(made, *place) == oci.push(made, *place) == made.digest
    assert len(said) == 1
    found = boto3.client("ecr").describe_images(
        repositoryName=ws.names.repository, imageIds=[{"imageDigest": made.digest}]
    )["imageDetails"]
    assert found[0]["imageDigest"] == made.digest


def test_a_registry_that_does_not_answer_or_refuses_is_told_in_one_line(ws, files, tmp_path):
    made = small_image(files, tmp_path)
    with pytest.raises(WorkshopError, match="does not answer"):
        oci.push(made, "http://127.0.0.1:9", "x", "latest", "token", print)
    with pytest.raises(WorkshopError, match="the registry answered"):
        oci.push(made, os.environ["AWS_ENDPOINT_URL"], "not-there", "latest", "token", print)


def test_unknown_ways_of_building_are_refused(ws):
    with pytest.raises(WorkshopError, match='"auto", "docker" or "pip"'):
        workshop.build_and_push(ws, "uri", "podman")


def test_docker_is_asked_for_when_it_does_not_answer(ws, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(WorkshopError, match=r"start Docker.*BUILD_WITH = \"pip\""):
        workshop.build_and_push(ws, "uri", "docker")


FAKE_DOCKER = """#!/bin/sh
echo "$@" >> {log}
case "$1" in login) cat >> {log};; esac
exit 0
"""


def test_docker_is_called_so_that_lambda_takes_the_image(ws, files, tmp_path, monkeypatch):
    """A stand-in for the docker command writes down its calls; the image it would push is pushed before."""
    log, folder = tmp_path / "calls", tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(FAKE_DOCKER.format(log=log))
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(image.sys, "version_info", (3, 13, 0))
    login = image._login(ws)
    made = small_image(files, tmp_path)
    oci.push(made, login.registry, ws.names.repository, "latest", login.token, print)

    pushed = workshop.build_and_push(ws, "host/repository", "docker")

    assert (pushed.uri, pushed.built_with) == (f"host/repository@{made.digest}", "docker")
    calls = log.read_text()
    assert "--provenance=false --sbom=false" in calls and "--build-arg PYTHON_VERSION=3.13" in calls
    assert "login --username AWS --password-stdin" in calls and "push --quiet" in calls


def test_docker_for_aws_takes_the_python_of_the_dockerfile():
    assert image._docker_platform("aws") == ("amd64", [])


def test_docker_with_an_old_python_says_what_to_do_instead(monkeypatch):
    monkeypatch.setattr(image.sys, "version_info", (3, 11, 9))
    with pytest.raises(WorkshopError, match="BUILD_WITH"):
        image._docker_platform("local")


def test_a_failing_docker_says_its_last_words(ws, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text('#!/bin/sh\n[ "$2" = build ] || exit 0\necho "no space left" >&2\nexit 1\n')
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(image, "_docker_platform", lambda target: ("amd64", []))
    with pytest.raises(WorkshopError, match="docker could not build the image: no space left"):
        workshop.build_and_push(ws, "uri", "docker")


def test_packages_come_from_the_cache_the_second_time(tmp_path, monkeypatch, capsys):
    """pip itself is replaced by a copy of one small package: what is tested is the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    runs = []

    def pip(command, problem, given=""):
        runs.append(command)
        site = Path(command[command.index("--target") + 1])
        (site / "package").mkdir(parents=True, exist_ok=True)
        (site / "package" / "__init__.py").write_text("x = 1\n")

    monkeypatch.setattr(image, "_run", pip)
    context = tmp_path / "context"
    context.mkdir()
    image.write_context(context)
    first, architecture = image.build_with_pip(context)
    second, _ = image.build_with_pip(context)
    assert len(runs) == 2 and first.digest == second.digest and architecture in ("amd64", "arm64")
    assert "from the cache" in capsys.readouterr().out

    (context / "handlers.py").write_text("# changed\n")
    third, _ = image.build_with_pip(context)
    assert len(runs) == 2 and third.layers[0] == first.layers[0] and third.digest != first.digest
    for number in range(image.KEPT_LAYERS):
        (context / "requirements.txt").write_text(f"numpy>={number}\n")
        image.build_with_pip(context)
    assert len(runs) == 2 * (1 + image.KEPT_LAYERS)
    kept = list((tmp_path / "cache" / "faceblur" / "layers").iterdir())
    assert len(kept) == 2 * image.KEPT_LAYERS and first.layers[0].path not in kept


@pytest.fixture
def aws_base(tmp_path, monkeypatch):
    """A registry with a base image; (registry, its layer's content)."""
    with serving(tmp_path) as (server, layer):
        monkeypatch.setattr(base, "REGISTRY", server.address)
        yield server, layer


def test_without_docker_the_image_for_aws_stands_on_its_base_image(ws, aws_base, tmp_path, monkeypatch):
    """What somebody who pulls gets, byte for byte: the base's layer, then ours; its entry point; one media type."""
    server, below = aws_base
    monkeypatch.setenv("PATH", "/nonexistent")  # no docker
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(image.sys, "version_info", (3, 13, 0))
    monkeypatch.setattr(image.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(image.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(image, "_run", lambda command, problem: None)  # pip
    login = image._login(ws)
    monkeypatch.setattr(image, "_login", lambda ws: login)
    for _ in range(2):
        pushed = workshop.build_and_push(dataclasses.replace(ws, target="aws"), "host/repository")
    assert (pushed.built_with, pushed.architecture) == ("pip", "x86_64")
    assert server.asked.count("/elsewhere/layer") == 1  # the second time it is there already

    got = base.fetch(login.registry, ws.names.repository, "latest", "amd64", tmp_path / "pulled", print, login.token)
    contents = [layer.path.read_bytes() for layer in got.layers]
    assert contents[0] == below and len(contents) == 3
    assert [oci.digest_of(gzip.decompress(content)) for content in contents] == got.config["rootfs"]["diff_ids"]
    settings = got.config["config"]
    assert settings["Entrypoint"] == ["/lambda-entrypoint.sh"] and settings["Cmd"] == ["handlers.blur_segment"]
    assert settings["Env"][0] == "PATH=/var/lang/bin" and "ORT_DISABLE_TELEMETRY=1" in settings["Env"]
    manifest = boto3.client("ecr").batch_get_image(
        repositoryName=ws.names.repository, imageIds=[{"imageDigest": pushed.digest}]
    )["images"][0]["imageManifest"]
    assert {layer["mediaType"] for layer in json.loads(manifest)["layers"]} == {oci.LAYER}
    with tarfile.open(fileobj=io.BytesIO(contents[-1])) as archive:
        assert "var/task/handlers.py" in archive.getnames()


def test_a_base_image_that_is_not_what_its_digest_says_is_refused(aws_base, tmp_path):
    server, below = aws_base
    server.content["/elsewhere/layer"] = (200, below[:-1] + b"x", {})
    with pytest.raises(WorkshopError, match="is not what its digest says"):
        base.fetch(server.address, base.REPOSITORY, "3.13", "amd64", tmp_path / "cache", print)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_base_image_that_is_not_there_is_told_in_one_line(aws_base, tmp_path):
    server, _ = aws_base
    with pytest.raises(WorkshopError, match=r"answered 404 to GET .*manifests/3\.99"):
        base.fetch(server.address, base.REPOSITORY, "3.99", "amd64", tmp_path, print)
    with pytest.raises(WorkshopError, match=r"no image lambda/python:3\.13 for linux/riscv64"):
        base.fetch(server.address, base.REPOSITORY, "3.13", "riscv64", tmp_path, print)


def test_without_docker_another_python_than_aws_has_says_what_to_do(ws, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(image.sys, "version_info", (3, 11, 9))
    with pytest.raises(WorkshopError, match=r"Python 3\.12 or newer; this is Python 3\.11: start Docker"):
        image._base("amd64")

"""The blur functions' container image: built with Docker, or with pip alone, and pushed to ECR.

Both ways start from one build context, have the same files in /var/task and are pushed with the same ECR token. The
embedded AWS runs a function with this machine's Python, so pip builds for exactly that. AWS runs the image as it is,
which takes an operating system in it: that of AWS's base image, on which Docker builds, and pip with `base`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import WorkshopError
from ...files import write_text
from ..places import project_root
from ..session import Workshop
from . import base, oci

TASK_ROOT = "var/task"
# What the image does not need of faceblur; a test holds that the rest never imports these.
LEFT_OUT = ("workshop", "localaws", "__pycache__")
COMMAND = ("handlers.blur_segment",)
ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
KEPT_LAYERS = 3
OLDEST_BASE = (3, 12)  # AWS's image for Python 3.11 is too old a Linux for these packages
_LISTS = ("requirements.txt", "no-deps.txt", "constraints.txt")  # what the packages' layer is made of
LAMBDA_NAMES = {"amd64": "x86_64", "arm64": "arm64"}


@dataclass(frozen=True)
class Pushed:
    """An image in ECR. `architecture` in Lambda's words; `size` is 0 where only the registry knows it."""

    uri: str
    digest: str
    architecture: str
    size: int
    built_with: str


def build_and_push(ws: Workshop, repository_uri: str, build_with: str = "auto", tag: str = "latest") -> Pushed:
    """Build the image and push it. `build_with`: "docker", "pip" or "auto" (for AWS Docker, where it answers).

    Raises WorkshopError: Docker is needed and does not answer, pip or Docker fail, a registry refuses.
    """
    if build_with not in ("auto", "docker", "pip"):
        raise WorkshopError(f'BUILD_WITH = {build_with!r} is unknown: use "auto", "docker" or "pip"')
    use_docker = build_with == "docker" or (build_with == "auto" and ws.target == "aws" and docker_answers())
    with tempfile.TemporaryDirectory(prefix="faceblur-image-") as folder:
        context = Path(folder)
        write_context(context)
        login = _login(ws)
        if use_docker:
            return _docker(context, ws, login, repository_uri, tag)
        image, architecture = build_with_pip(context, on_base=ws.target == "aws")
        digest = oci.push(image, login.registry, ws.names.repository, tag, login.token, _say)
    return Pushed(f"{repository_uri}@{digest}", digest, LAMBDA_NAMES[architecture], image.size, "pip")


def write_context(folder: Path) -> None:
    """Put into `folder` what the image is made of: Dockerfile, handlers, requirements, lock, faceblur, and what the
    handlers share with the start function.
    """
    root = project_root()
    for path in sorted((root / "container").iterdir()):
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    shutil.copyfile(root / "lambda_src" / "shared" / "budget.py", folder / "budget.py")
    shutil.copyfile(root / "requirements.lock", folder / "constraints.txt")
    shutil.copytree(root / "faceblur", folder / "faceblur", ignore=shutil.ignore_patterns(*LEFT_OUT))


def build_with_pip(context: Path, on_base: bool = False) -> tuple[oci.Image, str]:
    """An image for this machine's Python in two layers, packages (kept in the user's cache) and code.

    on_base: with AWS's base image below them.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise WorkshopError(f"no container image can be built for this machine's processor ({machine})")
    architecture = ARCHITECTURES[machine]
    below = _base(architecture) if on_base else None
    packages = _package_layer(context)
    code = {f"{TASK_ROOT}/{path.name}": path for path in context.glob("*.py")}
    code |= {f"{TASK_ROOT}/faceblur/{name}": path for name, path in _files(context / "faceblur")}
    layers = (packages, oci.write_layer(context / "code.tar.gz", code))
    environment = {"OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
    if below is None:  # AWS's has these
        environment |= {"LAMBDA_TASK_ROOT": f"/{TASK_ROOT}", "PYTHONPATH": f"/{TASK_ROOT}"}
    return oci.make_image(layers, architecture, COMMAND, environment, below), architecture


def _base(architecture: str) -> oci.Base:
    """AWS's image of this machine's Python: pip chooses packages by the Python and the system that it runs on, whatever
    other it is told.
    """
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if platform.libc_ver()[0] != "glibc" or sys.version_info < OLDEST_BASE:
        raise WorkshopError(
            "without Docker an image for AWS is built on Linux with glibc and with Python "
            f"{OLDEST_BASE[0]}.{OLDEST_BASE[1]} or newer; this is Python {version}: start Docker, run this cell again"
        )
    folder = cache_folder() / "base"
    return base.fetch(base.REGISTRY, base.REPOSITORY, version, architecture, folder, _say)


def _package_layer(context: Path) -> oci.Layer:
    """The layer with the packages: from the cache when requirements, lock and Python are the same."""
    options = pip_options()
    content = b"".join((context / name).read_bytes() for name in _LISTS)
    key = hashlib.sha256(content + " ".join(options).encode() + sys.version.encode()).hexdigest()[:20]
    stored = cache_folder() / "layers" / f"{key}.tar.gz"
    facts = stored.with_suffix(".json")
    if stored.exists() and facts.exists():
        known = json.loads(facts.read_text())
        if known["size"] == stored.stat().st_size:
            os.utime(stored)
            _say(f"packages: {known['size'] / 1e6:.0f} MB from the cache")
            return oci.Layer(stored, known["digest"], known["diff_id"], known["size"])
    start = time.monotonic()
    _say("packages: pip installs them into a layer (once, about a minute) ...")
    site = context / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    needs = ["-r", str(context / "requirements.txt"), "-c", str(context / "constraints.txt")]
    _run(
        [*pip, "--target", str(site), *needs, *options],
        "pip could not install the image's packages",
    )
    _run(
        [*pip, "--target", str(site), "--no-deps", "-r", str(context / "no-deps.txt"), *options],
        "pip could not install the second detector",
    )
    _say(f"packages: installed after {time.monotonic() - start:.0f} s, packing ...")
    layer = oci.write_layer(stored, {f"{TASK_ROOT}/{name}": path for name, path in _files(site)})
    write_text(facts, json.dumps({"digest": layer.digest, "diff_id": layer.diff_id, "size": layer.size}))
    _forget_old(stored.parent)
    _say(f"packages: {layer.size / 1e6:.0f} MB after {time.monotonic() - start:.0f} s")
    return layer


def _forget_old(folder: Path) -> None:
    """Keep the layers used last; each is more than 100 MB."""
    layers = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for layer in layers[KEPT_LAYERS:]:
        layer.unlink(missing_ok=True)
        layer.with_suffix(".json").unlink(missing_ok=True)


def pip_options() -> list[str]:
    """For pip: wheels for Lambda's Linux where this is Linux with glibc, else what this machine itself can run."""
    if platform.libc_ver()[0] != "glibc":
        return ["--only-binary=:all:"]
    # Amazon Linux 2023 has glibc 2.34: every manylinux tag up to 2.28, the newest in use, runs there.
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)] + [f"manylinux2014_{machine}"]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    options = ["--only-binary=:all:", "--python-version", version, "--implementation", "cp"]
    return options + [option for name in platforms for option in ("--platform", name)]


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name, file) of everything below; no bytecode, no pip bookkeeping that changes from run to run."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and not name.startswith("bin/"):
            yield name, path


@dataclass(frozen=True)
class _Login:
    registry: str
    token: str


def _login(ws: Workshop) -> _Login:
    """Where to push and with what: ECR's token, valid for 12 hours."""
    answer = ws.client("ecr").get_authorization_token()["authorizationData"][0]
    registry = os.environ["AWS_ENDPOINT_URL"] if ws.target == "local" else answer["proxyEndpoint"]
    return _Login(registry, answer["authorizationToken"])


def _docker(context: Path, ws: Workshop, login: _Login, repository_uri: str, tag: str) -> Pushed:
    """Build on AWS's base image and push, both by the docker command."""
    if not docker_answers():
        raise WorkshopError(
            "Docker does not answer, and this image is built with it: start Docker and run this cell again"
            + ("" if ws.target == "aws" else ', or set BUILD_WITH = "pip"')
        )
    host = login.registry.partition("://")[2]
    local = f"{host}/{ws.names.repository}:{tag}"
    architecture, version = _docker_platform(ws.target)
    # Lambda refuses an image index, which BuildKit makes for its provenance and SBOM.
    plain = ["--provenance=false", "--sbom=false", "--load"] if _docker_has_buildx() else []
    _say("docker build (the first time it fetches AWS's base image) ...")
    build = ["docker", *(["buildx"] if plain else []), "build", *plain, "--platform", f"linux/{architecture}"]
    _run(
        [*build, *version, "--tag", local, str(context)],
        "docker could not build the image",
    )
    user, _, password = base64.b64decode(login.token).decode().partition(":")
    _run(
        ["docker", "login", "--username", user, "--password-stdin", host],
        "docker could not log in to ECR",
        password,
    )
    _say("docker push ...")
    _run(["docker", "push", "--quiet", local], "docker could not push the image")
    details = ws.client("ecr").describe_images(repositoryName=ws.names.repository, imageIds=[{"imageTag": tag}])[
        "imageDetails"
    ][0]
    digest = details["imageDigest"]
    size = details.get("imageSizeInBytes", 0)
    return Pushed(f"{repository_uri}@{digest}", digest, LAMBDA_NAMES[architecture], size, "docker")


def _docker_platform(target: str) -> tuple[str, list[str]]:
    """Architecture and Python of the image: the Dockerfile's for AWS, this machine's for the embedded AWS."""
    if target == "aws":
        return "amd64", []
    if sys.version_info < OLDEST_BASE:
        raise WorkshopError(
            "AWS's image for Python 3.11 is too old a Linux for these packages: use Python 3.12 or newer, "
            'or BUILD_WITH = "pip"'
        )
    return ARCHITECTURES[platform.machine()], [
        "--build-arg",
        f"PYTHON_VERSION={sys.version_info[0]}.{sys.version_info[1]}",
    ]


def docker_answers() -> bool:
    """Whether there is a docker command with a daemon behind it."""
    return bool(shutil.which("docker")) and _quiet(["docker", "info"])


def _docker_has_buildx() -> bool:
    return _quiet(["docker", "buildx", "version"])


def _quiet(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(command: list[str], problem: str, given: str = "") -> None:
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    if done.returncode:
        words = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise WorkshopError(f"{problem}: {' | '.join(words[-3:]) or 'it gives no reason'}")


def cache_folder() -> Path:
    """Where this user's caches are, by the platform's habit."""
    from platformdirs import user_cache_path

    return user_cache_path("faceblur", appauthor=False)


def _say(words: str) -> None:
    print(f"  {words}", flush=True)

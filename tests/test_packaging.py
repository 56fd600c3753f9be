"""What is released: wheel and sdist build without a network, install in a fresh environment and lack nothing."""

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from importlib import metadata
from itertools import chain
from pathlib import Path

import av
import pytest
from av._core import library_meta
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import faceblur

ROOT = Path(__file__).resolve().parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
OFFLINE = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
LEFT_OUT = {"__pycache__", ".pytest_cache", ".ipynb_checkpoints"}


def run(*command, cwd, **environment) -> subprocess.CompletedProcess:
    """In an environment that knows nothing of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "PYTEST_"))}
    command = [os.fspath(word) for word in command]
    return subprocess.run(command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=300)


def checked(*command, cwd, **environment) -> str:
    done = run(*command, cwd=cwd, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpack(packed: tarfile.TarFile, folder: Path) -> None:
    packed.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2 has none
    packed.extractall(folder)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    checked(sys.executable, "-c", f"from flit_core import buildapi; buildapi.build_sdist({str(folder)!r})", cwd=ROOT)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def unpacked(sdist, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as packed:
        unpack(packed, folder)
    return folder / f"faceblur-{faceblur.__version__}"


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """Made of the sdist, as pip does where there is no wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    checked(*PIP, "wheel", *OFFLINE, "-w", folder, sdist, cwd=folder)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory) -> Path:
    """A fresh environment with the wheel and none of its dependencies: its folder for commands."""
    folder = tmp_path_factory.mktemp("fresh")
    checked(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    commands = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    checked(*PIP, "--python", commands / "python", "install", *OFFLINE, wheel, cwd=folder)
    return commands


def of_others() -> dict[str, str]:
    """Makes a Python see the packages of this one; an editable faceblur is not among them."""
    return {"PYTHONPATH": sysconfig.get_path("platlib")}


def names_in(folder: str) -> set[str]:
    """Every file of the checkout below a folder, or one file, with / between the parts."""
    top = ROOT / folder
    files = [path for path in top.rglob("*") if path.is_file()] if top.is_dir() else [top]
    return {path.relative_to(ROOT).as_posix() for path in files if not LEFT_OUT & {*path.parts}}


def metadata_of(wheel: Path):
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(packed.read(name).decode())


def test_the_version_stands_in_one_place(sdist, wheel, bare, tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project and project["dynamic"] == ["version"]
    assert sdist.name == f"faceblur-{faceblur.__version__}.tar.gz"
    assert wheel.name == f"faceblur-{faceblur.__version__}-py3-none-any.whl"
    look = "import faceblur, importlib.metadata as m; print(faceblur.__version__, m.version('faceblur'))"
    assert checked(bare / "python", "-c", look, cwd=tmp_path).split() == 2 * [faceblur.__version__]


def test_the_command_and_the_library_work_where_they_were_installed(bare, tmp_path):
    assert checked(bare / "faceblur", "--version", cwd=tmp_path, **of_others()) == f"faceblur {faceblur.__version__}\n"
    look = "import faceblur; print(faceblur.__file__, faceblur.Style().name, faceblur.blur.__name__)"
    file, *words = checked(bare / "python", "-c", look, cwd=tmp_path, **of_others()).split()
    assert bare.parent in Path(file).parents and words == ["mosaic", "blur"]


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert names == names_in("faceblur")
    assert {"faceblur/py.typed", "faceblur/assets/review.html", "faceblur/assets/player.js"} <= names


def test_what_the_index_is_told(wheel):
    told = metadata_of(wheel)
    assert told["License-Expression"] == "MIT" and told["Author"] == "The faceblur authors"
    assert set(told.get_all("License-File")) == {"LICENSE", "THIRD-PARTY.md"}
    taken = SpecifierSet(told["Requires-Python"])
    pythons = [line.rpartition(" ")[2] for line in told.get_all("Classifier") if "Python :: 3." in line]
    assert pythons == [f"3.{minor}" for minor in range(30) if taken.contains(f"3.{minor}")]
    assert {"workshop", "local", "test"} == set(told.get_all("Provides-Extra"))


@pytest.mark.parametrize(
    "folder",
    [
        "faceblur", "tests", "notebooks", "lambda_src", "container", "docs", "benchmarks", ".ci", "kit.py",
        "statemachine.asl.json", "environment.yml", "requirements.lock", "pyproject.toml", "LICENSE", "README.md",
        "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "THIRD-PARTY.md",
    ],
)  # fmt: skip
def test_the_sdist_holds_what_a_checkout_holds(unpacked, folder):
    wanted = names_in(folder)
    assert wanted and [name for name in sorted(wanted) if not (unpacked / name).is_file()] == []


def test_the_sdist_holds_everything_that_is_committed(unpacked):
    listed = run("git", "-C", ROOT, "ls-files", "-z", cwd=ROOT)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert len(names) > 200 and [name for name in names if not (unpacked / name).is_file()] == []


def test_tests_run_in_the_unpacked_sdist(unpacked):
    test = ["-m", "pytest", "-p", "no:cacheprovider", "tests/test_environment.py"]
    assert "passed" in checked(sys.executable, *test, cwd=unpacked, PYTHONPATH=str(unpacked))


@pytest.mark.parametrize("others", [True, False], ids=["with the extra", "without the extra"])
@pytest.mark.parametrize("command", [["demo", "--out", "result"], ["lab"], ["run"]], ids=lambda words: words[0])
def test_the_workshop_of_a_wheel_says_in_one_line_that_it_needs_the_sources(bare, tmp_path, command, others):
    environment = of_others() if others else {}
    done = run(bare / "python", "-m", "faceblur.workshop", *command, cwd=tmp_path, **environment)
    assert done.returncode in (1, 6) and done.stdout == ""
    assert re.fullmatch(r"faceblur: .*(checkout).*(unpacked sdist).*python3 kit\.py demo.*\n", done.stderr), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_missing_later_is_named_in_one_line(monkeypatch, capsys):
    from faceblur.workshop import __main__ as command

    monkeypatch.setitem(sys.modules, "papermill", None)
    assert command.main(["run"]) == 6
    assert re.fullmatch(r"faceblur: papermill is not installed: .*kit\.py.*\n", capsys.readouterr().err)


@pytest.fixture
def release():
    described = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


ADDRESS = "https://host.example/owner/faceblur"


def test_a_release_has_pictures_and_links_that_work_elsewhere(release, unpacked, tmp_path):
    with tarfile.open(tmp_path / "copy.tar", "w") as packed:
        packed.add(unpacked, "copy")
    with tarfile.open(tmp_path / "copy.tar") as packed:
        unpack(packed, tmp_path)
    release.add_addresses(tmp_path / "copy", ADDRESS)
    checked(*PIP, "wheel", *OFFLINE, "-w", tmp_path, tmp_path / "copy", cwd=tmp_path)
    told = metadata_of(next(tmp_path.glob("*.whl")))
    page = told.get_payload()
    targets = re.findall(r"\]\(([^)\s]+)\)", page) + re.findall(r'src="([^"]+)"', page)
    assert len(targets) > 5 and all(target.startswith("https://") for target in targets)
    tag = f"v{faceblur.__version__}"
    assert f"]({ADDRESS}/raw/{tag}/docs/images/preview.jpg)" in page and f"]({ADDRESS}/blob/{tag}/LICENSE)" in page
    assert f'src="{ADDRESS}/raw/{tag}/docs/images/execution.jpg"' in page
    assert f"Source, {ADDRESS}" in told.get_all("Project-URL")


def test_no_release_without_an_address_or_a_dated_entry(release, unpacked, tmp_path):
    assert release.what_is_wrong(unpacked, ADDRESS) == ""
    for wrong in ("http://host.example/owner/faceblur", "faceblur", "https://host.example", f"{ADDRESS}/"):
        assert "no address" in release.what_is_wrong(unpacked, wrong)
    (tmp_path / "faceblur").mkdir()
    (tmp_path / "faceblur" / "__init__.py").write_text('__version__ = "9.9.9"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [0.1.0] - 2026-11-27\n")
    assert "no heading with a date for 9.9.9" in release.what_is_wrong(tmp_path, ADDRESS)


def test_the_sources_name_no_address_of_their_own():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "urls" not in project  # .ci/release.py adds them, when there is an address


def licence(name: str) -> str:
    """What an installed package says of itself, in the words of THIRD-PARTY.md or longer ones."""
    told = metadata.metadata(name)
    words = [told.get("License-Expression"), told.get("License", "").partition("\n")[0]]
    said = [*words, *told.get_all("Classifier", ())]
    return " ".join(line for line in filter(None, said) if "::" not in line or line.startswith("License"))


def test_every_dependency_is_explained_with_its_licence():
    rows = re.findall(r"^\| ([\w ,.-]+) \| ([^|]+) \|", (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8"), re.M)
    told = {name: words for names, words in rows for name in names.split(", ") if name != "package"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    alone = (ROOT / "container" / "no-deps.txt").read_text(encoding="utf-8").splitlines()
    alone = [line for line in alone if not line.startswith("#")]
    lines = list(chain(project["dependencies"], *project["optional-dependencies"].values(), alone))
    assert set(told) == {Requirement(line).name for line in lines}
    for name, words in told.items():
        first = re.match(r"[A-Z]+", words)[0]  # MIT, BSD, A(pache), MPL, PSF
        known = {"A": "Apache", "PSF": "Python Software Foundation"}.get(first, first)
        assert known in licence(name), f"{name}: {words}, but {licence(name)}"


@pytest.mark.skipif(sys.platform != "linux", reason="the wheels' libraries lie elsewhere on other systems")
def test_what_the_page_says_of_the_wheels_is_so():
    packages = Path(av.__file__).parents[1]
    ours, opencvs = (
        [path.name for path in packages.glob(f"{name}.libs/*")] for name in ("av", "opencv_python_headless")
    )
    if not ours:
        pytest.skip("this PyAV was built from its sources")
    assert all(any(name in each for each in ours) for name in ("libx264", "libx265", "SvtAv1"))
    assert opencvs and not any("x264" in name or "x265" in name for name in opencvs)
    about = library_meta["libavcodec"]
    assert about["license"] == "LGPL version 3 or later" and "--enable-libx264" in about["configuration"]
    assert "--enable-gpl" not in about["configuration"]

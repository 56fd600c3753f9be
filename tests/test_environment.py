"""environment.yml, pyproject.toml, requirements.lock and the image's requirements say the same."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FIXED = {"jupyterlab", "boto3", "opencv-python-headless", "numpy", "matplotlib", "ipywidgets", "papermill", "pytest"}


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def specifiers(lines) -> dict[str, SpecifierSet]:
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, lines)}


def declared() -> dict[str, SpecifierSet]:
    everything = list(project()["dependencies"])
    for extra in project()["optional-dependencies"].values():
        everything += extra
    return specifiers(everything)


def locked() -> dict[str, list[str]]:
    pins: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            pins.setdefault(canonicalize_name(requirement.name), []).append(pin.version)
    return pins


def test_lock_pins_every_declared_package_within_its_range():
    pins = locked()
    for name, allowed in declared().items():
        assert pins.get(name), f"{name} is not locked"
        assert all(allowed.contains(version) for version in pins[name]), (name, str(allowed), pins[name])


def test_lock_names_no_address():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "index" not in text


def test_conda_environment_has_the_workshop_packages_in_the_declared_ranges():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert "-r requirements.lock" in pip and "-e ." in pip
    listed = specifiers(line for line in pip if not line.startswith("-"))
    assert set(listed) == FIXED
    assert all(listed[name] == declared()[name] for name in listed)


def test_conda_environment_takes_the_same_pythons():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (python,) = [line for line in environment["dependencies"] if str(line).startswith("python")]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(project()["requires-python"])


def test_kit_takes_the_same_pythons():
    text = (ROOT / "kit.py").read_text(encoding="utf-8")
    oldest, newest = re.search(r"OLDEST, NEWEST = \((\d+), (\d+)\), \((\d+), (\d+)\)", text).group(1, 2, 3, 4)[1::2]
    assert project()["requires-python"] == f">=3.{oldest},<3.{int(newest) + 1}"


def test_image_installs_the_library_alone():
    lines = (ROOT / "container" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    image = specifiers(line for line in lines if line and not line.startswith("#"))
    base = specifiers(project()["dependencies"])
    assert {name: image[name] for name in base} == base
    assert set(image) - set(base) == {"boto3"}

"""The set-up script: clear lines where it cannot go on, and an environment that is checked."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def kit(*arguments, python=sys.executable, folder=ROOT, **environment) -> subprocess.CompletedProcess:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KIT_", "PYTEST_"))}
    return subprocess.run(
        [python, str(Path(folder) / "kit.py"), *arguments],
        capture_output=True,
        text=True,
        env=inherited | environment,
        timeout=300,
    )


@pytest.fixture
def copy(tmp_path) -> Path:
    (tmp_path / "container").mkdir()
    for name in ("kit.py", "requirements.lock", "pyproject.toml", "container/no-deps.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


TASKS = ("demo", "test", "lab", "preflight", "class", "slides", "bundle", "clean")


def test_help_names_every_task():
    result = kit()
    assert result.returncode == 0
    assert all(f"kit.py {task}" in result.stdout for task in TASKS)


def test_unknown_task_shows_help_and_fails():
    result = kit("dance")
    assert result.returncode == 2 and "kit.py demo" in result.stdout and "there is no task dance" in result.stdout


def test_old_python_gets_one_clear_line(copy):
    text = (copy / "kit.py").read_text(encoding="utf-8")
    text = re.sub(r"OLDEST, NEWEST = .*", "OLDEST, NEWEST = (4, 0), (4, 9)", text)
    (copy / "kit.py").write_text(text, encoding="utf-8")
    result = kit("demo", folder=copy)
    assert result.returncode == 1
    line = r"kit: Python 4\.0 to 4\.9 is needed, this is [\d.]+.*; call kit\.py with another one.*\n"
    assert re.fullmatch(line, result.stderr)
    assert not (copy / ".venv").exists()


def test_missing_venv_module_says_what_to_install(copy, tmp_path):
    broken = tmp_path / "broken"
    (broken / "venv").mkdir(parents=True)
    (broken / "venv" / "__main__.py").write_text("raise SystemExit(1)")
    (broken / "venv" / "__init__.py").write_text("")
    result = kit("test", folder=copy, PYTHONPATH=str(broken))
    assert result.returncode == 1
    assert "apt install python3-venv" in result.stderr and "Traceback" not in result.stderr
    assert not (copy / ".venv").exists()


def test_own_environment_is_used_when_it_fits_the_lock():
    result = kit("test", "--version", KIT_NO_VENV="1")
    assert result.returncode == 0, result.stderr
    assert "pytest" in result.stdout


def test_own_environment_that_differs_from_the_lock_is_refused(copy):
    lock = (copy / "requirements.lock").read_text(encoding="utf-8")
    (copy / "requirements.lock").write_text(re.sub(r"(?m)^boto3==.*$", "boto3==1.0.0", lock), encoding="utf-8")
    result = kit("demo", folder=copy, KIT_NO_VENV="1")
    assert result.returncode == 1
    assert "boto3==1.0.0 (found" in result.stderr and "pip install -r requirements.lock" in result.stderr

"""The types of the library, as `mypy` reads them with the setting in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_mypy_has_nothing_to_say():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"  # that of the libraries which are installed
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--python-version", version]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

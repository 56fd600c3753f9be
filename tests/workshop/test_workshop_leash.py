"""Programs that end with the one that started them: JupyterLab must not outlive `kit.py lab`."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from localaws_kit import eventually

from faceblur.workshop.running.leash import leashed

PROGRAM = "leash_program"
SOURCE = {
    "patient": "import signal, sys\nprint('up', *sys.argv, flush=True)\nsignal.pause()",
    "short": "import sys\nprint(__name__, sys.stdin.read())\nsys.exit(7)",
}
HOLDER = f"""
from faceblur.workshop.running.leash import leashed
with leashed({PROGRAM!r}) as process:
    print(process.pid, flush=True)
    process.wait()
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """program("patient"): a module that can be run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    return lambda name: (tmp_path / f"{PROGRAM}.py").write_text(SOURCE[name])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_the_process_that_started_it(program, number):
    program("patient")
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        pid = int(holder.stdout.readline())
        assert holder.stdout.readline().startswith(b"up")
        holder.send_signal(number)
        holder.wait()
    eventually(lambda: not psutil.pid_exists(pid))


def test_it_ends_with_the_block_and_has_its_options(program):
    program("patient")
    with leashed(PROGRAM, ["--port=1"], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().split()[2:] == [b"--port=1"]
        process.stdout.close()
    assert process.returncode == -signal.SIGTERM


def test_it_is_the_main_program_with_the_users_input_and_its_own_exit_code(program, tmp_path):
    program("short")
    (tmp_path / "input").write_text("yes")
    with (tmp_path / "input").open() as said, leashed(PROGRAM, stdin=said, stdout=subprocess.PIPE) as process:
        assert process.communicate()[0] == b"__main__ yes\n"
    assert process.returncode == 7

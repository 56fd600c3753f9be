"""What a mount namespace keeps functions from, with the commands that the executor uses."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from faceblur.localaws.sandbox import PRIVATE, READ_ONLY, find_namespace, hiding

# Prints every file system on which a file can be made.
WRITABLE = """
import pathlib
for line in open("/proc/self/mountinfo"):
    place = pathlib.Path(line.split()[4].encode().decode("unicode_escape"))
    if str(place).startswith(("/proc", "/sys")) or str(place) in ("/dev", "/dev/pts", "/dev/mqueue"):
        continue
    try:
        (place / "faceblur-probe").touch(), (place / "faceblur-probe").unlink()
        print(place)
    except OSError:
        pass
"""


@pytest.fixture
def folders():
    """(the private /tmp, what lies in /opt), outside of /tmp, which is hidden in there."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        private, layers = Path(folder, "private"), Path(folder, "layers")
        private.mkdir(), layers.mkdir()
        yield str(private), str(layers)


@pytest.mark.parametrize("options", [("-m",), ("-U", "-r", "-m")], ids=["as root", "without root"])
def test_of_all_that_is_mounted_only_tmp_can_be_written(folders, options):
    """Not /dev/shm, a home on a disk of its own, a stick, or the layers: each is a file system beside that of /."""
    unshare = ("unshare", *options, "--propagation", "private")
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this system gives no such namespace")
    look = (*folders, sys.executable, "-c", WRITABLE)
    found = [subprocess.check_output([*unshare, "sh", "-c", how, *look], text=True) for how in (PRIVATE, READ_ONLY)]
    assert {"/tmp", "/opt"} < set(found[0].split())
    assert found[1].split() == ["/tmp"]


@pytest.mark.parametrize("options", [("-m",), ("-U", "-r", "-m")], ids=["as root", "without root"])
def test_folders_with_keys_are_empty_in_there(folders, options):
    unshare = ("unshare", *options, "--propagation", "private")
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this system gives no such namespace")
    home = Path(folders[0]).parent / "home with a 'name'"
    for place in (".ssh", ".aws", ".config/faceblur", "videos"):
        (home / place).mkdir(parents=True)
        (home / place / "secret").touch()
    script = hiding(home, (home / ".config" / "faceblur",)) + PRIVATE
    look = (*folders, "find", str(home), "-name", "secret", "-printf", "%P\\n")
    found = subprocess.check_output([*unshare, "sh", "-c", script, *look], text=True)
    assert set(found.split()) == {".config/faceblur/secret", "videos/secret"}


def test_where_it_cannot_be_had_there_is_none(monkeypatch, tmp_path):
    """An `unshare` that is refused, as many systems refuse it to users."""
    refused = tmp_path / "unshare"
    refused.write_text("#!/bin/sh\nexit 1\n")
    refused.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert find_namespace((Path("/var/tmp"),)) == ()

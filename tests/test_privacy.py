"""Nothing leaves the machine: ONNX Runtime's telemetry is off wherever it is imported, and no run leaves a trace."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from moving import Mover, Scene
from test_borders import SOURCES, imported

from faceblur.finding import runtime
from faceblur.localaws.function import Function, UnpackedImage
from faceblur.localaws.managed_runtime import ManagedRuntime
from faceblur.localaws.sandbox import Sandbox
from faceblur.workshop.building import image, oci

ROOT = Path(__file__).parents[1]
SWITCH = "ORT_DISABLE_TELEMETRY"


def python(*arguments, home: Path) -> subprocess.CompletedProcess:
    """A Python of its own that knows no other place than `home` to write to by itself, and is told nothing."""
    places = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TMPDIR", "USERPROFILE")
    environment = {name: value for name, value in os.environ.items() if name != SWITCH}
    environment |= dict.fromkeys(places, str(home)) | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def home(tmp_path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_run_leaves_the_home_and_the_temporary_folder_empty(home, tmp_path):
    clip = Scene((Mover(160, 90, 0.2, 0, 60, "eileen"),), seconds=0.4).write(tmp_path / "clip.mp4")
    python("-m", "faceblur", "blur", clip, tmp_path / "out.mp4", "--report", tmp_path / "report.json", home=home)
    assert [str(path) for path in home.rglob("*")] == []
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system does not list a process's threads")
def test_no_sender_runs_beside_the_detector(home):
    """ONNX Runtime's telemetry is sent by threads that start at the import; the look-up comes ten seconds later."""
    script = (
        "import os\n"
        "from faceblur.finding import FaceDetector\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "kept = FaceDetector()\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    assert python("-c", script, home=home).stdout.strip() == "0"


@pytest.mark.parametrize("given", [None, "0", ""])
def test_the_switch_is_set_before_the_import_whatever_was_set(home, given):
    before = "" if given is None else f"os.environ[{SWITCH!r}] = {given!r}\n"
    script = (
        f"import os, sys\n{before}import faceblur.finding.detector\n"
        f"assert 'onnxruntime' not in sys.modules\nprint(os.environ[{SWITCH!r}])"
    )
    assert python("-c", script, home=home).stdout.strip() == "1"


def test_where_a_host_program_imported_it_first_its_events_are_turned_off(monkeypatch):
    said = []
    host = SimpleNamespace(disable_telemetry_events=lambda: said.append("off"))
    monkeypatch.setitem(sys.modules, "onnxruntime", host)
    assert runtime._onnxruntime() is host and said == ["off"]


def test_only_one_module_imports_it_and_not_at_its_top():
    importers = [path for path in SOURCES if any(name.split(".")[0] == "onnxruntime" for name in imported(path))]
    assert importers == [ROOT / "faceblur" / "finding" / "runtime.py"]
    tree = ast.parse(importers[0].read_text(encoding="utf-8"))
    top = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    assert "os" in top and "onnxruntime" not in top


def test_the_image_made_with_docker_carries_the_switch():
    dockerfile = (ROOT / "container" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(rf"^ENV {SWITCH}=1$", dockerfile, re.MULTILINE)


def test_the_image_made_with_pip_carries_the_switch(tmp_path, monkeypatch):
    (tmp_path / "packages.tar.gz").touch()
    layer = oci.write_layer(tmp_path / "packages.tar.gz", {})
    monkeypatch.setattr(image, "_package_layer", lambda context: layer)
    (tmp_path / "context" / "faceblur").mkdir(parents=True)
    made, _ = image.build_with_pip(tmp_path / "context")
    assert f"{SWITCH}=1" in json.loads(made.config)["config"]["Env"]


@pytest.mark.parametrize("is_image", [False, True])
def test_functions_of_the_embedded_aws_get_the_switch(tmp_path, is_image):
    made = UnpackedImage(tmp_path, "sha256:0") if is_image else None
    function = Function("f", "arn:aws:lambda:us-east-1:1:function:f", "app.handler", tmp_path, image=made)
    sandbox = Sandbox(sys.executable, ManagedRuntime.build(tmp_path / "runtime"))
    assert sandbox.environment(function, tmp_path, "127.0.0.1:1", "stream")[SWITCH] == "1"

"""What a function's process may see: command line, environment variables, import path, /tmp.

The process is the host's interpreter without site-packages (`-S`): only the function's own code, its layers and the
managed runtime are importable. Where the kernel allows it the process gets a mount namespace with a private /tmp,
the layers in /opt, and a disk that is read-only but for that; elsewhere TMPDIR points to a private folder.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from .function import Function
from .managed_runtime import ManagedRuntime

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
PYTHON_TAG = f"python{sys.version_info[0]}.{sys.version_info[1]}"
# Where images keep their packages besides the task folder: AWS's base image, python:3.x images, Debian's.
IMAGE_PACKAGES = (
    f"var/lang/lib/{PYTHON_TAG}/site-packages",
    f"usr/local/lib/{PYTHON_TAG}/site-packages",
    "usr/lib/python3/dist-packages",
    "var/runtime",
)
# Variables of an image that name places inside it.
IMAGE_PATH_VARIABLES = ("PYTHONPATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Sandbox:
    """How processes are confined on this machine: interpreter, runtime folders, namespace prefix."""

    python: str
    runtime: ManagedRuntime
    namespace: tuple[str, ...] = ()
    layers: Path | None = None

    @classmethod
    def prepare(cls, root: Path) -> Sandbox:
        """Make the runtime folders in `root` and find out what this kernel allows."""
        python = getattr(sys, "_base_executable", None) or sys.executable
        visible = (root, Path(python).resolve(), Path(sys.base_prefix), *map(Path, sys.path))
        layers = None if Path("/opt") in Path(python).resolve().parents or not Path("/opt").is_dir() else root / "opt"
        return cls(python, ManagedRuntime.build(root / "runtime"), find_namespace(visible), layers)

    @property
    def lacks(self) -> str:
        """What is not as on AWS Lambda on this system, in words; empty where it is."""
        if not self.namespace:
            return "functions have no private /tmp and may write everywhere: this system gives no mount namespace"
        if self.namespace[-1].endswith(READ_ONLY):
            return ""
        return "functions may write everywhere: the disk cannot be read-only"

    def command(self, function: Function, private_tmp: Path) -> list[str]:
        """The command line of one execution environment."""
        command = [self.python, "-S", "-m", self.runtime.module, function.handler]
        if not self.namespace:
            return command
        opt = str(merged(function.layers, self.layers)) if function.layers and self.layers else ""
        return [*self.namespace, str(private_tmp), opt, *command]

    def environment(self, function: Function, private_tmp: Path, api: str, log_stream: str) -> dict[str, str]:
        """All variables of one execution environment; nothing is inherited from this process."""
        temporary = "/tmp" if self.namespace else str(private_tmp)
        values = {"ORT_DISABLE_TELEMETRY": "1"}  # nothing leaves this machine, whatever a function brings along
        values |= image_variables(function)
        values |= {
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{PYTHON_TAG}",
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ENDPOINT_URL": function.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "LAMBDA_TASK_ROOT": str(function.task),
            "_HANDLER": function.handler,
            "PATH": SYSTEM_PATH,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": temporary,
            "HOME": temporary,
        }
        values.update(function.variables)
        values.update(function.credentials)
        values["PYTHONPATH"] = os.pathsep.join(self.import_path(function, values.get("PYTHONPATH", "")))
        return values

    def import_path(self, function: Function, own: str) -> list[str]:
        """Folders to import from, in order; `own` is what the image or the user set as PYTHONPATH."""
        folders = [str(function.task), *filter(None, own.split(os.pathsep))]
        for layer in function.layers:
            folders += [str(layer / "python"), str(layer / f"python/lib/{PYTHON_TAG}/site-packages")]
        if function.image is None:
            return [*folders, str(self.runtime.managed)]
        packages = (function.image.root / place for place in IMAGE_PACKAGES)
        return [*folders, *(str(place) for place in packages if place.is_dir()), str(self.runtime.client)]


def image_variables(function: Function) -> dict[str, str]:
    """The image's ENV, with the paths that name places inside it moved to where it was unpacked."""
    if function.image is None:
        return {}
    values = dict(function.image.environment)
    for name in IMAGE_PATH_VARIABLES:
        if name in values:
            places = (place.lstrip("/") for place in values[name].split(":") if place)
            values[name] = os.pathsep.join(str(function.image.root / place) for place in places)
    return values


def merged(layers: tuple[Path, ...], folder: Path) -> Path:
    """One folder with what the layers hold, later ones over earlier ones, as /opt has it. Made of links, once."""
    whole = folder / "-".join(layer.name for layer in layers)[-200:]
    with _merging:
        if not whole.exists():
            beside = whole.with_suffix(".new")
            for layer in layers:
                shutil.copytree(layer, beside, copy_function=linked, dirs_exist_ok=True)
            beside.rename(whole)
    return whole


_merging = threading.Lock()


def linked(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)
    os.link(source, target)
    return target


# $0 is the private /tmp, $1 what lies in /opt, the rest the command.
PRIVATE = 'mount --bind "$0" /tmp && { [ -z "$1" ] || mount --bind "$1" /opt; } && shift && exec "$@"'
# Every file system that is mounted, for a home on a disk of its own is not /. What cannot be changed must not be
# writable as it is. The flags that it has are said again: without root they may not be taken away.
EVERY_DISK = """while read -r _ _ _ _ place flags _; do
  case "$place $flags" in /tmp\\ *|/tmp/*|/proc*|/sys*|/dev\\ *|/dev/pts*|/dev/mqueue*|*\\ ro|*\\ ro,*) continue; esac
  place=$(printf %b "$place")
  mount -o "remount,bind,ro${flags#rw}" "$place" || [ ! -w "$place" ] || exit 1
done </proc/self/mountinfo 2>/dev/null"""
READ_ONLY = PRIVATE.replace("&& shift", "&& { " + EVERY_DISK + "; } && shift")


# Below the home: where keys and passwords of other things lie. The home itself may hold this Python and faceblur.
KEYS = (".aws", ".azure", ".config", ".docker", ".gnupg", ".kube", ".mozilla", ".password-store", ".ssh")


def hiding(home: Path, visible: tuple[Path, ...]) -> str:
    """What puts something empty over these folders, before the rest is done; not over what must be seen."""
    needed = {part.resolve() for place in visible for part in (place, *place.parents)}
    folders = [home / name for name in KEYS if (home / name).is_dir() and (home / name).resolve() not in needed]
    return "".join(f"mount -t tmpfs -o ro,size=4k none {shlex.quote(str(folder))} && " for folder in folders)


def find_namespace(visible: tuple[Path, ...]) -> tuple[str, ...]:
    """The command's beginning for a mount namespace, or () where the kernel forbids it or /tmp holds what must be
    seen. Its last word is what is done in there: READ_ONLY, or PRIVATE where the disk cannot be made read-only, and
    first of all that folders with keys are hidden.
    """
    hidden = Path("/tmp").resolve()
    if not shutil.which("unshare") or any(hidden in (place, *place.parents) for place in visible):
        return ()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "marker").touch()
        hide = hiding(Path.home(), visible)
        for script in (hide + READ_ONLY, hide + PRIVATE, PRIVATE):
            for options in (("-m",), ("-U", "-r", "-m")):
                prefix = ("unshare", *options, "--propagation", "private", "sh", "-c", script)
                trial = [*prefix, folder, "", "test", "-w", "/tmp/marker"]
                if subprocess.run(trial, capture_output=True).returncode == 0:
                    return prefix
    return ()


def compile_code(folder: Path) -> None:
    """Compile what may be imported: functions cannot write it there, and each start would do it again."""
    command = [sys.executable, "-I", "-m", "compileall", "-qq", "-x", "/tests?/", str(folder)]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

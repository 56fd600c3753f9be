"""What a function's process may see: command line, environment variables, import path, files.

The process is the host's interpreter without site-packages (`-S`): only the function's own code, its layers and the
managed runtime are importable. Where the kernel allows it, it is confined (`confinement`): it sees its code in
/var/task, its layers in /opt, a /tmp of its own, its own processes, and of this machine the system's libraries and
the interpreter, all of it read-only. An image that brings a system of its own runs in that. Elsewhere it has the
user's whole machine, and TMPDIR points to a private folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .function import Function
from .managed_runtime import ManagedRuntime
from .view import CLIENT, EMPTY, FILES, GROUP, IMAGE, LAYERS, RUNTIME, TASK, USER, View

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

WRAPPING = 2  # processes of ours around a confined function
CONFINEMENT = Path(__file__).with_name("confinement.py")
TRIAL_SECONDS = 20
# Fails where the interpreter does not run in there; says whether it has a /proc.
TRIAL = "import os, ssl, importlib.util as util; assert util.find_spec('boto3'); print(os.path.exists('/proc/self'))"


@dataclass(frozen=True)
class Sandbox:
    """How processes are confined on this machine: interpreter, runtime folders, and what the kernel allows.

    confined: None where it does not; else whether that takes a namespace of users (without one, root's own rights do).
    lacks: what is not as on AWS Lambda on this system, in words; empty where it is.
    """

    python: str
    runtime: ManagedRuntime
    confined: bool | None = None
    lacks: str = "functions are not confined"

    @classmethod
    def prepare(cls, root: Path) -> Sandbox:
        """Make the runtime folders in `root` and find out what this kernel allows."""
        python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
        runtime = ManagedRuntime.build(root / "runtime")
        why = ""
        for user in (True, False) if sys.platform == "linux" else ():
            tried = cls(python, runtime, user, "")
            with tempfile.TemporaryDirectory(dir=root) as folder:
                has_processes, problem = tried.trial(Path(folder))
            if not problem:
                lacks = "" if has_processes else "functions have no /proc: this system gives no new one"
                return cls(python, runtime, user, lacks)
            why = why or problem.partition(": ")[2] or problem
        why = why or "this system has no namespaces"
        return cls(python, runtime, None, f"functions see and may write whatever you may: {why}")

    @property
    def view(self) -> View:
        return View(self.python, self.runtime, self.runtime.managed.parent / "opt")

    def trial(self, folder: Path) -> tuple[bool, str]:
        """(whether there is a /proc, what went wrong) of a process that is confined as a function is."""
        function = Function("trial", "", "", folder)
        command = [self.python, "-S", "-c", TRIAL]
        document = self.document(function, folder, command, {"PYTHONPATH": RUNTIME})
        with tempfile.TemporaryFile() as output, self.confine(document, output.fileno()) as process:
            process.wait(TRIAL_SECONDS)
            output.seek(0)
            said = output.read().decode(errors="replace").splitlines() or ["it said nothing"]
        return said == ["True"], said[-1] if process.returncode else ""

    def start(self, function: Function, private_tmp: Path, api: str, log_stream: str, output: int) -> subprocess.Popen:
        """Begin an execution environment; `output` is the file that it prints to."""
        command, variables = self.command(function), self.environment(function, private_tmp, api, log_stream)
        if self.confined is not None:
            return self.confine(self.document(function, private_tmp, command, variables), output)
        return subprocess.Popen(
            command,
            env=variables,
            cwd=self.folder(function),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def confine(self, document: dict, output: int) -> subprocess.Popen:
        """Begin a confined process. It ends when its standard input is closed, however that comes about."""
        process = subprocess.Popen(
            [self.python, "-I", "-S", str(CONFINEMENT)],
            env={},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended already; what it said is in its output
            process.stdin.write(json.dumps(document).encode() + b"\n")
        return process

    def command(self, function: Function) -> list[str]:
        """The command line of the function itself."""
        entry = function.entry
        if entry and entry.own:
            return list(entry.command)
        words = entry.command if entry else ("-m", "awslambdaric", function.handler)
        if words[:2] == ("-m", "awslambdaric"):
            words = ("-m", self.runtime.module, *words[2:])
        return [self.python, "-S", *words]

    def document(self, function: Function, folder: Path, command: list[str], variables: dict[str, str]) -> dict:
        """What `confinement` makes of this function's process. folder: empty, for it alone."""
        tmp: int | str = function.storage_mb << 20
        if not in_memory(function.storage_mb):
            tmp = str(folder.with_name("disk"))  # not in the folder: the new root lies over it
            Path(tmp).mkdir()
        places, links = self.view.places(function)
        return {
            "root": str(folder),
            "tmp": tmp,
            "places": places,
            "empty": [] if function.image else EMPTY,
            "files": {} if function.entry and function.entry.own else FILES,
            "links": links,
            "user": self.confined,
            "uid": USER,
            "gid": GROUP,
            "folder": self.view.folder(function),
            "command": command,
            "variables": variables,
        }

    def folder(self, function: Function) -> Path:
        """Where it begins to work, where it is not confined."""
        return function.entry.folder_on_disk if function.entry else function.task

    def environment(self, function: Function, private_tmp: Path, api: str, log_stream: str) -> dict[str, str]:
        """All variables of one execution environment; nothing is inherited from this process."""
        temporary = str(private_tmp) if self.confined is None else "/tmp"
        values = {"ORT_DISABLE_TELEMETRY": "1"}  # nothing leaves this machine, whatever a function brings along
        values |= {"PATH": SYSTEM_PATH, "LANG": "en_US.UTF-8", "TZ": ":UTC", "PYTHONUNBUFFERED": "1"}
        values |= self.image_variables(function)
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
            "LAMBDA_TASK_ROOT": str(function.task) if self.confined is None else TASK,
            "LAMBDA_RUNTIME_DIR": RUNTIME,
            "_HANDLER": function.handler,
            "TMPDIR": temporary,
            "HOME": temporary,
        }
        values.update(function.variables)
        values.update(function.credentials)
        if not (function.entry and function.entry.own):
            values["PYTHONPATH"] = os.pathsep.join(self.import_path(function, values.get("PYTHONPATH", "")))
        return values

    def image_variables(self, function: Function) -> dict[str, str]:
        """The image's ENV, with paths that name places inside it moved to where it lies, unless it runs there."""
        if function.image is None:
            return {}
        values = dict(function.image.environment)
        if function.entry and function.entry.own:
            return values
        values.pop("PATH", None)
        root = function.image.root if self.confined is None else Path(IMAGE)
        for name in IMAGE_PATH_VARIABLES:
            if name in values:
                places = (place.lstrip("/") for place in values[name].split(":") if place)
                values[name] = os.pathsep.join(str(root / place) for place in places)
        return values

    def import_path(self, function: Function, own: str) -> list[str]:
        """Folders to import from, in order; `own` is what the image or the user set as PYTHONPATH."""
        task = str(function.task) if self.confined is None else TASK
        folders = [task, *filter(None, own.split(os.pathsep))]
        layers = function.layers if self.confined is None else (Path(LAYERS),) if function.layers else ()
        for layer in layers:
            folders += [str(layer / "python"), str(layer / f"python/lib/{PYTHON_TAG}/site-packages")]
        if function.image is None:
            return [*folders, str(self.runtime.managed) if self.confined is None else RUNTIME]
        there = [place for place in IMAGE_PACKAGES if (function.image.root / place).is_dir()]
        if self.confined is None:
            return [*folders, *(str(function.image.root / place) for place in there), str(self.runtime.client)]
        return [*folders, *(f"{IMAGE}/{place}" for place in there), CLIENT]


def in_memory(storage_mb: int) -> bool:
    """Whether a /tmp of this size is one of memory: up to half of this machine's, as file systems of memory have it."""
    return storage_mb << 20 <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def compile_code(folder: Path) -> None:
    """Compile what may be imported: functions cannot write it there, and each start would do it again."""
    command = [sys.executable, "-I", "-m", "compileall", "-qq", "-x", "/tests?/", str(folder)]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

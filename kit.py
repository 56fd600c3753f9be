#!/usr/bin/env python3
"""Set-up and tasks, with nothing but Python and pip.

    python3 kit.py demo [--video PATH] [--out DIR]   run the ten notebooks on the embedded AWS, see the result
    python3 kit.py test [pytest arguments]           run the whole test suite
    python3 kit.py lab [--target aws] [--prefix P] [--until NN] [--reset]
                                                     open JupyterLab on copies of the notebooks, embedded AWS running
    python3 kit.py preflight [--policy] [--prefix P] whether your account may make all that, and what it costs
    python3 kit.py class --out FILE FOLDER ...       a page of a class's progress, of the build folders of its labs
    python3 kit.py slides                            the notebooks as slides, in one file that needs no network
    python3 kit.py bundle                            sources and wheels in one ZIP, for rooms without a network
    python3 kit.py clean                             delete .venv and build/

The first call makes .venv from requirements.lock; later calls reuse it until the lock or the Python changes.
Where a folder `wheels` lies beside this file, as in a bundle, pip takes everything from there and asks no network.
KIT_NO_VENV=1 uses the Python that runs this file (a conda environment, say) after checking it against the lock.
"""

# This file must start on old Pythons, too: they get a clear line instead of a syntax error.
import hashlib
import os
import shutil
import subprocess
import sys
from urllib.request import pathname2url

OLDEST, NEWEST = (3, 11), (3, 14)
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
LOCK = os.path.join(ROOT, "requirements.lock")
NO_DEPS = os.path.join(ROOT, "container", "no-deps.txt")  # what must not bring along what it asks for
WHEELS = os.path.join(ROOT, "wheels")
TASKS = {
    "demo": ["-m", "faceblur.workshop", "demo"],
    "test": ["-m", "pytest", "-n", str(min(4, os.cpu_count() or 1))],
    "lab": ["-m", "faceblur.workshop", "lab"],
    "preflight": ["-m", "faceblur.workshop", "preflight"],
    "class": ["-m", "faceblur.workshop", "class"],
    "slides": ["-m", "faceblur.workshop", "slides"],
    "bundle": ["-m", "faceblur.workshop", "bundle"],
}


def check_python():
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            "kit: Python %d.%d to %d.%d is needed, this is %s; "
            "call kit.py with another one, e.g. python3.12 kit.py" % (OLDEST + NEWEST + (sys.version.split()[0],))
        )


def check_environment():
    """Refuse an environment that is not what the lock says, naming the first differences."""
    from importlib import metadata

    try:
        from packaging.requirements import Requirement
    except ImportError:
        sys.exit("kit: this environment lacks the locked packages; run: pip install -r requirements.lock -e .")
    wrong = []
    with open(LOCK, encoding="utf-8") as lines:
        for requirement in map(Requirement, (line.strip() for line in lines if line.strip() and line[0] != "#")):
            if requirement.marker and not requirement.marker.evaluate():
                continue
            try:
                found = metadata.version(requirement.name)
            except metadata.PackageNotFoundError:
                found = None
            if found is None or not requirement.specifier.contains(found):
                wrong.append("%s (found %s)" % (requirement, found or "nothing"))
    if wrong:
        sys.exit(
            "kit: KIT_NO_VENV=1, but this environment differs from requirements.lock in %d packages: %s; "
            "run: pip install -r requirements.lock" % (len(wrong), ", ".join(wrong[:3]))
        )


def make_venv():
    """Return the .venv's Python; build the environment when the lock or the Python changed."""
    python = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
    stamp = os.path.join(VENV, ".kit-stamp")
    with open(LOCK, "rb") as lock:
        want = hashlib.sha256(lock.read() + sys.version.encode() + ROOT.encode())
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as project:  # the command's entry point stands in it
        want.update(project.read())
    with open(NO_DEPS, "rb") as more:
        want.update(more.read())
    want = want.hexdigest()
    if os.path.exists(stamp) and os.path.exists(python):
        with open(stamp) as made_from:
            if made_from.read() == want:
                return python
    print("kit: building .venv from requirements.lock (once, a few minutes) ...", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit("kit: this Python cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
    with open(os.path.join(VENV, "pip.log"), "w") as log:
        for step in (["-r", LOCK], ["--no-deps", "-r", NO_DEPS], ["--no-deps", "--no-build-isolation", "-e", ROOT]):
            if subprocess.run(pip + step, stdout=log, stderr=subprocess.STDOUT).returncode:
                sys.exit("kit: pip could not install the packages; its last words are in %s" % log.name)
    with open(stamp, "w") as done:
        done.write(want)
    print("kit: .venv is ready", flush=True)
    return python


def main(arguments):
    task, rest = (arguments[0] if arguments else "help"), arguments[1:]
    if task == "clean":
        for folder in (VENV, os.path.join(ROOT, "build")):
            shutil.rmtree(folder, ignore_errors=True)
        return 0
    if task not in TASKS:
        print(__doc__ if task in ("help", "-h", "--help") else "%skit: there is no task %s" % (__doc__, task))
        return 0 if task in ("help", "-h", "--help") else 2
    check_python()
    if os.path.isdir(WHEELS):  # for this script's pip and for that of the image
        os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS="file://" + pathname2url(WHEELS))
    if os.environ.get("KIT_NO_VENV"):
        check_environment()
        python = sys.executable
    else:
        python = make_venv()
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, environment.get("PYTHONPATH")]))
    environment["PATH"] = os.path.dirname(python) + os.pathsep + environment.get("PATH", "")
    command = [python] + TASKS[task] + rest
    if os.name == "posix":
        sys.stdout.flush()
        os.execve(python, command, environment)  # one process: signals reach the task itself
    try:
        return subprocess.run(command, env=environment).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a confined function is kept from: each case is a function that tries it, without the engine around it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import psutil
import pytest
from localaws_kit import eventually, package

from faceblur.localaws import environment as environment_room
from faceblur.localaws import sandbox as sandbox_room
from faceblur.localaws.executor import Executor
from faceblur.localaws.function import Function
from faceblur.localaws.managed_runtime import ManagedRuntime
from faceblur.localaws.sandbox import Sandbox

# Runs what it is told, and gives what is said or the error that came of it.
OBEYS = """
import ctypes, json, os, pathlib, shutil, signal, socket, subprocess, sys, time
def handler(event, context):
    try: return eval(event) if not event.startswith("!") else exec(event[1:])
    except BaseException as problem: return f"{type(problem).__name__}: {problem}"
"""
SECRET = f"secret-{uuid.uuid4().hex}"


def confining(root, user):
    runtime = ManagedRuntime.build(root / "runtime")
    sandbox = Sandbox(os.path.realpath(sys._base_executable), runtime, user, "")
    folder = root / "trial"
    folder.mkdir()
    _, problem = sandbox.trial(folder)
    if problem:
        pytest.skip(f"this system gives no such namespace: {problem}")
    return sandbox


@pytest.fixture(scope="module", params=[True, False], ids=["without root", "as root"])
def executor(request):
    """Where a real one works: under /var/tmp."""
    if sys.platform != "linux" or not (request.param or os.getuid() == 0):
        pytest.skip("needs Linux, and root for the second")
    root = Path(tempfile.mkdtemp(prefix="faceblur-test-", dir="/var/tmp"))
    try:
        running = Executor(root, confining(root, request.param))
        yield running
        running.close()
    finally:
        shutil.rmtree(root)


def make(executor, name="f", source=OBEYS, **options):
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    task = executor.unpack(package(app=source), arn)
    return Function(**{"name": name, "arn": arn, "handler": "app.handler", "task": task, "timeout_s": 20, **options})


def call(executor, function, event):
    return json.loads(executor.invoke(function, json.dumps(event).encode()).payload)


@pytest.fixture(scope="module")
def do(executor):
    """Has a function try it."""
    function = make(executor, variables={"SECRET": SECRET})
    return lambda event: call(executor, function, event)


def test_its_code_its_layers_and_its_folders_have_the_names_that_they_have_on_aws(executor):
    layer = executor.unpack(package(**{"python/of_layer": ""}))
    function = make(executor, "names", layers=(layer,))
    look = "[__file__, os.getcwd(), os.environ['LAMBDA_TASK_ROOT'], __import__('of_layer').__file__]"
    assert call(executor, function, look) == ["/var/task/app.py", "/var/task", "/var/task", "/opt/python/of_layer.py"]


WRITABLE = """!
found = []
for place in [line.split()[4] for line in open("/proc/self/mountinfo")]:
    if not place.startswith(("/dev/", "/proc")):
        try: (pathlib.Path(place) / "probe").touch(), found.append(place)
        except OSError: pass
        try: open(place, "ab").close(), found.append(place)
        except OSError: pass
raise SystemExit(found)
"""


def test_of_all_that_is_mounted_only_tmp_can_be_written(do):
    assert do(WRITABLE) == "SystemExit: ['/tmp']"


def test_nothing_of_the_home_is_there_but_the_interpreter(do):
    needed = [
        str(Path(sys.base_prefix).resolve()),
        *(str(Path(place).resolve()) for place in sys.path if "site-packages" in place),
    ]
    seen = do(f"[os.path.join(a, f) for a, _, fs in os.walk({str(Path.home())!r}) for f in fs]")
    assert not [file for file in seen if not file.startswith(tuple(needed))]


def test_nothing_of_other_folders_is_there(executor, do):
    for place in (executor.root, Path(__file__), Path("/etc/shadow"), Path("/run"), Path("/var/lib"), Path("/dev/shm")):
        assert do(f"os.path.exists({str(place)!r})") is False, place


def test_it_sees_no_process_but_its_own(do):
    assert do("sorted(name for name in os.listdir('/proc') if name.isdigit())") == ["1", "2"]
    assert (
        do("open('/proc/1/environ').read()").startswith("PermissionError") or do("open('/proc/1/environ').read()") == ""
    )


def test_no_other_process_can_be_ended_or_looked_into(do):
    own = os.getpid()
    assert do(f"os.kill({own}, 9)").startswith("ProcessLookupError")
    assert do(f"ctypes.CDLL(None, use_errno=True).ptrace(16, {own}, 0, 0)") == -1
    assert do("ctypes.CDLL(None, use_errno=True).ptrace(16, 1, 0, 0)") == -1
    assert do("os.kill(1, 9) or os.getpid()") == 2  # the first process of a namespace does not obey those in it
    assert psutil.pid_exists(own)


def test_it_has_no_rights_and_gets_none(do):
    status = do("dict(line.split(':', 1) for line in open('/proc/self/status'))")
    for kind in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    for flags in (32 | 4096, 32):  # remount what is read-only
        assert do(f"ctypes.CDLL(None).mount(None, b'/usr', None, {flags}, None)") == -1
    assert do("ctypes.CDLL(None).umount2(b'/proc', 2)") == -1
    assert do("os.mknod('/tmp/disk', 0o60600, os.makedev(254, 0))").startswith("PermissionError")
    assert do("open('/proc/sys/kernel/core_pattern', 'w')").startswith(("OSError: [Errno 30]", "PermissionError"))


NESTED = """!
libc = ctypes.CDLL(None)
if os.fork() == 0:
    entered = libc.unshare(0x10000000 | 0x20000)
    done = [libc.mount(None, b"/usr", None, 32 | 4096, None), libc.umount2(b"/usr", 2), libc.umount2(b"/proc", 2)]
    os._exit(0 if set(done) == {-1} else 1)
_, status = os.wait()
raise SystemExit(status)
"""


def test_a_namespace_in_the_namespace_opens_nothing(do):
    assert do(NESTED) == "SystemExit: 0"


def test_tmp_is_as_large_as_its_storage_and_is_full_then(executor):
    function = make(executor, "full", storage_mb=16)
    size = "(lambda s: [s.f_blocks * s.f_frsize >> 20, s.f_bavail * s.f_frsize >> 20])(os.statvfs('/tmp'))"
    assert call(executor, function, size) == [16, 16]
    assert call(executor, function, "open('/tmp/big', 'wb').write(bytes(17 << 20))").startswith("OSError: [Errno 28]")
    assert call(executor, function, "[os.path.getsize('/tmp/big') >> 20, os.remove('/tmp/big')][0]") == 16
    assert call(executor, function, "open('/tmp/fits', 'wb').write(bytes(15 << 20)) >> 20") == 15
    assert call(executor, make(executor, "other", storage_mb=16), "os.listdir('/tmp')") == []


def test_a_tmp_beyond_the_machines_memory_lies_on_the_disk_and_is_watched(executor, monkeypatch):
    for room in (sandbox_room, environment_room):
        monkeypatch.setattr(room, "in_memory", lambda storage_mb: False)
    function = make(executor, "disk", storage_mb=16)
    assert call(executor, function, "pathlib.Path('/tmp/mine').write_text('x')") == 1
    answer = call(executor, function, "[open('/tmp/big', 'wb').write(bytes(40 << 20)), time.sleep(20)]")
    assert "/tmp holds" in answer["errorMessage"]


OUTLIVES = """!
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(300)", MARK])
    os._exit(0)
os.wait()
if END: os._exit(3)
"""


def named(mark):
    return [one for one in psutil.process_iter(["cmdline"]) if mark in (one.info["cmdline"] or [])]


@pytest.mark.parametrize("ends", [True, False], ids=["the function ends", "the function is closed"])
def test_what_a_function_started_does_not_outlive_it(executor, ends):
    mark = uuid.uuid4().hex
    function = make(executor, "outlives")
    answer = call(executor, function, OUTLIVES.replace("MARK", repr(mark)).replace("END", str(ends)))
    if not ends:
        eventually(lambda: named(mark))
        executor.forget(function.arn)
    assert answer is None or "exit status 3" in answer["errorMessage"]
    eventually(lambda: not named(mark))


def test_it_ends_as_it_ended(executor):
    for event, words in (("os._exit(7)", "exit status 7"), ("os.kill(os.getpid(), 9)", "signal: killed"),
                         ("os.kill(os.getpid(), 11)", "exit status -11")):  # fmt: skip
        assert words in call(executor, make(executor, "ends"), event)["errorMessage"]


def test_two_functions_of_the_same_code_share_no_folder(executor):
    first, second = make(executor, "one"), make(executor, "two")
    assert first.task != second.task
    assert call(executor, first, "open('/var/task/app.py', 'a')").startswith("OSError: [Errno 30]")


def test_its_memory_is_not_that_of_what_confines_it(executor):
    result = executor.invoke(make(executor, "small"), b'"time.sleep(0.1)"')
    assert not result.error, result
    (waiting,) = executor._idle[make(executor, "small").key]
    alone = psutil.Process(waiting._process.pid).children(recursive=True)[-1]
    assert abs(result.peak_mb - (alone.memory_info().rss >> 20)) < 4


BOMB = """!
begun = 0
try:
    while True:
        if os.fork() == 0: time.sleep(60)
        begun += 1
except OSError as problem:
    raise SystemExit([500 < begun < 1024, problem.strerror])
"""


def test_it_has_no_more_processes_than_on_aws(executor):
    if executor.sandbox.confined is not True or os.getuid() == 0:
        pytest.skip("root has no limit of processes")
    answer = call(executor, make(executor, "bomb", memory_mb=1 << 20), BOMB)
    assert answer == "SystemExit: [True, 'Resource temporarily unavailable']"


def test_where_it_cannot_be_had_that_is_said(monkeypatch, tmp_path):
    """As on systems that refuse it to users."""
    refused = tmp_path / "refused.py"
    said = "this function cannot begin: unshare: Operation not permitted"
    refused.write_text(f"import sys; print({said!r}, file=sys.stderr); sys.exit(1)")
    monkeypatch.setattr(sandbox_room, "CONFINEMENT", refused)
    sandbox = Sandbox.prepare(tmp_path)
    assert sandbox.confined is None
    assert sandbox.lacks == "functions see and may write whatever you may: unshare: Operation not permitted"


def test_where_there_is_no_new_proc_the_old_one_is_not_shown(tmp_path):
    """A /proc that is partly covered, as in containers, cannot be had anew."""
    if subprocess.run(["unshare", "-U", "-r", "-m", "true"], capture_output=True).returncode:
        pytest.skip("this system gives no such namespace")
    code = (
        "import sys; sys.path[:0] = sys.argv[1:2]\nfrom pathlib import Path\n"
        "from faceblur.localaws.sandbox import Sandbox\n"
        "found = Sandbox.prepare(Path(sys.argv[2])); print(found.confined, found.lacks)"
    )
    covered = ["unshare", "-U", "-r", "-m", "sh", "-c", 'mount -t tmpfs none /proc/sys && exec "$@"', "sh"]
    look = [sys.executable, "-c", code, str(Path(sandbox_room.__file__).parents[2]), str(tmp_path)]
    said = subprocess.run([*covered, *look], capture_output=True, text=True)
    assert said.stdout.strip() == "True functions have no /proc: this system gives no new one", said.stderr


@pytest.mark.parametrize("which", range(3), ids=["what watches", "the first of the namespace", "the function"])
def test_whichever_process_is_killed_all_end_and_the_next_call_has_new_ones(executor, which):
    function = make(executor, f"killed-{which}")
    assert call(executor, function, "1 + 1") == 2
    (waiting,) = executor._idle[function.key]
    family = [psutil.Process(waiting._process.pid), *psutil.Process(waiting._process.pid).children(recursive=True)]
    assert len(family) == 3
    family[which].kill()
    eventually(lambda: not waiting.alive and not any(one.is_running() for one in family[1:]))
    assert call(executor, function, "1 + 1") == 2
    assert not waiting._folder.exists()


def test_it_ends_when_nobody_holds_it_any_more(executor):
    """However the engine comes to its end, without anybody's help."""
    read, write = os.pipe()
    function = make(executor, "held")
    folder = executor.root / "held"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it waits there for its first event
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        process = executor.sandbox.start(function, folder, address, "stream", write)
        os.close(write)
        inner = eventually(lambda: psutil.Process(process.pid).children(recursive=True)[1:])
        process.stdin.close()
        assert process.wait(20) == -9
        eventually(lambda: not inner[0].is_running())
    os.close(read)

"""The parts that run functions, without the engine: the plain runtime client, and no mount namespace."""

import http.client
import io
import json
import os
import subprocess
import sys
import threading
import zipfile

import psutil
import pytest
from localaws_kit import eventually, package

from faceblur.localaws import executor as executor_room
from faceblur.localaws import family, managed_runtime, view, warden
from faceblur.localaws.executor import Executor
from faceblur.localaws.function import Function
from faceblur.localaws.managed_runtime import ManagedRuntime, closure
from faceblur.localaws.runtime_api import Invocation, RuntimeApi
from faceblur.localaws.sandbox import Sandbox


@pytest.fixture(params=["awslambdaric", "plain"])
def executor(request, tmp_path, monkeypatch):
    """Without a namespace; with AWS's runtime client, and with ours for systems that have no wheel of it."""
    if request.param == "plain":
        monkeypatch.setattr(managed_runtime, "find_spec", lambda name: None)
    elif managed_runtime.find_spec("awslambdaric") is None:
        pytest.skip("awslambdaric has no wheel for this system")
    runtime = ManagedRuntime.build(tmp_path / "runtime")
    assert (runtime.module == "awslambdaric") == (request.param == "awslambdaric")
    running = Executor(tmp_path, Sandbox(sys.executable, runtime))
    yield running
    running.close()


def make(executor, source, **options):
    task = executor.unpack(package(app=source))
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    return Function(**{"name": "f", "arn": arn, "handler": "app.handler", "task": task, "timeout_s": 20, **options})


def call(executor, function, event=None):
    result = executor.invoke(function, json.dumps(event).encode())
    return json.loads(result.payload), result


def test_a_handler_runs_and_sees_its_context(executor):
    source = (
        "def handler(event, context):\n"
        "    print('said', event)\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [event, context.function_name, context.invoked_function_arn, 0 < left <= 20000]"
    )
    function = make(executor, source)
    answer, result = call(executor, function, "ü")
    assert answer == ["ü", "f", function.arn, True]
    assert not result.error
    assert "said ü" in result.log


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("class Mine(Exception): pass\ndef handler(event, context): raise Mine('x')", "Mine"),
        ("import not_there", "Runtime.ImportModuleError"),
        ("x = 1", "Runtime.HandlerNotFound"),
        ("def handler(event, context) pass", "Runtime.UserCodeSyntaxError"),
        ("def handler(event, context): return {1, 2}", "Runtime.MarshalError"),
        ("import os\ndef handler(event, context): os._exit(7)", "Runtime.ExitError"),
        ("def handler(event, context): return 'x' * 7_000_000", "Function.ResponseSizeTooLarge"),
    ],
)
def test_errors_have_the_names_of_lambda(executor, source, name):
    answer, result = call(executor, make(executor, source))
    assert (answer["errorType"], result.error) == (name, True)


def test_an_environment_survives_an_exception_and_not_an_exit(executor):
    function = make(
        executor,
        "import os\ndef handler(event, context):\n"
        "    if event == 'raise': raise ValueError(event)\n"
        "    if event == 'exit': os._exit(1)\n"
        "    return os.getpid()",
    )
    first = call(executor, function)[0]
    assert call(executor, function, "raise")[0]["errorMessage"] == "raise"
    assert call(executor, function)[0] == first
    assert call(executor, function, "exit")[0]["errorType"] == "Runtime.ExitError"
    assert call(executor, function)[0] != first


def test_boto3_can_be_imported_and_the_rest_of_this_environment_cannot(executor):
    source = (
        "import importlib.util, boto3\n"
        "def handler(event, context): return [name for name in event if importlib.util.find_spec(name)]"
    )
    names = ["numpy", "cv2", "faceblur", "ministack", "av", "pytest", "botocore"]
    assert call(executor, make(executor, source), names)[0] == ["botocore"]


def test_temporary_files_are_kept_apart_and_removed(executor, tmp_path):
    source = (
        "import os, tempfile\n"
        "def handler(event, context):\n"
        "    before = os.listdir(tempfile.gettempdir())\n"
        "    tempfile.mkdtemp()\n"
        "    return [before, tempfile.gettempdir()]"
    )
    one, other = (
        make(executor, source),
        make(executor, source, arn="arn:aws:lambda:us-east-1:123456789012:function:g"),
    )
    (empty, folder), _ = call(executor, one)
    assert empty == []
    assert call(executor, other)[0][0] == []
    assert str(tmp_path) in folder
    executor.close()
    assert list((tmp_path / "environments").iterdir()) == []


def test_children_of_a_handler_count_and_end_with_it(executor):
    source = (
        "import subprocess, sys, time\n"
        "def handler(event, context):\n"
        "    hoard = 'x = bytearray(300 << 20); import time; time.sleep(60)'\n"
        "    subprocess.Popen([sys.executable, '-c', hoard])\n"
        "    time.sleep(60)"
    )
    answer, result = call(executor, make(executor, source, memory_mb=200))
    assert answer["errorType"] == "Runtime.ExitError"
    assert result.peak_mb > 200


def test_requirements_are_followed():
    found = closure("boto3")
    assert {"boto3", "botocore", "s3transfer", "jmespath", "urllib3", "python-dateutil", "six"} <= found
    assert not {"numpy", "ministack", "pytest"} & found


WHO = "import os\ndef handler(event, context): return os.getpid()"


def test_nobody_looks_at_an_idle_function(executor):
    function = make(executor, WHO)
    call(executor, function)
    (waiting,) = executor._idle[function.key]
    eventually(lambda: not waiting._api.working.is_set())
    call(executor, function)
    eventually(lambda: not waiting._api.working.is_set())
    assert waiting.peak_mb > 0


def test_idle_environments_are_ended_by_a_timer(executor, tmp_path, monkeypatch):
    monkeypatch.setattr(executor_room, "REAP_SECONDS", 0.01)
    monkeypatch.setattr(executor_room, "IDLE_SECONDS", 0)
    other = Executor(tmp_path, executor.sandbox)
    process, _ = call(other, make(other, WHO))
    eventually(lambda: not psutil.pid_exists(process))
    assert not other._idle
    other.close()


def test_the_one_that_waited_longest_ends_when_there_are_too_many(executor, monkeypatch):
    monkeypatch.setattr(executor_room, "MAX_IDLE", 2)
    names = ("a", "b", "a", "c")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:"
    processes = {name: call(executor, make(executor, WHO, arn=arn + name))[0] for name in names}
    assert [psutil.pid_exists(processes[name]) for name in "abc"] == [True, False, True]


def test_a_deleted_functions_processes_end(executor):
    function = make(executor, WHO)
    process, _ = call(executor, function)
    executor.forget("another")
    assert call(executor, function)[0] == process
    executor.forget(function.arn)
    assert not psutil.pid_exists(process)


def test_a_function_that_is_killed_gets_a_new_process(executor):
    function = make(executor, WHO)
    process, _ = call(executor, function)
    os.kill(process, 9)
    eventually(lambda: call(executor, function)[0] not in (process, None))


def test_memory_is_that_of_the_family_alone():
    code = "x = bytearray(50 << 20); print(flush=True); input()"
    shell = ["sh", "-c", '"$0" -c "$1"; true', sys.executable, code]
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert 50 << 20 < family.resident_bytes(process.pid) < 150 << 20
        assert set(family._members_by_psutil(process.pid)) == set(family._members(process.pid))
        process.stdin.close()
    assert family.resident_bytes(process.pid) == 0


def test_the_warden_ends_what_is_left_and_nothing_else(tmp_path):
    root = tmp_path / "root"
    (root / "x").mkdir(parents=True)
    sleep = [sys.executable, "-c", "input()"]
    options = {"stdin": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(sleep, **options) as left, subprocess.Popen(sleep, **options) as ended:
        warden.watch([f"+{left.pid}\n", f"+{ended.pid}\n", f"-{ended.pid}\n"], str(root))
        assert left.wait(30) == -9 and ended.poll() is None and not root.exists()
        ended.kill()


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "..\\out", "C:/out"])
def test_a_zip_reaches_nothing_outside_its_folder(executor, tmp_path, name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "x")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(tmp_path))
        archive.writestr("link/out", "x")
    try:
        folder = executor.unpack(content.getvalue())
    except ValueError:  # a file is no folder
        folder = tmp_path / "code"
    outside = [path for path in tmp_path.rglob("*out") if not path.is_relative_to(tmp_path / "code")]
    assert not outside and not [path for path in folder.rglob("*") if path.is_symlink()]
    assert not [path for path in (tmp_path / "code").iterdir() if path.is_file()]


def zipped(*entries):
    """A ZIP with these (name, text)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("app.py", "x"), *entries):
            archive.writestr(name, text)
    return content.getvalue()


def spoiled(content, place, value):
    """With a byte of the first entry changed in both of its headers; place: in the one before the content."""
    changed = bytearray(content)
    for start, shift in ((0, 0), (content.index(b"PK\1\2"), 2)):
        changed[start + place + shift] = value
    return bytes(changed)


ZIPS = {
    "a name of 300 letters": zipped(("n" * 300, "x")),
    "the folder itself": zipped(("..", "x")),
    "a file that is a folder, too": zipped(("a", "x"), ("a/b", "x")),
    "folders a thousand deep": zipped(("a/" * 1000 + "f", "x")),
    "an entry with a password": spoiled(zipped(), 6, 1),
    "an unknown method": spoiled(zipped(), 8, 99),
    "a wrong sum": spoiled(zipped(), 14, 99),
    "a size that is a lie": spoiled(zipped(), 22, 0),
}


@pytest.mark.parametrize("kind", ZIPS)
def test_a_zip_that_cannot_be_unpacked_is_one_error_and_leaves_nothing(executor, tmp_path, kind):
    with pytest.raises(ValueError, match="Could not unzip uploaded file: ") as refused:
        executor.unpack(ZIPS[kind])
    assert str(tmp_path) not in str(refused.value)
    assert not list((tmp_path / "code").iterdir())


def test_entries_of_a_zip_that_are_no_files_become_files(executor):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for kind in (0o010777, 0o020777, 0o060777, 0o120777, 0o140777, 0o104777):
            entry = zipfile.ZipInfo(oct(kind))
            entry.external_attr = kind << 16
            archive.writestr(entry, "/etc/passwd")
    found = list(executor.unpack(content.getvalue()).iterdir())
    assert len(found) == 6 and all(one.is_file() and not one.is_symlink() for one in found)
    assert not any(one.stat().st_mode & 0o6000 for one in found)


def test_later_layers_lie_over_earlier_ones(executor, tmp_path):
    below = executor.unpack(zipped(("x", "file"), ("d/f", "folder"), ("same", "one")))
    above = executor.unpack(zipped(("x/y", "folder"), ("d", "file"), ("same", "two")))
    whole = view.merged((below, above), tmp_path / "opt")
    files = {str(file.relative_to(whole)): file.read_bytes() for file in whole.rglob("*") if file.is_file()}
    assert {name: text for name, text in files.items() if "app" not in name} == {
        "x/y": b"folder",
        "d": b"file",
        "same": b"two",
    }
    assert (below / "x").read_text() == "file"


def test_folders_of_any_depth_and_such_as_nobody_may_look_into_are_deleted(tmp_path):
    """As a function can make them in its /tmp."""
    code = "import os\nfor _ in range(3000): os.mkdir('a'), os.chdir('a')"
    (tmp_path / "deep").mkdir()
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "deep", check=True)
    (tmp_path / "shut" / "in").mkdir(parents=True)
    (tmp_path / "shut" / "in").chmod(0)
    (tmp_path / "shut").chmod(0)
    for name in ("deep", "shut", "not there"):
        warden.remove(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_zip_that_is_too_large_when_unpacked_is_refused(executor):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(str(number), bytes(100 << 20))
    with pytest.raises(ValueError, match="Unzipped size must be smaller than 262144000 bytes"):
        executor.unpack(content.getvalue())


def test_a_process_that_asks_for_work_while_it_is_ended_keeps_nobody_waiting():
    api = RuntimeApi()
    asking = threading.Thread(target=api.next)
    api.end()
    asking.start()  # the question of a process that is no more, answered late
    assert api.ready.wait(60) and api.working.is_set()
    api.close()
    asking.join()


@pytest.fixture
def api():
    api = RuntimeApi()
    yield api
    api.end()
    api.close()


def ask(api, path="invocation/next", method="GET", **headers):
    connection = http.client.HTTPConnection(api.address, timeout=20)
    connection.request(method, f"/2018-06-01/runtime/{path}", headers={"Host": api.address, **headers})
    answer = connection.getresponse()
    connection.close()
    return answer.status


PAGES = {
    "a script": {"Origin": "https://attacker.example"},
    "a picture": {"Sec-Fetch-Site": "cross-site"},
    "another name": {"Host": "attacker.example"},
    "another port": {"Host": "127.0.0.1"},
}


@pytest.mark.parametrize("headers", PAGES.values(), ids=PAGES)
def test_no_page_takes_a_functions_event(api, headers):
    api.belongs_to(os.getpid())
    api.submit(Invocation("r1", b"{}", 0.0, "arn"))
    for method, path in (("GET", "invocation/next"), ("POST", "init/error"), ("POST", "invocation/r1/response")):
        assert ask(api, path, method, **headers) == 403
    assert api.answers.empty() and ask(api) == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who calls")
def test_no_other_process_takes_a_functions_event(api):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as another:
        api.belongs_to(another.pid)
        api.submit(Invocation("r1", b"{}", 0.0, "arn"))
        for method, path in (("GET", "invocation/next"), ("POST", "init/error"), ("POST", "invocation/r1/response")):
            assert ask(api, path, method) == 403
        another.stdin.close()
    assert api.answers.empty() and not api.ready.is_set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who calls")
def test_what_a_function_starts_may_ask_for_it_also_over_ipv6(api):
    code = (
        "import socket, sys; host, port = sys.argv[1].split(':')\n"
        "line = socket.socket(socket.AF_INET6 if sys.argv[2] == '6' else socket.AF_INET)\n"
        "line.connect(('::ffff:' * (sys.argv[2] == '6') + host, int(port)))\n"
        "line.sendall(b'GET /2018-06-01/runtime/invocation/next HTTP/1.0\\r\\n\\r\\n')\n"
        "print(line.recv(15).decode())"
    )
    api.belongs_to(os.getpid())
    for version in "46":
        api.submit(Invocation("r1", b"{}", 0.0, "arn"))
        said = subprocess.run([sys.executable, "-c", code, api.address, version], capture_output=True, text=True)
        if "Address family not supported" not in said.stderr:
            assert said.stdout == "HTTP/1.1 200 OK\n", said.stderr

"""The embedded AWS by itself: `faceblur local`, as somebody meets it who knows nothing of the library."""

import contextlib
import io
import json
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from localaws_kit import eventually

from faceblur.localaws import running
from faceblur.localaws.roots import held_roots

PAGE = Path(__file__).parents[2] / "docs" / "localaws.md"


def local(*words):
    """(exit code, standard output, standard error)"""
    command = [sys.executable, "-m", "faceblur", "local", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def client(said, service):
    keys = {name: said[name] for name in ("aws_access_key_id", "aws_secret_access_key")}
    return boto3.client(service, endpoint_url=said["endpoint_url"], region_name=said["region"], **keys)


@pytest.fixture
def detached(tmp_path):
    """(port, the line of JSON) of one in the background that keeps its state."""
    code, out, errors = local("up", "--detach", "--json", "--port", 0, "--state", tmp_path / "state")
    assert (code, errors, out.count("\n")) == (0, "", 1), errors
    said = json.loads(out)
    port = said["endpoint_url"].rpartition(":")[2]
    yield port, said
    local("down", "--port", port)


def test_up_status_env_and_down(detached, tmp_path):
    port, said = detached
    assert client(said, "sts").get_caller_identity()["Arn"].endswith("user/faceblur")
    code, out, _ = local("status", "--port", port)
    assert code == 0 and out.startswith(f"{said['endpoint_url']}: process {said['pid']}, up for 0 min, keeps its state")
    assert json.loads(local("status", "--port", port, "--json")[1]) == said
    shell = (
        f'eval "$({sys.executable} -m faceblur local env --port {port})"; echo $AWS_ENDPOINT_URL $AWS_SECRET_ACCESS_KEY'
    )
    shown = subprocess.run(["sh", "-c", shell], capture_output=True, text=True).stdout.split()
    assert shown == [said["endpoint_url"], said["aws_secret_access_key"]]
    client(said, "s3").create_bucket(Bucket="kept")
    code, out, _ = local("down", "--port", port)
    assert code == 0 and out == f"{said['endpoint_url']}: ended; its state is in {tmp_path / 'state'}\n"
    code, out, errors = local("status", "--port", port)
    assert (code, out) == (6, "") and errors == (
        f"faceblur: the embedded AWS is not running on port {port}: faceblur local up\n"
    )
    code, out, _ = local("up", "-d", "--json", "--port", port, "--state", tmp_path / "state")
    again = json.loads(out)
    assert again["endpoint_url"] == said["endpoint_url"] and again["aws_access_key_id"] != said["aws_access_key_id"]
    assert client(again, "s3").list_buckets()["Buckets"][0]["Name"] == "kept"


def test_its_key_lies_where_only_this_user_can_read_it(detached):
    (root,) = [root for root in held_roots() if (root / running.FILE).exists()]
    assert stat.S_IMODE(root.stat().st_mode) == 0o700 and stat.S_IMODE((root / running.FILE).stat().st_mode) == 0o600


def test_logs_of_a_function(detached):
    port, _ = detached
    block = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    block = block.replace("return", "print('hello', event); return")
    may_log = (
        "roles.attach_role_policy(RoleName='example', PolicyArn=\"arn:aws:iam::aws:policy/CloudWatchLogsFullAccess\")"
    )
    block = block.replace("functions.create_function", f"{may_log}\nfunctions.create_function")
    exports = local("env", "--port", port)[1]
    done = subprocess.run(
        ["sh", "-c", f'{exports}\n"$0" -c "$1"', sys.executable, block], capture_output=True, text=True
    )
    assert done.stdout == "{'sum': 6}\n", done.stderr
    assert "hello [1, 2, 3]" in local("logs", "example", "--port", port)[1]
    assert local("logs", "other", "--port", port)[2] == "faceblur: there is no function other; there are example\n"


def test_chaos_from_the_command(detached):
    port, _ = detached
    name = local("chaos", "throttle", "s3:*", "--times", 1, "--code", "InternalError", "--status", 500, "--port", port)
    (one,) = map(json.loads, local("chaos", "list", "--port", port)[1].splitlines())
    assert one["id"] == name[1].strip() and (one["code"], one["status"], one["times"]) == ("InternalError", 500, 1)
    assert local("chaos", "clear", "--port", port)[0] == 0
    assert local("chaos", "list", "--port", port)[1] == ""
    assert local("chaos", "clear", "x", "--port", port)[2] == "faceblur: chaos: there is no failure x\n"
    code, _, errors = local("chaos", "kill", "f", "--probability", 3, "--port", port)
    assert code and errors == "faceblur: chaos: probability must be a number from 0 to 1\n"


def test_two_that_run_are_told_apart(detached):
    one, _ = detached
    _, out, _ = local("up", "-d", "--json", "--port", 0)
    other = json.loads(out)["endpoint_url"].rpartition(":")[2]
    try:
        code, _, errors = local("status")
        assert code == 6 and "say which with --port" in errors and one in errors and other in errors
    finally:
        local("down", "--port", other)


@pytest.mark.parametrize("words", [(), ("-d",), ("--json",), ("-d", "--json")])
def test_a_port_that_is_taken_is_one_line(words):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code, out, errors = local("up", "--port", port, *words)
    assert (code, out) == (6, "") and errors == (
        f"faceblur: port {port} is taken: choose another (0 takes any that is free)\n"
    )


def test_a_port_that_cannot_be_and_a_folder_that_is_no_state(tmp_path):
    assert local("up", "--port", 70000)[2] == "faceblur: there is no port 70000: 0 to 65535\n"
    (tmp_path / "diary.txt").touch()
    code, _, errors = local("up", "-d", "--state", tmp_path)
    assert code == 6 and errors.count("\n") == 1 and "holds other things" in errors


@pytest.mark.parametrize("command", ["down", "env", "logs f", "chaos list", "status"])
def test_nothing_that_runs_is_one_line(command):
    code, out, errors = local(*command.split(), "--port", free_port())
    assert (code, out) == (6, "") and errors.startswith("faceblur: the embedded AWS is not running on port")


@contextlib.contextmanager
def foreground(*words):
    command = [sys.executable, "-m", "faceblur", "local", "up", "--port", "0", "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_a_signal_ends_it(number):
    with foreground() as (process, said):
        assert client(said, "s3").list_buckets()["Buckets"] == []
        process.send_signal(number)
        assert process.wait(30) in (0, 130) and process.stdout.read() == ""
    eventually(lambda: said["pid"] not in [one.pid for one in running.all_running()])


def test_in_the_foreground_down_ends_it_without_an_error():
    with foreground() as (process, said):
        assert local("down", "--port", said["endpoint_url"].rpartition(":")[2])[0] == 0
        assert process.wait(30) == 0
        *lacks, last = process.stderr.read().splitlines()  # before it what this system lacks, if anything
        assert last == "faceblur: the embedded AWS was told to end" and len(lacks) < 2


def test_the_page_does_what_it_says(local_aws, sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample.mp4").symlink_to(sample[0])
    said, names = io.StringIO(), {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 4
    with contextlib.redirect_stdout(said):
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    first, second, faces, killed = said.getvalue().splitlines()
    assert (first, second, killed) == ("{'sum': 6}", "{'sum': 15}", "Unhandled 1")
    assert faces.startswith("SUCCEEDED ") and int(faces.split()[1]) > 3


def test_the_pages_commands_are_understood():
    from faceblur.cli import _parser

    lines = re.findall(r"^\$ faceblur (local [^\n#]+)", PAGE.read_text(), re.MULTILINE)
    assert len(lines) > 12
    for line in lines:
        assert _parser("local").parse_args(shlex.split(line)).run

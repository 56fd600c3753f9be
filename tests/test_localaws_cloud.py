"""The embedded AWS as a process: how it starts, what it opens, and that nothing of it stays."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError
from localaws_kit import eventually, invoke, make_function

from faceblur.errors import WorkshopError
from faceblur.localaws import LocalAws, cloud

# Starts an engine, runs a function so that it has processes and files, tells what it has, waits.
HOLDER = """
import json, os, sys, time
from faceblur.localaws import LocalAws
aws = LocalAws()
aws.start()
os.environ.update(aws.environment)
sys.path.insert(0, sys.argv[1])
from localaws_kit import make_function, invoke
function = make_function("import os\\ndef handler(event, context): return os.getpid()")
print(json.dumps([aws.pid, str(aws.root), invoke(function)[0]]), flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder():
    """(process, engine's pid, its folder, a Lambda's pid)"""
    command = [sys.executable, "-c", HOLDER, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield process, *json.loads(process.stdout.readline())
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_when_the_process_that_started_it_is_ended(holder, number):
    process, engine, root, function = holder
    assert psutil.pid_exists(engine) and psutil.pid_exists(function) and Path(root).is_dir()
    process.send_signal(number)
    eventually(lambda: not psutil.pid_exists(engine) and not psutil.pid_exists(function))
    eventually(lambda: not Path(root).exists())


def test_functions_end_when_the_engine_is_killed_and_the_next_start_cleans_up(holder):
    process, engine, root, function = holder
    os.kill(engine, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(function))
    process.kill()
    process.wait()
    with LocalAws():
        assert not Path(root).exists()


def test_two_run_beside_each_other_and_leave_no_files():
    with LocalAws() as one, LocalAws() as other:
        assert one.endpoint_url != other.endpoint_url
        for aws in (one, other):
            keys = {
                name.lower(): aws.environment[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")
            }
            s3 = boto3.client("s3", endpoint_url=aws.endpoint_url, region_name="us-east-1", **keys)
            s3.create_bucket(Bucket="same-name")
        roots = one.root, other.root
    assert not any(root.exists() for root in roots)


def test_it_listens_on_loopback_only(local_aws):
    process = psutil.Process(local_aws.pid)
    listening = [c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_stop_can_be_called_twice_and_start_again():
    aws = LocalAws()
    aws.start()
    aws.stop()
    aws.stop()
    aws.start()
    assert urllib.request.urlopen(aws.endpoint_url + "/_ministack/health").status == 200
    aws.stop()


def test_nobody_can_guess_the_access_key(local_aws):
    """A function that others could make would run with this user's rights."""
    key = local_aws.environment["AWS_ACCESS_KEY_ID"]
    with LocalAws() as another:
        others = another.environment["AWS_ACCESS_KEY_ID"]
    assert re.fullmatch("AKIA[A-Z2-7]{16}", key) and re.fullmatch("AKIA[A-Z2-7]{16}", others) and key != others
    example = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI"}
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        boto3.client("lambda", **example).list_functions()


def test_unknown_keys_are_refused(local_aws):
    client = boto3.client("sts", aws_access_key_id="AKIAI44QH8DHBEXAMPLE", aws_secret_access_key="guess")
    with pytest.raises(client.exceptions.ClientError, match="InvalidClientTokenId"):
        client.get_caller_identity()


def test_a_profile_that_is_set_on_the_machine_is_not_used(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    with LocalAws() as aws:
        code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
        ran = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | aws.environment, capture_output=True, text=True
        )
    assert ran.stdout.strip() == "arn:aws:iam::123456789012:user/faceblur", ran.stderr


def test_a_missing_engine_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(cloud, "find_spec", lambda name: None)
    with pytest.raises(WorkshopError, match=r"pip install 'faceblur\[local\]'"):
        LocalAws().start()


def test_an_engine_that_fails_is_reported_with_its_last_words(monkeypatch, tmp_path):
    (tmp_path / "hypercorn.py").write_text("raise SystemError('no luck today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WorkshopError, match=r"the embedded AWS did not start: .*no luck today"):
        LocalAws().start()


def test_the_command_prints_the_environment_and_ends_with_a_signal():
    command = [sys.executable, "-m", "faceblur.localaws"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while not lines or not lines[-1].startswith("#"):
            lines.append(process.stdout.readline())
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines[:-1])
        address = exported["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
        socket.create_connection((address[0], int(address[1]))).close()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address[0], int(address[1])))


def test_the_engine_leaves_the_environment_of_its_caller_alone(local_aws):
    function = make_function("import os\ndef handler(event, context): return os.getcwd()")
    assert str(local_aws.root) in invoke(function)[0]

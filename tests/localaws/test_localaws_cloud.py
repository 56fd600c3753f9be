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
from botocore.config import Config
from botocore.exceptions import ClientError
from localaws_kit import LOGS, allow, eventually, invoke, make_bucket, make_function, read_object

from faceblur.errors import WorkshopError
from faceblur.localaws import LocalAws, cloud
from faceblur.localaws.roots import private_root

# Starts an engine, runs a function so that it has processes and files, tells what it has, waits.
HOLDER = """
import json, os, psutil, sys, time
from faceblur.localaws import LocalAws
aws = LocalAws()
aws.start()
os.environ.update(aws.environment)
sys.path.insert(0, sys.argv[1])
from localaws_kit import make_function, invoke
function = make_function("def handler(event, context): return 1")
assert invoke(function)[0] == 1
family = [one.pid for one in psutil.Process(aws.pid).children(recursive=True)]
print(json.dumps([aws.pid, str(aws.root), family]), flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """(process, engine's pid, its folder, what the engine has started); its temporary and home folder are watched."""
    command = [sys.executable, "-c", HOLDER, str(Path(__file__).parents[1])]
    places = {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home")}
    for place in places.values():
        Path(place).mkdir()
    environment = os.environ | places
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        yield process, *json.loads(process.stdout.readline())
        process.kill()
    assert not [*Path(places["TMPDIR"]).iterdir(), *Path(places["HOME"]).iterdir()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_when_the_process_that_started_it_is_ended(holder, number):
    process, engine, root, family = holder
    assert len(family) > 1 and all(map(psutil.pid_exists, (engine, *family))) and Path(root).is_dir()
    process.send_signal(number)
    eventually(lambda: not any(map(psutil.pid_exists, (engine, *family))))
    eventually(lambda: not Path(root).exists())


def test_functions_and_folder_go_when_the_engine_is_killed(holder):
    _, engine, root, family = holder
    os.kill(engine, signal.SIGKILL)
    eventually(lambda: not any(map(psutil.pid_exists, family)) and not Path(root).exists())


def test_the_next_start_removes_a_folder_that_nobody_holds():
    root, lock = private_root()
    os.close(lock)
    with LocalAws():
        assert not root.exists()


LOOP = """
import os, time, boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=event, Key="began", Body=b"")
    while True:
        try: time.sleep(0.01)
        except BaseException: pass
"""
# Starts an engine with a function that never ends, tells its process, waits.
LOOPER = HOLDER.replace("function = make_function(", "bucket = make_bucket()\nfunction = make_function(").replace(
    "make_function, invoke", "allow, eventually, make_bucket, make_function, invoke"
)
LOOPER = (
    LOOPER.partition("function = ")[0]
    + f"function = make_function({LOOP!r}, allow('s3:PutObject'), Timeout=600)\n"
    + """
import boto3, threading
threading.Thread(target=invoke, args=(function, bucket), daemon=True).start()
eventually(lambda: boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents"))
family = [one.pid for one in psutil.Process(aws.pid).children(recursive=True)]
print(json.dumps([aws.pid, str(aws.root), family]), flush=True)
time.sleep(600)
"""
)


def processes_that_name(root):
    return [one for one in psutil.process_iter(["cmdline"]) if root in (one.info["cmdline"] or [])]


@pytest.mark.parametrize("who", ["parent", "engine"])
def test_a_function_that_never_ends_dies_with_the_engine_and_the_folder_goes(who):
    command = [sys.executable, "-c", LOOPER, str(Path(__file__).parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        engine, root, family = json.loads(process.stdout.readline())
        try:
            os.kill(engine if who == "engine" else process.pid, signal.SIGKILL)
            eventually(lambda: not any(map(psutil.pid_exists, family)) and not Path(root).exists())
            eventually(lambda: not processes_that_name(root))
            if who == "engine":
                assert "the embedded AWS ended by itself (signal 9)" in process.stderr.readline()
        finally:
            process.kill()


def test_nothing_is_left_after_a_stop():
    with LocalAws() as aws:
        root = str(aws.root)
    assert not Path(root).exists()
    eventually(lambda: not processes_that_name(root))


def test_the_command_ends_with_an_error_when_the_engine_dies():
    command = [sys.executable, "-m", "faceblur.localaws"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not process.stdout.readline().startswith("#"):
            pass
        engine = next(c for c in psutil.Process(process.pid).children() if "faceblur.localaws.engine" in c.cmdline())
        engine.kill()
        assert process.wait(30) == 1
        assert "faceblur: the embedded AWS ended by itself (signal 9)" in process.stderr.read()


def test_functions_beyond_the_accounts_limit_are_throttled(monkeypatch):
    monkeypatch.setenv("FACEBLUR_CONCURRENT_EXECUTIONS", "1")
    with LocalAws() as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        assert boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 1
        client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
        inner = make_function("def handler(event, context): return 1")
        source = (
            "import boto3\nfrom botocore.config import Config\n"
            "def handler(event, context):\n"
            "    once = Config(retries={'total_max_attempts': 1})\n"
            "    boto3.client('lambda', config=once).invoke(FunctionName=event)"
        )
        outer = make_function(source, allow("lambda:InvokeFunction"))
        result, error = invoke(outer, inner)
        assert (error, "Rate Exceeded" in result["errorMessage"]) == ("TooManyRequestsException", True)
        assert json.loads(client.invoke(FunctionName=inner)["Payload"].read()) == 1
        for_later_waits(client)


def for_later_waits(client):
    """Its only try is not spent on an account that is full."""
    bucket = make_bucket()
    source = "import boto3, time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"
    source += f"    boto3.client('s3').put_object(Bucket={bucket!r}, Key=event['name'])"
    function = make_function(source, LOGS, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    for name, seconds in (("first", 1), ("second", 0)):
        event = json.dumps({"name": name, "seconds": seconds}).encode()
        client.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    eventually(lambda: all(read_object(bucket, name) is not None for name in ("first", "second")))


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
    expected = str(local_aws.root / "code") if local_aws.lacks else "/var/task"
    assert invoke(function)[0].startswith(expected)

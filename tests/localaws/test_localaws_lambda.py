"""ZIP functions on the embedded AWS: what they see, how they fail, what they leave."""

import base64
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError
from localaws_kit import (
    LOGS,
    MEETING,
    allow,
    eventually,
    invoke,
    log_text,
    make_bucket,
    make_function,
    make_role,
    package,
    trust,
    unique,
)

from faceblur.localaws.runtime_api import Invocation, RuntimeApi

pytestmark = pytest.mark.usefixtures("local_aws")


def test_a_function_runs_and_is_reused_while_warm():
    function = make_function(
        "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return [event, count]"
    )
    assert invoke(function, {"a": "ü"}) == ([{"a": "ü"}, 1], None)
    assert invoke(function, {"a": 2}) == ([{"a": 2}, 2], None)


def test_context_describes_the_function():
    function = make_function(
        "def handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [context.invoked_function_arn, context.memory_limit_in_mb, 0 < left <= 20000]"
    )
    assert invoke(function)[0] == [function, "512", True]


@pytest.mark.parametrize("module", ["numpy", "cv2", "faceblur", "ministack", "psutil", "pytest"])
def test_nothing_of_this_environment_can_be_imported(module):
    function = make_function(f"def handler(event, context):\n    import {module}")
    result, error = invoke(function)
    assert error == "ModuleNotFoundError"
    assert module in result["errorMessage"]


def test_boto3_is_there_and_has_the_role_of_the_function():
    role = make_role("lambda.amazonaws.com", LOGS)
    function = make_function(
        "import boto3\ndef handler(event, context): return boto3.client('sts').get_caller_identity()['Arn']",
        role=role,
    )
    assert f":assumed-role/{role.rpartition('/')[2]}/" in invoke(function)[0]


def test_the_environment_is_scrubbed_and_holds_the_variables_given(monkeypatch):
    function = make_function(
        "import os\ndef handler(event, context):\n    return dict(os.environ)",
        Environment={"Variables": {"BUCKET": "here"}},
    )
    seen = invoke(function)[0]
    assert seen["BUCKET"] == "here"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == function.rpartition(":")[2]
    assert not {"AUTH", "GATEWAY_PORT", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & set(seen)


def test_tmp_is_private_and_kept_while_warm():
    source = (
        "import os, tempfile\n"
        "def handler(event, context):\n"
        "    folder = tempfile.gettempdir()\n"
        "    before = os.listdir(folder)\n"
        "    open(os.path.join(folder, 'mine'), 'w').close()\n"
        "    return before"
    )
    first, second = make_function(source), make_function(source)
    assert invoke(first)[0] == []
    assert invoke(second)[0] == []
    assert invoke(first)[0] == ["mine"]


def test_an_exception_arrives_by_name_with_its_trace_in_the_log():
    function = make_function(
        "class VideoProblem(Exception): pass\ndef handler(event, context): raise VideoProblem('no picture')"
    )
    result, error = invoke(function)
    assert (error, result["errorMessage"]) == ("VideoProblem", "no picture")
    assert "app.py" in "".join(result["stackTrace"])
    assert "VideoProblem: no picture" in log_text(function)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import not_there\ndef handler(event, context): pass", "Runtime.ImportModuleError"),
        ("def other(event, context): pass", "Runtime.HandlerNotFound"),
        ("def handler(event, context) pass", "Runtime.UserCodeSyntaxError"),
        ("def handler(event, context): return object()", "Runtime.MarshalError"),
        ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError"),
        ("import sys\nsys.exit(1)", "Runtime.ExitError"),
    ],
)
def test_code_that_cannot_run_is_reported_as_lambda_does(source, name):
    assert invoke(make_function(source))[1] == name


def test_a_timeout_ends_the_process_and_the_next_call_gets_a_new_one():
    function = make_function(
        "import time, uuid\nME = uuid.uuid4().hex\n"
        "def handler(event, context):\n    time.sleep(event.get('s', 0))\n    return ME",
        Timeout=2,
    )
    first, _ = invoke(function)
    result, error = invoke(function, {"s": 60})
    assert error == "Sandbox.Timedout"
    assert "Task timed out after 2.00 seconds" in result["errorMessage"]
    assert "Task timed out after 2.00 seconds" in log_text(function)
    assert invoke(function)[0] != first


def test_memory_over_the_limit_kills_the_process():
    function = make_function(
        "import time\ndef handler(event, context):\n    hoard = bytearray(400 << 20)\n    time.sleep(30)",
        MemorySize=128,
    )
    result, error = invoke(function)
    assert error == "Runtime.ExitError"
    assert "signal: killed" in result["errorMessage"]


def test_tmp_beyond_its_storage_is_full(local_aws):
    function = make_function(
        "import os, tempfile, time\n"
        "def handler(event, context):\n"
        "    with open(os.path.join(tempfile.gettempdir(), 'big'), 'wb') as file:\n"
        "        for _ in range(600): file.write(bytes(1 << 20))\n"
        "    time.sleep(15)",
    )
    result, error = invoke(function)
    if local_aws.lacks:
        assert (error, "EphemeralStorage is 512 MB" in result["errorMessage"]) == ("Runtime.ExitError", True)
    else:
        assert (error, result["errorMessage"]) == ("OSError", "[Errno 28] No space left on device")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"Timeout": 901}, "'timeout'.*less than or equal to 900"),
        ({"MemorySize": 10_241}, "'memorySize'.*less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 10_241}}, "less than or equal to 10240"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "reserved keys.*AWS_REGION"),
        ({"Environment": {"Variables": {"XX": "x" * 5000}}}, "exceeded the 4KB limit"),
        ({"Runtime": "nodejs22.x"}, "runs Python functions"),
        ({"FunctionName": "a b"}, "'functionName'"),
    ],
)
def test_settings_over_the_limits_of_lambda_are_refused(settings, words):
    with pytest.raises(ClientError, match=words):
        make_function("def handler(event, context): pass", **settings)


def test_logs_are_those_of_cloudwatch_and_the_tail_comes_with_the_answer():
    function = make_function("def handler(event, context):\n    print('hello from the handler')")
    answer = boto3.client("lambda").invoke(FunctionName=function, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    for text in (tail, log_text(function)):
        assert "START RequestId: " in text
        assert "hello from the handler" in text
        assert "Max Memory Used: " in text and "Init Duration: " in text


def test_a_role_without_log_permission_leaves_no_logs():
    function = make_function("def handler(event, context): print('x')", role=make_role("lambda.amazonaws.com"))
    assert invoke(function) == (None, None)
    client = boto3.client("logs")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        log_text(function)


def test_what_the_role_does_not_allow_is_denied():
    source = (
        "import boto3\ndef handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket=event['bucket'], Key=event['key'], Body=b'x')"
    )
    bucket = make_bucket()
    function = make_function(source, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/allowed/*"))
    assert invoke(function, {"bucket": bucket, "key": "allowed/x"})[1] is None
    result, error = invoke(function, {"bucket": bucket, "key": "elsewhere"})
    assert error == "AccessDenied"
    assert "s3:PutObject" in result["errorMessage"]


def test_a_tls_only_bucket_policy_lets_functions_in():
    bucket, s3 = make_bucket(), boto3.client("s3")
    policy = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]}))
    source = (
        "import boto3\ndef handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket=event, Key='k', Body=b'x')"
    )
    assert invoke(make_function(source, allow("s3:PutObject")), bucket)[1] is None


@pytest.mark.parametrize("role", ["arn:aws:iam::123456789012:role/not-there", "states"])
def test_a_role_that_lambda_cannot_assume_is_refused(role):
    role = make_role("states.amazonaws.com") if role == "states" else role
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        make_function("def handler(event, context): pass", role=role)


def test_a_role_may_be_for_certain_functions_only():
    def role_for(functions):
        condition = {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:123456789012:function:{functions}"}}
        return make_role("lambda.amazonaws.com", trusted=[trust("lambda.amazonaws.com", Condition=condition)])

    function = make_function("def handler(event, context): pass", role=role_for("function-*"))
    client = boto3.client("lambda")
    for name in (function, function.rpartition(":")[2]):
        client.update_function_configuration(FunctionName=name, Role=role_for("function-*"))
        with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
            client.update_function_configuration(FunctionName=name, Role=role_for("other"))
        client.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})


def test_concurrent_calls_get_processes_of_their_own():
    source = MEETING + "def handler(event, context): return meet(event, 3)"
    function, bucket = (
        make_function(source, allow(["s3:PutObject", "s3:ListBucket"]), Timeout=60),
        make_bucket(),
    )
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: invoke(function, bucket), range(3)))
    assert len({pid for pid, _ in answers}) == 3
    assert [error for _, error in answers] == [None] * 3


def test_new_code_and_new_variables_take_effect():
    function = make_function("def handler(event, context): return 1")
    client = boto3.client("lambda")
    assert invoke(function)[0] == 1
    client.update_function_code(
        FunctionName=function, ZipFile=package(app="import os\ndef handler(e, c): return os.getenv('XX')")
    )
    eventually(lambda: client.get_function_configuration(FunctionName=function)["LastUpdateStatus"] == "Successful")
    assert invoke(function)[0] is None
    client.update_function_configuration(FunctionName=function, Environment={"Variables": {"XX": "2"}})
    eventually(lambda: client.get_function_configuration(FunctionName=function)["LastUpdateStatus"] == "Successful")
    assert invoke(function)[0] == "2"


def test_layers_are_on_the_path():
    client = boto3.client("lambda")
    content = package(**{"python/helper": "value = 'from the layer'"})
    layer = client.publish_layer_version(LayerName=unique("layer"), Content={"ZipFile": content})["LayerVersionArn"]
    function = make_function("import helper\ndef handler(event, context): return helper.value", Layers=[layer])
    assert invoke(function)[0] == "from the layer"


def test_an_asynchronous_call_that_fails_is_tried_again():
    bucket, s3 = make_bucket(), boto3.client("s3")
    source = (
        "import boto3, uuid\ns3 = boto3.client('s3')\n"
        "def handler(event, context):\n"
        "    s3.put_object(Bucket=event, Key=str(uuid.uuid4()), Body=context.aws_request_id)\n"
        "    if s3.list_objects_v2(Bucket=event)['KeyCount'] < 2: raise RuntimeError('not yet')"
    )
    function = make_function(source, allow(["s3:PutObject", "s3:ListBucket"]))
    boto3.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(bucket))
    eventually(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert len({s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}) == 1  # one request, two attempts


@pytest.mark.parametrize(
    "head",
    ["Content-Length: 30\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1e\r\n", "Transfer-Encoding: chunked\r\n\r\n"],
)
def test_half_an_answer_of_a_process_that_was_killed_is_none(head):
    api = RuntimeApi()
    api.belongs_to(os.getpid())
    api.submit(Invocation("r1", b"{}", 0.0, "arn"))
    with socket.create_connection(("127.0.0.1", int(api.address.partition(":")[2]))) as line:
        line.sendall(f"POST /2018-06-01/runtime/invocation/r1/response HTTP/1.1\r\n{head}".encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1) == b""  # it has read to the end and hangs up
    assert api.answers.empty()
    api.end()
    api.close()

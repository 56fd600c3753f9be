"""Failures that are switched on from outside: each strikes where it should, as often as it should, and for nobody
else; and strangers switch nothing.
"""

import json
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from localaws_kit import (
    LOGS,
    allow,
    eventually,
    invoke,
    make_bucket,
    make_function,
    make_role,
    receive,
    subscribe,
    unique,
)
from test_localaws_gate import Line

from faceblur.errors import WorkshopError
from faceblur.localaws.chaos import PATH, Chaos
from faceblur.localaws.failures import Failures, UnknownFailureError, read

ONCE = Config(retries={"total_max_attempts": 1})
ECHO = "def handler(event, context): return event"


@pytest.fixture
def chaos(local_aws):
    yield local_aws.chaos
    local_aws.chaos.clear()


def code_of(call, *arguments, **keywords):
    """The error code that a call ends with, or "" when it does well."""
    try:
        call(*arguments, **keywords)
    except ClientError as problem:
        return problem.response["Error"]["Code"]
    return ""


CALLS = {
    "s3:ListAllMyBuckets": (lambda: boto3.client("s3", config=ONCE).list_buckets, "SlowDown"),
    "lambda:ListFunctions": (lambda: boto3.client("lambda", config=ONCE).list_functions, "TooManyRequestsException"),
    "states:ListStateMachines": (
        lambda: boto3.client("stepfunctions", config=ONCE).list_state_machines,
        "ThrottlingException",
    ),
    "sns:ListTopics": (lambda: boto3.client("sns", config=ONCE).list_topics, "Throttling"),
    "iam:ListRoles": (lambda: boto3.client("iam", config=ONCE).list_roles, "Throttling"),
    "sqs:ListQueues": (lambda: boto3.client("sqs", config=ONCE).list_queues, "ThrottlingException"),
    "dynamodb:ListTables": (
        lambda: boto3.client("dynamodb", config=ONCE).list_tables,
        "ProvisionedThroughputExceededException",
    ),
}


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_is_throttled_so_often_after_so_many(chaos, operation):
    call, code = CALLS[operation]
    call = call()
    with chaos.throttle(operation, after=1, times=2) as failure:
        assert [code_of(call) for _ in range(5)] == ["", code, code, "", ""]
    assert failure.struck == 2 and code_of(call) == ""


def test_boto3_tries_again_as_it_does_with_aws(chaos):
    with chaos.throttle("s3:*", times=2) as failure:
        boto3.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 5})).list_buckets()
    assert failure.struck == 2


def test_another_error_can_be_asked_for(chaos):
    client = boto3.client("s3", config=ONCE)
    failure = chaos.throttle("s3:ListAllMyBuckets", code="InternalError", status=500)
    with failure, pytest.raises(ClientError) as caught:
        client.list_buckets()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert caught.value.response["Error"]["Code"] == "InternalError"


def test_at_random_with_a_seed_the_same_calls_fail_again(chaos):
    call = boto3.client("sts", config=ONCE).get_caller_identity
    runs = []
    for _ in range(2):
        with chaos.throttle("sts:*", probability=0.5, seed=7):
            runs.append([code_of(call) for _ in range(20)])
    assert runs[0] == runs[1] and 4 < runs[0].count("Throttling") < 16


def test_a_function_is_killed_in_its_second_call(chaos):
    function = make_function(ECHO)
    with chaos.kill(function.rpartition(":")[2], after=1, times=1) as failure:
        assert [invoke(function, 1)[1] for _ in range(3)] == [None, "Runtime.ExitError", None]
    assert failure.struck == 1


def test_a_function_is_killed_in_the_middle_of_its_work(chaos):
    bucket = make_bucket()
    source = (
        "import boto3, time\ndef handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket=event, Key='begun', Body=b'')\n    time.sleep(15)\n"
        "    boto3.client('s3').put_object(Bucket=event, Key='done', Body=b'')\n"
    )
    function, begun = make_function(source, allow("s3:PutObject")), time.monotonic()
    with chaos.kill(function.rpartition(":")[2], seconds=4):
        result, error = invoke(function, bucket)
    assert error == "Runtime.ExitError" and "signal: killed" in result["errorMessage"] and time.monotonic() - begun < 14
    assert [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]] == ["begun"]


def test_a_state_machine_meets_a_throttled_function_and_tries_again(chaos):
    function = make_function(ECHO)
    role = make_role("states.amazonaws.com", allow("lambda:InvokeFunction"))
    retry = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 2}
    task = {"Type": "Task", "Resource": function, "Retry": [retry], "End": True}
    client = boto3.client("stepfunctions")
    definition = json.dumps({"StartAt": "Task", "States": {"Task": task}})
    machine = client.create_state_machine(name=unique("machine"), definition=definition, roleArn=role)
    with chaos.throttle("lambda:InvokeFunction", times=1) as failure:
        run = client.start_execution(stateMachineArn=machine["stateMachineArn"], input="1")["executionArn"]
        status = eventually(lambda: (s := client.describe_execution(executionArn=run)["status"]) != "RUNNING" and s)
    assert (status, failure.struck) == ("SUCCEEDED", 1)


def uploads_seen(source_failure, *, uploads):
    """Keys in the order in which a queue heard of them from a bucket."""
    sqs, s3, bucket = boto3.client("sqs"), boto3.client("s3"), make_bucket()
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = allow("sqs:SendMessage", arn) | {"Principal": {"Service": "s3.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    with source_failure(bucket):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
        for key in uploads:
            s3.put_object(Bucket=bucket, Key=key, Body=b"")
        s3.put_object(Bucket=bucket, Key="last", Body=b"")
        keys = []
        while keys.count("last") < 1:
            for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", ()):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                keys += [one["s3"]["object"]["key"] for one in json.loads(message["Body"]).get("Records", ())]
        time.sleep(0.2)
    return sorted(keys)


def test_an_event_comes_twice(chaos):
    keys = uploads_seen(lambda bucket: chaos.repeat(f"s3:{bucket}", times=1), uploads=["a", "b"])
    assert keys == ["a", "a", "b", "last"]


def test_an_event_is_lost(chaos):
    keys = uploads_seen(lambda bucket: chaos.drop(f"s3:{bucket}", after=1, times=1), uploads=["a", "b"])
    assert keys == ["a", "last"]


def test_an_event_for_a_function_comes_twice(chaos):
    bucket, seen = make_bucket(), make_bucket()
    source = (
        "import boto3, uuid\ndef handler(event, context):\n"
        f"    boto3.client('s3').put_object(Bucket={seen!r}, Key=str(uuid.uuid4()), Body=b'')\n"
    )
    function = make_function(source, allow("s3:PutObject"))
    boto3.client("lambda").add_permission(
        FunctionName=function, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    told = {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]}
    boto3.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
    with chaos.repeat(f"s3:{bucket}"):
        boto3.client("s3").put_object(Bucket=bucket, Key="a", Body=b"")
        eventually(lambda: boto3.client("s3").list_objects_v2(Bucket=seen)["KeyCount"] == 2)


def test_a_message_of_a_topic_is_lost_and_the_next_comes(chaos):
    topic = boto3.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]
    subscribe(queue, topic)
    with chaos.drop(f"sns:{topic.rpartition(':')[2]}", times=1):
        boto3.client("sns").publish(TopicArn=topic, Message="one")
        boto3.client("sns").publish(TopicArn=topic, Message="two")
        assert receive(queue) == "two"


def face_job(bucket):
    client = boto3.client("rekognition")
    job = client.start_face_detection(Video={"S3Object": {"Bucket": bucket, "Name": "v.mp4"}})["JobId"]
    return eventually(lambda: (answer := client.get_face_detection(JobId=job))["JobStatus"] != "IN_PROGRESS" and answer)


def test_a_job_fails_or_takes_longer(chaos):
    bucket, begun = make_bucket(), time.monotonic()
    boto3.client("s3").put_object(Bucket=bucket, Key="v.mp4", Body=b"no video")
    with chaos.fail_job(f"{bucket}/v.mp4", message="out of luck"), chaos.slow_job(f"{bucket}/*", seconds=2) as slow:
        answer = face_job(bucket)
    assert (answer["JobStatus"], answer["StatusMessage"]) == ("FAILED", "out of luck")
    assert slow.struck == 1 and time.monotonic() - begun > 2
    assert "out of luck" not in face_job(bucket)["StatusMessage"]


def test_a_list_tells_what_is_on_and_clear_ends_it(chaos):
    first, second = chaos.kill("f*"), chaos.drop()
    assert [(one["kind"], one["target"]) for one in chaos.list()] == [("kill", "f*"), ("drop", "*")]
    first.clear()
    assert [one["id"] for one in chaos.list()] == [second.id]
    chaos.clear()
    assert chaos.list() == []
    with pytest.raises(WorkshopError, match="there is no failure"):
        chaos.clear(second.id)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"times": 0}, "times"),
        ({"probability": 2}, "probability"),
        ({"after": -1}, "after"),
        ({"twice": 1}, "has no twice"),
        ({"seed": "x"}, "seed"),
        ({"status": 200}, "status"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(chaos, how, words):
    with pytest.raises(WorkshopError, match=f"chaos: .*{words}"):
        chaos.throttle("s3:*", **how)


def test_it_says_that_nothing_runs():
    here = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}
    with pytest.raises(WorkshopError, match=r"no embedded AWS answers at http://127\.0\.0\.1:1"):
        Chaos(here).list()
    with pytest.raises(WorkshopError, match="faceblur local env"):
        Chaos({}).list()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_a_document_of_any_shape_is_read_or_refused(value):
    for request in (value, {"kind": value}, {"kind": "kill", "target": value}):
        try:
            read(request)
        except UnknownFailureError:
            continue
    for name in ("after", "times", "probability", "seconds", "seed", "message"):
        for kind in ("kill", "fail-job"):
            try:
                Failures().add({"kind": kind, name: value})
            except UnknownFailureError:
                continue


# --- strangers -------------------------------------------------------------------------------------------------------

BODY = json.dumps({"kind": "drop"}).encode()
PAGE = {"Origin": "http://evil.example"}


@pytest.fixture
def line(local_aws):
    return Line(local_aws)


def signed(line, method="POST", body=BODY, service="faceblur", path=PATH, **more):
    return line.sign(method, path, service, body, **more)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", [PATH, PATH + "/", PATH + "/abc", "/" + PATH, "/_faceblur", "/_faceblur/chaosx"])
def test_without_a_signature_nobody_is_heard(chaos, line, method, path):
    assert line.send(method, path, {}, BODY)[0] in (403, 404)
    assert chaos.list() == []


ATTACKS = {
    "a page": lambda line: signed(line) | PAGE,
    "a page of another site": lambda line: signed(line) | {"Sec-Fetch-Site": "cross-site"},
    "a key for S3": lambda line: signed(line, service="s3"),
    "a key for Lambda": lambda line: signed(line, service="lambda"),
    "an old signature": lambda line: signed(line, ago_s=3600),
    "another body": lambda line: signed(line, body=b'{"kind": "kill"}'),
    "another method": lambda line: signed(line, method="GET"),
    "another path": lambda line: signed(line, path=PATH + "/abc"),
    "a header that is not signed": lambda line: signed(line) | {"X-Amz-Target": "x"},
    "a registry's token": lambda line: {"Authorization": "Basic QVdTOng="},
    "a bearer": lambda line: {"Authorization": "Bearer x"},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_switch_nothing_on(chaos, line, attack):
    assert line.send("POST", PATH, ATTACKS[attack](line), BODY)[0] == 403
    assert chaos.list() == []
    assert line.send("POST", PATH, signed(line), BODY)[0] == 200


def test_another_host_is_not_served(chaos, line):
    assert line.send("POST", PATH, signed(line), BODY, host="evil.example")[0] == 403
    assert chaos.list() == []


def test_a_bucket_that_lets_pages_in_does_not_let_them_in_here(chaos, line):
    s3, bucket = boto3.client("s3"), make_bucket()
    rule = {"AllowedMethods": ["GET", "PUT", "POST", "DELETE"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    ask = PAGE | {"Access-Control-Request-Method": "POST"}
    for path in (PATH, f"/{bucket}/../_faceblur/chaos", f"/{bucket}/%2e%2e/_faceblur/chaos"):
        status, headers, _ = line.send("OPTIONS", path, ask)
        assert (status == 403 or path != PATH) and "chaos" not in str(headers)
        line.send("POST", path, signed(line) | PAGE, BODY)
    assert chaos.list() == []


def test_a_link_is_no_key_here(chaos, line):
    s3 = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    for operation, method in (("get_object", "GET"), ("put_object", "PUT"), ("delete_object", "DELETE")):
        url = s3.generate_presigned_url(operation, {"Bucket": "bucket", "Key": "chaos"})
        query = url.partition("?")[2]
        assert line.send(method, f"{PATH}?{query}", {}, b"")[0] == 403
    assert chaos.list() == []


def test_a_function_switches_nothing_whatever_it_may_do_in_s3(chaos, local_aws):
    source = (
        "import os, urllib.request\nfrom botocore.auth import SigV4Auth\nfrom botocore.awsrequest import AWSRequest\n"
        "from botocore.credentials import Credentials\ndef handler(event, context):\n"
        "    own = [os.environ['AWS_' + n] for n in ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN')]\n"
        f"    request = AWSRequest('POST', os.environ['AWS_ENDPOINT_URL'] + {PATH!r}, {{}}, b'{{}}')\n"
        "    SigV4Auth(Credentials(*own), 'faceblur', 'us-east-1').add_auth(request)\n"
        "    sent = urllib.request.Request(request.url, b'{}', dict(request.headers.items()))\n"
        "    try: return urllib.request.urlopen(sent).status\n"
        "    except urllib.error.HTTPError as problem: return problem.read().decode()\n"
    )
    function = make_function(source, LOGS, allow(["s3:*", "lambda:*"]))
    assert "is not authorized to perform: faceblur:Chaos" in invoke(function)[0]


def test_a_request_that_is_too_long_is_refused(chaos, line):
    body = b'{"kind": "' + b"x" * 70_000 + b'"}'
    assert line.send("POST", PATH, signed(line, body=body), body)[0] == 403

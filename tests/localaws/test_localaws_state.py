"""What a state folder keeps from one start to the next, and who may have it."""

import json
import os
import signal
import stat

import boto3
import pytest
from botocore.exceptions import ClientError
from localaws_kit import eventually, invoke, log_text, make_function, make_role

from faceblur.errors import WorkshopError
from faceblur.localaws import LocalAws


@pytest.fixture
def at_home(monkeypatch):
    """Makes this process' boto3 talk to an engine."""

    def use(aws):
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        boto3.setup_default_session()

    yield use
    boto3.setup_default_session()


def fill():
    """Something of every kind: what a look at it must give again."""
    s3, states = boto3.client("s3"), boto3.client("stepfunctions")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"new"):
        s3.put_object(Bucket="kept", Key="a/b", Body=body, Metadata={"colour": "blue"}, Tagging="k=v")
    s3.put_bucket_policy(Bucket="kept", Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
    function = make_function("def handler(event, context): print('hello'); return event + 1", FunctionName="kept")
    assert invoke(function, 1)[0] == 2
    role = make_role("states.amazonaws.com")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    machine = states.create_state_machine(name="kept", definition=definition, roleArn=role)["stateMachineArn"]
    run = states.start_execution(stateMachineArn=machine, name="run", input='{"a": 1}')["executionArn"]
    eventually(lambda: states.describe_execution(executionArn=run)["status"] == "SUCCEEDED")
    topic = boto3.client("sns").create_topic(Name="kept")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody="kept")
    boto3.client("dynamodb").create_table(
        TableName="kept",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    boto3.client("dynamodb").put_item(TableName="kept", Item={"id": {"S": "x"}})
    boto3.client("ecr").create_repository(repositoryName="kept")
    return function, run, topic


def test_everything_comes_back_under_a_new_key(tmp_path, at_home):
    with LocalAws(state=tmp_path / "state") as aws:
        at_home(aws)
        function, run, topic = fill()
        before = aws.environment
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    kept = [file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert not any(before["AWS_SECRET_ACCESS_KEY"].encode() in content for content in kept)
    with LocalAws(state=tmp_path / "state") as aws:
        at_home(aws)
        s3 = boto3.client("s3")
        answer = s3.get_object(Bucket="kept", Key="a/b")
        assert (answer["Body"].read(), answer["Metadata"]) == (b"new", {"colour": "blue"})
        versions = s3.list_object_versions(Bucket="kept")["Versions"]
        bodies = [s3.get_object(Bucket="kept", Key="a/b", VersionId=v["VersionId"])["Body"].read() for v in versions]
        assert bodies == [b"new", b"old"]
        assert s3.get_object_tagging(Bucket="kept", Key="a/b")["TagSet"] == [{"Key": "k", "Value": "v"}]
        assert s3.get_bucket_policy(Bucket="kept")["Policy"]
        assert invoke(function, 2)[0] == 3 and "hello" in log_text("kept")
        done = boto3.client("stepfunctions").describe_execution(executionArn=run)
        assert (done["status"], done["input"]) == ("SUCCEEDED", '{"a": 1}')
        assert boto3.client("sns").list_topics()["Topics"] == [{"TopicArn": topic}]
        queue = boto3.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"]
        assert boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "kept"
        assert boto3.client("dynamodb").get_item(TableName="kept", Key={"id": {"S": "x"}})["Item"]
        assert boto3.client("ecr").describe_repositories()["repositories"][0]["repositoryName"] == "kept"
        old = boto3.client(
            "s3", **{name.lower(): before[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        )
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            old.list_buckets()


def test_what_ran_at_the_end_has_failed_and_keys_of_other_users_stay(tmp_path, at_home):
    with LocalAws(state=tmp_path) as aws:
        at_home(aws)
        boto3.client("iam").create_user(UserName="other")
        key = boto3.client("iam").create_access_key(UserName="other")["AccessKey"]
        states = boto3.client("stepfunctions")
        definition = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 99, "End": True}}})
        role = make_role("states.amazonaws.com")
        machine = states.create_state_machine(name="kept", definition=definition, roleArn=role)["stateMachineArn"]
        run = states.start_execution(stateMachineArn=machine)["executionArn"]
    with LocalAws(state=tmp_path) as aws:
        at_home(aws)
        assert boto3.client("stepfunctions").describe_execution(executionArn=run)["status"] == "FAILED"
        keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        assert boto3.client("sts", **keys).get_caller_identity()["Arn"].endswith("user/other")


def test_an_object_is_kept_even_when_the_engine_is_killed(tmp_path, at_home, capfd):
    with LocalAws(state=tmp_path) as aws:
        at_home(aws)
        boto3.client("s3").create_bucket(Bucket="kept")
        boto3.client("s3").put_object(Bucket="kept", Key="a", Body=b"here")
        os.kill(aws.pid, signal.SIGKILL)
        assert aws.ended.wait(30)
    with LocalAws(state=tmp_path) as aws:
        at_home(aws)
        assert boto3.client("s3").get_object(Bucket="kept", Key="a")["Body"].read() == b"here"


def test_without_a_folder_nothing_is_kept(at_home):
    for _ in range(2):
        with LocalAws() as aws:
            at_home(aws)
            assert boto3.client("s3").list_buckets()["Buckets"] == []
            boto3.client("s3").create_bucket(Bucket="gone")


def test_a_folder_serves_one_at_a_time_and_holds_nothing_else(tmp_path):
    with LocalAws(state=tmp_path / "state"), pytest.raises(WorkshopError, match="in use by another embedded AWS"):
        LocalAws(state=tmp_path / "state").start()
    (tmp_path / "diary.txt").touch()
    with pytest.raises(WorkshopError, match="holds other things"):
        LocalAws(state=tmp_path).start()
    (tmp_path / "file").touch()
    with pytest.raises(WorkshopError, match="cannot keep a state"):
        LocalAws(state=tmp_path / "file").start()

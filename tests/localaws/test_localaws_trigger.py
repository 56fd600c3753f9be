"""S3 invokes a function of the embedded AWS when an object arrives."""

import io
import json
import urllib.parse

import boto3
import pytest
from botocore.exceptions import ClientError
from localaws_kit import allow, eventually, make_bucket, make_function, read_object, unique

pytestmark = pytest.mark.usefixtures("local_aws")

KEEP_EVENT = """
import boto3, json, urllib.parse
def handler(event, context):
    for record in event["Records"]:
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        boto3.client("s3").put_object(Bucket="KEPT", Key=key, Body=json.dumps(record))
"""


def connect(source_bucket, function, **rules):
    configuration = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
    if rules:
        found = [{"Name": name, "Value": value} for name, value in rules.items()]
        configuration["Filter"] = {"Key": {"FilterRules": found}}
    boto3.client("s3").put_bucket_notification_configuration(
        Bucket=source_bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )


def permit(function, bucket):
    boto3.client("lambda").add_permission(
        FunctionName=function,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount="123456789012",
    )


@pytest.fixture
def trigger():
    """(source bucket, bucket in which the events are kept, function), connected for *.mp4."""
    source, kept = make_bucket(), make_bucket()
    function = make_function(KEEP_EVENT.replace("KEPT", kept), allow("s3:PutObject", f"arn:aws:s3:::{kept}/*"))
    permit(function, source)
    connect(source, function, suffix=".mp4")
    return source, kept, function


@pytest.mark.parametrize("key", ["clip.mp4", "in/ünï cödé + plus & 100%.mp4"])
def test_an_upload_invokes_the_function_with_an_encoded_key(trigger, key):
    source, kept, _ = trigger
    etag = boto3.client("s3").put_object(Bucket=source, Key=key, Body=b"video")["ETag"]
    record = json.loads(eventually(lambda: read_object(kept, key)))
    assert record["eventSource"] == "aws:s3"
    assert record["eventName"] == "ObjectCreated:Put"
    assert tuple(map(int, record["eventVersion"].split("."))) >= (2, 1)
    assert record["s3"]["bucket"]["name"] == source
    assert record["s3"]["object"]["size"] == 5
    assert record["s3"]["object"]["eTag"] == etag.strip('"')
    assert record["s3"]["object"]["sequencer"]
    assert record["s3"]["object"]["key"] == urllib.parse.quote_plus(key, safe="/")


def test_other_names_do_nothing_and_a_multipart_upload_counts_once(trigger):
    source, kept, _ = trigger
    s3 = boto3.client("s3")
    s3.put_object(Bucket=source, Key="notes.txt", Body=b"x")
    s3.upload_fileobj(io.BytesIO(bytes(9 << 20)), source, "big.mp4")
    record = json.loads(eventually(lambda: read_object(kept, "big.mp4")))
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=kept)["Contents"]] == ["big.mp4"]


def test_without_add_permission_the_trigger_is_refused():
    source, function = make_bucket(), make_function("def handler(event, context): pass")
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        connect(source, function)
    permit(function, "another-bucket")
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        connect(source, function)


def test_a_permission_taken_back_stops_the_trigger(trigger):
    source, kept, function = trigger
    s3 = boto3.client("s3")
    boto3.client("lambda").remove_permission(FunctionName=function, StatementId="s3")
    s3.put_object(Bucket=source, Key="one.mp4", Body=b"x")
    permit(function, source)
    s3.put_object(Bucket=source, Key="two.mp4", Body=b"x")
    eventually(lambda: read_object(kept, "two.mp4"))
    assert read_object(kept, "one.mp4") is None


def test_a_destination_that_the_functions_role_may_not_send_to_is_refused():
    client, sqs = boto3.client("lambda"), boto3.client("sqs")
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    source, destination = "def handler(event, context): pass", {"OnFailure": {"Destination": queue}}
    function = make_function(source)
    with pytest.raises(ClientError, match=f"does not have permissions to call SendMessage on {queue}"):
        client.put_function_event_invoke_config(FunctionName=function, DestinationConfig=destination)
    function = make_function(source, allow("sqs:SendMessage", queue))
    client.put_function_event_invoke_config(FunctionName=function, DestinationConfig=destination)

"""What the tests of the embedded AWS share: plain boto3, shortened."""

import io
import json
import uuid
import zipfile

import boto3

from faceblur.patience import tries

LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}


# Handlers that wait for each other: it ends well only if `count` of them run at the same time.
MEETING = """
import time, uuid, boto3
ME = uuid.uuid4().hex
def meet(bucket, count, seconds=30):
    s3, end = boto3.client("s3"), time.time() + seconds
    s3.put_object(Bucket=bucket, Key=ME, Body=b"")
    while s3.list_objects_v2(Bucket=bucket)["KeyCount"] < count:
        if time.time() > end: raise TimeoutError("nobody else came")
        time.sleep(0.05)
    return ME
"""


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def allow(actions, *resources):
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources) or ["*"]}


def trust(service, **changes):
    """A statement that lets the service assume a role."""
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"} | changes


def make_role(service, *statements, trusted=()):
    """A role that the service may assume; returns its ARN. trusted: the statements of its trust policy instead."""
    iam, name = boto3.client("iam"), unique("role")
    document = json.dumps({"Version": "2012-10-17", "Statement": list(trusted) or [trust(service)]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=policy)
    return arn


def package(**sources):
    """A ZIP with these modules; the same ones are the same bytes, whatever the clock says."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, source in sources.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.py"), source)
    return content.getvalue()


def make_function(source, *statements, role=None, **options):
    """A function from the source of its module `app`; returns its ARN."""
    client = boto3.client("lambda")
    settings = {
        "FunctionName": unique("function"),
        "Runtime": "python3.12",
        "Role": role or make_role("lambda.amazonaws.com", LOGS, *statements),
        "Handler": "app.handler",
        "Code": {"ZipFile": package(app=source)},
        "Timeout": 20,
        "MemorySize": 512,
        **options,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    arn = client.create_function(**given)["FunctionArn"]
    client.get_waiter("function_active_v2").wait(FunctionName=arn, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})
    return arn


def invoke(function, event=None):
    """(result, error name or None)"""
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event or {}))
    content = json.loads(answer["Payload"].read())
    return content, content["errorType"] if "FunctionError" in answer else None


def log_text(function):
    group = "/aws/lambda/" + function.rpartition(":")[2]
    events = boto3.client("logs").filter_log_events(logGroupName=group)["events"]
    return "\n".join(event["message"] for event in events)


def eventually(look, timeout_s=60):
    """The first true value that `look` returns; fails when there is none in time."""
    for _ in tries(timeout_s, 0.05):
        if found := look():
            return found
    raise AssertionError(f"nothing in {timeout_s} s")


def make_bucket():
    name = unique("bucket")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def read_object(bucket, key):
    """The object's bytes, or None while there is none."""
    client = boto3.client("s3")
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except client.exceptions.NoSuchKey:
        return None


def subscribe(queue_url, topic):
    """Let the queue receive what the topic is told."""
    sqs = boto3.client("sqs")
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = allow("sqs:SendMessage", arn) | {"Principal": {"Service": "sns.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)


def receive(queue_url):
    """The next message that a topic sent."""
    sqs = boto3.client("sqs")
    message = eventually(lambda: sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1).get("Messages"))[0]
    return json.loads(message["Body"])["Message"]

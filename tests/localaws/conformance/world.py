"""What the conformance cases share: an account to try them in, and the four shapes that a case may have.

A case is one documented behaviour with the address of the page that documents it. The tables are `cases_*`. Nothing
here knows the embedded AWS: boto3 and the standard library alone, so that they run against any endpoint.
"""

import functools
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError

SITE = "https://docs.aws.amazon.com/"
PREFIX = "faceblur-conformance-"
# What is made in a real account, said before it is made.
COSTS = (
    f"in the account that boto3 finds, this makes buckets, functions, roles, state machines, queues, topics, "
    f"repositories and log groups whose names begin with {PREFIX}, runs them a few hundred times for a second or less "
    "(below 0.05 USD), asks Rekognition to look at a video that is none (nothing), and deletes all of it at the end"
)


@dataclass(frozen=True)
class Case:
    """`lacks`: what the embedded AWS does instead; the case is then expected to fail there."""

    service: str
    name: str
    page: str
    check: Callable
    lacks: str = ""


class Table:
    """The cases of one service."""

    def __init__(self, service: str):
        self.service = service
        self.cases: list[Case] = []

    def add(self, name: str, page: str, check: Callable, lacks: str = "") -> None:
        assert name not in [case.name for case in self.cases], name
        self.cases.append(Case(self.service, name, SITE + page, check, lacks))

    def case(self, name: str, page: str, lacks: str = ""):
        """Decorates a function of the world that asserts."""

        def mark(check):
            self.add(name, page, check, lacks)
            return check

        return mark

    def refuses(self, name: str, page: str, call: str, code: str, /, lacks: str = "", **parameters) -> None:
        """A call ("s3.get_object") that ends with this error code."""

        def check(world):
            found = code_of(world, call, parameters)
            assert found == code, found

        self.add(name, page, check, lacks)

    def gives(self, name: str, page: str, call: str, path: str, expected, /, lacks: str = "", **parameters) -> None:
        """A call whose answer has, at a JMESPath, what is expected: a value, or a function of it that says yes."""

        def check(world):
            found = jmespath.search(path, world.call(call, parameters))
            assert expected(found) if callable(expected) else found == expected, found

        self.add(name, page, check, lacks)


def code_of(world, call: str, parameters: dict) -> str:
    """The error code that a call ends with, or what it answers."""
    try:
        return f"no error: {world.call(call, parameters)}"[:300]
    except ClientError as problem:
        return problem.response["Error"]["Code"]


class World:
    """An account: clients by name (`world.s3`), things to try on, made when they are first asked for."""

    def __init__(self, endpoint_url: str | None, **keys):
        self._where = {"endpoint_url": endpoint_url, "region_name": "us-east-1", **keys}
        self._is_real = endpoint_url is None
        self.run = PREFIX + uuid.uuid4().hex[:8]
        self._undo: list[Callable] = []
        self._count = 0
        self.ran_function = (
            False  # whether this case needs one to run: what pretends to run them fails for no other reason
        )

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        made = self.client(name)
        setattr(self, name, made)
        return made

    def client(self, service: str, **keys):
        config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, max_pool_connections=50)
        names = {"lambda_": "lambda", "states": "stepfunctions"}
        return boto3.client(names.get(service, service), **({"config": config} | self._where | keys))

    def call(self, call: str, parameters: dict):
        service, _, method = call.partition(".")
        return getattr(getattr(self, service), method)(**self.filled(parameters))

    def filled(self, value):
        """Texts with {names} of things in this account put in; functions of the world called."""
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if callable(value):
            return value(self)
        if isinstance(value, str) and value.startswith("@"):
            return getattr(self, value[1:])
        return value

    def unique(self) -> str:
        self._count += 1
        return f"{self.run}-{self._count}"

    def afterwards(self, function: Callable, **parameters) -> None:
        self._undo.append(lambda: function(**parameters))

    def close(self) -> list[str]:
        """Delete everything, newest first: what could not be deleted."""
        left = []
        for undo in reversed(self._undo):
            try:
                undo()
            except ClientError as problem:
                if "NotFound" not in str(problem) and "NoSuch" not in str(problem):
                    left.append(str(problem))
        return left

    def eventually(self, look: Callable, seconds: float = 60):
        """The first true value; for what is there only after a while."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, "it never came"
            time.sleep(1 if self._is_real else 0.02)
        return found

    # --- things to try on ---

    @functools.cached_property
    def account(self) -> str:
        return self.sts.get_caller_identity()["Account"]

    def new_bucket(self, **options) -> str:
        name = self.unique()
        self.s3.create_bucket(Bucket=name, **options)
        self.afterwards(self._delete_bucket, name=name)
        return name

    def _delete_bucket(self, name: str) -> None:
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
                self.s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
        self.s3.delete_bucket(Bucket=name)

    @functools.cached_property
    def bucket(self) -> str:
        """With one object, `key`: b"0123456789"."""
        name = self.new_bucket()
        self.s3.put_object(Bucket=name, Key="key", Body=b"0123456789", ContentType="text/plain", Metadata={"a": "b"})
        return name

    @functools.cached_property
    def versioned(self) -> str:
        name = self.new_bucket()
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def new_role(self, service: str, *statements, trust=None) -> str:
        """The ARN of a role that a service may take."""
        name = self.unique()
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust or statement]})
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        self.afterwards(self.iam.delete_role, RoleName=name)
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
            self.afterwards(self.iam.delete_role_policy, RoleName=name, PolicyName="own")
        if self._is_real:
            time.sleep(10)
        return arn

    @functools.cached_property
    def role(self) -> str:
        """For functions: may write logs and call them."""
        return self.new_role("lambda.amazonaws.com", allow(["logs:*", "lambda:InvokeFunction", "sqs:SendMessage"]))

    @functools.cached_property
    def bomb(self) -> bytes:
        """A ZIP of a few hundred kilobytes that unpacks to 251 MB."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as file:
            for _ in range(251):
                file.write(bytes(1 << 20))
        return content.getvalue()

    @functools.cached_property
    def states_role(self) -> str:
        return self.new_role("states.amazonaws.com", allow(["lambda:InvokeFunction", "s3:GetObject", "s3:ListBucket"]))

    def new_function(self, source: str, **options) -> str:
        """A function's name, when it is active."""
        self.ran_function = True
        name = options.get("FunctionName") or self.unique()
        settings = {
            "FunctionName": name, "Role": self.role, "Runtime": "python3.12", "Handler": "app.handler",
            "Code": {"ZipFile": zipped(**{"app.py": source})}, "Timeout": 20, "MemorySize": 256,
        } | options  # fmt: skip
        self.afterwards(self.logs.delete_log_group, logGroupName=f"/aws/lambda/{name}")  # what it printed
        self.lambda_.create_function(**settings)
        self.afterwards(self.lambda_.delete_function, FunctionName=name)
        self.active(name)
        return name

    def active(self, name: str) -> None:
        def settled():
            found = self.lambda_.get_function_configuration(FunctionName=name)
            return found["State"] == "Active" and found.get("LastUpdateStatus") != "InProgress"

        self.eventually(settled)

    @functools.cached_property
    def probe(self) -> str:
        """A function that evaluates the expressions that it is sent."""
        source = "import os, sys, json, boto3, time\ncount = [0]\ndef handler(event, context):\n    count[0] += 1\n"
        source += "    return eval(event, {**globals(), 'context': context})\n"
        return self.new_function(source, Environment={"Variables": {"COLOUR": "blue"}})

    def invoke(self, name: str, event=None, **options):
        """(result, error kind or None, the whole answer)"""
        self.ran_function = True
        answer = self.lambda_.invoke(FunctionName=name, Payload=json.dumps(event), **options)
        body = answer["Payload"].read()
        return json.loads(body) if body else None, answer.get("FunctionError"), answer

    @functools.cached_property
    def echo(self) -> str:
        """A function that returns its event, or raises the error that it names."""
        source = (
            "import time\nclass Custom(Exception): pass\ndef handler(event, context):\n"
            "    if isinstance(event, dict) and 'sleep' in event: time.sleep(event['sleep'])\n"
            "    if isinstance(event, dict) and 'fail' in event: raise Custom(event['fail'])\n    return event\n"
        )
        return self.new_function(source)

    @functools.cached_property
    def echo_arn(self) -> str:
        return self.lambda_.get_function_configuration(FunctionName=self.echo)["FunctionArn"]

    def new_machine(self, definition: dict, **options) -> str:
        name = self.unique()
        given = {"name": name, "definition": json.dumps(definition), **options}
        given["roleArn"] = options.get("roleArn") or self.states_role
        arn = self.states.create_state_machine(**given)["stateMachineArn"]
        self.afterwards(self.states.delete_state_machine, stateMachineArn=arn)
        return arn

    def execute(self, definition: dict, given=None, **options) -> dict:
        """DescribeExecution's answer at the end of one execution."""
        self.ran_function |= "@echo" in json.dumps(definition)
        machine = self.new_machine(self.filled(definition), **options)
        given = json.dumps(given if given is not None else {})
        return self.ended(self.states.start_execution(stateMachineArn=machine, input=given)["executionArn"])

    def ended(self, execution: str) -> dict:
        look = functools.partial(self.states.describe_execution, executionArn=execution)
        return self.eventually(lambda: (found := look())["status"] != "RUNNING" and found)

    def with_token(self, **more) -> tuple[str, str]:
        """An execution whose task waits for its token: (token, execution). What it catches ends it."""
        url = self.sqs.create_queue(QueueName=self.unique())["QueueUrl"]
        self.afterwards(self.sqs.delete_queue, QueueUrl=url)
        send = {
            "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True,
            "TimeoutSeconds": 60, "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}, **more,
        }  # fmt: skip
        states = {"T": send} | ({"Caught": {"Type": "Succeed"}} if "Catch" in more else {})
        role = self.new_role("states.amazonaws.com", allow("sqs:SendMessage"))
        machine = self.new_machine({"StartAt": "T", "States": states}, roleArn=role)
        run = self.states.start_execution(stateMachineArn=machine)["executionArn"]
        message = self.eventually(lambda: self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), 20)
        return json.loads(message[0]["Body"])["token"], run

    def nested(self, machine: str, how: str, given: dict):
        """The answer to a task that runs another machine, or its error's name."""
        events = f"arn:aws:events:us-east-1:{self.account}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
        rights = [allow(["states:StartExecution", "states:DescribeExecution", "states:StopExecution"])]
        rights.append(allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], events))
        start = {
            "Type": "Task", "Resource": f"arn:aws:states:::states:startExecution{how}", "End": True,
            "Parameters": {"StateMachineArn": machine, "Input": given},
        }  # fmt: skip
        definition = {"StartAt": "T", "States": {"T": start}}
        found = self.execute(definition, roleArn=self.new_role("states.amazonaws.com", *rights))
        return found.get("error") or json.loads(found["output"])

    @property
    def at_once(self) -> dict:
        """For calls whose host botocore puts "sync-" before: only an account has that name."""
        return {"config": Config(inject_host_prefix=self._is_real, parameter_validation=False)}

    def history(self, execution: str) -> list[dict]:
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    @functools.cached_property
    def queue(self) -> str:
        url = self.sqs.create_queue(QueueName=self.unique())["QueueUrl"]
        self.afterwards(self.sqs.delete_queue, QueueUrl=url)
        return url

    @functools.cached_property
    def queue_arn(self) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    @functools.cached_property
    def topic(self) -> str:
        arn = self.sns.create_topic(Name=self.unique())["TopicArn"]
        self.afterwards(self.sns.delete_topic, TopicArn=arn)
        return arn

    @functools.cached_property
    def repository(self) -> str:
        name = self.unique()
        self.ecr.create_repository(repositoryName=name)
        self.afterwards(self.ecr.delete_repository, repositoryName=name, force=True)
        return name

    @functools.cached_property
    def log_group(self) -> str:
        """With a stream, `stream`, and three events."""
        name = self.unique()
        self.logs.create_log_group(logGroupName=name)
        self.afterwards(self.logs.delete_log_group, logGroupName=name)
        self.logs.create_log_stream(logGroupName=name, logStreamName="stream")
        now = int(time.time() * 1000)
        events = [{"timestamp": now + n, "message": f"line {n} {'odd' if n % 2 else 'even'}"} for n in range(3)]
        self.logs.put_log_events(logGroupName=name, logStreamName="stream", logEvents=events)
        return name

    def as_role(self, *statements, policy: dict | None = None):
        """Makes clients of a role that may do just this."""
        trust = {"Effect": "Allow", "Principal": {"AWS": self.account}, "Action": "sts:AssumeRole"}
        arn = self.new_role("", *statements, trust=trust)
        session = {"Policy": json.dumps(policy)} if policy else {}
        found = self.sts.assume_role(RoleArn=arn, RoleSessionName="conformance", **session)["Credentials"]
        keys = {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }
        return functools.partial(self.client, **keys)


def allow(actions, *resources, **more) -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources) or ["*"], **more}


def deny(actions, *resources, **more) -> dict:
    return allow(actions, *resources, **more) | {"Effect": "Deny"}


def zipped(**files) -> bytes:
    """The same files are the same bytes, whatever the clock says; anybody may read them."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    return content.getvalue()


def error_of(call, **parameters) -> str:
    """The code that a client's method ends with, or "" when it does well."""
    try:
        call(**parameters)
    except ClientError as problem:
        return problem.response["Error"]["Code"]
    return ""

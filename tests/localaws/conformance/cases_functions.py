"""AWS Lambda, more closely: events for later, aliases and versions, changes, layers, rights, queues as sources."""

import json
import threading
import time

from botocore.exceptions import ClientError
from cases_lambda import API, GUIDE, INVALID, LAMBDA, new
from world import allow, error_of, zipped

refuses, gives, case = LAMBDA.refuses, LAMBDA.gives, LAMBDA.case
RETAIN, ALIASES = f"{GUIDE}invocation-async-retain-records.html", f"{GUIDE}configuration-alias-routing.html"
STATES, LAYERS = f"{GUIDE}functions-states.html", f"{GUIDE}chapter-layers.html"
CREATE, UPDATE = f"{API}CreateFunction.html", f"{API}UpdateFunctionCode.html"
FAILS = "def handler(event, context): raise ValueError('on purpose')"
VERSION = "def handler(event, context): return context.function_version"


def arn_of(world, name: str) -> str:
    return world.lambda_.get_function_configuration(FunctionName=name)["FunctionArn"]


def queue(world, **attributes) -> tuple[str, str]:
    """(url, arn) of a queue of this case."""
    url = world.sqs.create_queue(QueueName=world.unique(), Attributes=attributes)["QueueUrl"]
    world.afterwards(world.sqs.delete_queue, QueueUrl=url)
    return url, world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def heard(world, url: str) -> dict:
    look = lambda: world.sqs.receive_message(  # noqa: E731
        QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]
    ).get("Messages")
    return world.eventually(look, 30)[0]


# --- for later ---
@case("a dead-letter queue is told what went wrong", RETAIN)
def _(world):
    url, arn = queue(world)
    name = world.new_function(FAILS, DeadLetterConfig={"TargetArn": arn})
    world.lambda_.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    world.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    message = heard(world, url)
    assert json.loads(message["Body"]) == {"a": 1}
    assert set(message["MessageAttributes"]) == {"RequestID", "ErrorCode", "ErrorMessage"}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "on purpose"


@case("an alias has a destination of its own", RETAIN)
def _(world):
    url, arn = queue(world)
    name = two_versions(world, FAILS)
    world.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    given = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": arn}}}
    world.lambda_.put_function_event_invoke_config(FunctionName=name, Qualifier="live", **given)
    world.lambda_.invoke(FunctionName=name, Qualifier="live", InvocationType="Event", Payload=b"{}")
    told = json.loads(heard(world, url)["Body"])["requestContext"]
    assert told["functionArn"].endswith(":live") and told["approximateInvokeCount"] == 1


@case("what is not named of an event's settings stays", f"{API}UpdateFunctionEventInvokeConfig.html")
def _(world):
    name = world.new_function(FAILS)
    world.lambda_.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=100)
    world.lambda_.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    found = world.lambda_.get_function_event_invoke_config(FunctionName=name)
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 100)


# --- aliases and versions ---
def two_versions(world, source: str = VERSION) -> str:
    name = world.new_function(source)
    world.lambda_.publish_version(FunctionName=name)
    world.lambda_.update_function_configuration(FunctionName=name, Description="second")
    world.active(name)
    world.lambda_.publish_version(FunctionName=name)
    return name


def versioned(world) -> str:
    """A function with the versions 1 and 2, made once."""
    if not hasattr(world, "_versioned"):
        world._versioned = two_versions(world)
    return world._versioned


def weights(**given: float) -> dict:
    return {"AdditionalVersionWeights": {name[1:]: weight for name, weight in given.items()}}


@case("an alias leads to two versions", ALIASES)
def _(world):
    at = {"FunctionName": versioned(world)}
    world.lambda_.create_alias(**at, Name="both", FunctionVersion="1", RoutingConfig=weights(v2=0.5))
    found = {world.lambda_.invoke(**at, Qualifier="both")["ExecutedVersion"] for _ in range(30)}
    assert found == {"1", "2"}
    world.lambda_.update_alias(**at, Name="both", RoutingConfig=weights(v2=1.0))
    assert world.lambda_.invoke(**at, Qualifier="both")["ExecutedVersion"] == "2"


ALIAS = f"{API}CreateAlias.html"
for name, (code, more) in {
    "an alias to a version that is none": ("ResourceNotFoundException", {"FunctionVersion": "9"}),
    "an alias with a number for a name": ("ValidationException", {"Name": "1", "FunctionVersion": "1"}),
    "an alias to the latest and another": (INVALID, {"FunctionVersion": "$LATEST", "RoutingConfig": weights(v1=0.5)}),
    "an alias to half of what is none": (
        "ResourceNotFoundException",
        {"FunctionVersion": "1", "RoutingConfig": weights(v9=0.5)},
    ),
}.items():
    refuses(name, ALIAS, "lambda_.create_alias", code, **{"FunctionName": versioned, "Name": "odd"} | more)
refuses("the latest version cannot be deleted", f"{API}DeleteFunction.html", "lambda_.delete_function", INVALID,
        FunctionName=versioned, Qualifier="$LATEST")  # fmt: skip
refuses("a version of other code", f"{API}PublishVersion.html", "lambda_.publish_version", INVALID,
        FunctionName=versioned, CodeSha256="x" * 44)  # fmt: skip
refuses("a version of what has changed meanwhile", f"{API}PublishVersion.html", "lambda_.publish_version",
        "PreconditionFailedException", FunctionName=versioned, RevisionId="0" * 36)  # fmt: skip
refuses("environments kept ready for the latest version", f"{API}PutProvisionedConcurrencyConfig.html",
        "lambda_.put_provisioned_concurrency_config", INVALID, FunctionName=versioned, Qualifier="$LATEST",
        ProvisionedConcurrentExecutions=1)  # fmt: skip
refuses("tags on a version", f"{GUIDE}configuration-tags.html", "lambda_.tag_resource", INVALID,
        Resource=lambda w: f"{arn_of(w, versioned(w))}:1", Tags={"a": "b"})  # fmt: skip


@case("nothing changed is no new version", f"{API}PublishVersion.html")
def _(world):
    at = {"FunctionName": versioned(world)}
    assert world.lambda_.publish_version(**at)["Version"] == "2"


@case("a version that an alias leads to", f"{API}DeleteFunction.html")
def _(world):
    at = {"FunctionName": two_versions(world)}
    world.lambda_.create_alias(**at, Name="kept", FunctionVersion="1")
    assert error_of(world.lambda_.delete_function, **at, Qualifier="1") == "ResourceConflictException"


@case("all versions in a list", f"{API}ListFunctions.html")
def _(world):
    name, found = versioned(world), []
    for page in world.lambda_.get_paginator("list_functions").paginate(FunctionVersion="ALL"):
        found += [one["Version"] for one in page["Functions"] if one["FunctionName"] == name]
    assert sorted(found) == ["$LATEST", "1", "2"]


@case("a function by all of its names", f"{API}Invoke.html#API_Invoke_RequestSyntax")
def _(world):
    name = versioned(world)
    arn = arn_of(world, name)
    for one in (arn, f"{world.account}:function:{name}", name):
        assert world.invoke(one)[0] == "$LATEST"
    assert world.invoke(f"{name}:1")[0] == world.invoke(f"{arn}:1")[0] == "1"


# --- changes ---
@case("a change while another is under way", STATES)
def _(world):
    at = {"FunctionName": world.new_function(VERSION)}
    answer = world.lambda_.update_function_configuration(**at, Timeout=9)
    assert (answer["LastUpdateStatus"], answer["State"], answer["Timeout"]) == ("InProgress", "Active", 9)
    second = error_of(world.lambda_.update_function_configuration, **at, Timeout=8)
    assert second == "ResourceConflictException"


@case("new code that is only tried changes nothing", UPDATE)
def _(world):
    at = {"FunctionName": world.new_function(VERSION)}
    before = world.lambda_.get_function_configuration(**at)["CodeSha256"]
    world.lambda_.update_function_code(**at, ZipFile=zipped(**{"app.py": FAILS}), DryRun=True)
    assert world.lambda_.get_function_configuration(**at)["CodeSha256"] == before


refuses("code that S3 does not have", CREATE, "lambda_.create_function", INVALID,
        **new(Code=lambda w: {"S3Bucket": w.bucket, "S3Key": "none.zip"}))  # fmt: skip
refuses("new code for a state that has passed", UPDATE, "lambda_.update_function_code", "PreconditionFailedException",
        FunctionName=versioned, ZipFile=zipped(**{"app.py": FAILS}), RevisionId="0" * 36)  # fmt: skip
for name, more in {
    "a variable that begins with a number": {"Environment": {"Variables": {"1A": "x"}}},
    "a processor that is none": {"Architectures": ["riscv"]},
    "a way of tracing that is none": {"TracingConfig": {"Mode": "Loud"}},
    "a package with the address of an image": {"Code": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:b"},
                                               "PackageType": "Zip"},
}.items():  # fmt: skip
    refuses(name, CREATE, "lambda_.create_function", INVALID, **new(**more))


@case("code from a bucket", CREATE)
def _(world):
    world.s3.put_object(Bucket=world.bucket, Key="code.zip", Body=zipped(**{"app.py": VERSION}))
    name = world.new_function("", Code={"S3Bucket": world.bucket, "S3Key": "code.zip"})
    assert world.invoke(name)[0] == "$LATEST"


@case("six layers, and one layer twice", LAYERS)
def _(world):
    name = world.unique()
    arns = []
    for value in range(6):
        content = {"ZipFile": zipped(**{"python/made.py": f"VALUE = {value}"})}
        arns.append(world.lambda_.publish_layer_version(LayerName=f"{name}-{value % 5}", Content=content))
    arns = [made["LayerVersionArn"] for made in arns]
    create = world.lambda_.create_function
    assert error_of(create, **world.filled(new(Layers=arns))) == INVALID
    assert error_of(create, **world.filled(new(Layers=[arns[0], arns[5]]))) == INVALID
    for arn in arns:
        layer, version = arn.rsplit(":", 2)[1:]
        world.lambda_.delete_layer_version(LayerName=layer, VersionNumber=int(version))


# --- how many at once ---
@case("more at once than is reserved", f"{GUIDE}configuration-concurrency.html")
def _(world):
    name = world.new_function("import time\ndef handler(event, context): time.sleep(event)")
    world.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    first = threading.Thread(target=world.invoke, args=(name, 2))
    first.start()
    time.sleep(0.7)
    try:
        world.invoke(name, 0)
    except ClientError as problem:
        assert problem.response["Error"]["Code"] == "TooManyRequestsException"
        assert problem.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    else:
        raise AssertionError("it ran")
    finally:
        first.join()


refuses("more reserved than the account has", f"{API}PutFunctionConcurrency.html", "lambda_.put_function_concurrency",
        INVALID, FunctionName="@echo", ReservedConcurrentExecutions=100_000)  # fmt: skip

# --- rights ---
PERMISSION = f"{API}AddPermission.html"
let_in = {"FunctionName": "@echo", "StatementId": "s", "Action": "lambda:InvokeFunction",
          "Principal": "s3.amazonaws.com"}  # fmt: skip
for name, (code, changes) in {
    "a permission for nobody": (INVALID, {"Principal": "nobody"}),
    "a permission with a space in its name": ("ValidationException", {"StatementId": "a b"}),
    "a permission for what is no action": ("ValidationException", {"Action": "InvokeFunction"}),
}.items():
    refuses(name, PERMISSION, "lambda_.add_permission", code, **let_in | changes)


@case("a version is a resource of its own", f"{GUIDE}lambda-api-permissions-ref.html")
def _(world):
    at, arn = {"FunctionName": versioned(world)}, arn_of(world, versioned(world))
    latest = world.as_role(allow("lambda:InvokeFunction", arn))("lambda")
    others = world.as_role(allow("lambda:InvokeFunction", f"{arn}:*"))("lambda")
    assert error_of(latest.invoke, **at) == error_of(others.invoke, **at, Qualifier="1") == ""
    assert error_of(latest.invoke, **at, Qualifier="1") == error_of(others.invoke, **at) == "AccessDeniedException"


# --- queues as sources ---
MAPPING, QUEUES = f"{API}CreateEventSourceMapping.html", f"{GUIDE}services-sqs-configure.html"
refuses("a source that is not there", MAPPING, "lambda_.create_event_source_mapping", INVALID, FunctionName="@echo",
        EventSourceArn=lambda w: f"arn:aws:sqs:us-east-1:{w.account}:faceblur-conformance-none")  # fmt: skip
refuses("a source that the role may not read", QUEUES, "lambda_.create_event_source_mapping", INVALID,
        FunctionName="@echo", EventSourceArn=lambda w: queue(w)[1])  # fmt: skip


def reads(world) -> str:
    return world.new_role("lambda.amazonaws.com", allow(["sqs:*", "logs:*"]))


@case("a source whose messages come again too early", QUEUES)
def _(world):
    name, (_, arn) = world.new_function(VERSION, Role=reads(world), Timeout=40), queue(world, VisibilityTimeout="30")
    found = error_of(world.lambda_.create_event_source_mapping, FunctionName=name, EventSourceArn=arn)
    assert found == INVALID


@case("of a batch, what failed comes again", f"{GUIDE}services-sqs-errorhandling.html")
def _(world):
    source = (
        "def handler(event, context):\n    bad = [one['messageId'] for one in event['Records'] if one['body'] == 'bad']\n"
        "    return {'batchItemFailures': [{'itemIdentifier': one} for one in bad]}"
    )
    (url, arn), name = queue(world), world.new_function(source, Role=reads(world))
    for body in ("good", "bad"):
        world.sqs.send_message(QueueUrl=url, MessageBody=body)
    made = world.lambda_.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    world.afterwards(world.lambda_.delete_event_source_mapping, UUID=made["UUID"])
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def left():
        found = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(count) for count in found.values()) == 1

    assert world.eventually(left)


# --- what is not there says so ---
@case("a function has an address", f"{API}CreateFunctionUrlConfig.html", lacks="refused by name: nothing listens there")
def _(world):
    name = world.new_function(VERSION)
    assert world.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]


@case("logs as JSON", f"{GUIDE}monitoring-cloudwatchlogs-logformat.html", lacks="refused by name: logs are text")
def _(world):
    assert world.new_function(VERSION, LoggingConfig={"LogFormat": "JSON"})


@case("logs in a group of another name", f"{GUIDE}monitoring-cloudwatchlogs-loggroups.html")
def _(world):
    group = world.unique()
    name = world.new_function("def handler(event, context): print('here')", LoggingConfig={"LogGroup": group})
    world.invoke(name)
    world.afterwards(world.logs.delete_log_group, logGroupName=group)
    look = lambda: (  # noqa: E731
        error_of(world.logs.filter_log_events, logGroupName=group) == ""
        and world.logs.filter_log_events(logGroupName=group, filterPattern="here")["events"]
    )
    assert world.eventually(look)


for name, (handler, files, kind) in {
    "a handler without a dot": ("app", {"app.py": VERSION}, "Runtime.MalformedHandlerName"),
    "code that is no Python": ("app.handler", {"app.py": "def handler("}, "Runtime.UserCodeSyntaxError"),
    "code that fails when it is loaded": ("app.handler", {"app.py": "raise KeyError('early')"}, "KeyError"),
}.items():

    def check(world, handler=handler, files=files, kind=kind):
        name = world.new_function("", Handler=handler, Code={"ZipFile": zipped(**files)})
        assert world.invoke(name)[0]["errorType"] == kind

    LAMBDA.add(name, f"{GUIDE}python-exceptions.html", check)


@case("a handler in a folder", f"{GUIDE}python-handler.html")
def _(world):
    name = world.new_function("", Handler="inside/app.handler", Code={"ZipFile": zipped(**{"inside/app.py": VERSION})})
    assert world.invoke(name)[0] == "$LATEST"

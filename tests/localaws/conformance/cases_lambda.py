"""AWS Lambda: https://docs.aws.amazon.com/lambda/latest/"""

import base64
import json

from world import Table, allow, error_of, zipped

LAMBDA = Table("Lambda")
API, GUIDE = "lambda/latest/api/API_", "lambda/latest/dg/"
LIMITS = f"{GUIDE}gettingstarted-limits.html"
refuses, gives, case = LAMBDA.refuses, LAMBDA.gives, LAMBDA.case
CREATE, INVOKE, UPDATE = f"{API}CreateFunction.html", f"{API}Invoke.html", f"{API}UpdateFunctionConfiguration.html"
NONE = "faceblur-conformance-none"


def new(**changes) -> dict:
    """The parameters of a function that is never made."""
    code = {"ZipFile": zipped(**{"app.py": "def handler(event, context): pass"})}
    settings = {"FunctionName": lambda w: w.unique(), "Role": "@role", "Runtime": "python3.12"}
    return settings | {"Handler": "app.handler", "Code": code} | changes


INVALID = "InvalidParameterValueException"
for name, page, changes, codes in [
    ("a timeout above 900 s", LIMITS, {"Timeout": 901}, ("ValidationException", INVALID)),
    ("a memory above 10,240 MB", LIMITS, {"MemorySize": 10_241}, ("ValidationException", INVALID)),
    ("a memory below 128 MB", LIMITS, {"MemorySize": 127}, ("ValidationException", INVALID)),
    ("a /tmp below 512 MB", LIMITS, {"EphemeralStorage": {"Size": 511}}, ("ValidationException", INVALID)),
    ("a name of more than 64 letters", CREATE, {"FunctionName": "f" * 65}, ("ValidationException", INVALID)),
    ("a reserved variable", f"{GUIDE}configuration-envvars.html",
     {"Environment": {"Variables": {"AWS_REGION": "x"}}}, (INVALID,)),
    ("variables of more than 4 KB", LIMITS, {"Environment": {"Variables": {"AA": "x" * 4097}}}, (INVALID,)),
    ("a role that is not there", CREATE,
     {"Role": lambda w: f"arn:aws:iam::{w.account}:role/{NONE}"}, (INVALID,)),
    ("a role that trusts another service", f"{GUIDE}lambda-intro-execution-role.html", {"Role": "@states_role"}, (INVALID,)),
    ("a package that is no ZIP", CREATE, {"Code": {"ZipFile": b"no"}}, (INVALID,)),
    ("a package that unpacks to more than 250 MB", LIMITS, {"Code": {"ZipFile": "@bomb"}}, (INVALID,)),
    ("an image that is not there", f"{GUIDE}images-create.html",
     {"PackageType": "Image", "Runtime": None, "Handler": None,
      "Code": {"ImageUri": lambda w: f"{w.account}.dkr.ecr.us-east-1.amazonaws.com/{NONE}:x"}}, (INVALID,)),
    ("a function without a handler", CREATE, {"Handler": None}, (INVALID, "ValidationException")),
    ("a layer that is not there", f"{API}CreateFunction.html",
     {"Layers": [lambda w: f"arn:aws:lambda:us-east-1:{w.account}:layer:{NONE}:1"]}, (INVALID,)),
]:  # fmt: skip

    def check(world, changes=changes, codes=codes):
        given = {key: value for key, value in new(**changes).items() if value is not None}
        found = error_of(world.lambda_.create_function, **world.filled(given))
        assert found in codes, found

    LAMBDA.add(name, page, check)

for name, changes in {
    "more than two retries of an event": {"MaximumRetryAttempts": 3},
    "an event kept for more than six hours": {"MaximumEventAgeInSeconds": 21_601},
}.items():
    refuses(name, f"{API}PutFunctionEventInvokeConfig.html", "lambda_.put_function_event_invoke_config",
            "ValidationException", FunctionName="@echo", **changes)  # fmt: skip
refuses("the same name again", CREATE, "lambda_.create_function", "ResourceConflictException",
        **new(FunctionName="@echo"))  # fmt: skip
for call, more in {
    "get_function": {}, "delete_function": {}, "invoke": {}, "update_function_configuration": {"Timeout": 5},
    "get_policy": {}, "list_versions_by_function": {}, "get_function_event_invoke_config": {},
}.items():  # fmt: skip
    page = f"{API}{''.join(word.capitalize() for word in call.split('_'))}.html"
    refuses(f"{call} of a function that is not there", page, f"lambda_.{call}", "ResourceNotFoundException",
            FunctionName=NONE, **more)  # fmt: skip
refuses("a policy that it does not have", f"{API}GetPolicy.html", "lambda_.get_policy", "ResourceNotFoundException",
        FunctionName="@echo")  # fmt: skip
refuses("a version that it does not have", INVOKE, "lambda_.invoke", "ResourceNotFoundException", FunctionName="@echo",
        Qualifier="7")  # fmt: skip
refuses("an alias that it does not have", f"{API}GetAlias.html", "lambda_.get_alias", "ResourceNotFoundException",
        FunctionName="@echo", Name="live")  # fmt: skip
refuses("a payload that is no JSON", INVOKE, "lambda_.invoke", "InvalidRequestContentException", FunctionName="@echo",
        Payload=b"{no")  # fmt: skip
refuses("6 MB and a byte at once", LIMITS, "lambda_.invoke", "RequestTooLargeException", FunctionName="@echo",
        Payload=b'"' + b"x" * (6 * 1024 * 1024) + b'"')  # fmt: skip
refuses("more than 1 MB for later", LIMITS, "lambda_.invoke", "RequestTooLargeException", FunctionName="@echo",
        InvocationType="Event", Payload=b'"' + b"x" * (1024 * 1024 + 8) + b'"')  # fmt: skip
refuses("a way to invoke that is none", INVOKE, "lambda_.invoke", "InvalidParameterValueException",
        FunctionName="@echo", InvocationType="Later")  # fmt: skip
gives("for later it answers 202", INVOKE, "lambda_.invoke", "StatusCode", 202, FunctionName="@echo",
      InvocationType="Event", Payload=b"1")  # fmt: skip
gives(
    "a dry run answers 204", INVOKE, "lambda_.invoke", "StatusCode", 204, FunctionName="@echo", InvocationType="DryRun"
)
gives("which version ran", INVOKE, "lambda_.invoke", "[StatusCode, ExecutedVersion]", [200, "$LATEST"],
      FunctionName="@echo", Payload=b"1")  # fmt: skip
gives("what it is made of", f"{API}GetFunctionConfiguration.html", "lambda_.get_function_configuration",
      "[Runtime, Handler, Timeout, MemorySize, State, PackageType, Architectures, EphemeralStorage.Size, Version]",
      ["python3.12", "app.handler", 20, 256, "Active", "Zip", ["x86_64"], 512, "$LATEST"], FunctionName="@echo")  # fmt: skip
gives("where its code lies", f"{API}GetFunction.html", "lambda_.get_function", "Code.RepositoryType", "S3",
      FunctionName="@echo")  # fmt: skip
gives("its concurrency is not reserved", f"{API}GetFunctionConcurrency.html", "lambda_.get_function_concurrency",
      "ReservedConcurrentExecutions", None, FunctionName="@echo")  # fmt: skip


# --- what a function sees: expressions that the probe evaluates ---
def sees(name: str, page: str, expression: str, expected, lacks: str = "") -> None:
    def check(world):
        found, error, _ = world.invoke(world.probe, expression)
        assert error is None, found
        assert expected(found) if callable(expected) else found == expected, found

    LAMBDA.add(name, page, check, lacks)


VARIABLES, CONTEXT = f"{GUIDE}configuration-envvars.html", f"{GUIDE}python-context.html"
TRY = "exec('def attempt(do):\\n    try: do()\\n    except OSError as e: return e.strerror\\n    return \"done\"', globals()) or "
READ_ONLY = "Read-only file system"
sees("its variables", VARIABLES, "os.environ['COLOUR']", "blue")
sees("its region", VARIABLES, "os.environ['AWS_REGION']", "us-east-1")
sees("its memory", VARIABLES, "os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']", "256")
sees("its handler", VARIABLES, "os.environ['_HANDLER']", "app.handler")
sees("its log group", VARIABLES, "os.environ['AWS_LAMBDA_LOG_GROUP_NAME'].startswith('/aws/lambda/faceblur-')", True)
sees("its runtime", VARIABLES, "os.environ['AWS_EXECUTION_ENV']", lambda v: v.startswith("AWS_Lambda_python3."))
sees("/var/task holds the code", VARIABLES, "os.environ['LAMBDA_TASK_ROOT']", "/var/task")
sees("it works in its code's folder", VARIABLES, "os.getcwd() == os.environ['LAMBDA_TASK_ROOT']", True)
sees("a time zone of UTC", VARIABLES, "time.strftime('%z')", "+0000")
sees("a session of its role", f"{GUIDE}lambda-intro-execution-role.html",
     "boto3.client('sts').get_caller_identity()['Arn']", lambda v: ":assumed-role/faceblur-" in v)  # fmt: skip
sees("boto3 is there", f"{GUIDE}lambda-python.html", "boto3.__name__", "boto3")
sees("its code cannot be written to", f"{GUIDE}lambda-runtime-environment.html",
     TRY + "attempt(lambda: open(os.environ['LAMBDA_TASK_ROOT'] + '/x', 'w'))", READ_ONLY)  # fmt: skip
sees(
    "/tmp can be written to",
    f"{GUIDE}lambda-runtime-environment.html",
    TRY + "attempt(lambda: open('/tmp/x', 'w'))",
    "done",
)
sees("nothing else can be written to", f"{GUIDE}lambda-runtime-environment.html",
     TRY + "attempt(lambda: open('/var/tmp/faceblur-conformance', 'w'))", READ_ONLY)  # fmt: skip
sees("/tmp is as large as its storage", f"{GUIDE}configuration-ephemeral-storage.html",
     "(lambda s: s.f_blocks * s.f_frsize // 2**20)(os.statvfs('/tmp'))", lambda v: 480 <= v <= 560)  # fmt: skip
sees("a request id", CONTEXT, "len(context.aws_request_id)", 36)
sees("its name and version", CONTEXT,
     "[context.function_name.startswith('faceblur-'), context.function_version, context.memory_limit_in_mb]",
     [True, "$LATEST", "256"])  # fmt: skip
sees("the ARN that was called", CONTEXT, "context.invoked_function_arn.split(':')[5]", "function")
sees("the time that is left", CONTEXT, "0 < context.get_remaining_time_in_millis() <= 20000", True)
sees("no identity when nobody gave one", CONTEXT, "context.client_context is None", True)
sees("a trace's id", VARIABLES, "os.environ.get('_X_AMZN_TRACE_ID', '')", lambda v: v.startswith("Root=1-"))
sees("an environment is used again", f"{GUIDE}lambda-runtime-environment.html", "count[0] > 1 or count[0]", True)


@case("the client's context comes through", INVOKE)
def _(world):
    given = base64.b64encode(json.dumps({"custom": {"a": "b"}, "env": {"c": "d"}}).encode()).decode()
    found, _, _ = world.invoke(
        world.probe, "[context.client_context.custom, context.client_context.env]", ClientContext=given
    )
    assert found == [{"a": "b"}, {"c": "d"}]


@case("the request id of the answer is the function's", INVOKE)
def _(world):
    found, _, answer = world.invoke(world.probe, "context.aws_request_id")
    assert found == answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


@case("the end of the log is 4 KB at most, in base64", INVOKE)
def _(world):
    _, _, answer = world.invoke(world.probe, "print('x' * 9000)", LogType="Tail")
    tail = base64.b64decode(answer["LogResult"])
    assert len(tail) <= 4096 and tail.rstrip().splitlines()[-1].startswith(b"REPORT RequestId: ")


@case("an error that the handler raises", f"{GUIDE}python-exceptions.html")
def _(world):
    found, error, answer = world.invoke(world.echo, {"fail": "on purpose"})
    assert (error, found["errorType"], found["errorMessage"]) == ("Unhandled", "Custom", "on purpose")
    assert answer["StatusCode"] == 200 and found["stackTrace"] and found["requestId"]


@case("a module that is not there", f"{GUIDE}python-exceptions.html")
def _(world):
    found, _, _ = world.invoke(world.new_function("import nothing_of_this_name"))
    assert found["errorType"] == "Runtime.ImportModuleError" and "nothing_of_this_name" in found["errorMessage"]


@case("a handler that is not there", f"{GUIDE}python-exceptions.html")
def _(world):
    assert world.invoke(world.new_function("x = 1"))[0]["errorType"] == "Runtime.HandlerNotFound"


@case("an answer that is no JSON", f"{GUIDE}python-handler.html")
def _(world):
    found, _, _ = world.invoke(world.probe, "{1, 2}")
    assert found["errorType"] == "Runtime.MarshalError"


@case("a process that ends", f"{GUIDE}lambda-runtime-environment.html")
def _(world):
    found, error, _ = world.invoke(world.probe, "os._exit(3)")
    assert (error, found["errorType"]) == ("Unhandled", "Runtime.ExitError")


@case("a time that is over", f"{GUIDE}configuration-timeout.html")
def _(world):
    name = world.new_function("import time\ndef handler(event, context): time.sleep(9)", Timeout=1)
    found, _, _ = world.invoke(name)
    assert found["errorType"] == "Sandbox.Timedout" and "Task timed out after 1.00 seconds" in found["errorMessage"]


@case("an answer of more than 6 MB", LIMITS)
def _(world):
    found, _, _ = world.invoke(world.probe, "'x' * (6 * 1024 * 1024 + 200)")
    assert found["errorType"] == "Function.ResponseSizeTooLarge"


@case("code folders are not shared by functions", f"{GUIDE}lambda-runtime-environment.html")
def _(world):
    source = "import os\ndef handler(event, context): return os.environ['LAMBDA_TASK_ROOT'], os.stat(__file__).st_ino"
    one, two = world.new_function(source), world.new_function(source)
    if world.invoke(one)[0] == world.invoke(two)[0]:
        other = "import os\ndef handler(event, context):\n    try: open(__file__, 'a').write('# changed')\n"
        other += "    except OSError as problem: return problem.strerror\n    return 'written'"
        assert world.invoke(world.new_function(other))[0] != "written"


@case("what follows a failed call for later: its record", f"{GUIDE}invocation-async-retain-records.html")
def _(world):
    record = destination(world, "OnFailure", {"fail": "on purpose"})
    context, answer = record["requestContext"], record["responseContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 1)
    assert (answer["statusCode"], answer["functionError"]) == (200, "Unhandled")
    assert record["responsePayload"]["errorMessage"] == "on purpose" and record["requestPayload"] == {
        "fail": "on purpose"
    }


@case("what follows a call for later that did well: its record", f"{GUIDE}invocation-async-retain-records.html")
def _(world):
    record = destination(world, "OnSuccess", {"n": 1})
    assert record["version"] == "1.0" and record["timestamp"].endswith("Z")
    assert record["requestContext"]["functionArn"].endswith(":$LATEST")
    assert (record["requestContext"]["condition"], record["requestContext"]["approximateInvokeCount"]) == ("Success", 1)
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"n": 1} and len(record["requestContext"]["requestId"]) == 36


def destination(world, kind: str, event) -> dict:
    """What a queue hears of an invocation for later."""
    name, url = world.new_function(ECHO), world.sqs.create_queue(QueueName=world.unique())["QueueUrl"]
    world.afterwards(world.sqs.delete_queue, QueueUrl=url)
    arn = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    world.lambda_.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={kind: {"Destination": arn}}
    )
    world.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    look = lambda: world.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")  # noqa: E731
    return json.loads(world.eventually(look)[0]["Body"])


ECHO = "def handler(event, context):\n    if 'fail' in event: raise ValueError(event['fail'])\n    return event"


@case("layers lie in /opt", f"{GUIDE}chapter-layers.html")
def _(world):
    content = zipped(**{"python/of_a_layer.py": "value = 'layered'", "data.txt": "text"})
    layer = world.lambda_.publish_layer_version(LayerName=world.unique(), Content={"ZipFile": content})
    world.afterwards(world.lambda_.delete_layer_version, LayerName=layer["LayerArn"], VersionNumber=layer["Version"])
    source = "import of_a_layer\ndef handler(event, context): return [of_a_layer.value, open('/opt/data.txt').read()]"
    found, _, _ = world.invoke(world.new_function(source, Layers=[layer["LayerVersionArn"]]))
    assert found == ["layered", "text"]


@case("a version stays as it was published", f"{API}PublishVersion.html")
def _(world):
    name = world.new_function("def handler(event, context): return [1, context.function_version]")
    assert world.lambda_.publish_version(FunctionName=name)["Version"] == "1"
    world.active(f"{name}:1")
    world.lambda_.update_function_code(FunctionName=name, ZipFile=zipped(**{"app.py": "def handler(e, c): return 2"}))
    world.active(name)
    assert world.invoke(name, Qualifier="1")[0] == [1, "1"] and world.invoke(name)[0] == 2


@case("an alias leads to its version", f"{API}CreateAlias.html")
def _(world):
    name = world.new_function("def handler(event, context): return context.invoked_function_arn")
    world.lambda_.publish_version(FunctionName=name)
    world.active(f"{name}:1")
    world.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    found, _, answer = world.invoke(name, Qualifier="live")
    assert found.endswith(f"{name}:live") and answer["ExecutedVersion"] == "1"


@case("changed settings count for the next call", UPDATE)
def _(world):
    name = world.new_function("import os\ndef handler(event, context): return os.environ.get('AA')")
    assert world.invoke(name)[0] is None
    world.lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": {"AA": "1"}})
    world.active(name)
    assert world.invoke(name)[0] == "1"


@case("no concurrency at all throttles", f"{GUIDE}configuration-concurrency.html")
def _(world):
    name = world.new_function("def handler(event, context): return 1")
    world.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert error_of(world.lambda_.invoke, FunctionName=name) == "TooManyRequestsException"


@case("tags are found again", f"{API}ListTags.html")
def _(world):
    name = world.new_function("def handler(event, context): return 1", Tags={"owner": world.run})
    arn = world.lambda_.get_function_configuration(FunctionName=name)["FunctionArn"]
    assert world.lambda_.list_tags(Resource=arn)["Tags"] == {"owner": world.run}
    tagging = world.resourcegroupstaggingapi
    found = tagging.get_resources(TagFilters=[{"Key": "owner", "Values": [world.run]}])["ResourceTagMappingList"]
    assert arn in [one["ResourceARN"] for one in found]


@case("a permission is in its policy, once", f"{API}AddPermission.html")
def _(world):
    rights = {"FunctionName": world.echo, "StatementId": "s3", "Action": "lambda:InvokeFunction"}
    world.lambda_.add_permission(
        **rights, Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::b", SourceAccount=world.account
    )
    again = error_of(world.lambda_.add_permission, **rights, Principal="s3.amazonaws.com")
    (one,) = json.loads(world.lambda_.get_policy(FunctionName=world.echo)["Policy"])["Statement"]
    world.lambda_.remove_permission(FunctionName=world.echo, StatementId="s3")
    assert again == "ResourceConflictException" and one["Principal"] == {"Service": "s3.amazonaws.com"}
    assert one["Condition"] == {
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
        "StringEquals": {"AWS:SourceAccount": world.account},
    }


@case("who creates a function must be let to pass its role", "IAM/latest/UserGuide/id_roles_use_passrole.html")
def _(world):
    given = world.filled(new())
    without = world.as_role(allow("lambda:*"))("lambda")
    assert error_of(without.create_function, **given) == "AccessDeniedException"
    to = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    other = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    wrong = world.as_role(allow("lambda:*"), allow("iam:PassRole", world.role, Condition=other))("lambda")
    assert error_of(wrong.create_function, **given) == "AccessDeniedException"
    right = world.as_role(allow("lambda:*"), allow("iam:PassRole", world.role, Condition=to))("lambda")
    assert error_of(right.create_function, **given) == ""
    world.afterwards(world.lambda_.delete_function, FunctionName=given["FunctionName"])


@case("what it prints is in its log group, between START and REPORT", f"{GUIDE}python-logging.html")
def _(world):
    name = world.new_function("def handler(event, context): print('of the log')")
    world.invoke(name)

    def written():
        try:
            events = world.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except world.logs.exceptions.ResourceNotFoundException:
            return None
        lines = [event["message"].strip() for event in events]
        return lines if any(line.startswith("REPORT") for line in lines) else None

    lines = world.eventually(written)
    world.afterwards(world.logs.delete_log_group, logGroupName=f"/aws/lambda/{name}")
    kinds = [line.split()[0] for line in lines]
    assert [kind for kind in kinds if kind in ("START", "of", "END", "REPORT")] == ["START", "of", "END", "REPORT"]


@case("an image's ENTRYPOINT runs before its CMD", f"{GUIDE}images-create.html")
def _(world):
    from cases_ecr import pushed

    entry = (
        "import sys\nfrom awslambdaric.__main__ import main\nimport os\nos.environ['ENTERED'] = 'yes'\nmain(sys.argv)"
    )
    app = "import os\ndef handler(event, context): return os.environ.get('ENTERED')"
    uri = pushed(world, {"var/task/entry.py": entry, "var/task/app.py": app},
                 Entrypoint=["python", "entry.py"], Cmd=["app.handler"])  # fmt: skip
    name = world.unique()
    world.afterwards(world.logs.delete_log_group, logGroupName=f"/aws/lambda/{name}")
    world.lambda_.create_function(FunctionName=name, Role=world.role, PackageType="Image", Code={"ImageUri": uri})
    world.afterwards(world.lambda_.delete_function, FunctionName=name)
    world.active(name)
    assert world.invoke(name)[0] == "yes"

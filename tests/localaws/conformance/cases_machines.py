"""AWS Step Functions, more closely: limits of definitions, maps in shares, tokens, versions, short machines, logs."""

import datetime
import json
import time

from cases_states import STATES
from world import allow, error_of

refuses, gives, case = STATES.refuses, STATES.gives, STATES.case
API, GUIDE = "step-functions/latest/apireference/API_", "step-functions/latest/dg/"
ERRORS, MAPS = f"{GUIDE}concepts-error-handling.html", f"{GUIDE}state-map-distributed.html"
CREATE, SDK = f"{API}CreateStateMachine.html", f"{GUIDE}supported-services-awssdk.html"
INVALID = "InvalidDefinition"


def one(state: dict, **more) -> dict:
    """A machine of one state, and others that it may lead to."""
    return {"StartAt": "S", "States": {"S": state | {"End": True}, **more}}


def output(world, definition: dict, given=None, **options):
    found = world.execute(definition, given, **options)
    assert found["status"] == "SUCCEEDED", found
    return json.loads(found["output"])


def error(world, definition: dict, given=None, **options) -> str:
    return world.execute(definition, given, **options).get("error", "it did well")


def role(world, *actions: str) -> str:
    return world.new_role("states.amazonaws.com", allow(list(actions)))


PASS = {"Type": "Pass", "End": True}
TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:x"}


# --- definitions ---
def bad(name: str, page: str, state: dict, **more) -> None:
    refuses(f"a definition: {name}", page, "states.create_state_machine", INVALID, name=lambda w: w.unique(),
            definition=json.dumps(one(state, **more)), roleArn="@states_role")  # fmt: skip


def retry(**changes) -> dict:
    return TASK | {"Retry": [{"ErrorEquals": ["A"]} | changes]}


bad("a heartbeat as long as the time", f"{GUIDE}state-task.html", TASK | {"TimeoutSeconds": 5, "HeartbeatSeconds": 5})
bad("a time and a path to one", f"{GUIDE}state-task.html", TASK | {"TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"})
bad("a wait before a retry of no time", ERRORS, retry(IntervalSeconds=0))
bad("a wait before a retry of years", ERRORS, retry(IntervalSeconds=100_000_000))
bad("a wait at most of more than a year", ERRORS, retry(MaxDelaySeconds=31_622_400))
bad("a rate below one", ERRORS, retry(BackoffRate=0.5))
bad("a jitter that is none", ERRORS, retry(JitterStrategy="SOME"))
bad("a catch that leads nowhere", ERRORS, TASK | {"Catch": [{"ErrorEquals": ["A"]}]})
bad("a retry of a Pass", ERRORS, {"Type": "Pass", "Retry": [{"ErrorEquals": ["A"]}]})
bad("a Wait of two times", f"{GUIDE}state-wait.html", {"Type": "Wait", "Seconds": 1, "SecondsPath": "$.s"})
bad("a Wait of no time", f"{GUIDE}state-wait.html", {"Type": "Wait"})
bad("a field that is none", f"{GUIDE}statemachine-structure.html", {"Type": "Pass", "Colour": "blue"})
bad("a branch that leads out", f"{GUIDE}state-parallel.html", {"Type": "Parallel", "Branches": [
    {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Out"}}}]}, Out=PASS)  # fmt: skip
bad("a failure that is borne in an INLINE Map", f"{GUIDE}state-map-inline.html", {"Type": "Map", "ToleratedFailureCount": 1,
    "ItemProcessor": {"StartAt": "A", "States": {"A": PASS}}})  # fmt: skip
for name, resource in {
    "a resource that is no ARN": "hello",
    "a service that is none": "arn:aws:states:::nothing:do",
    "an SDK call that is none": "arn:aws:states:::aws-sdk:s3:noSuchThing",
    "an SDK call with a capital": "arn:aws:states:::aws-sdk:s3:GetObject",
    "a queue that is waited for": "arn:aws:states:::sqs:sendMessage.sync",
}.items():
    bad(name, f"{GUIDE}integrate-services.html", {"Type": "Task", "Resource": resource, "Parameters": {}})


def rule(**given) -> dict:
    choice = {"Type": "Choice", "Choices": [given | {"Next": "Y"}], "Default": "Y"}
    return {"StartAt": "C", "States": {"C": choice, "Y": PASS}}


for name, given in {
    "a choice with two comparisons": {"Variable": "$.a", "NumericEquals": 1, "StringEquals": "a"},
    "a comparison that is none": {"Variable": "$.a", "NumberEquals": 1},
    "a number that is a text": {"Variable": "$.a", "NumericEquals": "1"},
    "a time that is none": {"Variable": "$.a", "TimestampEquals": "no"},
}.items():
    refuses(f"a definition: {name}", f"{GUIDE}state-choice.html", "states.create_state_machine", INVALID,
            name=lambda w: w.unique(), definition=json.dumps(rule(**given)), roleArn="@states_role")  # fmt: skip

# --- choices by paths, intrinsic functions ---
for name, given in {
    "StringEqualsPath": {"a": "x", "b": "x"},
    "StringGreaterThanPath": {"a": "z", "b": "x"},
    "NumericGreaterThanEqualsPath": {"a": 1, "b": 1.0},
    "BooleanEqualsPath": {"a": False, "b": False},
    "TimestampLessThanEqualsPath": {"a": "2020-01-01T00:00:00Z", "b": "2020-01-01T01:00:00+01:00"},
}.items():

    def check(world, name=name, given=given):
        definition = rule(Variable="$.a", **{name: "$.b"})
        definition["States"] |= {"Y": {"Type": "Succeed"}, "N": {"Type": "Fail"}}
        definition["States"]["C"]["Default"] = "N"
        output(world, definition, given)

    STATES.add(f"a choice: {name}", f"{GUIDE}state-choice.html", check)

for expression in ("States.Base64Decode('***')", "States.Hash('a', 'MD9')", "States.ArrayLength('x')",
                   "States.StringSplit(1, 'a')", "States.MathRandom(5, 1)"):  # fmt: skip

    def check(world, expression=expression):
        found = error(world, one({"Type": "Pass", "Parameters": {"a.$": expression}}))
        assert found == "States.IntrinsicFailure"

    STATES.add(f"what cannot be: {expression}", f"{GUIDE}intrinsic-functions.html", check)


# --- maps in shares, parallels, waits ---
def shares(reader: dict | None = None, **fields) -> dict:
    """A Map that runs each item as an execution of its own; an item that is 1 fails."""
    choose = {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "F"}], "Default": "P"}
    inner = {"StartAt": "I", "States": {"I": choose, "F": {"Type": "Fail", "Error": "E"}, "P": PASS}}
    inner["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return one({"Type": "Map", "ItemProcessor": inner} | fields | ({"ItemReader": reader} if reader else {}))


THRESHOLD = "States.ExceedToleratedFailureThreshold"


@case("failures that are borne, by their number", f"{GUIDE}state-map-distributed.html#maprun-fail-threshold")
def _(world):
    arn = role(world, "states:*")
    assert error(world, shares(ToleratedFailureCount=1), [1, 2, 3], roleArn=arn) == "it did well"
    assert error(world, shares(ToleratedFailureCount=1), [1, 1, 3], roleArn=arn) == THRESHOLD


@case("failures that are borne, by their share", f"{GUIDE}state-map-distributed.html#maprun-fail-threshold")
def _(world):
    arn = role(world, "states:*")
    assert error(world, shares(ToleratedFailurePercentage=50), [1, 2, 3], roleArn=arn) == "it did well"
    assert error(world, shares(ToleratedFailurePercentage=50), [1, 1, 3], roleArn=arn) == THRESHOLD


def from_file(key: str, kind: str, **config):
    def reader(world) -> dict:
        return {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": kind, **config},
                "Parameters": {"Bucket": world.bucket, "Key": key}}  # fmt: skip

    return reader


@case("items from a file of JSON", f"{GUIDE}input-output-itemreader.html")
def _(world):
    world.s3.put_object(Bucket=world.bucket, Key="items.json", Body=b"[2, 3]")
    definition = shares(from_file("items.json", "JSON")(world))
    assert output(world, definition, roleArn=role(world, "states:*", "s3:*")) == [2, 3]


@case("items from a file of CSV, a part of them", f"{GUIDE}input-output-itemreader.html")
def _(world):
    world.s3.put_object(Bucket=world.bucket, Key="items.csv", Body=b"a,b\n2,3\n4,5\n")
    reader = from_file("items.csv", "CSV", CSVHeaderLocation="FIRST_ROW", MaxItems=1)(world)
    definition = shares(reader, ItemSelector={"row.$": "$$.Map.Item.Value"})
    definition["States"]["S"]["ItemProcessor"]["States"]["I"] = PASS
    definition["States"]["S"]["ItemProcessor"]["States"] = {"I": PASS}
    assert output(world, definition, roleArn=role(world, "states:*", "s3:*")) == [{"row": {"a": "2", "b": "3"}}]


@case("the run of a Map in shares", f"{API}DescribeMapRun.html")
def _(world):
    found = world.execute(shares(), [2, 3], roleArn=role(world, "states:*"))
    (run,) = world.states.list_map_runs(executionArn=found["executionArn"])["mapRuns"]
    about = world.states.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (about["status"], about["itemCounts"]["succeeded"]) == ("SUCCEEDED", 2)


@case("one item after the other", f"{GUIDE}state-map-inline.html")
def _(world):
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}
    begin = time.monotonic()
    output(world, one({"Type": "Map", "ItemProcessor": wait, "MaxConcurrency": 1}), [1, 2])
    assert time.monotonic() - begin > 1.9


@case("a Parallel catches what fails in it", f"{GUIDE}state-parallel.html")
def _(world):
    fails = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Boom", "Cause": "c"}}}
    catch = [{"ErrorEquals": ["Boom"], "ResultPath": "$.e", "Next": "Caught"}]
    definition = one({"Type": "Parallel", "Branches": [fails], "Catch": catch}, Caught=PASS)
    assert output(world, definition, {"x": 1}) == {"x": 1, "e": {"Error": "Boom", "Cause": "c"}}


@case("a Wait until a time that is near", f"{GUIDE}state-wait.html")
def _(world):
    at = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    begin = time.monotonic()
    output(world, one({"Type": "Wait", "TimestampPath": "$.at"}), {"at": at})
    assert 0.8 < time.monotonic() - begin < 5


# --- SDK calls ---
def call(resource: str, **parameters) -> dict:
    return one({"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{resource}", "Parameters": parameters})


@case("an AWS SDK call with parameters in parameters", SDK)
def _(world):
    video = {"S3Object": {"Bucket": world.bucket, "Name": "none"}}
    arn = role(world, "rekognition:*", "s3:*")
    found = error(world, call("rekognition:startFaceDetection", Video=video), roleArn=arn)
    assert found == "Rekognition.InvalidS3ObjectException"


@case("an AWS SDK call's names begin with a capital", SDK)
def _(world):
    machine = world.new_machine(one({"Type": "Pass"}))
    found = output(world, call("sfn:describeStateMachine", StateMachineArn=machine), roleArn=role(world, "states:*"))
    assert found["StateMachineArn"] == machine and found["Status"] == "ACTIVE"


@case("an AWS SDK call's times", SDK)
def _(world):
    found = output(world, call("s3:listObjectsV2", Bucket=world.bucket), roleArn=role(world, "s3:*"))
    assert [one["Key"] for one in found["Contents"]].count("key") == 1
    when = found["Contents"][0]["LastModified"]
    assert when.endswith("Z") and datetime.datetime.fromisoformat(when).tzinfo


for name, operation, key, code in (
    ("an object", "getObject", "none", "S3.NoSuchKeyException"),
    ("a head", "headObject", "none", "S3.NoSuchKeyException"),
):

    def check(world, operation=operation, key=key, code=code):
        definition = call(f"s3:{operation}", Bucket=world.bucket, Key=key)
        assert error(world, definition, roleArn=role(world, "s3:*")) == code

    STATES.add(f"an AWS SDK call for {name} that is not there", SDK, check)


# --- tokens ---
TOKENS = f"{API}SendTaskSuccess.html"


@case("a token that was used", TOKENS)
def _(world):
    token, run = world.with_token()
    world.states.send_task_success(taskToken=token, output="1")
    world.ended(run)
    assert error_of(world.states.send_task_success, taskToken=token, output="1") == "TaskTimedOut"


@case("a token of an execution that was stopped", TOKENS)
def _(world):
    token, run = world.with_token()
    world.states.stop_execution(executionArn=run)
    assert error_of(world.states.send_task_success, taskToken=token, output="1") == "TaskTimedOut"


@case("a function gives the token back", f"{GUIDE}connect-to-resource.html#connect-wait-token")
def _(world):
    source = (
        "import boto3\ndef handler(event, context):\n"
        "    boto3.client('stepfunctions').send_task_success(taskToken=event['token'], output='[1]')"
    )
    name = world.new_function(source, Role=world.new_role("lambda.amazonaws.com", allow(["states:*", "logs:*"])))
    given = {"FunctionName": name, "Payload": {"token.$": "$$.Task.Token"}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": given}
    assert output(world, one(task | {"TimeoutSeconds": 60})) == [1]


# --- versions, aliases, what is asked of executions ---
@case("a version stays as it was published", f"{GUIDE}concepts-state-machine-version.html")
def _(world):
    machine = world.new_machine(one({"Type": "Pass", "Result": 1}))
    version = world.states.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    second = json.dumps(one({"Type": "Pass", "Result": 2}))
    world.states.update_state_machine(stateMachineArn=machine, definition=second)
    run = lambda arn: world.ended(world.states.start_execution(stateMachineArn=arn)["executionArn"])  # noqa: E731
    old, new = run(version), run(machine)
    assert (old["output"], new["output"], old["stateMachineVersionArn"]) == ("1", "2", version)
    routes = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = world.states.create_state_machine_alias(name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    by_alias = run(alias)
    assert (by_alias["output"], by_alias["stateMachineAliasArn"]) == ("1", alias)
    gone = error_of(world.states.delete_state_machine_version, stateMachineVersionArn=version)
    assert gone == "ConflictException"
    world.states.delete_state_machine_alias(stateMachineAliasArn=alias)


@case("an execution that was stopped, with its reason", f"{API}StopExecution.html")
def _(world):
    machine = world.new_machine(one({"Type": "Wait", "Seconds": 60}))
    run = world.states.start_execution(stateMachineArn=machine)["executionArn"]
    world.eventually(lambda: len(world.history(run)) > 1)
    world.states.stop_execution(executionArn=run, error="E", cause="C")
    found = world.states.describe_execution(executionArn=run)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "E", "C")
    assert world.history(run)[-1]["executionAbortedEventDetails"] == {"error": "E", "cause": "C"}


LIST, VALID = f"{API}ListExecutions.html", "ValidationException"
machine_of = {"stateMachineArn": lambda w: w.new_machine(one({"Type": "Pass"}))}
refuses("more executions than there are at once", LIST, "states.list_executions", VALID, **machine_of, maxResults=1001)
refuses(
    "executions with a status that is none", LIST, "states.list_executions", VALID, **machine_of, statusFilter="DONE"
)
refuses(
    "executions after a token that is none", LIST, "states.list_executions", "InvalidToken", **machine_of, nextToken="x"
)
refuses("executions of a machine that is not there", LIST, "states.list_executions", "StateMachineDoesNotExist",
        stateMachineArn=lambda w: f"arn:aws:states:us-east-1:{w.account}:stateMachine:none")  # fmt: skip
refuses("a machine of a type that is none", CREATE, "states.create_state_machine", VALID, name=lambda w: w.unique(),
        definition=json.dumps(one({"Type": "Pass"})), roleArn="@states_role", type="FAST")  # fmt: skip
TAGS = f"{API}TagResource.html"
refuses("more than 50 tags", TAGS, "states.tag_resource", "TooManyTags",
        resourceArn=lambda w: w.new_machine(one({"Type": "Pass"})),
        tags=[{"key": f"k{n}", "value": ""} for n in range(51)])  # fmt: skip
refuses("tags of what is not there", TAGS, "states.tag_resource", "ResourceNotFound", tags=[{"key": "a", "value": "b"}],
        resourceArn=lambda w: f"arn:aws:states:us-east-1:{w.account}:stateMachine:none")  # fmt: skip


@case("executions by pages, the last first", LIST)
def _(world):
    at = {"stateMachineArn": world.new_machine(one({"Type": "Pass"}))}
    runs = [world.ended(world.states.start_execution(**at)["executionArn"])["executionArn"] for _ in range(3)]
    page = world.states.list_executions(**at, maxResults=2)
    rest = world.states.list_executions(**at, maxResults=2, nextToken=page["nextToken"])
    found = [one["executionArn"] for one in page["executions"] + rest["executions"]]
    assert found == runs[::-1] and "nextToken" not in rest


# --- short machines ---
EXPRESS = f"{GUIDE}choosing-workflow-type.html"


def short(world, definition: dict, **options) -> str:
    return world.new_machine(definition, type="EXPRESS", **options)


@case("a short machine that fails says so at once", f"{API}StartSyncExecution.html")
def _(world):
    machine = short(world, {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "c"}}})
    found = world.client("stepfunctions", **world.at_once).start_sync_execution(stateMachineArn=machine, input="{}")
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "E", "c")
    assert "output" not in found and found["billingDetails"] and ":express:" in found["executionArn"]


@case("a long machine does not answer at once", f"{API}StartSyncExecution.html")
def _(world):
    client, machine = world.client("stepfunctions", **world.at_once), world.new_machine(one({"Type": "Pass"}))
    assert error_of(client.start_sync_execution, stateMachineArn=machine) == "StateMachineTypeNotSupported"


@case("a short machine's executions are not kept", EXPRESS)
def _(world):
    machine = short(world, one({"Type": "Pass"}))
    run = world.states.start_execution(stateMachineArn=machine, name="same")["executionArn"]
    assert error_of(world.states.describe_execution, executionArn=run) == "InvalidArn"
    assert error_of(world.states.list_executions, stateMachineArn=machine) == "StateMachineTypeNotSupported"


@case("a short machine waits for nobody", EXPRESS)
def _(world):
    for resource in ("sqs:sendMessage.waitForTaskToken", "states:startExecution.sync"):
        task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": {"a.$": "$$.Task.Token"}}
        assert error_of(short, world=world, definition=one(task)) == INVALID


# --- logs ---
LOGGING = f"{GUIDE}cw-logs.html"
DELIVERY = ("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups")  # fmt: skip


def logged(world, **changes) -> dict:
    group = world.log_group
    arn = f"arn:aws:logs:us-east-1:{world.account}:log-group:{group}:*"
    place = {"cloudWatchLogsLogGroup": {"logGroupArn": arn}}
    return {"level": "ALL", "includeExecutionData": False, "destinations": [place]} | changes


@case("a short machine's events are in its log group", LOGGING)
def _(world):
    machine = short(world, one({"Type": "Pass", "Result": "secret"}), roleArn=role(world, *DELIVERY),
                    loggingConfiguration=logged(world))  # fmt: skip
    world.client("stepfunctions", **world.at_once).start_sync_execution(stateMachineArn=machine, input="{}")
    look = lambda: [  # noqa: E731
        one["message"]
        for one in world.logs.filter_log_events(
            logGroupName=world.log_group, filterPattern='{ $.type = "*" && $.execution_arn = "*" }'
        )["events"]
    ]
    found = world.eventually(lambda: len(messages := look()) > 3 and messages, 120)
    kinds = [json.loads(message)["type"] for message in found]
    assert kinds == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert "secret" not in "".join(found)


for name, (code, changes) in {
    "logs that go nowhere": ("InvalidLoggingConfiguration", {"destinations": []}),
    "logs of a level that is none": (VALID, {"level": "LOUD"}),
}.items():
    refuses(name, LOGGING, "states.create_state_machine", code, name=lambda w: w.unique(), roleArn=lambda w: role(w, *DELIVERY),
            definition=json.dumps(one({"Type": "Pass"})),
            loggingConfiguration=lambda w, changes=changes: logged(w, **changes))  # fmt: skip

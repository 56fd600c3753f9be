"""AWS Step Functions: https://docs.aws.amazon.com/step-functions/latest/"""

import json
import time

from world import Table, allow, error_of

STATES = Table("Step Functions")
API, GUIDE = "step-functions/latest/apireference/API_", "step-functions/latest/dg/"
ERRORS, PATHS = f"{GUIDE}concepts-error-handling.html", f"{GUIDE}amazon-states-language-paths.html"
INTRINSIC = f"{GUIDE}intrinsic-functions.html"
refuses, case = STATES.refuses, STATES.case
FUNCTION = "@echo_arn"


def machine(**states) -> dict:
    """A definition whose first state is the first named."""
    return {"StartAt": next(iter(states)), "States": states}


def one(**state) -> dict:
    return machine(One={"Type": "Pass", **state, "End": True})


def ends(name, page, definition, given, output=None, error=None, lacks="", status=None):
    """An execution that ends with this output, or this error."""

    def check(world):
        found = world.execute(definition, given)
        wanted = status or ("FAILED" if error else "SUCCEEDED")
        assert found["status"] == wanted, found.get("cause") or found
        if error:
            assert found["error"] == error, found
        else:
            assert json.loads(found["output"]) == output

    STATES.add(name, page, check, lacks)


def task(**more) -> dict:
    return {"Type": "Task", "Resource": FUNCTION, "End": True, **more}


DATA = {"a": {"b": [1, 2, {"c": 3}]}, "d e": 5, "list": [{"n": 1, "k": "x"}, {"n": 2, "k": "y"}, {"n": 3, "k": "x"}]}

# --- paths and data ---
for name, path, found in [
    ("a field", "$.a.b", [1, 2, {"c": 3}]), ("an index", "$.a.b[1]", 2), ("a field in brackets", "$['d e']", 5),
    ("double quotes in brackets", '$["a"]["b"][0]', 1), ("every item", "$.list[*].n", [1, 2, 3]),
    ("a slice", "$.list[0:2].n", [1, 2]), ("indices", "$.list[0,2].n", [1, 3]),
    ("a filter", "$.list[?(@.n > 1)].n", [2, 3]), ("a filter by text", "$.list[?(@.k == 'x')].n", [1, 3]),
    ("descent", "$..c", [3]),
]:  # fmt: skip
    refused = "refused by name when the machine is made" if any(word in path for word in (":", "?", "..", ",")) else ""
    ends(f"a path: {name}", PATHS, one(InputPath=path), DATA, found, lacks=refused)
ends("InputPath null is nothing", PATHS, one(InputPath=None), DATA, {})
ends("OutputPath null is nothing", PATHS, one(OutputPath=None), DATA, {})
ends(
    "ResultPath null keeps the input",
    f"{GUIDE}input-output-resultpath.html",
    one(Result=1, ResultPath=None),
    {"a": 1},
    {"a": 1},
)
ends("ResultPath makes what it needs", f"{GUIDE}input-output-resultpath.html", one(Result=1, ResultPath="$.x.y"),
     {"a": 1}, {"a": 1, "x": {"y": 1}})  # fmt: skip
ends("parameters with paths", f"{GUIDE}input-output-inputpath-params.html",
     one(Parameters={"x.$": "$.a.b[0]", "y": {"z.$": "$.list[1].n"}, "w": 1}), DATA, {"x": 1, "y": {"z": 2}, "w": 1})  # fmt: skip
ends("the context object", f"{GUIDE}input-output-contextobject.html",
     one(Parameters={"s.$": "$$.State.Name", "i.$": "$$.Execution.Input.a"}), {"a": 1}, {"s": "One", "i": 1})  # fmt: skip
ends("a path that leads nowhere", ERRORS, one(InputPath="$.none"), {"a": 1}, error="States.Runtime")

# --- intrinsic functions ---
for name, call, found in [
    ("Format", "States.Format('{} and {}', $.a, 'b')", "1 and b"), ("StringToJson", "States.StringToJson('[1]')", [1]),
    ("JsonToString", "States.JsonToString($.o)", '{"x":1}'), ("Array", "States.Array(1, 'b', $.a)", [1, "b", 1]),
    ("ArrayPartition", "States.ArrayPartition($.l, 2)", [[1, 2], [3]]), ("ArrayContains", "States.ArrayContains($.l, 3)", True),
    ("ArrayRange", "States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]), ("ArrayGetItem", "States.ArrayGetItem($.l, 1)", 2),
    ("ArrayLength", "States.ArrayLength($.l)", 3), ("ArrayUnique", "States.ArrayUnique($.t)", lambda v: sorted(v) == [1, 2]),
    ("Base64Encode", "States.Base64Encode('abc')", "YWJj"), ("Base64Decode", "States.Base64Decode('YWJj')", "abc"),
    ("Hash", "States.Hash('abc', 'MD5')", "900150983cd24fb0d6963f7d28e17f72"), ("MathAdd", "States.MathAdd(5, -2)", 3),
    ("StringSplit", "States.StringSplit('a,b', ',')", ["a", "b"]), ("UUID", "States.UUID()", lambda v: len(v) == 36),
    ("JsonMerge", "States.JsonMerge($.o, $.p, false)", {"x": 1, "y": 2}),
    ("one in another", "States.Format('{}', States.MathAdd($.a, 1))", "2"),
]:  # fmt: skip

    def check(world, call=call, wanted=found):
        given = {"a": 1, "o": {"x": 1}, "p": {"y": 2}, "l": [1, 2, 3], "t": [1, 2, 1]}
        output = json.loads(world.execute(one(Parameters={"v.$": call}), given)["output"])["v"]
        assert wanted(output) if callable(wanted) else output == wanted, output

    STATES.add(f"States.{name}" if name != "one in another" else "an intrinsic function in another", INTRINSIC, check)

# --- choices ---
CHOICE = f"{GUIDE}state-choice.html"


def chooses(name, rule, given, yes, lacks=""):
    states = machine(
        Choose={"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
        Yes={"Type": "Pass", "Result": True, "End": True}, No={"Type": "Pass", "Result": False, "End": True},
    )  # fmt: skip
    ends(f"a choice: {name}", CHOICE, states, given, yes, lacks=lacks)


V = {"Variable": "$.v"}
chooses("a number", {**V, "NumericGreaterThan": 3}, {"v": 4}, True)
chooses("a text is no number", {**V, "NumericEquals": 3}, {"v": "3"}, False)
chooses("texts in order", {**V, "StringLessThan": "b"}, {"v": "a"}, True)
chooses("a pattern", {**V, "StringMatches": "log-*.txt"}, {"v": "log-1.txt"}, True)
chooses("a time", {**V, "TimestampGreaterThan": "2016-03-14T01:59:00Z"}, {"v": "2016-03-14T02:59:00+00:00"}, True)
chooses("another field", {**V, "NumericEqualsPath": "$.w"}, {"v": 1, "w": 1}, True)
chooses("another text", {**V, "StringLessThanPath": "$.w"}, {"v": "a", "w": "b"}, True)
chooses(
    "another time",
    {**V, "TimestampEqualsPath": "$.w"},
    {"v": "2016-03-14T01:59:00Z", "w": "2016-03-14T01:59:00Z"},
    True,
)
chooses("what is not there", {**V, "IsPresent": False}, {}, True)
chooses("null is there", {**V, "IsPresent": True}, {"v": None}, True)
chooses("what kind it is", {"And": [{**V, "IsString": True}, {"Not": {**V, "IsTimestamp": True}}]}, {"v": "a"}, True)
chooses("one of two", {"Or": [{**V, "NumericEquals": 1}, {**V, "BooleanEquals": True}]}, {"v": True}, True)
ends("a choice that nothing fits", ERRORS, machine(C={"Type": "Choice", "Choices": [{**V, "NumericEquals": 1, "Next": "P"}]},
     P={"Type": "Pass", "End": True}), {"v": 2}, error="States.NoChoiceMatched")  # fmt: skip

# --- failures, retries, catches ---
RETRY, CATCH = {"ErrorEquals": ["States.ALL"]}, [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
CAUGHT = {"Type": "Pass", "End": True}
ends("a Fail state", f"{GUIDE}state-fail.html", machine(F={"Type": "Fail", "Error": "E", "Cause": "c"}), {}, error="E")
ends("a Fail state with paths", f"{GUIDE}state-fail.html", machine(F={"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"}),
     {"e": "Mine", "c": "x"}, error="Mine")  # fmt: skip
ends("an error of a function by its name", ERRORS, machine(T=task()), {"fail": "x"}, error="Custom")
ends("a catch keeps input and error", ERRORS, machine(
    T=task(Catch=[{**CATCH[0], "ResultPath": "$.e"}]), Caught={**CAUGHT, "OutputPath": "$.e.Error"}), {"fail": "x"}, "Custom")  # fmt: skip
ends("States.TaskFailed fits every task's error", ERRORS, machine(
    T=task(Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}]), Caught={**CAUGHT, "Result": 1}), {"fail": "x"}, 1)  # fmt: skip
ends("a time that is over", ERRORS, machine(T=task(TimeoutSeconds=1)), {"sleep": 5}, error="States.Timeout")
ends("States.TaskFailed does not fit a timeout", ERRORS, machine(
    T=task(TimeoutSeconds=1, Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}]), Caught=CAUGHT),
    {"sleep": 5}, error="States.Timeout")  # fmt: skip
ends("States.ALL does not catch States.Runtime", ERRORS, machine(T=task(InputPath="$.none", Catch=CATCH), Caught=CAUGHT), {},
     error="States.Runtime")  # fmt: skip
ends("the whole execution's time", f"{GUIDE}statemachine-structure.html",
     {**machine(W={"Type": "Wait", "Seconds": 30, "End": True}), "TimeoutSeconds": 1}, {}, error="States.Timeout",
     status="TIMED_OUT")  # fmt: skip
ends("a result of more than 256 KiB", f"{GUIDE}service-quotas.html",
     one(Parameters={"v.$": "States.Format('{}{}', $.a, $.a)"}), {"a": "x" * 140_000}, error="States.DataLimitExceeded")  # fmt: skip


@case("a retry waits longer each time, MaxDelaySeconds at most", ERRORS)
def _(world):
    waits = retried(world, IntervalSeconds=1, BackoffRate=10, MaxAttempts=2, MaxDelaySeconds=1)
    assert [round(wait) for wait in waits] == [1, 1], waits


@case("a retry with full jitter waits at most as long", ERRORS)
def _(world):
    waits = retried(world, IntervalSeconds=1, BackoffRate=1, MaxAttempts=3, JitterStrategy="FULL")
    assert all(wait < 1.2 for wait in waits) and min(waits) < 0.95, waits


def retried(world, **rule) -> list[float]:
    """Seconds between the attempts of a task that always fails."""
    found = world.execute(machine(T=task(Retry=[RETRY | rule])), {"fail": "x"})
    events = world.history(found["executionArn"])
    failed = [e["timestamp"] for e in events if e["type"].endswith("Failed") and e["type"] != "ExecutionFailed"]
    begun = [e["timestamp"] for e in events if e["type"] in ("TaskScheduled", "LambdaFunctionScheduled")]
    return [(after - before).total_seconds() for before, after in zip(failed, begun[1:], strict=False)]


@case("a heartbeat that does not come", f"{GUIDE}connect-to-resource.html")
def _(world):
    waiting = {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "HeartbeatSeconds": 1, "End": True,
        "TimeoutSeconds": 20, "Parameters": {"FunctionName": FUNCTION, "Payload": {"token.$": "$$.Task.Token"}},
    }  # fmt: skip
    begun = time.monotonic()
    found = world.execute(machine(T=waiting))
    assert found["error"] in ("States.HeartbeatTimeout", "States.Timeout") and time.monotonic() - begun < 10


# --- Map and Parallel ---
MAP = f"{GUIDE}state-map-inline.html"


def each(processor: dict, **more) -> dict:
    return machine(M={"Type": "Map", "ItemProcessor": processor, "End": True, **more})


ends("a Map keeps the order", MAP, each(machine(T=task()), ItemsPath="$.l"), {"l": [3, 1, 2]}, [3, 1, 2])
ends("a Map over nothing", MAP, each(one()), [], [])
ends("an item's index and value", MAP, each(one(), ItemsPath="$.l", ItemSelector={
    "i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$.x"}), {"l": ["a"], "x": 1},
     [{"i": 0, "v": "a", "all": 1}])  # fmt: skip
ends("a Map over what is no list", MAP, each(one(), ItemsPath="$.l"), {"l": 1}, error="States.Runtime")
ends("a Map that fails in one", MAP, each(machine(T=task())), [{"fail": "x"}, 1], error="Custom")
PARALLEL = {"Type": "Parallel", "End": True, "Branches": [
    machine(A={"Type": "Pass", "Result": 1, "End": True}), machine(B={"Type": "Pass", "Result": 2, "End": True})]}  # fmt: skip
ends("branches beside each other", f"{GUIDE}state-parallel.html", machine(P=PARALLEL), {}, [1, 2])
ends("a branch that fails", f"{GUIDE}state-parallel.html", machine(P={**PARALLEL, "Branches": [
    machine(A={"Type": "Pass", "End": True}), machine(F={"Type": "Fail", "Error": "E"})]}), {}, error="E")  # fmt: skip
ends("a Wait of no time by a path", f"{GUIDE}state-wait.html", machine(
    W={"Type": "Wait", "SecondsPath": "$.s", "End": True}), {"s": 0}, {"s": 0})  # fmt: skip
ends("a Succeed state", f"{GUIDE}state-succeed.html", machine(S={"Type": "Succeed"}), {"a": 1}, {"a": 1})

# --- services ---
INVOKE = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True,
          "Parameters": {"FunctionName": FUNCTION, "Payload.$": "$"}}  # fmt: skip
ends(
    "lambda:invoke wraps the answer",
    f"{GUIDE}connect-lambda.html",
    machine(T={**INVOKE, "OutputPath": "$.Payload"}),
    {"a": 1},
    {"a": 1},
)
ends("lambda:invoke says which version", f"{GUIDE}connect-lambda.html", machine(T={**INVOKE, "ResultSelector": {
    "v.$": "$.ExecutedVersion", "c.$": "$.StatusCode"}}), 1, {"v": "$LATEST", "c": 200})  # fmt: skip
ends("an AWS SDK call reads an object", f"{GUIDE}supported-services-awssdk.html", machine(T={
    "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "End": True, "OutputPath": "$.Body",
    "Parameters": {"Bucket": "@bucket", "Key": "key"}}), {}, "0123456789")  # fmt: skip
ends("an AWS SDK call that fails", f"{GUIDE}supported-services-awssdk.html", machine(T={
    "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "End": True,
    "Parameters": {"Bucket": "@bucket", "Key": "none"}}), {}, error="S3.NoSuchKeyException")  # fmt: skip
ends("a task that the role may not do", f"{GUIDE}procedure-create-iam-role.html", machine(T={
    "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "End": True, "Parameters": {}}), {},
     error="S3.AccessDeniedException")  # fmt: skip
ends("a function that is not there", ERRORS, machine(T=task(Resource="arn:aws:states:::lambda:invoke", Parameters={
    "FunctionName": "faceblur-conformance-none"})), {}, error="Lambda.ResourceNotFoundException")  # fmt: skip

# --- definitions that are none ---
BAD = f"{API}CreateStateMachine.html"
for name, definition in [
    ("no JSON", "{"), ("no StartAt", {"States": {"A": {"Type": "Pass", "End": True}}}),
    ("a StartAt that is no state", {"StartAt": "B", "States": {"A": {"Type": "Pass", "End": True}}}),
    ("a state without an end", {"StartAt": "A", "States": {"A": {"Type": "Pass"}}}),
    ("a Next that is no state", {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}),
    ("a type that is none", {"StartAt": "A", "States": {"A": {"Type": "Jump", "End": True}}}),
    ("a path that is none", one(InputPath="a.b")),
    ("a state nobody reaches", machine(A={"Type": "Pass", "End": True}, B={"Type": "Pass", "End": True})),
    ("States.ALL beside others", machine(T={**task(Resource="arn:aws:lambda:us-east-1:123456789012:function:f"), "Retry": [
        {"ErrorEquals": ["States.ALL", "E"]}]})),
    ("a Task without a resource", machine(T={"Type": "Task", "End": True})),
    ("a Choice with an End", machine(C={"Type": "Choice", "Choices": [{**V, "IsNull": True, "Next": "C"}], "End": True})),
]:  # fmt: skip
    refuses(f"a definition: {name}", BAD, "states.create_state_machine", "InvalidDefinition",
            name=lambda w: w.unique(), roleArn="@states_role",
            definition=definition if isinstance(definition, str) else json.dumps(definition))  # fmt: skip
refuses("a role that trusts another service", BAD, "states.create_state_machine", "AccessDeniedException",
        name=lambda w: w.unique(), roleArn="@role", definition=json.dumps(one()))  # fmt: skip
refuses("a name with a space", BAD, "states.create_state_machine", "InvalidName", name="a b", roleArn="@states_role",
        definition=json.dumps(one()))  # fmt: skip
NOWHERE = "arn:aws:states:us-east-1:{}:{}:faceblur-conformance-none"
refuses("a machine that is not there", f"{API}StartExecution.html", "states.start_execution", "StateMachineDoesNotExist",
        stateMachineArn=lambda w: NOWHERE.format(w.account, "stateMachine"))  # fmt: skip
refuses("an execution that is not there", f"{API}DescribeExecution.html", "states.describe_execution",
        "ExecutionDoesNotExist", executionArn=lambda w: NOWHERE.format(w.account, "execution") + ":x")  # fmt: skip
refuses("input that is no JSON", f"{API}StartExecution.html", "states.start_execution", "InvalidExecutionInput",
        stateMachineArn=lambda w: w.new_machine(one()), input="{")  # fmt: skip
refuses(
    "an ARN that is none", f"{API}DescribeExecution.html", "states.describe_execution", "InvalidArn", executionArn="x"
)
refuses("a token that is none", f"{API}SendTaskSuccess.html", "states.send_task_success", "InvalidToken", taskToken="x",
        output="1")  # fmt: skip


@case("who creates a machine must be let to pass its role", "IAM/latest/UserGuide/id_roles_use_passrole.html")
def _(world):
    given = {"name": world.unique(), "roleArn": world.states_role, "definition": json.dumps(one())}
    without = world.as_role(allow("states:*"))("stepfunctions")
    assert error_of(without.create_state_machine, **given) == "AccessDeniedException"


@case("the same name and input is the same execution while it runs, another input is none", f"{API}StartExecution.html")
def _(world):
    arn = world.new_machine(machine(W={"Type": "Wait", "Seconds": 20, "End": True}))
    name = {"stateMachineArn": arn, "name": "same"}
    first = world.states.start_execution(**name, input="1")["executionArn"]
    assert world.states.start_execution(**name, input="1")["executionArn"] == first
    assert error_of(world.states.start_execution, **name, input="2") == "ExecutionAlreadyExists"
    world.states.stop_execution(executionArn=first, error="E", cause="c")
    found = world.states.describe_execution(executionArn=first)
    assert (found["status"], found["error"]) == ("ABORTED", "E")


@case("the same machine again is the same, another definition is none", f"{API}CreateStateMachine.html")
def _(world):
    arn = world.new_machine(one())
    given = {"name": arn.rpartition(":")[2], "roleArn": world.states_role}
    again = world.states.create_state_machine(**given, definition=json.dumps(one()))
    assert again["stateMachineArn"] == arn
    other = error_of(world.states.create_state_machine, **given, definition=json.dumps(one(Result=1)))
    assert other == "StateMachineAlreadyExists"


@case("an execution's history, event by event", f"{API}GetExecutionHistory.html")
def _(world):
    found = world.execute(machine(T=task()), {"a": 1})
    events = world.history(found["executionArn"])
    kinds = ["ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted",
             "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"]  # fmt: skip
    assert [event["type"] for event in events] == kinds
    assert [event["id"] for event in events] == list(range(1, 8))
    assert [event["previousEventId"] for event in events] == [0, 0, 2, 3, 4, 5, 6]


@case("the history of a service's task", f"{API}GetExecutionHistory.html")
def _(world):
    events = world.history(world.execute(machine(T=INVOKE), 1)["executionArn"])
    kinds = [event["type"] for event in events]
    assert kinds[2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    assert events[3]["taskStartedEventDetails"] == {"resourceType": "lambda", "resource": "invoke"}


@case("the history of a Map", f"{API}GetExecutionHistory.html")
def _(world):
    events = world.history(world.execute(each(one()), [1, 2])["executionArn"])
    kinds = [event["type"] for event in events]
    assert kinds.count("MapIterationStarted") == kinds.count("MapIterationSucceeded") == 2
    started = next(event for event in events if event["type"] == "MapStateStarted")
    assert started["mapStateStartedEventDetails"]["length"] == 2


@case("the history backwards and by pages", f"{API}GetExecutionHistory.html")
def _(world):
    run = world.execute(one())["executionArn"]
    last = world.states.get_execution_history(executionArn=run, reverseOrder=True, maxResults=1)
    assert last["events"][0]["type"] == "ExecutionSucceeded" and last["nextToken"]


@case("a token lets a task go on", f"{GUIDE}connect-to-resource.html")
def _(world):
    send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True,
            "Parameters": {"QueueUrl": world.sqs.create_queue(QueueName=world.unique())["QueueUrl"],
                           "MessageBody": {"token.$": "$$.Task.Token"}}}  # fmt: skip
    url = send["Parameters"]["QueueUrl"]
    world.afterwards(world.sqs.delete_queue, QueueUrl=url)
    role = world.new_role("states.amazonaws.com", allow("sqs:SendMessage"))
    name = world.unique()
    arn = world.states.create_state_machine(name=name, roleArn=role, definition=json.dumps(machine(T=send)))[
        "stateMachineArn"
    ]
    world.afterwards(world.states.delete_state_machine, stateMachineArn=arn)
    run = world.states.start_execution(stateMachineArn=arn)["executionArn"]
    message = world.eventually(lambda: world.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), 20)[
        0
    ]
    world.states.send_task_success(taskToken=json.loads(message["Body"])["token"], output="7")
    look = lambda: world.states.describe_execution(executionArn=run)  # noqa: E731
    found = world.eventually(lambda: (f := look())["status"] != "RUNNING" and f)
    assert found["output"] == "7"


@case(
    "a failed execution goes on from where it failed",
    f"{API}RedriveExecution.html",
    lacks="RedriveExecution is refused by name",
)
def _(world):
    found = world.execute(machine(A={"Type": "Pass", "Next": "T"}, T=task()), {"fail": "x"})
    answer = world.states.redrive_execution(executionArn=found["executionArn"])
    assert answer["redriveDate"]


@case("JSONata computes", f"{GUIDE}transforming-data.html", lacks="refused by name when the machine is made")
def _(world):
    definition = {
        "QueryLanguage": "JSONata",
        **machine(P={"Type": "Pass", "Output": "{% $states.input.a + 1 %}", "End": True}),
    }
    assert world.execute(definition, {"a": 1})["output"] == "2"


@case(
    "variables keep what later states need",
    f"{GUIDE}workflow-variables.html",
    lacks="refused by name when the machine is made",
)
def _(world):
    first = {"Type": "Pass", "Assign": {"kept.$": "$.a"}, "Result": 0, "Next": "B"}
    found = world.execute(machine(A=first, B={"Type": "Pass", "Parameters": {"v.$": "$kept"}, "End": True}), {"a": 5})
    assert json.loads(found["output"]) == {"v": 5}


@case("tags are found again", f"{API}ListTagsForResource.html")
def _(world):
    arn = world.new_machine(one(), tags=[{"key": "owner", "value": world.run}])
    assert world.states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "owner", "value": world.run}]

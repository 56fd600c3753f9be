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


DATA = {
    "a": {"b": [1, 2, {"c": 3}]}, "d e": 5, "nested": [[1, 2], [3]],
    "list": [{"n": 1, "k": "x"}, {"n": 2, "k": "y"}, {"n": 3, "k": "x"}],
}  # fmt: skip

# --- paths and data ---
for name, path, found in [
    ("a field", "$.a.b", [1, 2, {"c": 3}]), ("an index", "$.a.b[1]", 2), ("a field in brackets", "$['d e']", 5),
    ("double quotes in brackets", '$["a"]["b"][0]', 1), ("brackets after a dot", "$.a.['b'][0]", 1),
    ("every item", "$.list[*].n", [1, 2, 3]), ("every field", "$.a.*", [[1, 2, {"c": 3}]]),
    ("lists in a list, made one", "$.nested[*][*]", [1, 2, 3]), ("what no item has", "$.list[*].none", []),
    ("a slice", "$.list[0:2].n", [1, 2]), ("a slice from the start", "$.list[:1].n", [1]),
    ("a slice of the last", "$.list[-2:].n", [2, 3]), ("an index from the end", "$.list[-1].n", 3),
    ("indices", "$.list[0,2].n", [1, 3]), ("several fields", "$.list[0]['n','k']", {"n": 1, "k": "x"}),
    ("several fields of every item", "$.list[*]['n','k']", [{"n": n, "k": k} for n, k in ((1, "x"), (2, "y"), (3, "x"))]),
    ("a filter", "$.list[?(@.n > 1)].n", [2, 3]), ("a filter by text", "$.list[?(@.k == 'x')].n", [1, 3]),
    ("a filter that nothing passes", "$.list[?(@.n > 9)]", []), ("two conditions", "$.list[?(@.n > 1 && @.k == 'x')].n", [3]),
    ("either condition", "$.list[?(@.n == 1 || @.k == 'y')].n", [1, 2]), ("a condition denied", "$.list[?(!(@.n == 1))].n", [2, 3]),
    ("a filter by what is there", "$.a.b[?(@.c)]", [{"c": 3}]), ("a filter by a list", "$.list[?(@.n in [1, 3])].n", [1, 3]),
    ("a filter by a pattern", "$.list[?(@.k =~ /X/i)].n", [1, 3]), ("a filter by another field", "$.list[?(@.n == $.a.b[1])].n", [2]),
    ("descent", "$..c", [3]), ("descent to every one", "$..n", [1, 2, 3]), ("descent with a filter", "$..[?(@.n > 2)].k", ["x"]),
]:  # fmt: skip
    ends(f"a path: {name}", PATHS, one(InputPath=path), DATA, found)
ends(
    "a filter in an intrinsic function",
    INTRINSIC,
    one(Parameters={"v.$": "States.ArrayLength($.list[?(@.k == 'x')])"}),
    DATA,
    {"v": 2},
)
ends(
    "a path to lists in lists of a template",
    PATHS,
    one(Parameters={"v": [[{"w.$": "$.a.b[0]"}]]}),
    DATA,
    {"v": [[{"w": 1}]]},
)
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

ends("a path that cannot lead anywhere", ERRORS, one(InputPath="$.none[*]"), {"a": 1}, error="States.Runtime")
ends("a name in brackets in ResultPath", f"{GUIDE}input-output-resultpath.html", one(Result=1, ResultPath="$['x y'].z"),
     {"a": 1}, {"a": 1, "x y": {"z": 1}})  # fmt: skip
ends(
    "an item in ResultPath",
    f"{GUIDE}input-output-resultpath.html",
    one(Result=9, ResultPath="$.a[1]"),
    {"a": [1, 2]},
    {"a": [1, 9]},
)
ends(
    "a ResultPath that does not fit the input",
    ERRORS,
    one(Result=1, ResultPath="$.x"),
    "text",
    error="States.ResultPathMatchFailure",
)
ends(
    "a ResultPath through a number",
    ERRORS,
    one(Result=1, ResultPath="$.a.b"),
    {"a": 1},
    error="States.ResultPathMatchFailure",
)
CONTEXT = f"{GUIDE}input-output-contextobject.html"
ends("the context object as input", CONTEXT, one(InputPath="$$.Execution.Input"), {"a": 1}, {"a": 1})


@case("the whole context object", CONTEXT)
def _(world):
    found = world.execute(one(Parameters={"c.$": "$$"}), {"a": 1})
    seen = json.loads(found["output"])["c"]
    assert set(seen) == {"Execution", "State", "StateMachine"}, seen
    assert (seen["Execution"]["Id"], seen["Execution"]["RoleArn"]) == (found["executionArn"], world.states_role)
    assert (seen["State"]["Name"], seen["StateMachine"]["Id"]) == ("One", found["stateMachineArn"])


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

for name, call, found in [
    ("Format says true and null as JSON does", "States.Format('{} {}', $.t, $.n)", "true null"),
    ("Format with escapes", r"States.Format('\{{}\} it\'s', 'a')", "{a} it's"),
    ("ArrayContains: true is not 1", "States.ArrayContains($.l, true)", False),
    ("ArrayUnique: true is not 1", "States.ArrayUnique(States.Array(1, true, 1))", [1, True]),
    ("ArrayRange downwards", "States.ArrayRange(5, 1, -2)", [5, 3, 1]),
    ("StringSplit at each of several letters", "States.StringSplit('a.b+c', '.+')", ["a", "b", "c"]),
    ("MathRandom with the same beginning", "States.ArrayUnique(States.Array(States.MathRandom(1, 999, 7), States.MathRandom(1, 999, 7)))",
     lambda v: len(v) == 1 and 1 <= v[0] <= 999),
]:  # fmt: skip

    def check(world, call=call, wanted=found):
        output = json.loads(world.execute(one(Parameters={"v.$": call}), {"t": True, "n": None, "l": [1]})["output"])[
            "v"
        ]
        assert wanted(output) if callable(wanted) else json.dumps(output) == json.dumps(wanted), output

    STATES.add(f"States.{name}", INTRINSIC, check)
for name, call in [
    ("StringToJson of what is no JSON", "States.StringToJson('{')"), ("ArrayGetItem beyond the end", "States.ArrayGetItem($.l, 1)"),
    ("ArrayGetItem before the start", "States.ArrayGetItem($.l, -1)"), ("ArrayPartition in pieces of nothing", "States.ArrayPartition($.l, 0)"),
    ("ArrayRange that gets nowhere", "States.ArrayRange(1, 9, 0)"), ("ArrayRange of more than 1,000", "States.ArrayRange(1, 1001, 1)"),
    ("JsonMerge in depth", "States.JsonMerge($, $, true)"), ("Format with a value too few", "States.Format('{} {}', 1)"),
    ("Format with a value too many", "States.Format('{}', 1, 2)"), ("Hash of more than 10,000 letters", "States.Hash($.long, 'MD5')"),
    ("MathAdd of a text", "States.MathAdd('1', 2)"),
]:  # fmt: skip
    ends(
        f"States.{name}",
        INTRINSIC,
        one(Parameters={"v.$": call}),
        {"l": [1], "long": "x" * 10_001},
        error="States.IntrinsicFailure",
    )

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
chooses("a star that is one", {**V, "StringMatches": r"a\*b"}, {"v": "axb"}, False)
chooses("true is no number", {**V, "IsNumeric": True}, {"v": True}, False)
chooses("1 is not true", {**V, "BooleanEquals": True}, {"v": 1}, False)
chooses("a day is no timestamp", {**V, "IsTimestamp": True}, {"v": "2016-03-14"}, False)
chooses("the context object", {"Variable": "$$.Execution.Input.v", "NumericEquals": 1}, {"v": 1}, True)
chooses("an index in the variable", {"Variable": "$.v[1].w", "NumericEquals": 1}, {"v": [0, {"w": 1}]}, True)
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


ends("States.Runtime is not caught by its name either", ERRORS, machine(T=task(
    InputPath="$.none", Catch=[{"ErrorEquals": ["States.Runtime"], "Next": "Caught"}]), Caught=CAUGHT), {}, error="States.Runtime")  # fmt: skip
ends("what a function cannot do is caught", ERRORS, machine(T=task(
    Parameters={"v.$": "States.StringToJson('{')"}, Catch=[{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "Caught"}]),
    Caught={**CAUGHT, "Result": 1}), {}, 1)  # fmt: skip
ends("a time limit by a path", f"{GUIDE}state-task.html", machine(T=task(TimeoutSecondsPath="$.limit")), {"sleep": 5, "limit": 1},
     error="States.Timeout")  # fmt: skip
ends("a time limit by a path that leads to a text", f"{GUIDE}state-task.html", machine(T=task(TimeoutSecondsPath="$.limit")),
     {"limit": "1"}, error="States.Runtime")  # fmt: skip
ends("no attempts at all", ERRORS, machine(T=task(Retry=[{"ErrorEquals": ["Custom"], "MaxAttempts": 0}, RETRY])), {"fail": "x"},
     error="Custom")  # fmt: skip
ends("a Map catches what fails in it", ERRORS, machine(
    M={"Type": "Map", "ItemProcessor": machine(F={"Type": "Fail", "Error": "E", "Cause": "c"}), "Catch": CATCH, "End": True},
    Caught=CAUGHT), [1], {"Error": "E", "Cause": "c"})  # fmt: skip
ends("a Fail state puts its cause together", f"{GUIDE}state-fail.html", machine(
    T={"Type": "Parallel", "Branches": [machine(F={"Type": "Fail", "Error": "E", "CausePath": "States.Format('no {}', $.a)"})],
       "Catch": CATCH, "End": True}, Caught=CAUGHT), {"a": 1}, {"Error": "E", "Cause": "no 1"})  # fmt: skip


@case("a retry knows how many went before", CONTEXT)
def _(world):
    again = {"ErrorEquals": ["Custom"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}
    found = world.execute(
        machine(T=task(Parameters={"fail.$": "States.Format('{}', $$.State.RetryCount)"}, Retry=[again]))
    )
    assert json.loads(found["cause"])["errorMessage"] == "1"


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

ends("each branch knows the state that it is in", f"{GUIDE}state-parallel.html", machine(P={**PARALLEL, "Branches": [
    machine(**{name: {"Type": "Wait", "Seconds": 1, "Next": f"{name}2"},
               f"{name}2": {"Type": "Pass", "Parameters": {"s.$": "$$.State.Name"}, "End": True}}) for name in ("A", "B")]}), {},
     [{"s": "A2"}, {"s": "B2"}])  # fmt: skip
ends(
    "a Map in a Map",
    MAP,
    each({"StartAt": "N", "States": {"N": each(one(Parameters={"i.$": "$$.Map.Item.Index"}))["States"]["M"]}}),
    [[0, 0], [0]],
    [[{"i": 0}, {"i": 1}], [{"i": 0}]],
)
ends("a Parallel's results through a selector", f"{GUIDE}state-parallel.html", machine(P={
    **PARALLEL, "ResultSelector": {"all.$": "$[*]", "who.$": "$$.State.Name"}}), {}, {"all": [1, 2], "who": "P"})  # fmt: skip
ends("a Wait of a text", f"{GUIDE}state-wait.html", machine(W={"Type": "Wait", "SecondsPath": "$.s", "End": True}), {"s": "1"},
     error="States.Runtime")  # fmt: skip
ends("a Wait until a time that is none", f"{GUIDE}state-wait.html", machine(W={"Type": "Wait", "TimestampPath": "$.s", "End": True}),
     {"s": "soon"}, error="States.Runtime")  # fmt: skip
ends("a Wait until what is past", f"{GUIDE}state-wait.html", machine(W={"Type": "Wait", "Timestamp": "2016-03-14T01:59:00Z", "End": True}),
     {"s": 1}, {"s": 1})  # fmt: skip

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

for name, resource, parameters, error in [
    ("a queue", "sqs:sendMessage", {"QueueUrl": "@queue", "MessageBody": "x"}, "SQS.AmazonSQSException"),
    ("a queue, with a token", "sqs:sendMessage.waitForTaskToken", {"QueueUrl": "@queue", "MessageBody": {"t.$": "$$.Task.Token"}},
     "SQS.AmazonSQSException"),
]:  # fmt: skip
    ends(f"a task that the role may not do: {name}", f"{GUIDE}connect-sqs.html", machine(T={
        "Type": "Task", "Resource": f"arn:aws:states:::{resource}", "TimeoutSeconds": 20, "End": True, "Parameters": parameters}), {},
        error=error)  # fmt: skip

ends("lambda:invoke without a payload sends none", f"{GUIDE}connect-lambda.html", machine(T={
    **INVOKE, "Parameters": {"FunctionName": FUNCTION}, "OutputPath": "$.Payload"}), {"a": 1}, {})  # fmt: skip
ends("lambda:invoke for later does not wait", f"{GUIDE}connect-lambda.html", machine(T={
    **INVOKE, "Parameters": {"FunctionName": FUNCTION, "InvocationType": "Event", "Payload": {"sleep": 5}}, "OutputPath": "$.StatusCode"}),
     {}, 202)  # fmt: skip


@case("an execution in an execution, and its output", f"{GUIDE}connect-stepfunctions.html")
def _(world):
    inner = world.new_machine(one(Parameters={"b.$": "$.a"}))
    assert world.nested(inner, ".sync:2", {"a": 1})["Output"] == {"b": 1}
    assert json.loads(world.nested(inner, ".sync", {"a": 1})["Output"]) == {"b": 1}


@case("an execution in an execution that fails", f"{GUIDE}connect-stepfunctions.html")
def _(world):
    inner = world.new_machine(machine(F={"Type": "Fail", "Error": "E", "Cause": "c"}))
    assert world.nested(inner, ".sync:2", {}) == "States.TaskFailed"


@case("an execution in an execution needs the right", f"{GUIDE}connect-stepfunctions.html")
def _(world):
    inner = world.new_machine(one())
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "End": True,
        "Parameters": {"StateMachineArn": inner},
    }
    assert world.execute(machine(T=start))["error"] == "StepFunctions.AWSStepFunctionsException"


# --- tokens and activities ---
@case("a task that its token says failed", f"{API}SendTaskFailure.html")
def _(world):
    token, run = world.with_token(Catch=[{"ErrorEquals": ["Mine"], "Next": "Caught"}])
    world.states.send_task_failure(taskToken=token, error="Mine", cause="c")
    assert json.loads(world.ended(run)["output"]) == {"Error": "Mine", "Cause": "c"}
    assert error_of(world.states.send_task_success, taskToken=token, output="1") in ("TaskTimedOut", "TaskDoesNotExist")


@case("heartbeats keep a task alive", f"{API}SendTaskHeartbeat.html")
def _(world):
    token, run = world.with_token(HeartbeatSeconds=3)
    for _ in range(4):
        time.sleep(0.9)
        world.states.send_task_heartbeat(taskToken=token)
    world.states.send_task_success(taskToken=token, output="7")
    assert world.ended(run)["output"] == "7"


@case("a worker takes an activity's task", f"{API}GetActivityTask.html")
def _(world):
    activity = world.states.create_activity(name=world.unique())["activityArn"]
    world.afterwards(world.states.delete_activity, activityArn=activity)
    arn = world.new_machine(machine(T={"Type": "Task", "Resource": activity, "End": True}))
    run = world.states.start_execution(stateMachineArn=arn, input='{"a": 1}')["executionArn"]
    given = world.states.get_activity_task(activityArn=activity)
    assert json.loads(given["input"]) == {"a": 1}
    world.states.send_task_success(taskToken=given["taskToken"], output='{"b": 2}')
    assert json.loads(world.ended(run)["output"]) == {"b": 2}


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
    ("a ResultPath with a filter", one(Result=1, ResultPath="$.a[?(@.b == 1)]")), ("a ResultPath of every item", one(Result=1, ResultPath="$.a[*]")),
    ("a ResultPath with a slice", one(Result=1, ResultPath="$.a[0:1]")), ("a ResultPath of several fields", one(Result=1, ResultPath="$['a','b']")),
    ("a ResultPath by descent", one(Result=1, ResultPath="$..a")), ("a ResultPath of the context object", one(Result=1, ResultPath="$$.State")),
    ("a Wait's path with several indices", machine(W={"Type": "Wait", "SecondsPath": "$.a[0,1]", "End": True})),
    ("a Map's path by descent", machine(M={"Type": "Map", "ItemsPath": "$..a", "ItemProcessor": one(), "End": True})),
    ("a variable with a wildcard", machine(C={"Type": "Choice", "Choices": [{"Variable": "$.a[*]", "IsNull": True, "Next": "P"}]}, P=one()["States"]["One"])),
    ("a path that cannot be read", one(InputPath="$.a[")), ("a template's path that is none", one(Parameters={"a.$": "b"})),
    ("an intrinsic function that is none", one(Parameters={"a.$": "States.Reverse($.a)"})),
    ("an intrinsic function without its end", one(Parameters={"a.$": "States.Format('{}', $.a"})),
    ("a state's name of 81 letters", machine(**{"x" * 81: {"Type": "Pass", "End": True}})),
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


refuses("an execution's name with a space", f"{API}StartExecution.html", "states.start_execution", "InvalidName",
        stateMachineArn=lambda w: w.new_machine(one()), name="a b")  # fmt: skip
refuses("a change of nothing", f"{API}UpdateStateMachine.html", "states.update_state_machine", "MissingRequiredParameter",
        stateMachineArn=lambda w: w.new_machine(one()))  # fmt: skip
refuses("an answer that is no JSON", f"{API}SendTaskSuccess.html", "states.send_task_success", "InvalidOutput",
        taskToken="x" * 64, output="{")  # fmt: skip


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


@case("the history says what a task was given, and its limits", f"{API}TaskScheduledEventDetails.html")
def _(world):
    run = world.execute(machine(T={**INVOKE, "TimeoutSeconds": 30}), {"a": 1})["executionArn"]
    said = next(event for event in world.history(run) if event["type"] == "TaskScheduled")["taskScheduledEventDetails"]
    assert said["timeoutInSeconds"] == 30 and json.loads(said["parameters"])["Payload"] == {"a": 1}


@case("the history says what a function was given", f"{API}LambdaFunctionScheduledEventDetails.html")
def _(world):
    run = world.execute(machine(T=task()), {"a": 1})["executionArn"]
    said = next(event for event in world.history(run) if event["type"] == "LambdaFunctionScheduled")
    assert json.loads(said["lambdaFunctionScheduledEventDetails"]["input"]) == {"a": 1}


@case("nothing follows in the history of an execution that was stopped", f"{API}StopExecution.html")
def _(world):
    waits = machine(A={"Type": "Wait", "Seconds": 1, "Next": "B"}, B={"Type": "Pass", "End": True})
    arn = world.new_machine(each(waits, ItemsPath="$"))
    run = world.states.start_execution(stateMachineArn=arn, input="[1]")["executionArn"]
    world.eventually(lambda: any(event["type"] == "WaitStateEntered" for event in world.history(run)))
    world.states.stop_execution(executionArn=run)
    time.sleep(1.5)
    assert world.history(run)[-1]["type"] == "ExecutionAborted"


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
    token, run = world.with_token()
    world.states.send_task_success(taskToken=token, output="7")
    assert world.ended(run)["output"] == "7"


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


@case("executions by their status, the last first", f"{API}ListExecutions.html")
def _(world):
    arn = world.new_machine(machine(C={"Type": "Choice", "Choices": [{**V, "IsPresent": True, "Next": "S"}], "Default": "F"},
                                    S={"Type": "Succeed"}, F={"Type": "Fail"}))  # fmt: skip
    for name, given in (("one", '{"v": 1}'), ("two", '{"v": 1}'), ("three", "{}")):
        world.ended(world.states.start_execution(stateMachineArn=arn, name=name, input=given)["executionArn"])
    found = world.states.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")["executions"]
    assert [one["name"] for one in found] == ["two", "one"]


@case("the machine of an execution as it was", f"{API}DescribeStateMachineForExecution.html")
def _(world):
    arn = world.new_machine(one())
    run = world.states.start_execution(stateMachineArn=arn)["executionArn"]
    world.ended(run)
    world.states.update_state_machine(stateMachineArn=arn, definition=json.dumps(one(Result=1)))
    found = world.states.describe_state_machine_for_execution(executionArn=run)
    assert json.loads(found["definition"]) == one()


@case("a name is used once, whatever the execution came to", f"{API}StartExecution.html")
def _(world):
    arn = world.new_machine(one())
    world.ended(world.states.start_execution(stateMachineArn=arn, name="once", input="1")["executionArn"])
    again = error_of(world.states.start_execution, stateMachineArn=arn, name="once", input="2")
    assert again == "ExecutionAlreadyExists"


@case("a short machine answers at once", f"{API}StartSyncExecution.html")
def _(world):
    arn = world.new_machine(one(Parameters={"b.$": "$.a"}), type="EXPRESS")
    given = {"stateMachineArn": arn, "input": '{"a": 1}'}
    found = world.client("stepfunctions", **world.at_once).start_sync_execution(**given)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"b": 1})


@case("the history without data", f"{API}GetExecutionHistory.html")
def _(world):
    run = world.execute(one(), {"a": 1})["executionArn"]
    events = world.states.get_execution_history(executionArn=run, includeExecutionData=False)["events"]
    assert not events[0]["executionStartedEventDetails"].get("input")
    assert not events[1]["stateEnteredEventDetails"].get("input")


@case("tags are found again", f"{API}ListTagsForResource.html")
def _(world):
    arn = world.new_machine(one(), tags=[{"key": "owner", "value": world.run}])
    assert world.states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "owner", "value": world.run}]

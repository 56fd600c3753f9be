"""State machines on the embedded AWS: what they run, and what is refused as AWS refuses it."""

import json
import time

import boto3
import pytest
from botocore.exceptions import ClientError
from localaws_kit import (
    MEETING,
    allow,
    eventually,
    make_bucket,
    make_function,
    make_role,
    read_object,
    receive,
    subscribe,
    trust,
    unique,
)

pytestmark = pytest.mark.usefixtures("local_aws")

INVOKE = "arn:aws:states:::lambda:invoke"


PASS = {"Type": "Pass", "End": True}


def one(**state):
    return {"StartAt": "Only", "States": {"Only": {"End": True, **state}}}


def deploy(definition, *statements, role=None):
    role = role or make_role("states.amazonaws.com", *statements)
    return boto3.client("stepfunctions").create_state_machine(
        name=unique("machine"), definition=json.dumps(definition), roleArn=role
    )["stateMachineArn"]


def run(machine, value=None, **options):
    """DescribeExecution of a finished execution."""
    client = boto3.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine, input=json.dumps(value or {}), **options)["executionArn"]
    return eventually(lambda: ended(client.describe_execution(executionArn=arn)))


def ended(execution):
    return execution if execution["status"] != "RUNNING" else None


def outcome(definition, value=None, *statements):
    execution = run(deploy(definition, *statements), value)
    if execution["status"] == "SUCCEEDED":
        return json.loads(execution["output"])
    return execution["status"], execution.get("error")


def task(function, payload, **state):
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": function, "Payload": payload},
        **state,
    }


@pytest.fixture(scope="module")
def worker(local_aws):
    """A function that does what the event says."""
    return make_function(
        "import time\n"
        "class JobFailedError(Exception): pass\n"
        "def handler(event, context):\n"
        "    if event.get('fail'): raise JobFailedError('no faces today')\n"
        "    if event.get('size'): return 'x' * event['size']\n"
        "    time.sleep(event.get('sleep', 0))\n"
        "    return {'event': event}\n"
    )


def test_a_loop_of_task_choice_and_wait(worker):
    definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": task(
                worker,
                {"round.$": "States.MathAdd($.job.round, 1)"},
                ResultSelector={"round.$": "$.Payload.event.round", "seconds": 1},
                ResultPath="$.job",
                Next="Done?",
            ),
            "Done?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.job.round", "NumericGreaterThanEquals": 2, "Next": "Yes"}],
                "Default": "Wait",
            },
            "Wait": {"Type": "Wait", "SecondsPath": "$.job.seconds", "Next": "Ask"},
            "Yes": {"Type": "Succeed", "OutputPath": "$.job.round"},
        },
    }
    assert outcome(definition, {"job": {"round": 0}}, allow("lambda:InvokeFunction", worker)) == 2


def test_map_runs_items_in_parallel_processes():
    source = MEETING + "def handler(event, context): return {'n': event['n'], 'pid': meet(event['bucket'], 3)}"
    function = make_function(source, allow(["s3:PutObject", "s3:ListBucket"]), Timeout=60)
    item = task(function, {"n.$": "$.n", "bucket.$": "$.bucket"}, End=True)
    definition = one(
        Type="Map",
        ItemsPath="$.items",
        MaxConcurrency=3,
        ItemSelector={"n.$": "$$.Map.Item.Value", "bucket.$": "$.bucket"},
        ItemProcessor={"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Work", "States": {"Work": item}},
        ResultSelector={"done.$": "$[*].Payload"},
    )
    value = {"items": [1, 2, 3], "bucket": make_bucket()}
    done = outcome(definition, value, allow("lambda:InvokeFunction", function))["done"]
    assert [answer["n"] for answer in done] == [1, 2, 3]
    assert len({answer["pid"] for answer in done}) == 3


def test_a_function_s_error_is_caught_by_name_and_ends_with_a_readable_cause(worker):
    definition = {
        "StartAt": "Work",
        "States": {
            "Work": task(
                worker,
                {"fail": True},
                Catch=[
                    {"ErrorEquals": ["OtherError"], "Next": "Wrong"},
                    {"ErrorEquals": ["JobFailedError"], "ResultPath": "$.failure", "Next": "Failed"},
                ],
                Next="Wrong",
            ),
            "Wrong": {"Type": "Succeed"},
            "Failed": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"},
        },
    }
    execution = run(deploy(definition, allow("lambda:InvokeFunction", worker)))
    assert (execution["status"], execution["error"]) == ("FAILED", "JobFailedError")
    assert json.loads(execution["cause"])["errorMessage"] == "no faces today"
    history = boto3.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])
    assert [e["type"] for e in history["events"]][-1] == "ExecutionFailed"


def test_task_timeout_and_retry_then_catch(worker):
    retry = {"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1.0}
    definition = {
        "StartAt": "Work",
        "States": {
            "Work": task(
                worker,
                {"sleep": 5},
                TimeoutSeconds=1,
                Retry=[retry],
                Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Late"}],
                End=True,
            ),
            "Late": {"Type": "Pass", "Result": "late", "End": True},
        },
    }
    execution = run(deploy(definition, allow("lambda:InvokeFunction", worker)))
    assert json.loads(execution["output"]) == "late"
    history = boto3.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])
    assert sum(e["type"] == "TaskScheduled" for e in history["events"]) == 2


def test_a_role_that_may_not_invoke_the_function_fails_the_task(worker):
    execution = run(deploy(one(**task(worker, {})), allow("lambda:InvokeFunction", worker + "-other")))
    assert execution["error"] == "Lambda.AWSLambdaException"
    assert "is not authorized to perform: lambda:InvokeFunction" in execution["cause"]


def test_a_throttled_function_is_known_by_name():
    function = make_function("def handler(event, context): pass")
    boto3.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    ended_with = outcome(one(**task(function, {})), {}, allow("lambda:InvokeFunction", function))
    assert ended_with == ("FAILED", "Lambda.TooManyRequestsException")


def test_s3_put_object_and_sns_publish_run_with_the_role(local_aws):
    bucket = make_bucket()
    topic = boto3.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]
    subscribe(queue, topic)
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Parameters": {"Bucket": bucket, "Key": "failure.json", "Body": {"why.$": "$.why"}},
        "ResultPath": None,
        "Next": "Tell",
    }
    tell = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": topic, "Message.$": "$.why"},
        "End": True,
    }
    definition = {"StartAt": "Put", "States": {"Put": put, "Tell": tell}}
    permissions = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"), allow("sns:Publish", topic)
    assert outcome(definition, {"why": "because"}, *permissions)["MessageId"]
    assert json.loads(read_object(bucket, "failure.json")) == {"why": "because"}
    assert receive(queue) == "because"
    assert outcome(definition, {"why": "x"}, permissions[1]) == ("FAILED", "S3.AccessDeniedException")
    assert outcome(definition, {"why": "x"}, permissions[0])[0] == "FAILED"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "InputPath": "$.nowhere"},
        {"Type": "Pass", "OutputPath": "$.nowhere"},
        {"Type": "Pass", "Parameters": {"x.$": "$.nowhere"}},
        {"Type": "Wait", "SecondsPath": "$.nowhere"},
        {"Type": "Map", "ItemsPath": "$.a", "ItemProcessor": {"StartAt": "P", "States": {"P": PASS}}},
        {"Type": "Map", "ItemsPath": "$.nowhere", "ItemProcessor": {"StartAt": "P", "States": {"P": PASS}}},
    ],
)
def test_a_path_that_leads_nowhere_fails_instead_of_giving_null(state):
    assert outcome(one(**state), {"a": 1}) == ("FAILED", "States.Runtime")


def test_choice_may_ask_whether_something_is_there():
    choices = [{"Variable": "$.problem", "IsPresent": True, "Next": "Yes"}]
    definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": {"Type": "Choice", "Choices": choices, "Default": "No"},
            "Yes": {"Type": "Pass", "Result": "yes", "End": True},
            "No": {"Type": "Pass", "Result": "no", "End": True},
        },
    }
    assert outcome(definition, {"problem": None}) == "yes"
    assert outcome(definition, {"other": 1}) == "no"
    choices[0] = {"Variable": "$.problem", "StringEquals": "x", "Next": "Yes"}
    assert outcome(definition, {"other": 1}) == ("FAILED", "States.Runtime")


def test_null_is_a_value():
    assert outcome(one(Type="Pass", Parameters={"x.$": "$.x"}), {"x": None}) == {"x": None}


def test_a_result_over_the_payload_limit_cannot_be_caught(worker):
    definition = {
        "StartAt": "Work",
        "States": {
            "Work": task(
                worker, {"size": 262_200}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}], End=True
            ),
            "Caught": {"Type": "Succeed"},
        },
    }
    permission = allow("lambda:InvokeFunction", worker)
    assert outcome(definition, {}, permission) == ("FAILED", "States.DataLimitExceeded")
    definition["States"]["Work"]["Parameters"]["Payload"]["size"] = 200_000
    assert len(outcome(definition, {}, permission)["Payload"]) == 200_000


def test_an_input_over_the_payload_limit_and_one_that_is_no_json_are_refused():
    machine = deploy(one(Type="Pass"))
    for text in (json.dumps("x" * 262_144), "{"):
        with pytest.raises(ClientError, match="InvalidExecutionInput"):
            boto3.client("stepfunctions").start_execution(stateMachineArn=machine, input=text)


def test_the_time_limit_of_the_machine_ends_the_execution():
    execution = run(deploy({**one(Type="Wait", Seconds=3), "TimeoutSeconds": 1}))
    assert execution["status"] == "TIMED_OUT"


def test_a_stopped_execution_stays_aborted(worker):
    client = boto3.client("stepfunctions")
    machine = deploy(one(**task(worker, {"sleep": 1, "fail": False})), allow("lambda:InvokeFunction", worker))
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]
    client.stop_execution(executionArn=arn, error="Enough", cause="by hand")
    assert client.describe_execution(executionArn=arn)["status"] == "ABORTED"


def test_the_same_name_and_input_start_one_execution():
    client = boto3.client("stepfunctions")
    machine, name = deploy(one(Type="Wait", Seconds=600)), unique("name")
    first = client.start_execution(stateMachineArn=machine, name=name, input='{"a": 1}')
    again = client.start_execution(stateMachineArn=machine, name=name, input='{"a": 1}')
    assert again["executionArn"] == first["executionArn"]
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=machine, name=name, input='{"a": 2}')
    client.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=machine, name=name, input='{"a": 1}')


@pytest.mark.parametrize("service", ["lambda.amazonaws.com", None])
def test_a_role_that_does_not_trust_the_service_is_refused(service):
    role = make_role(service) if service else "arn:aws:iam::123456789012:role/not-there"
    with pytest.raises(ClientError, match="authorized to assume the provided role"):
        deploy(one(Type="Pass"), role=role)


STATES = "states.amazonaws.com"


def only_for(**sources):
    """A condition on whom the service acts for: SourceAccount, SourceArn."""
    return {"ArnLike" if "Arn" in key else "StringEquals": {f"aws:{key}": value} for key, value in sources.items()}


@pytest.mark.parametrize(
    "statements",
    [
        [trust(STATES), trust(STATES, Effect="Deny")],
        [trust(STATES, Action="sts:TagSession")],
        [trust(STATES, Condition=only_for(SourceAccount="111111111111"))],
        [trust(STATES, Condition=only_for(SourceArn="arn:aws:states:*:123456789012:stateMachine:other"))],
        [trust([STATES, "lambda.amazonaws.com"]), trust("*", Principal="*", Effect="Deny")],
    ],
    ids=["denied", "another action", "another account", "another source", "everybody denied"],
)
def test_all_of_a_trust_policy_counts(statements):
    with pytest.raises(ClientError, match="authorized to assume the provided role"):
        deploy(one(Type="Pass"), role=make_role(STATES, trusted=statements))


@pytest.mark.parametrize(
    "statements",
    [
        [trust(["lambda.amazonaws.com", STATES], Action=["sts:AssumeRole", "sts:TagSession"])],
        [trust(STATES, Condition=only_for(SourceAccount="123456789012"))],
        [trust(STATES, Condition=only_for(SourceArn="arn:aws:states:*:123456789012:stateMachine:machine-*"))],
        [trust("lambda.amazonaws.com", Effect="Deny"), trust(STATES)],
    ],
    ids=["one of several", "this account", "this machine", "another denied"],
)
def test_a_trust_policy_may_say_more(statements):
    assert run(deploy(one(Type="Pass"), role=make_role(STATES, trusted=statements)))["status"] == "SUCCEEDED"


def test_a_faulty_definition_is_refused():
    with pytest.raises(ClientError, match="InvalidDefinition"):
        deploy({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}})
    with pytest.raises(ClientError, match="the embedded AWS does not run JSONata"):
        deploy({"QueryLanguage": "JSONata", **one(Type="Pass")})
    found = boto3.client("stepfunctions").validate_state_machine_definition(definition='{"StartAt": "A"}')
    assert found["result"] == "FAIL"
    assert found["diagnostics"]


def test_what_is_not_there_is_refused_by_name():
    client = boto3.client("stepfunctions")
    execution = run(deploy({"StartAt": "F", "States": {"F": {"Type": "Fail"}}}))
    with pytest.raises(ClientError, match="the embedded AWS does not run RedriveExecution"):
        client.redrive_execution(executionArn=execution["executionArn"])


def test_states_inside_do_not_go_on_when_the_execution_was_stopped():
    client, name = boto3.client("stepfunctions"), unique("late")
    inside = {
        "StartAt": "Wait",
        "States": {
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Put"},
            "Put": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
                "Parameters": {"Bucket": (bucket := make_bucket()), "Key": name, "Body": "x"},
                "End": True,
            },
        },
    }
    machine = deploy(one(Type="Parallel", Branches=[inside]), allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]
    eventually(
        lambda: "WaitStateEntered" in [e["type"] for e in client.get_execution_history(executionArn=arn)["events"]]
    )
    client.stop_execution(executionArn=arn)
    time.sleep(1.5)
    assert boto3.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


DELIVERY = [
    f"logs:{action}"
    for action in [
        "CreateLogDelivery",
        "GetLogDelivery",
        "UpdateLogDelivery",
        "DeleteLogDelivery",
        "ListLogDeliveries",
        "PutResourcePolicy",
        "DescribeResourcePolicies",
        "DescribeLogGroups",
    ]
]


def test_who_asks_for_logs_needs_a_role_that_may_have_them_delivered():
    client, group = boto3.client("stepfunctions"), "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/x:*"
    logging = {"level": "ERROR", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
    settings = {"definition": json.dumps(one(Type="Pass")), "loggingConfiguration": logging}
    boto3.client("logs").create_log_group(logGroupName="/aws/vendedlogs/x")
    for left_out in DELIVERY:
        role = make_role("states.amazonaws.com", allow([each for each in DELIVERY if each != left_out]))
        with pytest.raises(ClientError, match="not authorized to access the Log Destination"):
            client.create_state_machine(name=unique("machine"), roleArn=role, **settings)
    role = make_role("states.amazonaws.com", allow(DELIVERY))
    machine = client.create_state_machine(name=unique("machine"), roleArn=role, **settings)["stateMachineArn"]
    client.update_state_machine(stateMachineArn=machine, loggingConfiguration=logging)
    name = {"RoleName": role.rpartition("/")[2], "PolicyName": "test"}
    boto3.client("iam").delete_role_policy(**name)
    with pytest.raises(ClientError, match="not authorized to access the Log Destination"):
        client.update_state_machine(stateMachineArn=machine, loggingConfiguration=logging)
    client.update_state_machine(stateMachineArn=machine, loggingConfiguration={"level": "OFF"})

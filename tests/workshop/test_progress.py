"""Following an execution of the embedded AWS: what is shown on the way, and how it ends."""

import base64
import json
import re
import uuid

import boto3
import pytest

from faceblur.errors import WorkshopError
from faceblur.workshop.watching import progress, timeline
from faceblur.workshop.watching.history import StateTime
from faceblur.workshop.watching.progress import Execution, follow, timeline_html

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture
def start(local_aws):
    """start(states) runs a state machine of these states, the first one first; (client, execution ARN)."""
    iam, sfn = boto3.client("iam"), boto3.client("stepfunctions")
    name = f"progress-{uuid.uuid4().hex[:8]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]

    def run(states):
        definition = json.dumps({"StartAt": next(iter(states)), "States": states})
        machine = sfn.create_state_machine(name=name, definition=definition, roleArn=role)
        return sfn, sfn.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]

    return run


def test_a_terminal_sees_each_state_once_and_the_end(start, capsys):
    pause, done = {"Type": "Wait", "Seconds": 1, "Next": "Done"}, {"Type": "Pass", "End": True}
    execution = follow(*start({"Pause": pause, "Done": done}), poll_s=0.1)
    assert execution.succeeded
    assert execution.failure is None
    assert execution.seconds >= 1
    (pause,) = [time for time in execution.times if time.state == "Pause"]
    assert pause.seconds >= 0.9
    said = capsys.readouterr().out
    assert said.count("Pause") == 1
    assert said.rstrip().endswith("succeeded")


def test_a_failure_is_returned_with_its_cause(start, capsys):
    cause = json.dumps({"errorMessage": "a.mp4: not a video"})
    broken = {"Type": "Fail", "Error": "InputError", "Cause": cause}
    execution = follow(*start({"Broken": broken}), poll_s=0.1)
    assert not execution.succeeded
    assert (execution.failure.error, execution.failure.cause) == ("InputError", "a.mp4: not a video")
    assert "a.mp4: not a video" in capsys.readouterr().out
    assert "a.mp4: not a video" in timeline_html(execution)


def test_waiting_ends_at_the_time_limit(start):
    client, arn = start({"Pause": {"Type": "Wait", "Seconds": 3600, "End": True}})
    with pytest.raises(WorkshopError, match="still runs"):
        follow(client, arn, poll_s=0.05, timeout_s=0.2)
    client.stop_execution(executionArn=arn)
    stopped = follow(client, arn, poll_s=0.05)
    assert stopped.status == "ABORTED"
    assert stopped.failure is not None


def test_an_execution_survives_json(start):
    execution = follow(*start({"Done": {"Type": "Pass", "End": True}}), poll_s=0.1)
    saved = Execution.from_json(json.loads(json.dumps(execution.to_json())))
    assert saved.times == execution.times
    assert timeline_html(saved) == timeline_html(Execution.from_json(execution.to_json()))


def test_only_states_that_take_time_get_a_row(start):
    rule = {"Variable": "$.x", "IsPresent": True, "Next": "Each"}
    states = {
        "Look": {"Type": "Choice", "Choices": [rule], "Default": "End"},
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Wait", "Seconds": 1, "End": True}}},
            "Next": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 1, "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    client, arn = start(states)
    assert progress.main_states(client, arn) == ("Each", "One", "Pause")


def test_the_drawing_of_the_machine_shows_what_each_state_is_doing():
    definition = {
        "StartAt": "One",
        "States": {
            "One": {"Type": "Task", "Next": "Two"},
            "Two": {"Type": "Task", "Next": "Three"},
            "Three": {"Type": "Fail"},
        },
    }
    facts = {"visits": 1, "seconds": 1.0, "when_s": ((0.0, 1.0),)}
    times = (
        StateTime("One", running=False, failed=False, **facts),
        StateTime("Two", running=True, failed=False, **facts),
    )
    definition["States"]["Look"] = {"Type": "Choice", "Default": "One"}
    html = progress.machine_html(definition, Execution("arn", "RUNNING", 1.0, times, None, None, ("Look",)))
    drawing = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]).decode()
    borders = dict(
        zip(("One", "Two", "Three", "Look"), re.findall(r"rx='7' fill='[^']+' stroke='([^']+)'", drawing), strict=True)
    )
    assert borders == {"One": timeline.DONE, "Two": timeline.RUNNING, "Three": timeline.SOFT, "Look": timeline.DONE}
    assert "The state machine: One done, Two runs, Look done" in html
    failed = Execution("arn", "FAILED", 1.0, times, None, None, ("Three",))
    assert "Two runs, Three reached" in progress.machine_html(definition, failed)


def test_states_that_take_no_time_are_passed_and_have_no_row(start):
    states = {
        "Look": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Lost"}],
            "Default": "End",
        },
        "End": {"Type": "Succeed"},
        "Lost": {"Type": "Fail"},
    }
    execution = follow(*start(states), poll_s=0.1)
    assert execution.passed == ("Look", "End") and execution.times == ()

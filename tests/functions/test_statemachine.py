"""statemachine.asl.json: valid, every error ends in the failure record, payloads tiny. Run by test_second_engine.py."""

import json
import re
import shutil
import subprocess

import pytest
from lambda_kit import ROOT

from faceblur.errors import WorkshopError
from faceblur.workshop import render_definition

FILE = ROOT / "statemachine.asl.json"
FUNCTIONS = [
    "StartFaceDetection",
    "WaitForCompletion",
    "GetDetections",
    "PlanSegments",
    "BlurSegment",
    "ProveSegment",
    "JoinSegments",
    "RecordFailure",
]
VALUES = {f"{name}Arn": f"arn:aws:lambda:eu-west-1:123456789012:function:{name}" for name in FUNCTIONS} | {
    "Partition": "aws",
    "MaxConcurrency": 8,
}
QUOTA_BYTES = 262_144  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html


@pytest.fixture(scope="module")
def definition():
    return json.loads(render_definition(FILE, VALUES))


def all_states(machine):
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from all_states(state["ItemProcessor"])


def test_statelint_finds_nothing(definition):
    from statelint.config import Config
    from statelint.linter import Linter

    assert Linter.validate(definition, Config(evaluate_jsonata=True)) == []


@pytest.mark.skipif(not shutil.which("asl-validator"), reason="no asl-validator: npm install -g asl-validator")
@pytest.mark.parametrize(("target", "code"), [("Failed", 0), ("Nowhere", 1)])
def test_asl_validator_finds_nothing_but_what_is_wrong(definition, tmp_path, target, code):
    text = json.dumps(definition).replace('"Next": "Failed"', f'"Next": "{target}"')
    (tmp_path / "definition.json").write_text(text, encoding="utf-8")
    done = subprocess.run(["asl-validator", "--json-path", "definition.json"], cwd=tmp_path, capture_output=True)
    assert done.returncode == code


def test_no_placeholder_is_left_and_types_are_kept(definition):
    assert "${" not in json.dumps(definition)
    assert definition["States"]["BlurSegments"]["MaxConcurrency"] == 8


def test_a_missing_or_unknown_value_is_refused():
    with pytest.raises(WorkshopError, match="Partition"):
        render_definition(FILE, {name: value for name, value in VALUES.items() if name != "Partition"})
    with pytest.raises(WorkshopError, match="Typo"):
        render_definition(FILE, VALUES | {"Typo": 1})


def test_every_task_retries_what_lambda_says_is_passing(definition):
    for name, state in all_states(definition):
        if state["Type"] == "Task":
            retried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
            assert {"Lambda.ServiceException", "Lambda.CodeArtifactUserPendingException", "SlowDown"} <= retried, name
            assert all(rule["BackoffRate"] > 1 and rule["JitterStrategy"] == "FULL" for rule in state["Retry"])
            assert state["TimeoutSeconds"] <= 910


def patience_s(rule):
    """How long a rule goes on: a pause is half as long as it may be, on average."""
    pauses = [rule["IntervalSeconds"] * rule["BackoffRate"] ** n for n in range(rule["MaxAttempts"])]
    return sum(min(pause, rule["MaxDelaySeconds"]) for pause in pauses) / 2


def rule_of(state, error):
    return next(rule for rule in state["Retry"] if error in rule["ErrorEquals"])


def test_every_task_waits_hours_for_a_function_that_may_run(definition):
    for name, state in all_states(definition):
        if state["Type"] == "Task":
            rule = rule_of(state, "Lambda.TooManyRequestsException")
            assert rule["ErrorEquals"] == ["Lambda.TooManyRequestsException"], name
            assert patience_s(rule) > 4 * 3600


def test_a_job_is_asked_for_as_long_as_twenty_others_may_take(definition):
    rule = rule_of(definition["States"]["StartJob"], "LimitExceededException")
    assert 8 * 3600 < patience_s(rule) < definition["TimeoutSeconds"] / 2


def test_a_killed_function_is_repeated_once(definition):
    for _, state in all_states(definition):
        for rule in state.get("Retry", ()):
            if {"Runtime.ExitError", "Sandbox.Timedout", "Lambda.Unknown"} & set(rule["ErrorEquals"]):
                assert rule["MaxAttempts"] == 1 and len(rule["ErrorEquals"]) == 3


def test_a_refusal_of_the_state_machines_role_does_not_take_hours(definition):
    """Lambda.AWSLambdaException is what a missing permission is called, too."""
    for _, state in all_states(definition):
        if state["Type"] == "Task":
            assert patience_s(rule_of(state, "Lambda.AWSLambdaException")) < 200


def test_calls_of_rekognition_are_retried_when_throttled(definition):
    for name in ("StartJob", "WaitForCompletion", "RetrieveDetections"):
        retried = {error for rule in definition["States"][name]["Retry"] for error in rule["ErrorEquals"]}
        assert {"ThrottlingException", "ProvisionedThroughputExceededException"} <= retried


def test_detections_are_read_anew_when_their_next_page_has_expired(definition):
    rule = rule_of(definition["States"]["RetrieveDetections"], "InvalidPaginationTokenException")
    assert rule["MaxAttempts"] >= 2


def test_our_own_errors_are_never_retried(definition):
    names = {
        "InputError",
        "VerificationError",
        "JobFailedError",
        "DetectionsError",
        "States.ALL",
        "States.TaskFailed",
    }
    for _, state in all_states(definition):
        for rule in state.get("Retry", ()):
            assert not names & set(rule["ErrorEquals"])


def test_every_error_of_the_workflow_is_recorded(definition):
    states = definition["States"]
    for name, state in states.items():
        if state["Type"] in ("Task", "Map"):
            (catch,) = state["Catch"]
            assert catch["ErrorEquals"] == ["States.ALL"], name
            assert catch["Next"] == ("Failed" if name == "RecordFailure" else "RecordFailure")
    assert states["RecordFailure"]["Next"] == "IsDelivered"
    assert states["IsDelivered"]["Default"] == "Failed"
    assert states["Failed"] == {
        "Type": "Fail",
        "ErrorPath": "$.failure.Error",
        "CausePath": "$.failure.Cause",
    }


def test_every_placeholder_function_is_called_once(definition):
    called = re.findall(r'"FunctionName": "[^"]*:function:(\w+)"', json.dumps(definition))
    assert sorted(called) == sorted(FUNCTIONS)


def test_the_longest_video_stays_far_below_the_payload_quota():
    six_hours = 6 * 60  # segments of a minute
    payload = {
        "input": {
            "bucket": "b" * 63,
            "key": "k" * 1024,
            "version_id": "v" * 1024,
            "etag": "e" * 40,
            "size": 10**10,
        },
        "output": {"bucket": "b" * 63, "key": "k" * 1040},
        "work": {"bucket": "b" * 63, "prefix": "p" * 65},
        "plan": {"segments": [{"index": n, "start_pts": 10**10, "end_pts": 10**10} for n in range(six_hours)]},
    }
    assert len(json.dumps(payload)) < QUOTA_BYTES / 4

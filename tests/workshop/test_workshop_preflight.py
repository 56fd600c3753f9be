"""What an account is asked before anything is made in it, and the guard on the length of a video."""

import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moving import Mover, Scene

from faceblur.errors import WorkshopError
from faceblur.workshop import Names
from faceblur.workshop.__main__ import main
from faceblur.workshop.demands import Demands
from faceblur.workshop.running import checks, videos
from faceblur.workshop.running.preflight import preflight

ARN = "arn:aws:sts::123456789012:assumed-role/Class/anna"


def decided(actions, refused=()):
    decisions = {action: "implicitDeny" if action in refused else "allowed" for action in actions}
    return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": how} for name, how in decisions.items()]}


GOOD = {
    "get_caller_identity": {"Arn": ARN},
    "simulate_principal_policy": lambda ActionNames, **_: decided(ActionNames),
    "get_face_detection": ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFaceDetection"),
    "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
    "describe_budgets": {"Budgets": [{"BudgetName": "ten dollars"}]},
}


class Account:
    """A Workshop on AWS whose clients give the answers above; `asked` are the calls with their parameters."""

    target, region, account = "aws", "eu-west-1", "123456789012"
    names, demands = Names("anna", account, region), Demands()

    def __init__(self, **answers):
        self.answers, self.asked = GOOD | answers, []

    def client(self, service):
        return self

    def __getattr__(self, call):
        def answer(**parameters):
            self.asked.append((call, parameters))
            if isinstance(self.answers[call], Exception):
                raise self.answers[call]
            found = self.answers[call]
            return found(**parameters) if callable(found) else found

        return answer


def denied(call):
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, call)


def found(account):
    return {check.name: check for check in preflight(account)}


def test_an_account_that_is_ready(capsys):
    account = Account()
    checks.show(preflight(account))
    said = capsys.readouterr().out
    assert "NO " not in said and "ten dollars" in said and "a minute of video" in said
    asked = [parameters for call, parameters in account.asked if call == "simulate_principal_policy"]
    assert {one["PolicySourceArn"] for one in asked} == {"arn:aws:iam::123456789012:role/Class"}
    (on,) = [one["ResourceArns"] for one in asked if "iam:PassRole" in one["ActionNames"]]
    assert on == ["arn:aws:iam::123456789012:role/anna-x-eu-west-1"] and ARN in said and "for the sample" in said


def test_a_right_that_is_missing_is_named():
    account = Account(simulate_principal_policy=lambda ActionNames, **_: decided(ActionNames, ["iam:CreateRole"]))
    check = found(account)["rights"]
    assert not check.is_good and "you may not: iam:CreateRole;" in str(check)


def test_the_command_asks_and_prints_the_policy_for_the_administrator(local_aws, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    assert main(["preflight", "--target", "local", "--prefix", "anna"]) == 0
    assert "the embedded AWS costs nothing" in capsys.readouterr().out
    assert main(["preflight", "--target", "local", "--prefix", "anna", "--policy"]) == 0
    statements = json.loads(capsys.readouterr().out)["Statement"]
    (rule,) = [each for each in statements if "events:PutRule" in each["Action"]]
    assert rule["Resource"][0].endswith(":rule/anna-ended")


def test_the_command_refuses_calls_that_would_go_elsewhere_in_one_line(local_aws, capsys):
    assert main(["preflight"]) == WorkshopError.exit_code
    assert "would send the calls elsewhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    "problem", [denied("GetFaceDetection"), EndpointConnectionError(endpoint_url="https://rekognition.nowhere")]
)
def test_a_region_without_rekognition_or_without_the_right_to_it(problem):
    account = Account(get_face_detection=problem)
    assert not found(account)["Rekognition Video"].is_good
    with pytest.raises(WorkshopError, match="not ready: Rekognition Video"):
        checks.show(preflight(account))


def test_few_functions_at_once_and_no_budget_are_said():
    made = found(Account(get_account_settings={"AccountLimit": {"ConcurrentExecutions": 5}}, describe_budgets={}))
    assert not made["Lambda at once"].is_good
    assert made["budget"].is_good and made["budget"].found.startswith("none")


def test_what_may_not_be_asked_is_not_known_and_no_reason_to_stop():
    made = found(Account(simulate_principal_policy=denied("x"), describe_budgets=denied("x")))
    assert made["rights"].is_good and made["rights"].found == "not known: you may not ask (AccessDeniedException)"
    assert made["budget"].is_good


def test_a_long_video_is_refused_before_anything_is_paid(tmp_path):
    video = Scene((Mover(80, 90, 0.3, 0, 60, "eileen"),), seconds=1.2, rate=10).write(tmp_path / "person.mp4")
    videos.check_length(video, 1, "aws")
    videos.check_length(video, 0.01, "local")
    videos.check_length(video, 0, "aws")
    with pytest.raises(WorkshopError, match=r"person\.mp4 is 0\.0 minutes long and MAX_VIDEO_MINUTES is 0\.01"):
        videos.check_length(video, 0.01, "aws")
    (tmp_path / "junk.mp4").write_text("junk")
    with pytest.raises(WorkshopError, match="length is not known"):
        videos.check_length(tmp_path / "junk.mp4", 5, "aws")

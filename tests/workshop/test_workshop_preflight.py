"""What an account is asked before anything is made in it, and the guard on the length of a video."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moving import Mover, Scene

from faceblur.errors import WorkshopError
from faceblur.workshop import Names
from faceblur.workshop.running import checks, videos
from faceblur.workshop.running.preflight import ACTIONS, preflight

ARN = "arn:aws:sts::123456789012:assumed-role/Class/anna"
GOOD = {
    "get_caller_identity": {"Arn": ARN},
    "simulate_principal_policy": {
        "EvaluationResults": [{"EvalActionName": action, "EvalDecision": "allowed"} for action in ACTIONS]
    },
    "get_face_detection": ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFaceDetection"),
    "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
    "describe_budgets": {"Budgets": [{"BudgetName": "ten dollars"}]},
}


class Account:
    """A Workshop on AWS whose clients give the answers above; `asked` are the calls with their parameters."""

    target, region, account = "aws", "eu-west-1", "123456789012"
    names = Names("anna", account, region)

    def __init__(self, **answers):
        self.answers, self.asked = GOOD | answers, []

    def client(self, service):
        return self

    def __getattr__(self, call):
        def answer(**parameters):
            self.asked.append((call, parameters))
            if isinstance(self.answers[call], Exception):
                raise self.answers[call]
            return self.answers[call]

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
    asked = dict(account.asked)["simulate_principal_policy"]
    assert asked["PolicySourceArn"] == "arn:aws:iam::123456789012:role/Class"


def test_a_right_that_is_missing_is_named():
    results = [{"EvalActionName": "iam:CreateRole", "EvalDecision": "implicitDeny"}]
    check = found(Account(simulate_principal_policy={"EvaluationResults": results}))["rights"]
    assert not check.is_good and "you may not: iam:CreateRole;" in str(check)


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

"""Waiting: again while AWS says "not yet", never for another error, never for ever. No test sleeps."""

from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from faceblur import patience
from faceblur.errors import WorkshopError
from faceblur.workshop import settle, wait_for
from faceblur.workshop.account import cleanup
from faceblur.workshop.account.inventory import Inventory
from faceblur.workshop.account.kinds import Resource


class Clock:
    def __init__(self):
        self.now = 0.0
        self.pauses = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    return clock


def failing(message, times, code="X"):
    """A call that fails so many times, then answers."""
    left = [ClientError({"Error": {"Code": code, "Message": message}}, "CreateFunction")] * times

    def call():
        if left:
            raise left.pop()
        return "made"

    return call


@pytest.mark.parametrize(
    "message",
    [
        "The role defined for the function cannot be assumed by Lambda.",
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized "
        "to assume the provided role.",
        "The state machine IAM Role is not authorized to access the Log Destination",
        "Unable to validate the following destination configurations",
        "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
        "CreateGrant. KMS Exception: InvalidArnException KMS Message: ARN does not refer to a valid principal",
        "The operation cannot be performed at this time. The function is currently in the following state: Pending",
        "The function could not be updated due to a concurrent update operation.",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
    ],
)
def test_a_role_that_has_not_spread_is_waited_for(clock, message):
    assert settle(failing(message, 3)) == "made"
    assert clock.pauses == [1, 2, 4]


@pytest.mark.parametrize("code", ["StateMachineDeleting", "OperationAborted", "NoSuchEntity", "NoSuchBucket"])
def test_what_is_being_deleted_or_was_made_a_moment_ago_is_waited_for(clock, code):
    assert settle(failing("words", 30, code), patience_s=600) == "made"
    assert 60 < clock.now < 600


def test_another_error_passes_at_once(clock):
    with pytest.raises(ClientError):
        settle(failing("User is not authorized to perform: iam:PassRole", 1))
    assert not clock.pauses


def test_patience_ends_with_the_words_of_aws(clock):
    with pytest.raises(WorkshopError, match="cannot be assumed"):
        settle(failing("cannot be assumed by Lambda", 100), patience_s=60)
    assert clock.now <= 60 and max(clock.pauses) <= 15


def test_the_last_try_is_known_and_within_patience(clock):
    assert list(patience.tries(10, 1, 3)) == [1, 2, 3, 3, 0] and clock.now == 9
    assert list(patience.tries(0, 1)) == [0]


def test_a_waiter_that_fails_says_why():
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        configuration = {"State": "Failed", "StateReason": "The image is broken."}
        stub.add_response("get_function", {"Configuration": configuration})
        with pytest.raises(WorkshopError, match="blur is not ready: The image is broken"):
            wait_for(client, "function_active_v2", "blur", FunctionName="blur")


def test_a_waiter_that_succeeds_says_how_long_it_took(capsys):
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_response("get_function", {"Configuration": {"State": "Active"}})
        wait_for(client, "function_active_v2", "blur", FunctionName="blur")
    assert "blur: ready after" in capsys.readouterr().out


@pytest.fixture
def bucket(clock, monkeypatch):
    """Lets AWS answer these codes, one each time that the only bucket is deleted; then it is gone."""
    codes, there = [], [Resource("bucket", "b", "arn:aws:s3:::b", ours=True)]

    def delete(ws, resource):
        if codes:
            raise ClientError({"Error": {"Code": codes.pop(0), "Message": "words"}}, "DeleteBucket")
        there.clear()

    monkeypatch.setattr(cleanup, "inventory", lambda ws: Inventory(tuple(there), local=True))
    monkeypatch.setattr(cleanup, "left_by_aws", lambda ws: [])
    monkeypatch.setitem(cleanup.DELETE, "bucket", delete)

    def clean_up(*answers):
        codes.extend(answers)
        cleanup.clean_up(SimpleNamespace(tags={}), dry_run=False)

    return clean_up


def test_what_aws_is_busy_with_is_deleted_later(bucket, clock):
    bucket("BucketNotEmpty", "OperationAborted", "ConflictException")
    assert clock.pauses == [1, 2, 4] and cleanup.remaining(SimpleNamespace()) == ()


def test_what_is_gone_already_is_fine(bucket, clock):
    bucket("NoSuchBucket")
    assert not clock.pauses


@pytest.mark.parametrize(("answers", "pauses"), [(["AccessDenied"], 0), (["BucketNotEmpty"] * 100, 11)])
def test_what_cannot_be_deleted_is_said_in_the_end(bucket, clock, answers, pauses):
    with pytest.raises(WorkshopError, match=r"bucket b cannot be deleted: .*: words"):
        bucket(*answers)
    assert len(clock.pauses) == pauses and clock.now <= cleanup.PATIENCE_S


def test_what_is_still_being_deleted_is_waited_for_and_named(bucket, clock, capsys):
    assert [each.name for each in cleanup.remaining(SimpleNamespace(), patience_s=10)] == ["b"]
    assert clock.pauses == [3, 3, 3] and capsys.readouterr().out.count("still deleting bucket b") == 4

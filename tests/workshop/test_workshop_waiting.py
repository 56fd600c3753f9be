"""Waiting: again while AWS says "not yet", never for another error, never for ever. No test sleeps."""

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from faceblur import patience
from faceblur.errors import WorkshopError
from faceblur.workshop import settle, wait_for


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


def failing(message, times):
    """A call that fails so many times, then answers."""
    left = [ClientError({"Error": {"Code": "X", "Message": message}}, "CreateFunction")] * times

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
    ],
)
def test_a_role_that_has_not_spread_is_waited_for(clock, message):
    assert settle(failing(message, 3)) == "made"
    assert clock.pauses == [1, 2, 4]


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

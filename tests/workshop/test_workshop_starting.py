"""How long chapter 8 waits for the execution that its upload starts: S3's event may take minutes on AWS."""

import json

import pytest

from faceblur import patience
from faceblur.errors import WorkshopError
from faceblur.workshop import Names
from faceblur.workshop.account import starting

OTHERS = {"old": "mine.mp4", "another": "yours.mp4"}


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        for module in (patience, starting):
            monkeypatch.setattr(module, "time", self)

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Account:
    """A Workshop whose start function begins an execution `after_s` the upload that S3 tells of."""

    names = Names("anna", "123456789012", "eu-west-1")

    def __init__(self, clock, target, after_s, words=()):
        self.clock, self.target, self.after_s, self.words, self.again = clock, target, after_s, words, []

    def need(self, key):
        return key

    def client(self, service):
        return self

    def list_executions(self, stateMachineArn):
        arns = [*OTHERS, *(["mine"] if self.clock.now >= self.after_s else [])]
        return {"executions": [{"executionArn": arn} for arn in arns]}

    def describe_execution(self, executionArn):
        key = OTHERS.get(executionArn, "mine.mp4")
        return {"executionArn": executionArn, "input": json.dumps({"input": {"key": key}})}

    def get_paginator(self, call):
        return self

    def paginate(self, **_):
        return [{"events": [{"timestamp": 1, "message": words} for words in self.words]}]

    def upload(self):
        self.again.append(self.clock.now)


def wait(account):
    return starting.wait_for_start(account, "mine.mp4", {"old"}, account.upload)["executionArn"]


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(monkeypatch)
    monkeypatch.setattr("faceblur.workshop.account.logs.time", type("Time", (), {"time": staticmethod(lambda: 1e9)}))
    return clock


@pytest.mark.parametrize(("target", "after_s"), [("local", 0), ("local", 80), ("aws", 3), ("aws", 119)])
def test_what_was_there_and_what_others_uploaded_is_not_it(clock, target, after_s):
    account = Account(clock, target, after_s)
    assert wait(account) == "mine" and account.again == [] and clock.now - after_s <= 2


def test_after_two_minutes_it_uploads_once_more_and_goes_on_waiting(clock):
    account = Account(clock, "aws", 590)
    assert wait(account) == "mine"
    assert len(account.again) == 1 and 120 < account.again[0] <= 122


@pytest.mark.parametrize(
    ("target", "words", "said"),
    [
        ("aws", [], r"no execution started in 600 s.*none, so S3 has not called it: run chapter 7 again"),
        ("local", ["START x", "AccessDenied: no\n"], r"no execution started in 90 s.*last words: AccessDenied: no$"),
    ],
)
def test_patience_ends_with_the_last_words_of_the_start_function(clock, target, words, said):
    with pytest.raises(WorkshopError, match=said):
        wait(Account(clock, target, 1e9, words))
    assert clock.now >= starting.PATIENCE_S[target] - 2

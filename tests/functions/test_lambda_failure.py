"""record_failure: a cause that a person can read, beside the output and on the topic; no temporaries left."""

import json

import pytest
from botocore.stub import ANY
from hypothesis import given
from hypothesis import strategies as st
from lambda_kit import ROOT, load, stubbed

FOLDER = ROOT / "lambda_src" / "record_failure"
core = load(FOLDER, "failures")

LAMBDA_CAUSE = json.dumps(
    {
        "errorMessage": "uploads/notes.txt: not a video that can be read",
        "errorType": "InputError",
        "requestId": "6f5f6f4e-4ed4-4b7b-9f0e-7d2a1c3c0f55",
        "stackTrace": ['  File "/var/task/handlers.py", line 30, in plan_segments\n'],
    }
)
EVENT = {
    "failure": {"Error": "InputError", "Cause": LAMBDA_CAUSE},
    "input": {"bucket": "input", "key": "uploads/notes.txt"},
    "output": {"bucket": "output", "key": "uploads/notes.txt.blurred.mp4"},
    "work": {"bucket": "work", "prefix": "abc/"},
    "execution": "arn:aws:states:eu-west-1:123456789012:execution:pipeline:abc",
}


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (LAMBDA_CAUSE, "uploads/notes.txt: not a video that can be read"),
        (
            '{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 900.00 seconds"}',
            "Task timed out after 900.00 seconds",
        ),
        ("plain words", "plain words"),
        ('{"errorMessage": "cut off by Step Functi', '{"errorMessage": "cut off by Step Functi'),
        ("[1, 2]", "[1, 2]"),
        ("", "no cause was given"),
    ],
)
def test_a_cause_becomes_readable(cause, words):
    assert core.readable(cause) == words


@given(st.text())
def test_any_key_makes_a_subject_that_sns_takes(key):
    subject = core.subject(key)
    assert subject.isascii() and subject.isprintable() and len(subject) <= 100


def test_a_failure_without_cause_is_recorded_too():
    record = core.record(EVENT | {"failure": {"Error": "States.Timeout"}}, "now")
    assert (record["error"], record["cause"]) == ("States.Timeout", "no cause was given")


def test_the_failure_is_written_published_and_cleared_up(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:failures")
    app = load(FOLDER, "app")
    with stubbed(app.s3, app.sns) as (s3, sns):
        written = {"Bucket": "output", "Key": "uploads/notes.txt.blurred.mp4.failure.json"}
        s3.add_response("put_object", {}, {**written, "Body": ANY, "ContentType": "application/json"})
        sns.add_response(
            "publish",
            {"MessageId": "1"},
            {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:failures", "Subject": ANY, "Message": ANY},
        )
        listing = {"Contents": [{"Key": "abc/pieces/00000.mp4"}], "IsTruncated": False}
        s3.add_response("list_objects_v2", listing, {"Bucket": "work", "Prefix": "abc/"})
        s3.add_response("delete_object", {}, {"Bucket": "work", "Key": "abc/pieces/00000.mp4"})
        answer = app.handler(EVENT, None)
    assert answer == {"error": "InputError", "cause": "uploads/notes.txt: not a video that can be read"}

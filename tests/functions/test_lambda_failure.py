"""record_failure: a cause that a person can read, beside the output and on the topic; no temporaries left."""

import io
import json

import pytest
from botocore.stub import ANY
from hypothesis import given
from hypothesis import strategies as st
from lambda_kit import ROOT, event, load, stubbed

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
    "output": {
        "bucket": "output",
        "key": "uploads/notes.txt.blurred.mp4",
        "failure": "uploads/notes.txt.abc.failure.json",
    },
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
        ("", ""),
        (None, ""),
    ],
)
def test_a_cause_becomes_readable(cause, words):
    assert core.readable(cause) == words


@given(st.text())
def test_any_key_makes_a_subject_that_sns_takes(key):
    subject = core.subject(key)
    assert subject.isascii() and subject.isprintable() and len(subject) <= 100


def test_a_failure_without_cause_is_recorded_too():
    record = core.record(EVENT | {"failure": {"Error": "JobFailedError"}}, "now")
    assert (record["error"], record["cause"]) == ("JobFailedError", "no cause was given")


@pytest.mark.parametrize(
    ("error", "said", "words"),
    [
        ("Runtime.ExitError", "Runtime exited with error: signal: killed", "out of memory: give it more memory"),
        ("Sandbox.Timedout", "Task timed out after 900.00 seconds", "did not end in its time"),
        ("Lambda.Unknown", "The cause could not be determined", "out of memory or of time"),
        ("States.Timeout", "", "longer than statemachine.asl.json allows"),
    ],
)
def test_a_killed_functions_record_says_what_to_do_and_what_was_said(error, said, words):
    cause = core.record(EVENT | {"failure": {"Error": error, "Cause": json.dumps({"errorMessage": said})}}, "now")[
        "cause"
    ]
    assert words in cause and said in cause


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("TOPIC_ARN", TOPIC)
    monkeypatch.setenv("OUTPUT_BUCKET", "output")
    return load(FOLDER, "app")


TOPIC = "arn:aws:sns:eu-west-1:123456789012:failures"
PUBLISHED = {"TopicArn": TOPIC, "Subject": ANY, "Message": ANY}


DELIVERED = {"Bucket": "output", "Key": "uploads/notes.txt.blurred.mp4", "Range": "bytes=0-0"}


def put(key, **condition):
    return {"Bucket": "output", "Key": key, "Body": ANY, "ContentType": "application/json", **condition}


def test_the_failure_is_written_published_and_cleared_up(app):
    with stubbed(app.s3, app.sns) as (s3, sns):
        s3.add_client_error("get_object", "NoSuchKey", expected_params=DELIVERED)
        s3.add_response("put_object", {}, put("uploads/notes.txt.abc.failure.json"))
        sns.add_response("publish", {"MessageId": "1"}, PUBLISHED)
        listing = {"Contents": [{"Key": "abc/pieces/00000.mp4"}], "IsTruncated": False}
        s3.add_response("list_objects_v2", listing, {"Bucket": "work", "Prefix": "abc/"})
        s3.add_response("delete_object", {}, {"Bucket": "work", "Key": "abc/pieces/00000.mp4"})
        answer = app.handler(EVENT, None)
    assert answer == {
        "error": "InputError",
        "cause": "uploads/notes.txt: not a video that can be read",
        "delivered": False,
    }


@pytest.mark.parametrize("is_gone", ["", "NoSuchUpload", "NoSuchBucket"])
def test_an_upload_that_was_under_way_is_given_up(app, is_gone):
    """Unless who began it has done that, or its bucket is gone."""
    place = {"Bucket": "work", "Key": "abc/upload.json"}
    gone = {"Bucket": "output", "Key": EVENT["output"]["key"], "UploadId": "u7"}
    with stubbed(app.s3, app.sns) as (s3, sns):
        s3.add_client_error("get_object", "NoSuchKey", expected_params=DELIVERED)
        s3.add_response("put_object", {}, put("uploads/notes.txt.abc.failure.json"))
        sns.add_response("publish", {"MessageId": "1"}, PUBLISHED)
        s3.add_response("list_objects_v2", {"Contents": [{"Key": place["Key"]}], "IsTruncated": False})
        s3.add_response("get_object", {"Body": io.BytesIO(b'{"id": "u7"}')}, place)
        if is_gone:
            s3.add_client_error("abort_multipart_upload", is_gone, expected_params=gone)
        else:
            s3.add_response("abort_multipart_upload", {}, gone)
        s3.add_response("delete_object", {}, place)
        assert app.handler(EVENT, None)["error"] == "InputError"


def test_what_was_delivered_has_not_failed(app):
    """The last function was killed after the video was there: no record, no message, and no temporaries."""
    with stubbed(app.s3, app.sns) as (s3, _):
        s3.add_response("get_object", {"Metadata": {"execution": "abc"}}, DELIVERED)
        listing = {"Contents": [{"Key": "abc/pieces/00000.mp4"}], "IsTruncated": False}
        s3.add_response("list_objects_v2", listing, {"Bucket": "work", "Prefix": "abc/"})
        s3.add_response("delete_object", {}, {"Bucket": "work", "Key": "abc/pieces/00000.mp4"})
        answer = app.handler(EVENT, None)
    assert answer["delivered"] and answer["cause"].startswith("The video was delivered all the same")


def test_what_another_upload_delivered_is_not_taken_for_this_ones(app):
    with stubbed(app.s3, app.sns) as (s3, sns):
        s3.add_response("get_object", {"Metadata": {"execution": "def"}}, DELIVERED)
        s3.add_response("put_object", {}, put("uploads/notes.txt.abc.failure.json"))
        sns.add_response("publish", {"MessageId": "1"}, PUBLISHED)
        s3.add_response("list_objects_v2", {"IsTruncated": False}, {"Bucket": "work", "Prefix": "abc/"})
        answer = app.handler(EVENT, None)
    assert not answer["delivered"] and answer["cause"] == "uploads/notes.txt: not a video that can be read"


def test_a_record_that_cannot_be_written_is_told_all_the_same(app, capsys):
    with stubbed(app.s3, app.sns) as (s3, sns):
        s3.add_client_error("get_object", "NoSuchKey", expected_params=DELIVERED)
        s3.add_client_error("put_object", "AccessDenied", "may not s3:PutObject")
        sns.add_response("publish", {"MessageId": "1"}, PUBLISHED)
        s3.add_response("list_objects_v2", {"IsTruncated": False}, {"Bucket": "work", "Prefix": "abc/"})
        answer = app.handler(EVENT, None)
    assert answer["cause"].startswith("uploads/notes.txt: not a video that can be read. Nor could this be recorded")
    assert "s3:PutObject" in answer["cause"] and "s3:PutObject" in capsys.readouterr().out


def test_what_may_pass_is_raised_by_its_name_so_that_it_is_repeated(app):
    with stubbed(app.s3) as (s3,):
        s3.add_client_error("get_object", "NoSuchKey", expected_params=DELIVERED)
        s3.add_client_error("put_object", "SlowDown")
        with pytest.raises(Exception, match="SlowDown") as raised:
            app.handler(EVENT, None)
    assert type(raised.value).__name__ == "SlowDown"


def over(status, **detail):
    """EventBridge's event."""
    work = {name: EVENT[name] for name in ("input", "output", "work")}
    detail = {"status": status, "name": "abc", "executionArn": EVENT["execution"], "input": json.dumps(work), **detail}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


@pytest.mark.parametrize(("status", "error"), [("TIMED_OUT", "States.Timeout"), ("ABORTED", "Aborted")])
def test_an_execution_that_was_ended_gets_its_record(app, status, error, capsys):
    with stubbed(app.s3, app.sns) as (s3, sns):
        s3.add_client_error("get_object", "NoSuchKey", expected_params=DELIVERED)
        s3.add_response("put_object", {}, put("uploads/notes.txt.abc.failure.json", IfNoneMatch="*"))
        sns.add_response("publish", {"MessageId": "1"}, PUBLISHED)
        s3.add_response("list_objects_v2", {"IsTruncated": False}, {"Bucket": "work", "Prefix": "abc/"})
        assert app.handler(over(status), None) == {"recorded": 1}
    assert json.loads(capsys.readouterr().out)["error"] == error


def test_an_execution_that_has_recorded_its_failure_is_not_told_of_again(app):
    """But what its last functions have left since, or a first try of this one, is removed."""
    with stubbed(app.s3, app.sns) as (s3, _):
        s3.add_client_error("get_object", "NoSuchKey", expected_params=DELIVERED)
        s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
        s3.add_response("list_objects_v2", {"Contents": [{"Key": "abc/pieces/00001.mp4"}], "IsTruncated": False})
        s3.add_response("delete_object", {}, {"Bucket": "work", "Key": "abc/pieces/00001.mp4"})
        assert app.handler(over("FAILED", error="InputError", cause="x"), None) == {"recorded": 1}


def test_a_success_is_no_failure(app):
    with stubbed(app.s3, app.sns):
        assert app.handler(over("SUCCEEDED"), None) == {"recorded": 0}


def given_up(error, message):
    """What Lambda sends to the destination of events that failed."""
    return {
        "requestContext": {"requestId": "r1", "condition": "RetriesExhausted"},
        "requestPayload": event("s3_several"),
        "responsePayload": {"errorType": error, "errorMessage": message},
    }


def test_only_uploads_without_an_execution_are_recorded_when_the_start_function_says_which():
    uploads = load(ROOT / "lambda_src" / "shared", "uploads")
    second = [uploads.upload_of(record) for record in event("s3_several")["Records"]][1]
    message = f"[{second.token[:16]}] AccessDenied: may not states:StartExecution"
    (found,) = core.given_up(given_up("NotStartedError", message), "output")
    assert found["input"]["key"] == second.key and "states:StartExecution" in found["failure"]["Cause"]
    assert found["output"] == uploads.output_names(second, "output")


def test_what_cannot_be_read_is_recorded_beside_an_upload_that_could_not_be_started():
    uploads = load(ROOT / "lambda_src" / "shared", "uploads")
    first = uploads.upload_of(event("s3_several")["Records"][0])
    message = f"[{first.token[:16]}] AccessDenied: no\n[{uploads.UNREADABLE}] not an event of S3's"
    found = core.given_up(given_up("NotStartedError", message), "output")
    assert [each["input"]["key"] for each in found] == [first.key, "unknown"]
    assert [each["failure"]["Cause"] for each in found] == ["AccessDenied: no", "not an event of S3's"]


def test_all_uploads_are_recorded_when_the_start_function_was_killed():
    found = core.given_up(given_up("Runtime.ExitError", "signal: killed"), "output")
    assert [each["input"]["key"] for each in found] == ["uploads/walk.mp4", "uploads/second.mp4"]


@pytest.mark.parametrize("payload", [None, {}, {"Records": ["x"]}, {"hello": "world"}])
def test_an_event_that_nobody_can_read_gets_a_record_too(payload):
    wrong = given_up("UnsupportedEventError", "the event has no Records") | {"requestPayload": payload}
    (found,) = core.given_up(wrong, "output")
    assert found["output"]["failure"] == "unreadable-event.r1.failure.json"
    assert core.record(found, "now")["cause"] == "the event has no Records"

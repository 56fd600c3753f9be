"""start_face_detection: every S3 event version, every record, nothing started twice."""

import json
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from lambda_kit import ROOT, event, load, stubbed

FOLDER = ROOT / "lambda_src" / "start_face_detection"
core = load(FOLDER, "uploads")


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("STATE_MACHINE_ARN", "arn:aws:states:eu-west-1:123456789012:stateMachine:pipeline")
    monkeypatch.setenv("WORK_BUCKET", "work")
    monkeypatch.setenv("OUTPUT_BUCKET", "output")
    return load(FOLDER, "app")


@pytest.mark.parametrize(
    ("version", "key", "version_id"),
    [
        ("2.1", "uploads/walk.mp4", ""),
        ("2.2", "uploads/my clip (1).mp4", ""),
        ("2.3", "uploads/café/映像.mov", "096fKKXTRTtl3on89fVO.nfljtsv6qko"),
        ("2.4", "uploads/1+1=2.mp4", ""),
        ("2.5", "uploads/100% sure.mp4", ""),
        ("2.6", "uploads/a&b c.mp4", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"),
    ],
)
def test_every_event_version_is_read(version, key, version_id):
    (upload,) = core.uploads(event(f"s3_{version}"))
    assert (upload.key, upload.version_id) == (key, version_id)
    assert upload.bucket == "faceblur-input-123456789012-eu-west-1"
    assert upload.size == 4718592 and upload.etag and upload.sequencer


def test_every_record_is_read_and_folders_are_not_uploads():
    assert [upload.key for upload in core.uploads(event("s3_several"))] == [
        "uploads/walk.mp4",
        "uploads/second.mp4",
    ]


@pytest.mark.parametrize("name", ["s3_test_event", "s3_removed"])
def test_what_is_no_upload_is_ignored(name):
    assert core.uploads(event(name)) == []


CREATED = {"eventSource": "aws:s3", "eventVersion": "2.1", "eventName": "ObjectCreated:Put"}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"Records": None},
        {"Records": [{"eventSource": "aws:sqs", "eventVersion": "2.1"}]},
        {"Records": [{"eventSource": "aws:s3", "eventVersion": "3.0"}]},
        None,
        [],
        {"Records": ["text"]},
        {"Records": [CREATED | {"s3": {}}]},
        {"Records": [CREATED | {"s3": {"bucket": {"name": "b"}, "object": {"key": 7}}}]},
        {"Records": [CREATED | {"s3": {"bucket": {"name": None}, "object": {"key": "a.mp4"}}}]},
        {"Records": [CREATED | {"s3": {"bucket": {"name": "b"}, "object": {"key": "a.mp4", "size": "many"}}}]},
    ],
)
def test_other_events_are_refused_by_name(wrong):
    with pytest.raises(core.UnsupportedEventError):
        core.uploads(wrong)


@given(st.text(min_size=1, max_size=200).filter(lambda key: not key.endswith("/")))
def test_any_key_comes_back_as_it_was(key):
    record = event("s3_2.1")
    record["Records"][0]["s3"]["object"]["key"] = quote_plus(key)
    assert core.uploads(record)[0].key == key


def test_the_token_identifies_the_upload():
    def token(**changes):
        changed = event("s3_2.3")
        changed["Records"][0]["s3"]["object"].update(changes)
        return core.uploads(changed)[0].token

    assert token() == token()
    assert len({token(), token(sequencer="1"), token(versionId="2"), token(key="other.mp4")}) == 4
    assert len(token()) == 64 and int(token(), 16)


def started(upload, job):
    work = json.dumps(upload.execution_input(job, "work", "output"))
    return {
        "stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:pipeline",
        "name": upload.token,
        "input": work,
    }


def job_request(upload):
    return {
        "Video": upload.rekognition_video(),
        "ClientRequestToken": upload.token,
        "FaceAttributes": "DEFAULT",
    }


EXECUTION = {"executionArn": "arn:aws:states:eu-west-1:123456789012:execution:pipeline:x", "startDate": 0}


def test_each_upload_gets_a_job_and_an_execution(app):
    uploads = core.uploads(event("s3_several"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        for number, upload in enumerate(uploads):
            job = {"job_id": f"job-{number}"}
            rekognition.add_response("start_face_detection", {"JobId": job["job_id"]}, job_request(upload))
            stepfunctions.add_response("start_execution", EXECUTION, started(upload, job))
        assert app.handler(event("s3_several"), None) == {"executions": [upload.token for upload in uploads]}


def test_a_version_is_named_to_rekognition():
    (upload,) = core.uploads(event("s3_2.6"))
    assert upload.rekognition_video()["S3Object"]["Version"] == upload.version_id


def test_a_repeated_event_is_no_error(app):
    (upload,) = core.uploads(event("s3_2.1"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        rekognition.add_response("start_face_detection", {"JobId": "job"}, job_request(upload))
        stepfunctions.add_client_error("start_execution", "ExecutionAlreadyExists")
        assert app.handler(event("s3_2.1"), None) == {"executions": [upload.token]}


@pytest.mark.parametrize("code", ["InvalidS3ObjectException", "VideoTooLargeException"])
def test_a_refused_video_becomes_an_execution_that_says_why(app, code):
    (upload,) = core.uploads(event("s3_2.1"))
    problem = {"problem": {"Error": code, "Cause": "because"}}
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        rekognition.add_client_error("start_face_detection", code, "because")
        stepfunctions.add_response("start_execution", EXECUTION, started(upload, problem))
        app.handler(event("s3_2.1"), None)


def test_a_passing_error_is_raised_after_the_other_records_were_started(app):
    _, second = core.uploads(event("s3_several"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        rekognition.add_client_error("start_face_detection", "LimitExceededException")
        rekognition.add_response("start_face_detection", {"JobId": "job"}, job_request(second))
        stepfunctions.add_response("start_execution", EXECUTION, started(second, {"job_id": "job"}))
        with pytest.raises(ClientError) as raised:
            app.handler(event("s3_several"), None)
    assert type(raised.value).__name__ == "LimitExceededException"  # the name that a state machine would match

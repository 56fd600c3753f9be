"""start_face_detection: every S3 event version, every record, nothing started twice, nothing paid in vain."""

import io
import json
from dataclasses import asdict
from urllib.parse import quote_plus

import av
import numpy as np
import pytest
from botocore.stub import ANY
from hypothesis import given
from hypothesis import strategies as st
from lambda_kit import ROOT, event, load, stubbed

FOLDER = ROOT / "lambda_src" / "start_face_detection"
core = load(FOLDER, "uploads")


def uploads(event):
    return [upload for record in core.records(event) if (upload := core.upload_of(record))]


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("BLUR_MEMORY_MB", "7076")
    monkeypatch.setenv("STATE_MACHINE_ARN", "arn:aws:states:eu-west-1:123456789012:stateMachine:pipeline")
    monkeypatch.setenv("WORK_BUCKET", "work")
    monkeypatch.setenv("OUTPUT_BUCKET", "output")
    app = load(FOLDER, "app")
    monkeypatch.setattr(app, "looked_at", lambda upload: LOOK)
    return app


LOOK = {"video": {"codec": "h264"}, "finder": "rekognition", "notes": []}


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
    (upload,) = uploads(event(f"s3_{version}"))
    assert (upload.key, upload.version_id) == (key, version_id)
    assert upload.bucket == "faceblur-input-123456789012-eu-west-1"
    assert upload.size == 4718592 and upload.etag and upload.sequencer


def test_every_record_is_read_and_folders_are_not_uploads():
    assert [upload.key for upload in uploads(event("s3_several"))] == [
        "uploads/walk.mp4",
        "uploads/second.mp4",
    ]


@pytest.mark.parametrize(("size", "count"), [(0, 0), (4718592, 1)])
def test_only_an_empty_object_is_a_folder(size, count):
    named = event("s3_2.1")
    named["Records"][0]["s3"]["object"] |= {"key": "uploads/", "size": size}
    assert len(uploads(named)) == count


@pytest.mark.parametrize("name", ["s3_test_event", "s3_removed"])
def test_what_is_no_upload_is_ignored(name):
    assert uploads(event(name)) == []


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
        uploads(wrong)


@given(st.text(min_size=1, max_size=200).filter(lambda key: not key.endswith("/")))
def test_any_key_comes_back_as_it_was(key):
    record = event("s3_2.1")
    record["Records"][0]["s3"]["object"]["key"] = quote_plus(key)
    assert uploads(record)[0].key == key


def test_the_token_identifies_the_upload():
    def token(**changes):
        changed = event("s3_2.3")
        changed["Records"][0]["s3"]["object"].update(changes)
        return uploads(changed)[0].token

    assert token() == token()
    assert len({token(), token(sequencer="1"), token(versionId="2"), token(key="other.mp4")}) == 4
    assert len(token()) == 64 and int(token(), 16)


EXECUTION = {"executionArn": "arn:aws:states:eu-west-1:123456789012:execution:pipeline:x", "startDate": 0}
JOB = {"id": "job", "started": "now"}


def request(upload):
    """What StartExecution is called with."""
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:pipeline"
    return {"stateMachineArn": machine, "name": upload.token, "input": ANY}


def job_request(upload):
    return {
        "Video": upload.rekognition_video(),
        "ClientRequestToken": upload.token,
        "FaceAttributes": "DEFAULT",
    }


@pytest.fixture
def inputs(app):
    """What executions were started with, in order."""
    seen = []
    place = "before-parameter-build.sfn.StartExecution"
    app.stepfunctions.meta.events.register(place, lambda params, **_: seen.append(json.loads(params["input"])))
    return seen


def test_each_upload_gets_a_job_and_an_execution(app, inputs):
    several = uploads(event("s3_several"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        for number, upload in enumerate(several):
            rekognition.add_response("start_face_detection", {"JobId": f"job-{number}"}, job_request(upload))
            stepfunctions.add_response("start_execution", EXECUTION, request(upload))
        assert app.handler(event("s3_several"), None) == {"executions": [upload.token for upload in several]}
    for number, upload in enumerate(several):
        given = inputs[number]
        assert given["job"]["id"] == f"job-{number}" and given["job"]["started"]
        assert given["input"] == asdict(upload) and given["output"] == core.output_names(upload, "output")
        assert given["work"] == core.work_names(upload, "work") and LOOK.items() <= given.items()


def test_a_version_is_named_to_rekognition():
    (upload,) = uploads(event("s3_2.6"))
    assert upload.rekognition_video()["S3Object"]["Version"] == upload.version_id


def test_a_repeated_event_is_no_error(app):
    (upload,) = uploads(event("s3_2.1"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        rekognition.add_response("start_face_detection", {"JobId": "job"}, job_request(upload))
        stepfunctions.add_client_error("start_execution", "ExecutionAlreadyExists")
        assert app.handler(event("s3_2.1"), None) == {"executions": [upload.token]}


@pytest.mark.parametrize("code", ["InvalidS3ObjectException", "VideoTooLargeException", "AccessDeniedException"])
def test_a_refused_video_becomes_an_execution_that_says_why(app, inputs, code):
    (upload,) = uploads(event("s3_2.1"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        rekognition.add_client_error("start_face_detection", code, "because")
        stepfunctions.add_response("start_execution", EXECUTION, request(upload))
        app.handler(event("s3_2.1"), None)
    problem = inputs[0]["problem"]
    assert problem["Error"] == code and "because" in problem["Cause"] and "job" not in inputs[0]


@pytest.mark.parametrize("code", ["LimitExceededException", "ThrottlingException"])
def test_while_rekognition_is_busy_the_execution_starts_without_a_job(app, inputs, code, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    (upload,) = uploads(event("s3_2.1"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        rekognition.add_client_error("start_face_detection", code)
        stepfunctions.add_response("start_execution", EXECUTION, request(upload))
        app.handler(event("s3_2.1"), None)
    assert not {"job", "problem"} & set(inputs[0])


def test_the_state_machine_starts_the_job_later_by_the_same_token(app):
    (upload,) = uploads(event("s3_2.1"))
    with stubbed(app.rekognition) as (rekognition,):
        rekognition.add_response("start_face_detection", {"JobId": "job"}, job_request(upload))
        done = app.handler({"start_job": {"input": asdict(upload)}}, None)
    assert done["id"] == "job" and done["started"]


def test_it_raises_by_name_so_that_the_state_machine_asks_again(app):
    (upload,) = uploads(event("s3_2.1"))
    with stubbed(app.rekognition) as (rekognition,):
        rekognition.add_client_error("start_face_detection", "LimitExceededException")
        with pytest.raises(Exception, match="LimitExceeded") as raised:
            app.handler({"start_job": {"input": asdict(upload)}}, None)
    assert type(raised.value).__name__ == "LimitExceededException"


def test_what_cannot_be_started_is_raised_after_the_others_were_and_says_which(app):
    first, second = uploads(event("s3_several"))
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        for upload in (first, second):
            rekognition.add_response("start_face_detection", {"JobId": "job"}, job_request(upload))
        stepfunctions.add_client_error("start_execution", "AccessDeniedException", "may not states:StartExecution")
        stepfunctions.add_response("start_execution", EXECUTION, request(second))
        with pytest.raises(Exception, match=rf"^\[{first.token[:16]}\] .*states:StartExecution") as raised:
            app.handler(event("s3_several"), None)
    assert type(raised.value).__name__ == "NotStartedError" and second.token[:16] not in str(raised.value)


def test_a_record_that_nobody_can_read_does_not_stop_the_good_ones(app):
    wrong = event("s3_several")
    wrong["Records"][0] = {"eventSource": "aws:sqs"}
    (upload,) = [core.upload_of(record) for record in wrong["Records"][1:] if core.upload_of(record)]
    with stubbed(app.rekognition, app.stepfunctions) as (rekognition, stepfunctions):
        rekognition.add_response("start_face_detection", {"JobId": "job"}, job_request(upload))
        stepfunctions.add_response("start_execution", EXECUTION, request(upload))
        with pytest.raises(Exception, match=r"^\[no upload\] expected S3 event version 2"):
            app.handler(wrong, None)


@given(st.text(min_size=1, max_size=1024).filter(lambda key: len(key.encode()) <= 1024))
def test_every_name_fits_into_a_key_and_is_nobody_elses(key):
    upload = core.Upload("b", key, "", "1", 1, "e")
    names = core.output_names(upload, "o")
    longest = f"{names['parts']}00000.report.json"
    assert all(len(name.encode()) <= 1024 for name in (*names.values(), longest))
    if len(key.encode()) <= core.LONGEST_KEY - core.LONGEST_ENDING:
        assert names["key"] == f"{key}.blurred.mp4"


def test_long_keys_that_differ_at_the_end_have_different_names():
    names = {core.output_names(core.Upload("b", "k" * 1020 + end, "", "1", 1, "e"), "o")["key"] for end in ("a", "b")}
    assert len(names) == 2


# What S3 and the header lead to.


@pytest.fixture
def looking(app, monkeypatch):
    """looked_at itself, for an upload of the given size."""
    fresh = load(FOLDER, "app")
    return fresh, lambda size: fresh.looked_at(core.Upload("b", "walk.mp4", "v", "1", size, "e"))


RANGE = {"Bucket": "b", "Key": "walk.mp4", "VersionId": "v", "IfMatch": '"e"', "Range": "bytes=0-99"}


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("NoSuchKey", "InputError", "walk.mp4: is no longer in the bucket b"),
        ("PreconditionFailed", "InputError", "walk.mp4: was replaced after this upload"),
        ("AccessDenied", "AccessDenied", "may not s3:GetObject"),
    ],
)
def test_what_s3_refuses_is_a_problem_in_its_words(looking, code, error, words):
    app, look = looking
    with stubbed(app.s3) as (s3,):
        s3.add_client_error("get_object", code, "may not s3:GetObject", expected_params=RANGE)
        problem = look(100)["problem"]
    assert problem["Error"] == error and words in problem["Cause"]


def test_what_may_pass_is_raised(looking):
    app, look = looking
    with stubbed(app.s3) as (s3,):
        s3.add_client_error("get_object", "SlowDown")
        with pytest.raises(Exception, match="SlowDown"):
            look(100)


def test_an_empty_upload_is_refused_without_reading(looking):
    app, look = looking
    with stubbed(app.s3):
        assert look(0) == {"problem": {"Error": "InputError", "Cause": "walk.mp4: it is empty"}}


class Bucket:
    """One object, read in ranges."""

    def __init__(self, content):
        self.content = content

    def get_object(self, Range, **_):
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        return {"Body": io.BytesIO(self.content[first : last + 1])}


@pytest.fixture(scope="module")
def one_group(tmp_path_factory):
    """A minute with one keyframe."""
    path = tmp_path_factory.mktemp("group") / "walk.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "9999", "bf": "0"})
        stream.width, stream.height = 64, 48
        grey = np.full((48, 64, 3), 128, np.uint8)
        for _ in range(25 * 60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.mark.parametrize("memory_mb", [128, 10_240])
def test_too_long_without_a_keyframe_is_refused_before_anything_is_paid(looking, monkeypatch, one_group, memory_mb):
    app, look = looking
    monkeypatch.setenv("BLUR_MEMORY_MB", str(memory_mb))
    monkeypatch.setattr(app, "s3", Bucket(one_group))
    found = look(len(one_group))
    if memory_mb == 10_240:
        assert found["finder"] == "rekognition" and found["video"]["longest_group_ms"] == 60_000
    else:
        cause = found["problem"]["Cause"]
        assert cause.startswith("walk.mp4: 60 s of it can only be worked on in one piece") and "keyframe" in cause

"""wait_for_completion: what an answer means, and how long to wait."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lambda_kit import ROOT, load, stubbed

FOLDER = ROOT / "lambda_src" / "wait_for_completion"
core = load(FOLDER, "polling")

lengths = st.floats(0, 6 * 3600)


@given(lengths, lengths, lengths)
def test_the_wait_grows_with_length_and_with_patience_within_bounds(length, more, waited):
    wait = core.wait_seconds(length, waited)
    assert 1 <= wait <= core.LONGEST_WAIT_S and isinstance(wait, int)
    assert core.wait_seconds(length + more, waited) >= wait
    assert core.wait_seconds(length, waited + more) >= wait


def test_a_short_clip_is_asked_for_every_second():
    assert core.wait_seconds(12, 3) == 1


def test_the_polls_of_the_longest_video_fit_into_an_execution_history():
    waited = polls = 0
    while waited < core.GIVE_UP_AFTER_S:
        waited, polls = waited + core.wait_seconds(6 * 3600, waited), polls + 1
    assert polls * 9 < 25_000 / 2  # 9 events a poll; an execution ends at 25,000


def test_a_running_job_is_asked_again():
    verdict = core.judge({"JobStatus": "IN_PROGRESS"}, length_s=600, waited_s=0)
    assert verdict == {"status": "IN_PROGRESS", "wait_seconds": 10}


def test_the_length_that_the_header_says_counts_else_the_size():
    assert core.length_of({"length_ms": 1_800_000, "size": 1}) == 1800
    assert core.length_of({"length_ms": None, "size": 600_000_000}) == 600


def test_a_failed_job_says_why():
    with pytest.raises(core.JobFailedError, match="cannot be decoded"):
        core.judge({"JobStatus": "FAILED", "StatusMessage": "the video cannot be decoded"}, 1, 0)


def test_a_failed_job_without_a_reason_says_so():
    with pytest.raises(core.JobFailedError, match="no reason"):
        core.judge({"JobStatus": "FAILED"}, 1, 0)


def test_a_job_that_never_ends_is_given_up():
    with pytest.raises(core.JobTimeoutError):
        core.judge({"JobStatus": "IN_PROGRESS"}, 1, core.GIVE_UP_AFTER_S + 1)
    assert core.judge({"JobStatus": "SUCCEEDED"}, 1, core.GIVE_UP_AFTER_S + 1)["status"] == "SUCCEEDED"


def test_times_of_step_functions_are_read():
    now = datetime(2026, 11, 23, 5, 17, 0, tzinfo=UTC)
    assert core.seconds_between("2026-11-23T05:16:00.500Z", now) == 59.5
    assert core.seconds_between("2026-11-23T05:18:00Z", now) == 0


def test_the_handler_asks_for_one_face_only(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    app = load(FOLDER, "app")
    with stubbed(app.rekognition) as (rekognition,):
        answer = {"JobStatus": "SUCCEEDED", "VideoMetadata": {"DurationMillis": 12_000}}
        rekognition.add_response("get_face_detection", answer, {"JobId": "job", "MaxResults": 1})
        verdict = app.handler(
            {"job_id": "job", "length_ms": 12_000, "size": 1, "started": "2026-11-23T05:16:00Z"}, None
        )
    assert verdict["status"] == "SUCCEEDED"

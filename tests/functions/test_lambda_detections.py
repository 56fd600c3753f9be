"""get_detections: all pages, slim, into the work bucket; only counts come back."""

import json

import pytest
from lambda_kit import ROOT, load, stubbed

from faceblur import Detections

FOLDER = ROOT / "lambda_src" / "get_detections"
core = load(FOLDER, "pages")

BOX = {"Width": 0.1, "Height": 0.2, "Left": -0.01, "Top": 0.3}
FACE = {
    "BoundingBox": BOX,
    "Confidence": 99.5,
    "Landmarks": [{"Type": "nose", "X": 0.1, "Y": 0.2}],
    "Pose": {},
}


def page(*times, token=None):
    answer = {
        "JobStatus": "SUCCEEDED",
        "VideoMetadata": {"DurationMillis": 12000, "FrameRate": 29.97, "Format": "QuickTime / MOV"},
        "Faces": [{"Timestamp": time, "Face": FACE} for time in times],
    }
    return answer | ({"NextToken": token} if token else {})


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return load(FOLDER, "app")


def test_a_slim_page_is_still_one_that_faceblur_reads():
    slim = core.slim(page(480, 1000))
    found = Detections.from_rekognition([slim])
    assert [sample.time_ms for sample in found.samples] == [480, 1000]
    assert found.samples[0].faces[0].left == -0.01
    assert "Landmarks" not in json.dumps(slim)


def test_page_names_sort_in_page_order():
    names = [core.page_key("p/", number) for number in range(0, 20_000, 7)]
    assert names == sorted(names)


def test_all_pages_are_copied(app):
    pages = [page(480, 1000, token="more"), page(1480, token="last"), page()]
    with stubbed(app.rekognition, app.s3) as (rekognition, s3):
        tokens = [{}, {"NextToken": "more"}, {"NextToken": "last"}]
        for number, (answer, token) in enumerate(zip(pages, tokens, strict=True)):
            request = {"JobId": "job", "MaxResults": 1000, **token}
            rekognition.add_response("get_face_detection", answer, request)
            written = {
                "Bucket": "work",
                "Key": f"x/detections/{number:05d}.json",
                "Body": json.dumps(core.slim(answer)).encode(),
                "ContentType": "application/json",
            }
            s3.add_response("put_object", {}, written)
        done = app.handler({"job_id": "job", "work": {"bucket": "work", "detections": "x/detections/"}}, None)
    assert done == {"pages": 3, "faces": 3}


def test_an_error_is_raised_by_its_name(app):
    with stubbed(app.rekognition) as (rekognition,):
        rekognition.add_client_error("get_face_detection", "ProvisionedThroughputExceededException")
        with pytest.raises(Exception, match="ProvisionedThroughput") as raised:
            app.handler({"job_id": "job", "work": {"bucket": "work", "detections": "x/detections/"}}, None)
    assert type(raised.value).__name__ == "ProvisionedThroughputExceededException"


def test_no_face_is_one_page_without_any(app):
    with stubbed(app.rekognition, app.s3) as (rekognition, s3):
        rekognition.add_response("get_face_detection", page())
        s3.add_response("put_object", {})
        done = app.handler({"job_id": "job", "work": {"bucket": "work", "detections": "x/detections/"}}, None)
    assert done == {"pages": 1, "faces": 0}

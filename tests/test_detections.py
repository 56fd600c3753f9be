"""Detections: what Rekognition returns is read, cleaned and counted; anything else is refused in one line."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faceblur import Detections, DetectionsError, DocumentError, Face, Sample

numbers = st.floats(-2, 3, width=32) | st.sampled_from([0.0, math.nan, math.inf, -math.inf])
faces = st.builds(Face, numbers, numbers, numbers, numbers, st.just(0.9))
times = st.integers(0, 20).map(float) | st.sampled_from([math.nan, math.inf])
timed_faces = st.lists(st.tuples(times, faces), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Faces", "Face", "BoundingBox", "Timestamp", "Left"]), inner, max_size=4)
    ),
    max_leaves=8,
)
boxes = st.fixed_dictionaries(dict.fromkeys(("Left", "Top", "Width", "Height"), json_values))


def rekognition(*items) -> dict:
    """A page of GetFaceDetection with (ms, left, top, width, height) each."""
    return {
        "JobStatus": "SUCCEEDED",
        "VideoMetadata": {"Codec": "h264", "Format": "QuickTime / MOV", "FrameRate": 25.0},
        "Faces": [
            {
                "Timestamp": ms,
                "Face": {
                    "BoundingBox": dict(zip(("Left", "Top", "Width", "Height"), box, strict=True)),
                    "Confidence": 99.5,
                    "Landmarks": [],
                },
            }
            for ms, *box in items
        ],
    }


@given(timed_faces)
def test_samples_are_in_time_order_once_each_and_hold_usable_boxes_only(given_faces):
    found = Detections.from_faces(given_faces)
    assert [s.time_ms for s in found.samples] == sorted({s.time_ms for s in found.samples})
    for sample in found.samples:
        assert sample.faces and len(set(sample.faces)) == len(sample.faces)
        assert all(face.is_usable for face in sample.faces)


HERE = Face(0.4, 0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    "samples",
    [
        [(500, HERE), (0, HERE)],
        [(500, HERE), (500, HERE)],
        [(math.nan, HERE)],
        [(0, Face(0.4, 0.1, 0.0, 0.3))],
        [(0, Face(1.0, 0.1, 0.2, 0.3))],
        [(0, Face(0.4, math.nan, 0.2, 0.3))],
    ],
)
def test_what_was_put_together_wrongly_is_refused_when_it_is_made(samples):
    with pytest.raises(DetectionsError):
        Detections(tuple(Sample(time_ms, (face,)) for time_ms, face in samples))


@given(timed_faces)
def test_every_face_given_is_kept_or_counted_as_rejected(given_faces):
    found = Detections.from_faces(given_faces)
    good = [(t, f) for t, f in given_faces if math.isfinite(t) and f.is_usable]
    assert found.rejected == len(given_faces) - len(good)
    assert {(s.time_ms, f) for s in found.samples for f in s.faces} == set(good)
    assert found.face_count == len(set(good))


@given(timed_faces)
def test_the_order_in_which_faces_come_does_not_matter(given_faces):
    one, other = Detections.from_faces(given_faces), Detections.from_faces(reversed(given_faces))
    assert one.rejected == other.rejected
    assert [(s.time_ms, set(s.faces)) for s in one.samples] == [(s.time_ms, set(s.faces)) for s in other.samples]


@given(timed_faces)
def test_rekognition_round_trip(given_faces):
    found = Detections.from_faces(given_faces)
    back = Detections.from_rekognition([json.loads(json.dumps(found.to_rekognition({"Codec": "h264"})))])
    assert [s.time_ms for s in back.samples] == [s.time_ms for s in found.samples]
    for before, after in zip(found.samples, back.samples, strict=True):
        for a, b in zip(before.faces, after.faces, strict=True):
            assert (a.left, a.top, a.width, a.height) == (b.left, b.top, b.width, b.height)
            assert b.score == pytest.approx(a.score)


@given(st.lists(json_values | st.just({"Faces": []}), max_size=3))
def test_any_json_is_read_or_refused(pages):
    try:
        assert isinstance(Detections.from_rekognition(pages), Detections)
    except DetectionsError as problem:
        assert str(problem).startswith("not the result of GetFaceDetection") and "\n" not in str(problem)


@given(json_values, boxes)
@example(10**400, {"Left": 0.1, "Top": 0.1, "Width": 0.1, "Height": 0.1})
@example(480, {"Left": 10**400, "Top": 0.1, "Width": 0.1, "Height": 0.1})
def test_any_box_is_read_or_refused(timestamp, box):
    page = {"Faces": [{"Timestamp": timestamp, "Face": {"BoundingBox": box}}]}
    try:
        found = Detections.from_rekognition([page])
    except DetectionsError:
        return
    assert found.face_count + found.rejected == 1


def test_boxes_past_the_picture_are_kept_and_those_outside_rejected():
    page = rekognition(
        (480, -0.1, 0.2, 0.3, 0.4), (480, 0.9, 0.9, 0.3, 0.3), (480, 1.2, 0, 0.1, 0.1), (480, 0, -1, 1, 1)
    )
    found = Detections.from_rekognition([page])
    assert [(f.left, f.width) for f in found.samples[0].faces] == [(-0.1, 0.3), (0.9, 0.3)]
    assert found.rejected == 2


def test_nan_null_zero_and_negative_boxes_are_rejected_with_a_count():
    page = rekognition(
        (467, 0.1, 0.1, 0.2, 0.2),
        (467, math.nan, 0.1, 0.2, 0.2),
        (467, None, 0.1, 0.2, 0.2),
        (967, 0.1, 0.1, 0.0, 0.2),
        (967, 0.1, 0.1, 0.2, -0.2),
        (967, 0.1, math.inf, 0.2, 0.2),
    )
    found = Detections.from_rekognition([json.loads(json.dumps(page))])
    assert (len(found.samples), found.face_count, found.rejected) == (1, 1, 5)


def test_pages_are_joined_and_what_two_pages_repeat_counts_once():
    first = rekognition((480, 0.1, 0.1, 0.2, 0.2), (1000, 0.2, 0.1, 0.2, 0.2))
    second = rekognition((1000, 0.2, 0.1, 0.2, 0.2), (1000, 0.6, 0.1, 0.2, 0.2))
    found = Detections.from_rekognition([first, second])
    assert [(s.time_ms, len(s.faces)) for s in found.samples] == [(480.0, 1), (1000.0, 2)]


def test_a_face_without_confidence_is_trusted():
    page = rekognition((480, 0.1, 0.1, 0.2, 0.2))
    del page["Faces"][0]["Face"]["Confidence"]
    assert Detections.from_rekognition([page]).samples == (Sample(480.0, (Face(0.1, 0.1, 0.2, 0.2),)),)


@pytest.mark.parametrize("as_list", [False, True])
def test_a_file_holds_one_response_or_a_list_of_pages(tmp_path, as_list):
    page = rekognition((480, 0.1, 0.1, 0.2, 0.2))
    path = tmp_path / "faces.json"
    path.write_text(json.dumps([page, page] if as_list else page))
    assert Detections.load(path).face_count == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"\x89PNG\r\n\xff", "not JSON"),
        (b"{", "not JSON"),
        (b"{}", "Faces"),
        (b"3", "not the result of GetFaceDetection"),
        (b'{"Faces": [{"Timestamp": 1}]}', "Face"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, says):
    path = tmp_path / "faces.json"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=r"faces\.json") as caught:
        Detections.load(path)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(DocumentError, match="No such file"):
        Detections.load(tmp_path / "none.json")

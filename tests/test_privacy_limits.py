"""The thresholds and conditions on which it hangs whether somebody is seen: each falls when it is moved."""

import json
from dataclasses import replace

import numpy as np
import pytest
from lambda_kit import ROOT, load, stubbed
from proof_kit import FINE, Film, rewrite

from faceblur import Plan, Track, render
from faceblur.audit import verify
from faceblur.localaws.rekognition import Job, RekognitionVideo
from faceblur.pipeline.merge import merge_plans, number_tracks
from faceblur.video.reading.planes import plane_views

PAGE = 1000


def weakened(film: Film, numbers, share: float):
    """A copy of the good video in whose frames `numbers` that share of the original shows through the blur."""

    def change(writer, frame, originals, goods):
        if frame.index in numbers:
            original = plane_views(originals[frame.index].raw)
            for plane, sharp in zip(plane_views(writer.writable(frame)), original, strict=True):
                plane[...] = np.rint(share * sharp + (1 - share) * plane.astype(float))
        writer.write(frame)

    return rewrite(film, f"weak-{len(numbers)}.mp4", change)


def test_a_weak_blur_in_a_few_frames_does_not_pass(film):
    """In three of 45 frames they are readable, none plainly seen: over a fiftieth of all, under a fifth."""
    found = verify(film.original, weakened(film, (2, 3, 4), 0.42), film.plan, every_ms=1e9)
    assert found.passed is False and found.leaks == ()
    (problem,) = found.problems
    words = problem.removeprefix("the blur is too weak: ").split()
    readable, faces = int(words[0]), int(words[2])
    assert 0.02 < readable / faces < 0.2


def test_a_leak_beside_a_face_that_stays_visible_is_found(film, tmp_path):
    """The face that was forgotten reaches a little into the box of one that stays visible on purpose."""
    blurred, forgotten = film.plan.tracks
    beside = forgotten.boxes.copy()
    beside[:, 0] += 0.76 * beside[:, 2]  # an intersection over union of 0.14
    visible = Track(7, forgotten.times_ms, beside, is_visible=True)
    plan = Plan((blurred, visible), video=film.plan.video)
    render(film.original, tmp_path / "out.mp4", plan, encoder=FINE)
    found = verify(film.original, tmp_path / "out.mp4", plan)
    assert found.passed is False
    assert {leak.track for leak in found.leaks} == {None} and len(found.leaks) > 3


def test_who_was_visible_in_the_plan_stays_so_beside_a_choice_on_the_command_line():
    """And nobody else becomes visible by it."""
    one = Track(0, np.array([0.0]), np.array([[0.2, 0.3, 0.1, 0.2]], np.float32))
    plan = Plan((replace(one, is_visible=True), replace(one, id=1), replace(one, id=2)))
    assert [track.is_visible for track in plan.showing([2]).tracks] == [True, False, True]
    assert [track.is_visible for track in plan.showing([]).tracks] == [True, False, False]


def page_of(count: int, first: int = 0, token: str = "") -> dict:
    box = {"Width": 0.1, "Height": 0.2, "Left": 0.1, "Top": 0.3}
    faces = [{"Timestamp": 40 * (first + n), "Face": {"BoundingBox": box, "Confidence": 99.0}} for n in range(count)]
    return {"JobStatus": "SUCCEEDED", "Faces": faces} | ({"NextToken": token} if token else {})


@pytest.mark.parametrize("last", [PAGE, 1, 0])
def test_a_full_page_is_followed_by_the_next_one(monkeypatch, last):
    """A thousand faces on a page: whether there is more the token says, never the number."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    app = load(ROOT / "lambda_src" / "get_detections", "app")
    pages = [page_of(PAGE, token="more"), page_of(last, PAGE)]
    bodies = []
    with stubbed(app.rekognition, app.s3) as (rekognition, s3):
        for answer, token in zip(pages, ({}, {"NextToken": "more"}), strict=True):
            rekognition.add_response("get_face_detection", answer, {"JobId": "job", "MaxResults": PAGE, **token})
            s3.add_response("put_object", {})
        put = "before-parameter-build.s3.PutObject"
        app.s3.meta.events.register(put, lambda params, **_: bodies.append(params["Body"]))
        done = app.handler({"job_id": "job", "work": {"bucket": "work", "detections": "x/detections/"}}, None)
    assert done == {"pages": 2, "faces": PAGE + last}
    assert [len(json.loads(body)["Faces"]) for body in bodies] == [PAGE, last]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000, 2001])
def test_the_embedded_pages_hold_every_face_once(tmp_path, count):
    service = RekognitionVideo(storage=None, folder=tmp_path)
    faces = [{"Timestamp": number} for number in range(count)]
    service._jobs["job"] = Job("job", {"Video": {}}, status="SUCCEEDED", faces=faces)
    pages, request = [], {"JobId": "job", "MaxResults": PAGE}
    while True:
        answer = service.handle("GetFaceDetection", request, "me")
        pages.append(answer["Faces"])
        if "NextToken" not in answer:
            break
        request["NextToken"] = answer["NextToken"]
    assert [face for page in pages for face in page] == faces
    assert len(pages) == max(1, -(-count // PAGE))  # no page without a face behind a full one


def face(number: int, start_ms: float, left: float, is_visible: bool = False) -> Track:
    return Track(number, np.array([start_ms]), np.array([[left, 0.3, 0.2, 0.2]], np.float32), is_visible)


@pytest.mark.parametrize(
    ("share", "gap_ms", "is_same"),
    [(0.35, 40, True), (0.25, 40, False), (0.9, 240, True), (0.9, 260, False)],
)
def test_who_crosses_a_border_is_the_same_person_only_near_by_and_at_once(share, gap_ms, is_same):
    """Two faces that overlap by `share`: a choice made for one must not reach the other."""
    moved = 0.2 * (1 - share) / (1 + share)  # of two boxes as wide as 0.2
    plans = (Plan((face(0, 0.0, 0.1),)), Plan((face(0, gap_ms, 0.1 + moved),)))
    (first, second) = number_tracks(plans)
    assert (first[0] == second[0]) == is_same
    assert len(merge_plans(plans).tracks) == (1 if is_same else 2)


def test_a_person_stays_visible_over_a_border_only_when_both_sides_say_so():
    for before, after in ((True, False), (False, True), (True, True), (False, False)):
        plans = (Plan((face(0, 0.0, 0.1, before),)), Plan((face(0, 40.0, 0.1, after),)))
        (track,) = merge_plans(plans).tracks
        assert track.is_visible == (before and after)

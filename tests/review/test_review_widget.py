"""The review in a notebook: its controls change the plan, and everybody sees something."""

import base64
import json

import IPython.display
import numpy as np
import pytest
from seeing import crowd
from test_review import make_striped, some_plan

from faceblur import Plan, VerificationError
from faceblur.audit.verdict import Audit
from faceblur.review import Review
from faceblur.review import widget as review_widget
from faceblur.review.widget import ReviewView, show_review
from faceblur.showing.widgets import WIDGET_VIEW


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_striped(tmp_path_factory.mktemp("widget") / "film.mp4")


@pytest.fixture
def view(film, tmp_path):
    return ReviewView(Review(some_plan(film), film), tmp_path / "plan.json", tmp_path / "again.mp4")


def tick(view, track, is_kept=True):
    view.people[track].children[-1].value = is_kept


def test_ticking_a_person_changes_the_plan_and_the_frame(view):
    before = view.frame.value
    tick(view, 4)
    assert view.review.kept_visible == [4]
    assert view.frame.value != before
    assert "not saved yet" in view.status.value and "on purpose: 4" in view.status.value
    tick(view, 4, False)
    assert not view.review.is_changed


def test_a_rectangle_is_covered_and_taken_out_again(view):
    before = view.frame.value
    view.area.sides["left"].value, view.area.sides["top"].value = 30.0, 5.0
    view.area.start.value = 0.5
    view.area.cover.click()
    (area,) = view.review.plan.areas
    assert (area.left, area.top, area.width, area.start_ms) == (0.3, 0.05, 0.2, 500.0)
    assert area.to_json()["end_ms"] is None
    view.time.value = 1.0
    assert view.frame.value != before
    view.areas.children[0].children[1].click()
    assert view.review.plan.areas == () and view.areas.children == ()


def test_the_rectangle_is_seen_while_it_is_moved_and_until_it_is_covered(view):
    plain = view.frame.value
    assert view.area.drawn is None
    for side, percent in {"left": 30.0, "top": 5.0, "width": 25.0}.items():
        view.area.sides[side].value = percent
    drawn = view.area.drawn
    assert (drawn.left, drawn.top, drawn.width, drawn.height) == (0.3, 0.05, 0.25, 0.2)
    assert view.frame.value != plain and not view.review.is_changed
    view.area.cover.click()
    assert view.area.drawn is None and view.review.is_changed


def test_a_rectangle_from_the_frame_on_screen_to_another(view):
    assert view.area.cover.disabled  # nobody covers by accident what was never drawn
    view.area.sides["left"].value = 30.0
    assert not view.area.cover.disabled
    view.time.value = 0.74
    view.area.from_here.click()
    view.time.value = 1.5
    view.area.to_here.click()
    view.area.cover.click()
    (area,) = view.review.plan.areas
    assert (area.start_ms, area.end_ms) == (700.0, 1500.0)
    assert view.area.cover.disabled


def test_where_a_face_was_lost_is_one_click_away(view):
    (lost,) = [each for each in view.people[4].children if getattr(each, "description", "") == "Lost at 0:00.9"]
    lost.click()
    assert view.time.value == pytest.approx(0.9)


def test_what_is_refused_is_said(view):
    view.area.sides["width"].value = 0.0
    view.area.cover.click()
    assert "needs a width and a height" in view.status.value
    assert not view.review.is_changed


def test_style_and_time_show_another_frame(view):
    frames = [view.frame.value]
    view.style.value = "solid"
    frames.append(view.frame.value)
    view.people[1].children[1].click()
    view.time.value = 2.5
    frames.append(view.frame.value)
    assert len(set(frames)) == 3
    assert view.review.plan.style.name == "solid"


def test_saving_and_blurring_again_with_the_choices(view, tmp_path):
    tick(view, 1)
    view.save_button.click()
    assert [track.is_visible for track in Plan.load(tmp_path / "plan.json").tracks] == [True, False]
    assert not view.output.exists()
    view.blur_button.click()
    report = json.loads((tmp_path / "again.json").read_text())
    assert report["kept_visible"] == [1]
    assert report["audit"]["passed"] is True
    assert report["output"]["name"] == "again.mp4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.json", "again.mp4", "plan.json"]
    assert view.progress.value == 1


def test_a_result_that_does_not_pass_is_not_given_its_name(view, tmp_path, monkeypatch):
    failed = Audit(False, ("a face can be seen at 0:01.0",), (), 30, 5, 1, 30, 0)
    monkeypatch.setattr("faceblur.review.session.verify", lambda *_, **__: failed)
    view.blur_button.click()
    assert "did not pass" in view.status.value and "0:01.0" in view.status.value
    assert not (tmp_path / "again.mp4").exists()
    with pytest.raises(VerificationError):
        view.blur_again()


@pytest.mark.parametrize("has_people", [True, False])
def test_one_bundle_with_a_view_for_every_reader(film, tmp_path, monkeypatch, has_people):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, **_: shown.append(bundle))
    review = Review(some_plan(film) if has_people else Plan(()), film)
    show_review(review, tmp_path / "plan.json")
    (bundle,) = shown
    assert bundle[WIDGET_VIEW]["model_id"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "Open this notebook in JupyterLab" in bundle["text/html"]
    assert not review.is_changed and list(tmp_path.iterdir()) == []


def test_the_still_shows_frame_and_faces(view):
    still = review_widget._still(view)
    assert still.shape[0] > view.picture(720).shape[0]
    assert np.ptp(still[-10:, :80]) > 20


def test_of_a_thousand_people_a_few_have_a_picture_and_the_rest_come_when_asked_for(film, tmp_path):
    view = ReviewView(Review(crowd(3000.0), film), tmp_path / "plan.json", None)
    assert len(view.people) == review_widget.PEOPLE and set(view.people) == set(range(1326, 1338))
    assert view.more.description == "Show 12 more of 1326 who are seen for less time"
    lost = [each for each in view.people[1337].children if getattr(each, "description", "").startswith("Lost at")]
    others = view.people[1337].children[-2]
    assert len(lost) == 3 and [each.description for each in others.children] == ["Lost 54 times more"]
    others.children[0].click()
    assert len(others.children) == 54 and others.layout.max_height == "200px"
    view.more.click()
    assert set(view.people) == set(range(1314, 1338)) and view._row.children[0] is view.people[1314]
    for track in range(1338):
        view.review.set_visible(track)
    view._show()
    assert view.status.value.count(",") == 23 and "and 1314 more" in view.status.value


def test_few_people_are_all_there_and_nothing_more_is_offered(view):
    assert list(view.people) == [1, 4] and view.more.layout.display == "none"

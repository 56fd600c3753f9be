"""A plan that is looked over: who stays visible, areas, style; what a frame looks like with it."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import video_kit
from moving import Mover, Scene
from seeing import SIZE, make_video

from faceblur import Area, DocumentError, InputError, OutputError, Plan, Style, Track, analyse, render
from faceblur.finding import FaceDetector
from faceblur.rendering.report import describe_file
from faceblur.review.session import Review, changed_style, find_video
from faceblur.showing.preview import read_frames
from faceblur.video import Stills

TIMES = np.arange(30) * 100.0


def some_plan(source=None):
    left = Track(1, TIMES[:20], np.tile(np.float32([0.05, 0.2, 0.2, 0.4]), (20, 1)))
    right = Track(4, TIMES, np.tile(np.float32([0.6, 0.3, 0.2, 0.4]), (30, 1)), review=((900.0, 1500.0),))
    return Plan((left, right), source=describe_file(source) if source else {})


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_striped(tmp_path_factory.mktemp("review") / "film.mp4")


def make_striped(path):
    """Upright stripes, which every style changes, and a brightness that tells the frames apart."""
    from faceblur import video

    width, height = SIZE
    stripes = np.where(np.arange(width) // 4 % 2, 90, 0)[None, :, None]
    frames = (np.broadcast_to(stripes + 4 * n, (height, width, 3)).astype(np.uint8) for n in range(30))
    video.encode(path, frames, frame_rate=10, crf=4)
    return path


@pytest.fixture
def review(film):
    return Review(some_plan(film), film)


def detail(picture, left, top, width, height):
    """How much neighbouring columns differ in the middle of a box."""
    rows, columns = picture.shape[:2]
    y0, y1 = round((top + height / 3) * rows), round((top + 2 * height / 3) * rows)
    x0, x1 = round((left + width / 3) * columns), round((left + 2 * width / 3) * columns)
    return float(np.abs(np.diff(picture[y0:y1, x0:x1].astype(float), axis=1)).mean())


LEFT, RIGHT = (0.05, 0.2, 0.2, 0.4), (0.6, 0.3, 0.2, 0.4)


def test_a_frame_is_what_render_would_write(review, film, tmp_path):
    render(film, tmp_path / "out.mp4", review.plan)
    for time_ms, written in zip((0.0, 1200.0), read_frames(tmp_path / "out.mp4", [0.0, 1200.0]), strict=True):
        difference = np.abs(review.frame(time_ms).astype(int) - written)
        assert difference.mean() < 3 and (difference > 40).mean() < 0.002


def test_who_is_ticked_stays_visible_and_the_report_says_so(review, film, tmp_path):
    before = review.frame(500)
    assert detail(before, *LEFT) < 5 and detail(before, *RIGHT) < 5
    review.set_visible(1)
    assert detail(review.frame(500), *LEFT) > 15
    assert detail(review.frame(500), *RIGHT) < 5
    assert review.kept_visible == [1]
    report = render(film, tmp_path / "out.mp4", review.plan)
    assert report["kept_visible"] == [1]
    review.set_visible(1, False)
    assert np.array_equal(review.frame(500), before)
    assert not review.is_changed


def test_looking_changes_nothing(review, film):
    plan = review.plan
    for time_ms in (-50.0, 0.0, 1234.0, 99_999.0):
        review.frame(time_ms)
    review.thumbnail(1)
    assert review.plan is plan
    untouched = read_frames(film, [500.0])[0]
    review.frame(500.0)
    assert np.array_equal(Stills(film).at(500.0).bgr(), untouched)


def test_an_area_covers_its_rectangle_in_its_time_only(review):
    spot = (0.3, 0.05, 0.2, 0.2)
    assert detail(review.frame(1000), *spot) > 15
    review.add_area(*spot, 800.0, 1200.0)
    assert detail(review.frame(1000), *spot) < 5
    assert detail(review.frame(1300), *spot) > 15
    assert review.plan.areas == (Area(*spot, 800.0, 1200.0),)
    review.remove_area(0)
    assert detail(review.frame(1000), *spot) > 15


@pytest.mark.parametrize(
    "area",
    [
        (0.1, 0.1, 0, 0.2),
        (0.1, 0.1, -0.2, 0.2),
        (float("nan"), 0.1, 0.2, 0.2),
        (1.2, 0.1, 0.2, 0.2),
        (-0.3, 0.1, 0.2, 0.2),
        (0.1, 0.1, 0.2, 0.2, 900.0, 800.0),
        (0.1, 0.1, 0.2, 0.2, 9000.0),
        ("left", 0.1, 0.2, 0.2),
    ],
)
def test_an_area_that_would_cover_nothing_is_refused(review, area):
    with pytest.raises(DocumentError):
        review.add_area(*area)
    assert review.plan.areas == ()


def test_another_style_is_seen_at_once(review):
    review.with_style(changed_style(review.plan.style, {"name": "solid", "shape": "box"}))
    assert review.frame(500)[80, 50].max() < 40
    assert review.plan.style == Style("solid", shape="box")


def test_a_style_that_could_be_undone_is_refused_and_leave_for_it_is_not_inherited():
    with pytest.raises(DocumentError, match="recognised"):
        changed_style(Style(), {"strength": 16})
    forced = Style(strength=16, forced=True)
    assert changed_style(forced, {"shape": "box"}).strength == 16
    with pytest.raises(DocumentError, match="undone"):
        changed_style(forced, {"name": "gaussian", "strength": 0.01})
    assert changed_style(forced, {"name": "pixelate"}) == Style("pixelate")
    for wrong in ({"strength": "much"}, {"forced": True}, {"name": 3}, {"margin_ratio": None}):
        with pytest.raises(DocumentError):
            changed_style(Style(), wrong)


def test_thumbnails_show_the_unblurred_face(review):
    picture = review.thumbnail(4)
    assert picture.shape == (144, 144, 3)
    assert detail(picture, 0, 0, 1, 1) > 5
    with pytest.raises(DocumentError, match="no track 2"):
        review.thumbnail(2)
    with pytest.raises(DocumentError, match="no track 2"):
        review.set_visible(2)


def test_saving_writes_the_choices(review, tmp_path):
    review.set_visible(4)
    review.add_area(0.1, 0.1, 0.2, 0.2)
    assert review.is_changed and not review.is_saved
    review.save(tmp_path / "plan.json")
    assert review.is_saved and review.is_changed
    plan = Plan.load(tmp_path / "plan.json")
    assert [track.is_visible for track in plan.tracks] == [False, True]
    assert len(plan.areas) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_still_is_the_frame_on_screen(film):
    stills = Stills(film)
    shown = {-10: 0, 0: 0, 98: 0, 100: 100, 1234: 1200, 2900: 2900, 5000: 2900}
    assert {time_ms: stills.at(time_ms).time_ms for time_ms in shown} == shown


def test_a_still_after_a_long_pause_is_the_last_frame_before_it(tmp_path):
    path = video_kit.make(tmp_path / "paused.mp4", times=[0, 1, 2, 200, 201], time_base="1/10")
    stills = Stills(path)
    assert stills.at(19_990).time_ms == 200
    assert stills.at(20_000).time_ms == 20_000


def test_the_video_is_found_beside_the_plan_by_name_and_content(film, tmp_path):
    plan = some_plan(film)
    assert find_video(plan, film.parent / "plan.json") == film
    with pytest.raises(DocumentError, match="--video FILE"):
        find_video(plan, tmp_path / "plan.json")
    make_video(tmp_path / "film.mp4")
    with pytest.raises(DocumentError, match="SHA-256 differs"):
        find_video(plan, tmp_path / "plan.json")
    with pytest.raises(DocumentError, match="does not name its video"):
        find_video(some_plan(), tmp_path / "plan.json")


def test_a_plan_cannot_send_us_to_another_folder(film, tmp_path):
    plan = replace(some_plan(film), source={"name": f"../{film.parent.name}/film.mp4"})
    with pytest.raises(DocumentError, match="--video FILE"):
        find_video(plan, tmp_path / "plan.json")


def test_a_video_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "film.mp4").write_text(json.dumps("no film"))
    with pytest.raises(InputError):
        Review(some_plan(), tmp_path / "film.mp4")


@pytest.mark.parametrize("way", ["itself", "spelled otherwise", "symbolic link", "hard link"])
def test_the_original_is_never_blurred_over(review, film, tmp_path, way):
    source = tmp_path / "film.mp4"
    source.write_bytes(film.read_bytes())
    target = {"itself": source, "spelled otherwise": tmp_path / "x" / ".." / "film.mp4"}.get(way, tmp_path / "o.mp4")
    (tmp_path / "x").mkdir()
    if way == "symbolic link":
        target.symlink_to(source)
    elif way == "hard link":
        os.link(source, target)
    with pytest.raises(OutputError, match="is the input itself"):
        Review(some_plan(source), source).blur(target)
    assert source.read_bytes() == film.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} <= {"film.mp4", "o.mp4", "x"}


def test_what_is_not_checked_yet_takes_nobodys_name(review, tmp_path):
    (tmp_path / "out_unchecked.mp4").write_bytes(b"mine")
    assert review.blur(tmp_path / "out.mp4")["audit"]["passed"] is True
    assert (tmp_path / "out_unchecked.mp4").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "out_unchecked.mp4"]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """(film, plan) of two people with real faces."""
    scene = Scene((Mover(80, 90, 0.3, 0, 60, "eileen"), Mover(230, 90, 0, 0.1, 60, "grace")), seconds=2.4, rate=10)
    path = scene.write(tmp_path_factory.mktemp("people") / "people.mp4")
    return path, analyse(path)


def test_one_person_kept_and_an_area_covered_pass_the_check(people, tmp_path):
    """The area lies over part of the one who stays visible, and begins and ends in between."""
    film, plan = people
    review = Review(plan, film)
    review.set_visible(plan.tracks[0].id)
    review.add_area(0.2, 0.2, 0.2, 0.3, 500, 1500)
    report = review.blur(tmp_path / "again.mp4")
    assert report["audit"]["passed"] is True and report["kept_visible"] == [plan.tracks[0].id]
    covered = [n for n, frame in enumerate(report["frames"]) if any(region[0] < 0 for region in frame["regions"])]
    assert (covered[0], covered[-1]) == (5, 15)


def test_a_person_s_picture_shows_the_face_and_not_the_place_that_it_has_left(people):
    """The box outlasts the face, and grows: where it is largest there is nobody any more."""
    film, plan = people
    track = plan.tracks[0]
    boxes = track.boxes.copy()
    boxes[-4:] = (0.4, -0.3, 0.5, 0.4)
    left = replace(plan, tracks=(replace(track, boxes=boxes),))
    assert left.tracks[0].thumbnail_ms == track.times_ms[-4]
    review = Review(left, film)
    assert review.seen_ms(track.id) < track.times_ms[-4]
    assert FaceDetector().find(review.thumbnail(track.id))

"""Boxes over frames, the contact sheet, and which frames it shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeing import make_video, some_faces, some_report

from faceblur.detections import Detections
from faceblur.errors import InputError
from faceblur.showing import preview
from faceblur.showing.preview import LabelledBox, Moment
from faceblur.timecode import clock


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("film") / "film.mp4")


def test_detections_become_labelled_boxes():
    moments = preview.moments_of(some_faces())
    assert [moment.time_ms for moment in moments] == [480, 1000, 1480, 2000]
    assert [box.label for box in moments[1].boxes] == ["face 90%", "face 55%"]


def test_a_report_becomes_boxes_named_by_track_or_area():
    report = {"frames": [{"time_ms": 5, "regions": [[2, 0, 0, 1, 1], [-1, 0, 0, 0.5, 0.5]]}]}
    (moment,) = preview.moments_of(report)
    assert [box.label for box in moment.boxes] == ["track 2", "area"]


def test_frames_are_those_shown_at_the_time(film):
    pictures = preview.read_frames(film, [0, 480, 1000, 2900, 99999], width=160)
    assert [picture.shape for picture in pictures] == [(90, 160, 3)] * 5
    levels = [int(picture[40, 120].mean()) for picture in pictures]
    assert np.abs(np.array(levels) - [0, 32, 80, 232, 232]).max() <= 4


def test_seeking_shows_the_same_frames_as_reading_through(film, monkeypatch):
    times = [100.0, 1000.0, 2500.0]
    through = preview.read_frames(film, times)
    monkeypatch.setattr(preview, "ONE_PASS_S", 0)
    for one, other in zip(through, preview.read_frames(film, times), strict=True):
        assert np.array_equal(one, other)


def test_boxes_are_drawn_where_they_are_and_the_original_stays():
    picture = np.zeros((180, 320, 3), np.uint8)
    drawn = preview.draw_boxes(picture, [LabelledBox(0.25, 0.5, 0.5, 0.25, "face 90%", 1)])
    assert not picture.any()
    assert drawn[90, 160].any()
    assert drawn[130, 80].any()
    assert not drawn[110, 160].any()
    assert not drawn[20, 20].any()


@pytest.mark.parametrize("sides", [(-0.2, -0.2, 0.5, 0.5), (0.9, 0.9, 0.5, 0.5), (2, 2, 1, 1)])
def test_boxes_past_the_edge_do_no_harm(sides):
    box = LabelledBox(*sides, "x")
    assert preview.draw_boxes(np.zeros((90, 160, 3), np.uint8), [box]).shape == (90, 160, 3)


def test_the_sheet_shows_each_frame_beside_its_blurred_one(film, tmp_path):
    blurred = make_video(tmp_path / "blurred.mp4", colour=120)
    alone = preview.contact_sheet(film, some_faces(), width=600)
    pairs = preview.contact_sheet(film, some_faces(), blurred, width=600)
    assert 560 <= alone.shape[1] <= 600
    assert 560 <= pairs.shape[1] <= 600
    assert pairs.dtype == np.uint8
    # Left half of the right picture of the first pair: brightened in the blurred video only.
    assert int(pairs[60, 24 + 140].mean()) > int(pairs[60, 24 + 10].mean()) + 60


def test_a_video_without_faces_gets_plain_frames(film):
    nothing = Detections(())
    assert preview.contact_sheet(film, nothing, width=600).shape[1] > 500
    moments = preview.choose(preview.moments_of(nothing), 6, 3000)
    assert [moment.boxes for moment in moments] == [()] * 6


def test_upright_videos_get_more_columns(tmp_path):
    upright = make_video(tmp_path / "upright.mp4", size=(180, 320))
    sheet = preview.contact_sheet(upright, some_report(), width=900)
    assert sheet.shape[1] > sheet.shape[0]


@given(
    st.lists(st.tuples(st.floats(0, 10_000), st.integers(0, 3)), max_size=60, unique_by=lambda item: item[0]),
    st.integers(1, 8),
)
def test_chosen_moments_are_in_order_and_have_faces_when_there_are_any(times, count):
    moments = [Moment(time, (LabelledBox(0.1, 0.1, 0.1, 0.1),) * faces) for time, faces in sorted(times)]
    chosen = preview.choose(moments, count, 10_000)
    assert 1 <= len(chosen) <= count
    assert list(chosen) == sorted(chosen, key=lambda moment: moment.time_ms)
    if any(faces for _, faces in times):
        assert all(moment.boxes for moment in chosen)
    else:
        assert len(chosen) == count


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(InputError):
        preview.contact_sheet(tmp_path / "a.mp4", some_faces())


def test_clock():
    assert clock(62_500) == "1:02.5"


def test_a_scene_of_a_long_film_is_not_shown_six_times():
    """Faces in the first ten seconds of ten minutes alone: one picture says it."""
    box = (LabelledBox(0.1, 0.1, 0.1, 0.1),)
    scene = [Moment(500.0 * index, box) for index in range(20)]
    assert len(preview.choose(scene, 6, 600_000)) == 1
    assert len(preview.choose([*scene, Moment(300_000.0, box), Moment(340_000.0, box)], 6, 600_000)) == 3


def test_who_stands_there_all_the_time_is_shown_once_where_others_are_to_be_seen():
    """Two speakers in every frame; for a second in each sixth of ten minutes a listener is seen instead."""
    speakers = (LabelledBox(0.4, 0.2, 0.2, 0.4), LabelledBox(0.7, 0.2, 0.2, 0.4))
    moments = [
        Moment(100.0 * n, (LabelledBox(0.02, 0.1 * (n // 1000), 0.05, 0.05),) if n % 1000 < 10 else speakers)
        for n in range(6000)
    ]
    chosen = preview.choose(moments, 6, 600_000)
    assert [len(moment.boxes) for moment in chosen] == [2, 1, 1, 1, 1, 1]

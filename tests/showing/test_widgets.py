"""Figures, the frame slider and the player: what they hold, and that everybody sees something."""

import base64
import re

import cv2
import IPython.display
import numpy as np
import pytest
from seeing import make_video, some_faces, some_report

from faceblur.detections import Detections, Face
from faceblur.showing import figures, many, player, preview, widgets

STILL = 1  # the picture for readers that run no scripts


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, **_: bundles.append(bundle))
    return bundles


def png_of(bundle):
    data = base64.b64decode(bundle["image/png"])
    assert data.startswith(b"\x89PNG")
    return data


def widget_of(monkeypatch, film, found):
    published = []
    monkeypatch.setattr(widgets, "publish", lambda widget, html, still: published.append(widget))
    widgets.frame_slider(film, found)
    return published[0]


def test_the_slider_is_one_bundle_with_a_view_for_every_reader(film, shown):
    widgets.frame_slider(film, some_faces())
    (bundle,) = shown
    assert bundle[widgets.WIDGET_VIEW]["model_id"]
    assert bundle["text/html"].count("data:image/jpeg;base64,") == 4 + STILL
    assert "face 55%" in bundle["text/html"]
    png_of(bundle)


def test_play_slider_and_frames_are_linked_in_the_browser(film):
    import ipywidgets

    view = widgets._slider_widget([b"a", b"b", b"c"], ["1", "2", "3"])
    stack, (play, slider) = view.children[0], view.children[1].children
    models = ipywidgets.Widget.get_manager_state()["state"].values()
    links = [model for model in models if model["model_name"] == "LinkModel"]
    ends = {(w["state"]["source"][0], w["state"]["target"][0]) for w in links}
    assert (f"IPY_MODEL_{play.model_id}", f"IPY_MODEL_{slider.model_id}") in ends
    assert (f"IPY_MODEL_{slider.model_id}", f"IPY_MODEL_{stack.model_id}") in ends
    assert len(stack.children) == slider.max + 1 == 3


def test_the_threshold_hides_boxes_below_it(film, monkeypatch):
    view = widget_of(monkeypatch, film, some_faces())
    stack, (_, _, threshold) = view.children[0], view.children[1].children

    def seen():
        return [(card.children[0].value, card.children[1].value.split("; ")[1]) for card in stack.children]

    before = seen()
    assert [words for _, words in before] == ["face 90%", "face 90%, face 55%", "face 90%", "face 90%"]
    threshold.value = 60
    after = seen()
    assert [words for _, words in after] == ["face 90%"] * 4
    assert [a != b for a, b in zip(before, after, strict=True)] == [False, True, False, False]
    threshold.value = 100
    assert [words for _, words in seen()] == ["no face of 100% or more"] * 4
    threshold.value = 0
    assert seen() == before


def test_boxes_that_were_decided_have_no_threshold(film, monkeypatch):
    view = widget_of(monkeypatch, film, some_report())
    assert len(view.children[1].children) == 2


def test_many_frames_are_thinned_out_evenly(film, shown):
    widgets.frame_slider(film, some_report(), film, frames=8)
    assert shown[0]["text/html"].count("data:image/jpeg;base64,") == 8 + STILL


def test_a_slider_without_faces_says_so(film, shown):
    widgets.frame_slider(film, Detections(()))
    assert "no face" in shown[0]["text/html"]


def test_the_player_holds_both_videos_or_says_where_they_are(film, shown, monkeypatch):
    widgets.show_player(film, film, np.zeros((4, 4, 3), np.uint8))
    assert shown[0]["text/html"].count("data:video/mp4;base64,") == 2
    png_of(shown[0])
    monkeypatch.setattr(player, "EMBED_LIMIT", 10)
    assert "film.mp4" in player.player(film, film)
    assert "<video" not in player.player(film, film)


def test_a_page_links_its_videos_relative(tmp_path):
    film = make_video(tmp_path / "a film.mp4")
    html = player.player(film, film, tmp_path)
    assert "src='a%20film.mp4'" in html
    assert not re.search(r"https?://", html)


def test_a_player_shows_the_first_frames_before_anything_plays(film, tmp_path):
    html = player.player(film, film)
    for poster in re.findall(r"poster='data:image/jpeg;base64,([^']+)'", html):
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(poster), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape[1] == 320 and abs(picture.astype(int) - preview.read_frames(film, [0.0])[0]).mean() < 4
    assert html.count("poster='data:") == 2


def test_each_player_has_its_own_name(film):
    names = {re.search(r"fb-player-\w+", player.player(film, film))[0] for _ in range(3)}
    assert len(names) == 3


def test_figures_draw(film, shown):
    report = some_report()
    for figure in (
        figures.frames_figure(film, some_faces()),
        figures.confidence_figure(some_faces()),
        figures.confidence_figure(Detections(())),
        figures.coverage_figure(report),
        figures.area_figure(report),
    ):
        widgets.show_figure(figure, "words")
    assert len({png_of(bundle) for bundle in shown}) == 5


def test_coverage_shows_gaps_and_ends():
    spans = figures.blurred_seconds(some_report())
    assert spans == {0: [(0.0, 1.0), (2.0, 3.0)], 3: [(2.6, 3.0)]}


def test_coverage_without_faces_says_so():
    report = {"frames": [{"time_ms": 0.0, "regions": []}], "video": {"duration_ms": 1000.0}}
    (axes,) = figures.coverage_figure(report).axes
    assert axes.texts[0].get_text() == "no face in this video"


def test_area_counts_what_lies_in_the_picture_and_overlaps_once():
    assert figures.covered([(-0.5, 0, 1, 1)]) == 0.5
    assert figures.covered([(2, 2, 1, 1)]) == 0
    assert figures.covered([(0, 0, 0.5, 0.5), (0.25, 0, 0.5, 0.5)]) == 0.375


def many_tracks(count):
    """A report of two seconds in which track t is blurred from the first frame on, for t + 1 frames of 10 ms."""
    frames = [
        {"time_ms": 10.0 * index, "regions": [[track, 0.1, 0.1, 0.1, 0.1] for track in range(index, count)]}
        for index in range(200)
    ]
    return {"frames": frames, "video": {"duration_ms": 2000.0}}


def test_a_threshold_hides_the_unsure_faces_without_a_kernel(shown):
    faces = [Face(0.1, 0.1, 0.2, 0.2, 0.93), Face(0.5, 0.1, 0.2, 0.2, 0.62), Face(0.7, 0.5, 0.1, 0.2, 0.41)]
    widgets.threshold_slider(np.full((90, 160, 3), 90, np.uint8), faces, "One face")
    (bundle,) = shown
    counts = re.findall(r"alt='One face: faces of (\d+)% or more: (\d) of 3'", bundle["text/html"])
    assert counts[0] == ("40", "3") and counts[-1] == ("100", "0") and ("65", "1") in counts and len(counts) == 13
    pictures = re.findall(r"data:image/jpeg;base64,([^'\"]+)", bundle["text/html"])
    assert len(set(pictures)) >= 4  # with three boxes, two, one and none


def test_many_tracks_make_no_longer_figure_and_none_is_left_out():
    figure = figures.coverage_figure(many_tracks(150))
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [*(f"track {track}" for track in range(126, 150)), "126 more"]
    assert figure.get_figheight() == figures.coverage_figure(many_tracks(25)).get_figheight() < 10


def test_the_others_are_counted_at_each_time():
    counts = many.at_once([[(0.0, 1.0)], [(0.5, 2.0)], [(0.5, 0.6), (0.6, 0.7)]], 2.0, steps=4)
    assert counts == [1, 3, 1, 1]
    assert many.longest("abcabd", ord, most=3) == (["b", "c", "d"], ["a", "a", "b"])

"""index.html of a demo: what it says, and that it works in a browser without a network."""

import json
import re

import pytest
from browser import check_for_everybody, needs_chromium, opened
from seeing import FRAMES, SIZE, make_video, some_faces, some_report

from faceblur.showing import canvas, preview
from faceblur.workshop.chapters import CHAPTERS
from faceblur.workshop.running import page, static
from faceblur.workshop.watching.history import StateTime

WAIT = StateTime("Wait", visits=2, seconds=2.0, running=False, failed=False, when_s=((0, 1), (2, 3)))
BLUR = StateTime("BlurSegments", visits=1, seconds=6.0, running=False, failed=False, when_s=((3, 9),))
EXECUTION = {"seconds": 9.0, "states": [WAIT.to_json(), BLUR.to_json()]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    make_video(folder / "original.mp4")
    make_video(folder / "blurred.mp4", colour=100)
    sheet = preview.contact_sheet(folder / "original.mp4", some_faces(), folder / "blurred.mp4")
    canvas.save_picture(folder / "preview.png", sheet)
    write(folder, some_report())
    return folder


def write(folder, report):
    lines = [page.ChapterLine(c.number, c.title, 1.5, f"{c.slug}.html", c.file) for c in CHAPTERS.values()]
    return page.write_page(folder, "original.mp4", report, EXECUTION, lines, 71.4)


def test_the_page_says_what_happened(folder):
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert f"{SIZE[0]} × {SIZE[1]}" in text
    assert f"20 / {FRAMES}" in text
    assert "6.0 s" in text and "2.0 s · 2×" in text and "71 s" in text
    assert text.count("notebooks/") >= 20
    assert not re.search(r"(src|href)='(https?:)?//", text)


def test_many_tracks_are_no_longer_page_and_none_is_left_out():
    """A talk with 1,338 tracks made a page of 44,764 pixels."""
    frames = [{"time_ms": 20.0 * index, "regions": [[index, 0, 0, 0.1, 0.1]]} for index in range(1338)]
    drawing = page.coverage_svg({"frames": frames, "video": {"duration_ms": 20.0 * 1338}})
    height = int(re.search(r"viewBox='0 0 860 (\d+)'", drawing)[1])
    assert height < 800
    assert ">1314 more</text>" in drawing and drawing.count(">track ") == 24


def test_a_video_without_faces_says_so(tmp_path, folder):
    for name in ("original.mp4", "blurred.mp4"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    report = some_report()
    report["frames"] = [{**frame, "regions": []} for frame in report["frames"]]
    report["counts"] |= {"tracks": 0, "frames_with_regions": 0}
    text = write(tmp_path, report).read_text(encoding="utf-8")
    assert "No face was found in this video" in text
    assert "no face in this video" in text


@needs_chromium
def test_both_videos_play_as_one(folder):
    with opened((folder / "index.html").as_uri()) as browser:
        browser.click(".fb-play")
        browser.wait_for_function("[...document.querySelectorAll('video')].every(v => v.currentTime > 0.5)")
        before, after = browser.evaluate("[...document.querySelectorAll('video')].map(v => v.currentTime)")
        assert abs(before - after) < 0.25
        browser.wait_for_function("document.querySelectorAll('video')[1].ended")
        browser.wait_for_function("document.querySelector('.fb-play').textContent === 'Play'")


@needs_chromium
def test_one_video_lies_over_the_other_with_a_line_to_move(folder):
    with opened((folder / "index.html").as_uri()) as browser:
        assert not browser.is_visible(".fb-cut")
        browser.click(".fb-mode")
        boxes = [browser.locator("video").nth(index).bounding_box() for index in (0, 1)]
        assert boxes[0] == boxes[1]
        browser.focus(".fb-cut")
        browser.keyboard.press("End")
        assert "100%" in browser.eval_on_selector(".fb-pair", "pair => pair.style.getPropertyValue('--cut')")
        check_for_everybody(browser)
        browser.screenshot(path=str(folder / "index.png"), full_page=True)


@needs_chromium
def test_pages_of_notebooks_need_no_network_and_their_slider_moves(folder, tmp_path, monkeypatch):
    import IPython.display
    import nbformat

    from faceblur.showing import widgets

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, **_: shown.append(bundle))
    widgets.frame_slider(folder / "original.mp4", some_faces())
    shown[0][widgets.WIDGET_VIEW]["model_id"] = "gone"
    output = nbformat.v4.new_output("display_data", data=json.loads(json.dumps(shown[0])))
    code = nbformat.v4.new_code_cell("frame_slider()", outputs=[output], execution_count=1)
    links = nbformat.v4.new_markdown_cell("[next](02_s3_buckets.ipynb) | [all](README.md)")
    nbformat.write(nbformat.v4.new_notebook(cells=[links, code]), tmp_path / "01_introduction.ipynb")
    html = static.to_html(tmp_path / "01_introduction.ipynb")
    with opened(html.as_uri()) as browser:
        targets = browser.eval_on_selector_all("a", "links => links.map(a => a.getAttribute('href'))")
        assert {"02_s3_buckets.html", "../index.html"} <= set(targets)
        assert browser.locator(".fb-frame:visible").inner_text().startswith("0:00.5")
        browser.focus(".fb-slider input")
        browser.keyboard.press("End")
        assert browser.locator(".fb-frame:visible").inner_text().startswith("0:02.0")

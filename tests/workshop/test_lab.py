"""Notebooks 08 and 09 in real JupyterLab: run, look, move, play, tick. Screenshots stay in build/screenshots/."""

import importlib.util
import re

import IPython.display
import nbformat
import pytest
from browser import needs_chromium
from lab_kit import browsing, cell_with, copy_notebook, open_notebook, run_all, run_cell, running
from lambda_kit import ROOT
from moving import Mover, Scene
from notebook_kit import run_notebook
from test_workshop_breaks import TRIES

from faceblur import video
from faceblur.sample import sound
from faceblur.showing import widgets
from faceblur.workshop import CHAPTERS

pytestmark = [
    needs_chromium,
    pytest.mark.skipif(not importlib.util.find_spec("playwright"), reason="no playwright"),
]

PREFIX = "lab"
SHOTS = ROOT / "build" / "screenshots"
EILEEN, GRACE = Mover(80, 90, 0.3, 0, 60, "eileen"), Mover(230, 90, 0, 0.1, 60, "grace")
PEOPLE = Scene((EILEEN, GRACE), seconds=3.2, rate=10)
UNTRUSTED = "11_untrusted.ipynb"


@pytest.fixture
def film(tmp_path):
    """Two people for three seconds, with music."""
    path, music = tmp_path / "people.mp4", sound.music(PEOPLE.seconds)
    video.encode(path, PEOPLE.frames(), frame_rate=PEOPLE.rate, audio=music, preset="ultrafast")
    return path


@pytest.fixture
def folders(tmp_path):
    """(for notebooks, for all that JupyterLab and the notebooks write)"""
    SHOTS.mkdir(parents=True, exist_ok=True)
    places = tmp_path / "notebooks", tmp_path / "home"
    for place in places:
        place.mkdir()
    return places


@pytest.fixture
def built(local_aws, film, folders, monkeypatch):
    """Copies of notebooks 08 and 09 in JupyterLab, after 02 to 07: its URL."""
    notebooks, home = folders
    monkeypatch.setenv("FACEBLUR_STATE", str(home / "state.json"))
    for number in range(2, 8):
        run_notebook(number, TRIES.get(number), PREFIX=PREFIX)["ws"].done()
    copy_notebook(notebooks, 8, PREFIX=PREFIX, VIDEO=str(film), OUT=str(home / "result"), SOLVE=True)
    copy_notebook(notebooks, 9, PREFIX=PREFIX, OUT=str(home / "result"))
    with running(notebooks, home) as url:
        yield url


def write_untrusted(folder, film):
    """An executed notebook that JupyterLab has not seen being executed: it trusts none of its outputs."""
    cells = []

    def show(bundle, **_):
        output = nbformat.v4.new_output("display_data", data=bundle)
        code = "show_player(before, after)" if cells else "frame_slider(video, found)"
        cells.append(nbformat.v4.new_code_cell(code, outputs=[output], execution_count=1 + len(cells)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IPython.display, "display", show)
        widgets.frame_slider(film, PEOPLE.samples(500))
        widgets.show_player(film, film, next(PEOPLE.frames()))
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / UNTRUSTED)


def test_run_all_move_the_sliders_play_the_film_and_tick_a_person(built):
    with browsing(built) as page:
        open_notebook(page, built, CHAPTERS[8].file)
        assert run_all(page) == ""
        look_at_the_execution(page)
        move_the_slider(page, "08_slider.png")
        raise_the_threshold(page)
        break_and_mend(page)
        open_notebook(page, built, CHAPTERS[9].file)
        assert run_all(page) == ""
        move_the_slider(page, "09_slider.png")
        play_before_and_after(page)
        tick_a_person(page)
        draw_a_rectangle(page)


def look_at_the_execution(page):
    cell = cell_with(page, "execution = follow(")
    assert "succeeded" in cell.locator(".jp-OutputArea").inner_text()
    cell.screenshot(path=SHOTS / "08_execution.png")


def slider_parts(page):
    """The frame slider's cell, its picture, the words below it, and the handles of its sliders."""
    cell = cell_with(page, "frame_slider(")
    words = cell.locator(".widget-html-content:visible")
    return cell, cell.locator("img:visible"), words, cell.locator(".noUi-handle")


def move_the_slider(page, file):
    from playwright.sync_api import expect

    cell, picture, words, handles = slider_parts(page)
    source, text = picture.get_attribute("src"), words.inner_text()
    handles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(words).not_to_have_text(text)
    expect(picture).not_to_have_attribute("src", source)
    assert page.evaluate(IS_DRAWN, picture.element_handle())
    cell.screenshot(path=SHOTS / file)


IS_DRAWN = "async picture => { await picture.decode(); return picture.naturalWidth > 0; }"


def raise_the_threshold(page):
    from playwright.sync_api import expect

    cell, picture, words, handles = slider_parts(page)
    source = picture.get_attribute("src")
    handles.nth(1).focus()
    page.keyboard.press("End")
    expect(words).to_contain_text("no face of 100% or more")
    expect(picture).not_to_have_attribute("src", source)
    cell.screenshot(path=SHOTS / "08_threshold.png")


def break_and_mend(page):
    """What SOLVE took away, what was said of it, and that all is whole again."""
    said = cell_with(page, "trouble.practise(").locator(".jp-OutputArea").inner_text()
    assert "One role has lost one permission." in said and "Not yet: an upload still fails." in said
    assert cell_with(page, "trouble.check(").locator(".jp-OutputArea").inner_text().strip() == "Nothing is broken."


def play_before_and_after(page):
    cell = cell_with(page, "show_player(")
    cell.locator(".fb-play").click()
    videos = cell.locator("video")
    assert videos.count() == 2
    for index in (0, 1):
        page.wait_for_function("film => film.currentTime > 0.5", arg=videos.nth(index).element_handle())
    cell.screenshot(path=SHOTS / "09_player.png")


def tick_a_person(page):
    """With the keyboard: the first of two people stays visible, the frame shows it, the plan keeps it."""
    from playwright.sync_api import expect

    cell = cell_with(page, "show_review(")
    persons, frame = cell.get_by_role("checkbox"), cell.locator("img").last
    status = cell.get_by_role("status")
    expect(persons).to_have_count(2)
    expect(status).to_contain_text("nobody")
    source = frame.get_attribute("src")
    persons.first.focus()
    page.keyboard.press("Space")
    expect(status).to_contain_text("not saved yet; stays visible on purpose: 1")
    expect(frame).not_to_have_attribute("src", source)
    assert page.evaluate(IS_DRAWN, frame.element_handle())
    cell.get_by_role("button", name="Save the plan").press("Enter")
    expect(status).to_contain_text("plan.json: saved; stays visible on purpose: 1")


def draw_a_rectangle(page):
    """With the mouse on the frame, made wider with the keyboard, then covered."""
    from playwright.sync_api import expect

    cell = cell_with(page, "show_review(")
    frame, left, width = cell.locator("img").last, cell.get_by_label("Left %"), cell.get_by_label("Width %")
    source, box = frame.get_attribute("src"), frame.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.9 * box["height"], steps=4)
    page.mouse.up()
    expect(left).to_have_value(re.compile(r"^(19|20)(\.\d)?$"))
    expect(frame).not_to_have_attribute("src", source)
    wide = float(width.input_value())
    assert wide == pytest.approx(20, abs=1)
    width.press("ArrowUp")
    expect(width).to_have_value(re.compile(f"^{wide + 0.1:.1f}$"))
    cell.screenshot(path=SHOTS / "09_review.png")
    cell.get_by_role("button", name="Cover this").press("Enter")
    expect(cell.get_by_text("covered: ")).to_have_count(1)
    assert page.evaluate(IS_DRAWN, frame.element_handle())


def test_an_untrusted_notebook_shows_pictures_instead_of_views(film, folders):
    write_untrusted(folders[0], film)
    with running(*folders) as url, browsing(url) as page:
        open_notebook(page, url, UNTRUSTED)
        for code in ("frame_slider(", "show_player("):
            pictures = cell_with(page, code).locator(".jp-OutputArea img")
            assert pictures.count() == 1
            assert page.evaluate(IS_DRAWN, pictures.element_handle())
        assert page.locator(".jp-OutputArea").locator("button, input, video, script").count() == 0
        page.locator(".jp-Notebook").screenshot(path=SHOTS / "untrusted.png")


def test_a_task_is_checked_and_a_cell_before_the_first_says_so_without_a_traceback(folders):
    """As a participant who answers nearly right, and then runs a cell too early."""
    cells = [
        "from faceblur.workshop.teaching import check\ncheck.sampling(250)",
        "ws.client('s3')",
        "check.sampling(500)",
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells], metadata=metadata)
    nbformat.write(notebook, folders[0] / "12_mistakes.ipynb")
    with running(*folders) as url, browsing(url) as page:
        open_notebook(page, url, "12_mistakes.ipynb")
        said = run_all(page)
        assert said.startswith("Not yet: that is half of the time between two looks")
        for code, words in (("ws.client(", "'ws' is not known here: run the first cells"), ("(500)", "Right: ")):
            run_cell(page, code).locator(".jp-OutputArea-output", has_text=words).wait_for()
        assert "Traceback" not in page.locator(".jp-Notebook").inner_text()
        page.locator(".jp-Notebook").screenshot(path=SHOTS / "mistakes.png")

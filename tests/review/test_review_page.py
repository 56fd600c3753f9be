"""`faceblur review`: the page in a real browser, its server, and the command."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest
from browser import check_for_everybody, needs_chromium, opened
from seeing import crowd
from test_review import make_striped, some_plan

from faceblur import Plan
from faceblur.cli import main
from faceblur.review import Review
from faceblur.review.page import ReviewServer


@pytest.fixture
def folder(tmp_path):
    """film.mp4 and the plan.json that was made of it."""
    make_striped(tmp_path / "film.mp4")
    some_plan(tmp_path / "film.mp4").save(tmp_path / "plan.json")
    return tmp_path


@pytest.fixture
def server(folder):
    review = Review(Plan.load(folder / "plan.json"), folder / "film.mp4")
    with ReviewServer(review, folder / "plan.json") as server:
        yield server


def seen(page, last=""):
    """Wait for another picture than `last`; its source."""
    from playwright.sync_api import expect

    frame = page.locator("#frame")
    expect(frame).to_have_attribute("src", re.compile("^data:image/jpeg"))
    expect(frame).not_to_have_attribute("src", last)
    return frame.get_attribute("src")


def says(page, words):
    page.locator("#saved", has_text=words).wait_for()


@needs_chromium
def test_a_person_is_ticked_a_rectangle_drawn_a_style_chosen_and_all_is_saved(server, folder):
    before = (folder / "plan.json").read_bytes()
    with opened(server.address, 1440, 1000) as page:
        pictures = [seen(page)]
        page.check("#visible-4")
        pictures.append(seen(page, pictures[-1]))
        box = page.locator("#stage").bounding_box()
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.05 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.25 * box["height"], steps=3)
        page.mouse.up()
        page.click("#cover")
        pictures.append(seen(page, pictures[-1]))
        page.select_option("#style [name=name]", "solid")
        pictures.append(seen(page, pictures[-1]))
        assert len(set(pictures)) == 4
        assert (folder / "plan.json").read_bytes() == before
        page.click("#save")
        says(page, re.compile("^Saved$"))
        page.click("#done")
        page.wait_for_selector("#end:visible")
        server.wait()
    plan = Plan.load(folder / "plan.json")
    assert [(track.id, track.is_visible) for track in plan.tracks] == [(1, False), (4, True)]
    (area,) = plan.areas
    assert (area.left, area.top, area.width, area.height) == pytest.approx((0.3, 0.05, 0.2, 0.2), abs=0.01)
    assert plan.style.name == "solid"


@needs_chromium
def test_everything_can_be_done_with_the_keyboard(server):
    with opened(server.address) as page:
        first = seen(page)
        page.focus("#time")
        page.keyboard.press("End")
        last = seen(page, first)
        page.keyboard.press("ArrowLeft")
        seen(page, last)
        assert page.inner_text("#clock") == "0:02.80"
        page.focus("#from-here")
        page.keyboard.press("Enter")
        page.focus("#area [name=left]")
        page.keyboard.press("Control+A")
        page.keyboard.type("30")
        page.keyboard.press("Enter")
        page.wait_for_selector("#areas li")
        page.focus("#visible-1")
        page.keyboard.press("Space")
        says(page, "Not saved yet")
        page.wait_for_selector("li.visible #visible-1")
        (area,) = server.review.plan.areas
        assert (area.left, area.start_ms, area.to_json()["end_ms"]) == (0.3, 2800, None)
        assert server.review.kept_visible == [1]
        page.focus("#areas li button:last-child")
        page.keyboard.press("Enter")
        page.locator("#areas li").wait_for(state="detached")


@needs_chromium
def test_a_thousand_people_are_no_longer_page_and_each_can_be_found(tmp_path):
    make_striped(tmp_path / "film.mp4")
    review = Review(crowd(3000.0), tmp_path / "film.mp4")
    with ReviewServer(review, tmp_path / "plan.json") as server, opened(server.address, 1280, 900) as page:
        seen(page)
        assert page.is_disabled("#cover")
        assert page.locator("#people li").count() == 24 and page.locator("#person-1337 .lost").count() == 4
        assert page.locator("#intervals i:not(.many)").count() <= 80 and page.locator("#intervals i.many").count() > 100
        assert page.evaluate("document.documentElement.scrollHeight") < 2000
        page.screenshot(path=str(tmp_path / "crowd.png"))
        page.click("#person-1337 .lost:last-child")  # it shows the other 54 in its place
        assert page.locator("#person-1337 .lost").count() == 57
        page.click("#more")
        assert page.locator("#people li").count() == 48
        page.fill("#find [name=number]", "7")
        page.keyboard.press("Enter")
        page.keyboard.press("Space")
        says(page, "Not saved yet")
        assert review.kept_visible == [7]


@needs_chromium
def test_what_is_refused_is_said_and_leaves_the_plan_alone(server, folder):
    with opened(server.address) as page:
        seen(page)
        page.fill("#style [name=strength]", "16")
        page.keyboard.press("Tab")
        page.wait_for_selector("#problem:visible")
        assert "use at most 8" in page.inner_text("#problem")
        assert page.input_value("#style [name=strength]") == ""
        assert not server.review.is_changed
        check_for_everybody(page)
        page.screenshot(path=str(folder / "review.png"), full_page=True)


def request(server, path="", method="GET", wish=None, body=None, **headers):
    body = body if wish is None else json.dumps(wish).encode()
    if body is not None:
        headers = {"Content-Type": "application/json"} | headers
    ask = urllib.request.Request(urllib.parse.urljoin(server.address, path), body, headers, method=method)
    with urllib.request.urlopen(ask) as answer:
        return answer.read()


@pytest.mark.parametrize(
    ("code", "path", "options"),
    [
        (403, "/state", {}),
        (403, "/wrong/state", {}),
        (403, "state", {"Host": "faceblur.example"}),
        (404, "other", {}),
        (404, "thumbnail/x", {}),
        (404, "erase", {"wish": {}}),
        (400, "thumbnail/2", {}),
        (400, "frame?ms=x", {}),
        (400, "frame", {}),
        (400, "visible", {"wish": {"track": 2, "visible": True}}),
        (400, "visible", {"wish": {"track": 1, "visible": "yes"}}),
        (400, "visible", {"wish": [1]}),
        (400, "add", {"wish": {"left": 0}}),
        (400, "style", {"wish": {"forced": True}}),
        (400, "style", {"wish": {"name": ["solid"]}}),
        (400, "style", {"wish": {"strength": True}}),
        (400, "style", {"wish": {"margin_ratio": "0.1"}}),
        (400, "style", {"wish": {"shape": {}}}),
        (400, "visible", {"wish": {"track": True, "visible": True}}),
        (400, "visible", {"wish": {"track": 1.0, "visible": True}}),
        (400, "visible", {"wish": {"track": [1], "visible": True}}),
        (400, "visible", {"wish": {}}),
        (400, "add", {"wish": {"left": "0", "top": 0, "width": 1, "height": 1, "start_ms": 0}}),
        (400, "add", {"wish": {"left": 0, "top": 0, "width": 1, "height": 1, "start_ms": None}}),
        (400, "add", {"wish": {"left": 0, "top": 0, "width": True, "height": 1, "start_ms": 0}}),
        (400, "add", {"wish": {"left": 0, "top": 0, "width": 1, "height": 1, "start_ms": 0, "end_ms": "9"}}),
        (400, "visible", {"body": b"{" * 10_000}),
        (400, "visible", {"body": b'{"track": 1, "track": 1, "visible": true}'}),
        (400, "visible", {"body": b'{"track": 1e400, "visible": true}'}),
        (400, "visible", {"body": b"9" * 10_000}),
        (400, "visible", {"body": b"\xff\xfe\x00"}),
        (400, "save", {"body": b""}),
        (404, "thumbnail/" + "1" * 5000, {}),
        (400, "frame?ms=1e999", {}),
        (400, "frame?" + "&".join(f"a{n}=1" for n in range(50)), {}),
        (413, "save", {"wish": {"long": "x" * 70_000}}),
        (415, "save", {"wish": {}, "Content-Type": "text/plain"}),
    ],
)
def test_strange_requests_are_refused(server, code, path, options):
    wish, body = options.pop("wish", None), options.pop("body", None)
    with pytest.raises(urllib.error.HTTPError) as refused:
        request(server, path, "GET" if wish is None and body is None else "POST", wish, body, **options)
    with refused.value:
        assert refused.value.code == code
    assert server.review.saves == 0
    assert not server.review.is_changed


@pytest.mark.parametrize("area", [0.5, False, "0", None, [0], -1, 1])
def test_an_area_is_taken_out_by_its_number_only(server, area):
    request(server, "add", "POST", {"left": 0, "top": 0, "width": 0.1, "height": 0.1, "start_ms": 0})
    with pytest.raises(urllib.error.HTTPError) as refused:
        request(server, "remove", "POST", {"area": area})
    refused.value.close()
    assert refused.value.code == 400 and len(server.review.plan.areas) == 1


def test_a_time_far_away_shows_the_first_or_the_last_frame(server):
    shown = [json.loads(request(server, f"frame?ms={time}"))["time_ms"] for time in ("-1e300", "0", "1e5", "1e300")]
    assert shown[0] == shown[1] and shown[2] == shown[3] > shown[0]


def test_the_page_needs_nothing_from_elsewhere(server):
    page = request(server).decode()
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert server.host.startswith("127.0.0.1:")
    assert json.loads(request(server, "state"))["tracks"][0]["track"] == 1


def start(folder, *options):
    command = [
        sys.executable,
        "-m",
        "faceblur",
        "review",
        str(folder / "plan.json"),
        "--no-browser",
        *options,
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes)


def post(address, what, wish):
    headers = {"Content-Type": "application/json"}
    ask = urllib.request.Request(address + what, json.dumps(wish).encode(), headers)
    with urllib.request.urlopen(ask) as answer:
        return json.loads(answer.read())


def test_the_command_serves_until_done_and_says_what_to_run_next(folder):
    out = folder / "mine.json"
    with start(folder, "--out", str(out)) as process:
        address = process.stdout.readline().strip()
        assert post(address, "visible", {"track": 1, "visible": True})["saved"] is False
        assert post(address, "save", {})["saved"] is True
        post(address, "done", {})
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert "visible on purpose: track 1" in output
    assert f"faceblur blur {folder / 'film.mp4'} blurred.mp4 --plan {out}" in output
    assert Plan.load(out).tracks[0].is_visible
    assert not Plan.load(folder / "plan.json").tracks[0].is_visible


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process on Windows")
@pytest.mark.parametrize("is_changed", [False, True])
def test_ctrl_c_ends_it_and_says_what_is_lost(folder, is_changed):
    with start(folder) as process:
        address = process.stdout.readline().strip()
        process.stdout.readline()
        if is_changed:
            post(address, "visible", {"track": 1, "visible": True})
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    if is_changed:
        assert process.returncode == 1
        assert errors == "faceblur: ended; the last choices were not saved\n"
    else:
        assert (process.returncode, errors) == (0, "")
        assert "nothing was changed" in output
    assert not Plan.load(folder / "plan.json").tracks[0].is_visible


def test_errors_are_one_line_that_says_what_to_do(folder, capsys, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "plan.json").write_bytes((folder / "plan.json").read_bytes())
    other = make_striped(elsewhere / "other.mp4")
    cases = [
        ([elsewhere / "plan.json"], "--video FILE"),
        ([elsewhere / "none.json"], "cannot be read"),
        ([folder / "film.mp4"], "not JSON"),
        ([folder / "plan.json", "--video", elsewhere / "none.mp4"], "none.mp4"),
        ([folder / "plan.json", "--out", elsewhere / "none" / "plan.json"], "does not exist"),
        ([folder / "plan.json", "--video", other, "--out", other], "is needed for something else"),
    ]
    with other.open("ab") as file:
        file.write(b"\0\0\0\x08free")
    cases[-1][0].append("--other-file")
    cases.append(([folder / "plan.json", "--video", other], "--other-file"))
    for arguments, words in cases:
        assert main(["review", *map(str, arguments), "--no-browser"]) in (2, 3)
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1, error

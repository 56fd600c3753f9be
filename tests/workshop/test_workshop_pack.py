"""What a teacher takes along: the slides, and the bundle for rooms without a network."""

import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from browser import check_for_everybody, needs_chromium, opened
from lambda_kit import ROOT

from faceblur.errors import WorkshopError
from faceblur.workshop.chapters import CHAPTERS
from faceblur.workshop.running import bundle, slides


@pytest.fixture(scope="module")
def deck(tmp_path_factory):
    path = tmp_path_factory.mktemp("deck") / "slides.html"
    slides.write_slides(path)
    return path


def test_every_chapter_has_slides_with_its_drawing_its_task_and_no_solution(deck):
    text = deck.read_text(encoding="utf-8")
    for chapter in CHAPTERS.values():
        mine = slides.slides_of(chapter)
        titles = [slide.title for slide in mine]
        assert titles[0] == f"{chapter.number}. {chapter.title}" and len(mine) >= 5
        assert ("Your turn" if chapter.number < 10 else "Ten questions") in titles
        assert 'src="data:image/svg+xml;base64,' in mine[0].parts[0]
    assert "<details>" not in text and "Solutions" not in text
    assert not re.search(r"(src|href)=[\"'](?!data:|https://)", text)


@needs_chromium
def test_slides_move_by_keys_and_by_chapter_and_fit_a_phone(deck):
    with opened(deck.as_uri(), 390, 800) as page:
        assert page.locator("section:visible").count() == 1
        page.keyboard.press("ArrowRight")
        page.locator("#where", has_text=re.compile("^2 /")).wait_for()
        page.select_option("#chapter", label="6. State machine")
        page.locator("section:visible h1", has_text="6. State machine").wait_for()
        page.keyboard.press("Shift")  # the list has the focus: arrows are its own
        page.locator("body").click(position={"x": 5, "y": 5})
        page.keyboard.press("End")
        page.locator("section:visible h1, section:visible h2", has_text="The end").wait_for()
        check_for_everybody(page)


def test_a_bundle_holds_the_sources_and_what_pip_was_asked_for(tmp_path, capsys):
    asked = []

    def run(command, folder):
        if "download" not in command:
            bundle._run(command, folder)  # the sources, as flit packs them
            return
        asked.append(command[command.index("--dest") :])
        (folder / "wheels").mkdir(exist_ok=True)
        (folder / "wheels" / f"{len(asked)}.whl").touch()

    packed = bundle.bundle(tmp_path, run)
    with zipfile.ZipFile(packed) as content:
        names = [name.partition("/")[2] for name in content.namelist()]
    assert {"kit.py", "requirements.lock", "notebooks/01_introduction.ipynb", "statemachine.asl.json"} <= set(names)
    assert {f"wheels/{number}.whl" for number in (1, 2, 3, 4)} <= set(names)
    assert ".devcontainer/devcontainer.json" in names and not [name for name in names if "/.venv/" in name]
    lists = [command[command.index("-r") + 1] for command in asked]
    assert lists == [
        "requirements.lock",
        "container/no-deps.txt",
        "container/requirements.txt",
        "container/no-deps.txt",
    ]
    assert "--no-deps" in asked[1] and "--only-binary=:all:" in asked[2] and "--no-deps" in asked[3]
    assert "needs no network then" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [packed]


def test_a_bundle_that_cannot_be_made_leaves_nothing_and_says_why(tmp_path):
    def run(command, folder):
        bundle._run([sys.executable, "-c", "raise SystemExit('no route to host')"], folder)

    with pytest.raises(WorkshopError, match="the bundle could not be made: no route to host"):
        bundle.bundle(tmp_path, run)
    assert list(tmp_path.iterdir()) == []


def test_beside_a_folder_of_wheels_pip_asks_no_network(tmp_path):
    """In a folder with a space in its name, which pip would take for two."""
    folder = tmp_path / "a room"
    (folder / "wheels").mkdir(parents=True)
    (folder / "container").mkdir()
    for name in ("requirements.lock", "pyproject.toml", "container/no-deps.txt"):
        shutil.copy(ROOT / name, folder / name)
    source = (ROOT / "kit.py").read_text(encoding="utf-8")
    show = "import os, json; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('PIP_')}))"
    (folder / "kit.py").write_text(source.replace('"test": ["-m", "pytest", "-n",', f'"test": ["-c", {show!r},'))
    command = [sys.executable, str(folder / "kit.py"), "test"]
    done = subprocess.run(command, capture_output=True, text=True, env={"KIT_NO_VENV": "1", "PATH": "/usr/bin"})
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["PIP_NO_INDEX"] == "1" and said["PIP_FIND_LINKS"].endswith("/a%20room/wheels")


def test_the_dev_container_makes_the_environment_with_the_kit():
    content = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert content["postCreateCommand"].startswith("python3 kit.py ")
    assert re.fullmatch(r".*/python:3\.1[1-4]", content["image"])

"""Take the pictures of JupyterLab in docs/images: the sample goes through chapters 2 to 9 on an embedded AWS.

    python docs/take_pictures.py

Wants Chromium, Playwright and a few minutes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from lab_kit import browsing, cell_with, open_notebook, run_all, running  # noqa: E402
from notebook_kit import run_notebook  # noqa: E402

from faceblur.localaws import LocalAws  # noqa: E402
from faceblur.workshop import CHAPTERS  # noqa: E402

IMAGES, WIDTH, QUALITY = ROOT / "docs" / "images", 850, 88
IS_PROVING = "() => [...document.images].some(picture => picture.alt.includes('ProveSegment runs'))"


def keep(name: str, png: bytes, height: int | None = None) -> None:
    """As JPEG, in the width of the documents; height: the topmost pixels alone."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    size = (WIDTH, round(picture.shape[0] * WIDTH / picture.shape[1]))
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[:height]
    cv2.imwrite(str(IMAGES / name), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    print(IMAGES / name)


def copy_notebook(folder: Path, number: int, out: Path) -> None:
    notebook = json.loads((ROOT / "notebooks" / CHAPTERS[number].file).read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", ())]
    cell["source"] = [*cell["source"], f"\nOUT = {str(out)!r}", "\nSOLVE = True"]
    (folder / CHAPTERS[number].file).write_text(json.dumps(notebook), encoding="utf-8")


def see_it_run(page) -> None:
    """Chapter 8, while the proof is made."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]:not(.lm-mod-disabled)').click()
    page.wait_for_function(IS_PROVING)
    cell = cell_with(page, "execution = follow(")
    drawing = cell.locator(".jp-OutputArea img").nth(1)
    height = drawing.bounding_box()["y"] - cell.bounding_box()["y"]
    keep("execution.jpg", cell.screenshot(), round(height * WIDTH / cell.bounding_box()["width"]))
    page.wait_for_function("() => document.querySelector('#jp-main-statusbar').innerText.includes('| Idle')")


def slide(page, name: str) -> None:
    """A third of the way."""
    cell = cell_with(page, "frame_slider(")
    cell.locator(".noUi-handle").first.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1000)
    keep(name, cell.screenshot())


def draw(page) -> None:
    """Chapter 9: one person stays visible, a rectangle is drawn with the mouse."""
    cell = cell_with(page, "show_review(")
    cell.get_by_role("checkbox").first.click()
    frame = cell.locator("img").last
    box = frame.bounding_box()
    page.mouse.move(box["x"] + 0.72 * box["width"], box["y"] + 0.66 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.85 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_timeout(1500)
    keep("review.jpg", cell.screenshot())


def main() -> None:
    with tempfile.TemporaryDirectory() as place, LocalAws() as aws:
        notebooks, home = Path(place, "notebooks"), Path(place, "home")
        notebooks.mkdir(), home.mkdir()
        os.environ.update(aws.environment, FACEBLUR_STATE=str(home / "state.json"))
        for number in range(2, 8):
            run_notebook(number)["ws"].done()
        for number in (8, 9):
            copy_notebook(notebooks, number, home / "result")
        with running(notebooks, home) as url, browsing(url) as page:
            open_notebook(page, url, CHAPTERS[8].file)
            see_it_run(page)
            slide(page, "slider.jpg")
            open_notebook(page, url, CHAPTERS[9].file)
            assert run_all(page) == ""
            slide(page, "compare.jpg")
            draw(page)


if __name__ == "__main__":
    main()

"""Take the pictures of JupyterLab in docs/images: the sample goes through chapters 2 to 9 on an embedded AWS.

    python docs/take_pictures.py

Wants Chromium, Playwright and a few minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from application_kit import build, own_aws  # noqa: E402
from lab_kit import browsing, cell_with, copy_notebook, open_notebook, run_all, running  # noqa: E402

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
    with own_aws() as (folder, _):
        notebooks, home = folder / "notebooks", folder / "home"
        notebooks.mkdir(), home.mkdir()
        build(prefix="")
        for number in (8, 9):
            copy_notebook(notebooks, number, OUT=str(home / "result"), SOLVE=True)
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

"""Debian's Chromium through Playwright, cut off from the network; tests skip where there is none."""

import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-gpu-sandbox",  # of version 156 on, without it the GPU process ends where /proc is restricted
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


@contextmanager
def opened(address, width=1280, height=900):
    """The page at an address; on leaving, no script may have failed and nothing may be missing."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        page = chromium.new_page(viewport={"width": width, "height": height})
        problems = []
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        yield page
        chromium.close()
    assert problems == []

"""Debian's Chromium through Playwright, cut off from the network; tests skip where there is none."""

import ctypes
import shutil
import sys
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

# For root, it gives its audio threads real-time priority: as they end, one that waits in the kernel for an ordinary
# thread that it keeps from running holds a core for good, two of them the machine. So what is started from here may not
# set priorities; this process may, for the right is asked for when a program begins.
_PR_CAPBSET_DROP, _CAP_SYS_NICE = 24, 23  # linux/prctl.h, linux/capability.h
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)  # refused to whoever may not set them anyway


def launch(playwright, *more):
    """A browser, with more options than OPTIONS if needed."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, *more])


@contextmanager
def opened(address, width=1280, height=900):
    """The page at an address; on leaving, no script may have failed and nothing may be missing."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = launch(playwright)
        page = chromium.new_page(viewport={"width": width, "height": height})
        problems = []
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        yield page
        chromium.close()
    assert problems == []


UNNAMED = """() => [...document.querySelectorAll("button, input, select, img, video, [role=img]")].filter((one) => {
  if (one.closest("[hidden]") || one.closest("[aria-hidden=true]")) return false;
  if (one.tagName === "IMG") return !one.hasAttribute("alt");
  const words = one.getAttribute("aria-label") || one.textContent || one.title
    || [...(one.labels || [])].map((label) => label.textContent).join("");
  return !words.trim();
}).map((one) => one.outerHTML.slice(0, 120))"""


def check_for_everybody(page):
    """On a phone, upright, nothing runs out of the page; whatever is worked or looked at has a name; dark is dark."""
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(UNNAMED) == []
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    by_day = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != by_day

"""A real JupyterLab server of its own for a test, and what a person does with a notebook in it."""

import contextlib
import json
import os
import re
import socket
import urllib.request
from urllib.parse import urlsplit

from browser import launch
from lambda_kit import ROOT
from localaws_kit import eventually

from faceblur.workshop import CHAPTERS
from faceblur.workshop.running import lab
from faceblur.workshop.running.leash import leashed

TOKEN = "test"
ALL_CELLS_MS = 400_000  # chapter 8 waits for six functions to start, blur and prove
PATIENCE_MS = 150_000  # for what takes seconds on an idle machine
# Every cell is in the page, also those that are not in view.
SETTINGS = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}
FAILED = '[data-mime-type$="jupyter.error"], [data-mime-type$="jupyter.stderr"]'


@contextlib.contextmanager
def running(notebooks, home):
    """JupyterLab as `kit.py lab` starts it, on a folder of notebooks; it writes to `home`. Its URL."""
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", home / "server.log"
    with log.open("w") as file:
        settings = {"cwd": notebooks, "env": _environment(home), "stdout": file, "stderr": file}
        with leashed("jupyterlab", _options(port), **settings) as server:
            eventually(lambda: _answers(server, f"{url}/api/status?token={TOKEN}", log), PATIENCE_MS / 1000)
            yield url


@contextlib.contextmanager
def browsing(url):
    """A browser's page that asks nobody but the server at `url`; waits with patience."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        page = chromium.new_page(viewport={"width": 1280, "height": 1400})
        page.set_default_timeout(PATIENCE_MS)
        asked = []
        page.on("request", lambda request: asked.append(urlsplit(request.url)))
        yield page
        chromium.close()
    here = urlsplit(url).netloc
    assert [each.geturl() for each in asked if each.netloc not in ("", here)] == []


def open_notebook(page, url, name):
    """Open it in a workspace of its own and wait until its cells are there."""
    page.goto(f"{url}/lab/workspaces/{name[:2]}/tree/{name}?token={TOKEN}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")


def _rest(page):
    """Wait until the kernel has nothing to do: while it drops the cells after an error, it drops what is asked, too."""
    page.wait_for_function(
        """document.querySelector('#jp-main-statusbar')?.innerText.includes('| Idle')
          && ![...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.innerText.includes('*'))"""
    )


def run_all(page):
    """Run > Run All Cells, until all have run or one has failed. Returns the errors and warnings shown."""
    _rest(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]:not(.lm-mod-disabled)').click()
    page.wait_for_function(
        """failed => {
          const ran = cell => /\\[\\d+\\]/.test(cell.querySelector('.jp-InputPrompt').innerText);
          return document.querySelector(failed) || [...document.querySelectorAll('.jp-CodeCell')].every(ran);
        }""",
        arg=FAILED,
        timeout=ALL_CELLS_MS,
    )
    return "\n".join(page.locator(FAILED).all_inner_texts())


def run_cell(page, code):
    """Run the first code cell whose source contains `code`, as one does by hand; the cell."""
    from playwright.sync_api import expect

    _rest(page)
    cell = cell_with(page, code)
    cell.locator(".cm-content").click()
    expect(cell).to_contain_class("jp-mod-active")
    page.keyboard.press("Control+Enter")
    return cell


def cell_with(page, code):
    """The first code cell whose source contains `code`, scrolled into view."""
    source = page.locator(".jp-InputArea", has_text=re.compile(re.escape(code)))
    cell = page.locator(".jp-CodeCell", has=source).first
    cell.scroll_into_view_if_needed()
    return cell


def copy_notebook(folder, number, **parameters):
    """A chapter with these values behind those of its parameters cell."""
    notebook = json.loads((ROOT / "notebooks" / CHAPTERS[number].file).read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", ())]
    cell["source"] = [*cell["source"], *(f"\n{name} = {value!r}" for name, value in parameters.items())]
    (folder / CHAPTERS[number].file).write_text(json.dumps(notebook), encoding="utf-8")


def _options(port):
    options = ("--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0")
    token = f"--IdentityProvider.token={TOKEN}"
    return [*lab.OPTIONS, *lab._root_option(), *options, token]


def _environment(home):
    """The test's own, with every folder that Jupyter and its kernels write to in `home`."""
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    own = {variable: str(home / folder) for variable, folder in folders.items()}
    return os.environ | own | lab.kernels()


def _answers(server, address, log):
    assert server.poll() is None, f"JupyterLab ended: {log.read_text()[-2000:]}"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False

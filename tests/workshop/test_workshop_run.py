"""The proof: all ten notebooks by papermill on the embedded AWS, with a good video and with a bad one."""

import json
import re
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path

import nbformat
import pytest
from notebook_kit import names_left

from faceblur import video
from faceblur.errors import OutputError
from faceblur.sample import film
from faceblur.workshop import __main__ as command
from faceblur.workshop.chapters import CHAPTERS
from faceblur.workshop.running import demo, runner
from faceblur.workshop.running.cells import CellFailure

FRAMES = 60
MOST_LINES = 60  # of one output: a Lambda function's source, a state of the workflow


@pytest.fixture(scope="module")
def short_video(tmp_path_factory):
    """The sample's seconds 2 and 3: two people."""
    path = tmp_path_factory.mktemp("video") / "two people.mp4"
    video.encode(path, islice(film.frames(), 60, 60 + FRAMES), frame_rate=30, preset="ultrafast")
    return path


@pytest.fixture
def this_engine(local_aws, monkeypatch, tmp_path):
    """The demo on this test's embedded AWS, so that what is left there can be listed afterwards."""
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    monkeypatch.setattr(runner, "embedded_aws", lambda: runner.environment({}))


class Links(HTMLParser):
    def __init__(self, page: Path):
        super().__init__()
        self.found = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, _tag, attributes):
        self.found |= {value for name, value in attributes if name in ("src", "href") and value}


def test_the_demo_runs_all_ten_notebooks_and_leaves_the_result_and_nothing_else(
    this_engine, short_video, tmp_path, capsys
):
    out = tmp_path / "demo"
    assert demo.demo(out, short_video) == 0
    said = capsys.readouterr().out
    assert all(f"ok  {chapter.file}" in said for chapter in CHAPTERS.values())
    assert str(out / "index.html") in said

    before, after = video.probe(short_video), video.probe(out / "blurred.mp4")
    assert (after.width, after.height, after.codec) == (before.width, before.height, "h264")
    report = json.loads((out / "report.json").read_text())
    assert report["counts"]["frames"] == FRAMES
    assert report["counts"]["frames_with_regions"] > FRAMES / 2
    assert report["audit"]["passed"] is True
    execution = json.loads((out / "execution.json").read_text())
    assert execution["status"] == "SUCCEEDED"
    assert {"BlurSegments", "JoinSegments"} <= {state["state"] for state in execution["states"]}
    assert (out / "preview.png").stat().st_size > 100_000

    check_notebooks(out)
    check_pages(out)
    assert names_left("faceblur") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]


def check_notebooks(out):
    for chapter in CHAPTERS.values():
        cells = nbformat.read(out / "notebooks" / chapter.file, as_version=4).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code), chapter.file
        assert not [o for cell in code for o in cell.outputs if o.output_type == "error"], chapter.file
        errors = [o.text for cell in code for o in cell.outputs if o.get("name") == "stderr"]
        assert not errors, (chapter.file, errors)
        said = [o.get("text") or o.get("data", {}).get("text/plain", "") for cell in code for o in cell.outputs]
        assert not [text for text in said if "ResponseMetadata" in text], (chapter.file, "shows a raw answer of AWS")
        assert max((text.count("\n") for text in said), default=0) <= MOST_LINES, (chapter.file, "a wall of output")
    views = {
        kind
        for cell in nbformat.read(out / "notebooks" / CHAPTERS[8].file, as_version=4).cells
        for output in cell.get("outputs", ())
        for kind in output.get("data", ())
    }
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/html"} <= views


def check_pages(out):
    """Everything is offline: links lead to files of the folder or are data."""
    pages = [out / "index.html", *sorted((out / "notebooks").glob("*.html"))]
    assert len(pages) == 11
    for page in pages:
        assert f".{out.name}-" not in page.read_text(encoding="utf-8"), (page.name, "names a folder that is gone")
        for link in Links(page).found:
            if link.startswith(("data:", "#", "https://docs.aws", "https://aws.amazon")):
                continue
            assert not re.match(r"\w+:", link), (page.name, link)
            assert (page.parent / link.split("#")[0].replace("%20", " ")).exists(), (page.name, link)


def test_a_bad_video_ends_in_one_readable_cause_and_leaves_nothing(local_aws, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    junk = tmp_path / "junk.mp4"
    junk.write_text("this is not a video")
    out = tmp_path / "run"
    arguments = ["-p", "PREFIX", "badrun", "-p", "VIDEO", str(junk), "-p", "OUT", str(tmp_path / "result")]
    assert command.main(["run", *arguments, "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert f"FAILED  {CHAPTERS[8].file}" in said
    assert re.search(r"WorkshopError: junk\.mp4: \w+ failed with \w+: .*\w", said)
    assert "Traceback" not in said
    assert f"ok  {CHAPTERS[10].file}" in said
    assert CHAPTERS[9].file not in said
    assert (out / "notebooks" / CHAPTERS[8].file).exists()
    assert "failed with" in (out / "junit.xml").read_text()
    assert names_left("badrun") == []


def test_a_failed_demo_leaves_the_last_result_alone(monkeypatch, tmp_path, short_video, capsys):
    out = tmp_path / "demo"
    out.mkdir()
    (out / demo.MARK).touch()
    (out / "index.html").write_text("the last result")

    def failing(source, work):
        copy = work / "notebooks" / CHAPTERS[2].file
        copy.parent.mkdir()
        copy.write_text("executed")
        failure = CellFailure("create", "WorkshopError: no more buckets\n    details", "")
        return runner.Run((runner.NotebookRun(CHAPTERS[2], 1.0, copy, failure),))

    monkeypatch.setattr(demo, "_run_notebooks", failing)
    assert demo.demo(out, short_video) == 1
    assert (out / "index.html").read_text() == "the last result"
    assert (tmp_path / "demo-failed" / "notebooks" / CHAPTERS[2].file).exists()
    assert f"the demo failed in {CHAPTERS[2].file}: no more buckets\n" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "demo-failed"]


def test_the_demo_does_not_touch_a_folder_of_somebody_else(tmp_path, short_video):
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(OutputError, match="something else"):
        demo.demo(tmp_path, short_video)
    with pytest.raises(OutputError, match="is a file"):
        demo.demo(tmp_path / "thesis.txt", short_video)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

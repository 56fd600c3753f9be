"""The papermill runner on small notebooks of its own: order, parameters, failures, clean-up, JUnit."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest

from faceblur.errors import WorkshopError
from faceblur.workshop import __main__ as command
from faceblur.workshop.chapters import CHAPTERS
from faceblur.workshop.running import lab, runner
from faceblur.workshop.running.cells import CellProgress
from faceblur.workshop.running.junit import write_junit


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout whose notebooks append their number to a file; notebook(3, code) adds code to one."""
    folder = tmp_path / "notebooks"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.svg").write_text("<svg/>")
    monkeypatch.setattr(runner, "project_root", lambda: tmp_path)

    def notebook(number, code="pass", parameters='TARGET = "local"'):
        note = f"open({str(tmp_path / 'order')!r}, 'a').write(f'{number}{{TARGET}} ')"
        cells = [
            nbformat.v4.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(note, id="note"),
            nbformat.v4.new_code_cell(code, id="work"),
        ]
        book = nbformat.v4.new_notebook(cells=cells)
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, folder / CHAPTERS[number].file)

    for number in (2, 3, 10):
        notebook(number)
    return tmp_path, notebook


def order(project):
    return project[0].joinpath("order").read_text().split()


def run(project, numbers, parameters=None, **options):
    said = []
    done = runner.run(
        [CHAPTERS[number] for number in numbers],
        parameters or {},
        project[0] / "copies",
        say=said.append,
        **options,
    )
    return done, "\n".join(said)


@pytest.mark.parametrize(("given", "mode"), [({}, "True"), ({"SOLVE": False}, "False")])
def test_a_run_takes_the_solutions_unless_told_otherwise(project, given, mode):
    project[1](2, f"open({str(project[0] / 'order')!r}, 'a').write(f'{{SOLVE}}')", 'TARGET = "local"\nSOLVE = False')
    assert run(project, [2], given, keep=True)[0].passed
    assert order(project) == ["2local", mode]


def test_notebooks_run_in_order_with_their_parameters(project):
    done, said = run(project, [2, 3, 10], {"TARGET": "aws"})
    assert done.passed
    assert order(project) == ["2aws", "3aws", "10aws"]
    assert [line.split()[:2] for line in said.splitlines()] == [["ok", CHAPTERS[n].file] for n in (2, 3, 10)]
    assert (project[0] / "copies" / "images" / "a.svg").exists()


def test_a_failure_is_shown_saved_and_cleaned_up_after(project):
    project[1](2, "value = 6\nvalue / 0")
    done, said = run(project, [2, 3])
    assert [one.chapter.number for one in done.failures] == [2]
    assert order(project) == ["2local", "10local"]
    assert "cell work: ZeroDivisionError: division by zero\n    at: value / 0" in said
    assert "Traceback" not in said
    saved = nbformat.read(project[0] / "copies" / CHAPTERS[2].file, as_version=4)
    assert any(output.output_type == "error" for cell in saved.cells for output in cell.get("outputs", ()))


def test_keep_leaves_the_clean_up_out(project):
    project[1](2, "1 / 0")
    assert run(project, [2], keep=True)[0].failures
    assert order(project) == ["2local"]
    project[1](2)
    run(project, [2, 10], keep=True)
    assert order(project) == ["2local", "2local"]


def test_an_interrupted_run_is_cleaned_up_too(project, monkeypatch):
    execute = runner._execute

    def interrupted(chapter, *rest):
        if chapter.number == 2:
            raise KeyboardInterrupt
        return execute(chapter, *rest)

    monkeypatch.setattr(runner, "_execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(project, [2, 3])
    assert order(project) == ["10local"]


def test_each_notebook_gets_the_parameters_that_it_declares(project):
    project[1](3, "assert (TARGET, SIZE) == ('local', 5)", 'TARGET = "local"\nSIZE = 1')
    assert run(project, [2, 3], {"SIZE": 5})[0].passed


def test_unknown_parameters_are_refused_before_anything_runs(project):
    with pytest.raises(WorkshopError, match="unknown parameter SPEED; known are TARGET"):
        run(project, [2, 3], {"SPEED": 5})
    assert not (project[0] / "order").exists()


def test_a_missing_notebook_and_an_empty_range_are_refused(project):
    with pytest.raises(WorkshopError, match=r"04_ecr_image\.ipynb is missing"):
        run(project, [4])
    for first, last in ((0, 3), (5, 4), (9, 11)):
        with pytest.raises(WorkshopError, match="notebooks are 1 to 10"):
            runner.select(first, last)
    assert [chapter.number for chapter in runner.select(9, 10)] == [9, 10]


def test_junit_has_a_case_per_notebook(project, tmp_path):
    project[1](2, 'raise ValueError("a < b\\nand more")')
    done, _ = run(project, [2])
    write_junit(tmp_path / "out" / "junit.xml", done)
    suite = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failed, passed = suite.findall("testcase")
    assert failed.get("name") == CHAPTERS[2].file
    assert "ValueError: a < b" in failed.find("failure").get("message")
    assert "and more" in failed.find("failure").text
    assert passed.find("failure") is None


def test_a_log_shows_slow_cells(monkeypatch):
    said = []
    progress = CellProgress(CHAPTERS[4].file, said.append)
    progress({"id": "fast"}, 0, 3, None)
    progress({"id": "fast"}, 0, 3, 0.1)
    progress({"id": "build"}, 1, 3, 7.25)
    assert said == ["  04_ecr_image.ipynb  cell 2 of 3  build  7.2 s"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--from", "7"], "the embedded AWS starts empty"),
        (["run", "--keep"], "nothing can be kept"),
        (["run", "-p", "TARGET", "aws"], "is set by --target"),
        (["run", "-p", "NONSENSE", "1"], "unknown parameter NONSENSE"),
        (["run", "--from", "12"], "notebooks are 1 to 10"),
        (["lab", "--until", "10"], "--until 10: the chapters that can be run before are 1 to 9"),
        (["lab", "--prefix", "Anna B"], "PREFIX = 'Anna B' cannot be used"),
        (["demo", "--video", "nowhere.mp4"], "nowhere.mp4: no such file"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(arguments, words, capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    out = [] if arguments[0] == "lab" else ["--out", str(tmp_path / "out")]
    assert command.main([*arguments, *out]) not in (0, None)
    complaint = capsys.readouterr().err
    assert words in complaint
    assert complaint.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_only_lab_takes_the_options_of_jupyterlab(monkeypatch, capsys):
    given = []
    monkeypatch.setattr(
        "faceblur.workshop.running.lab.lab", lambda options, choice: given.extend([*options, choice]) or 0
    )
    ours = ["--target", "aws", "--prefix", "anna", "--until", "7", "--reset"]
    assert command.main(["lab", "--no-browser", *ours, "--port=9999"]) == 0
    assert given == ["--no-browser", "--port=9999", lab.Choice("aws", "anna", 7, True)]
    with pytest.raises(SystemExit):
        command.main(["demo", "--speed=fast"])
    assert "unrecognized arguments: --speed=fast" in capsys.readouterr().err


def test_values_are_numbers_where_they_look_like_it():
    assert [command._value(text) for text in ("5", "0.5", "true", "a.mp4", "")] == [5, 0.5, True, "a.mp4", ""]


def test_papermill_is_loaded_only_when_notebooks_run():
    """`import faceblur.workshop` happens in every notebook: it must stay light."""
    code = "import sys, faceblur.workshop; print(*{'papermill', 'matplotlib', 'nbconvert'} & {*sys.modules})"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not said.stdout.split()


def test_what_a_person_must_say_is_said_by_a_run_that_nobody_watches(project):
    project[1](10, "assert DELETE is True", 'TARGET = "local"\nDELETE = False')
    assert run(project, [10])[0].passed
    assert run(project, [10], {"DELETE": False})[0].failures

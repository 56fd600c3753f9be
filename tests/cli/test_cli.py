"""The command line: plan, blur, audit, detect, preview; and one clear line for whatever is wrong."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from proof_kit import leaked
from seeing import crowd

from faceblur import Plan, video
from faceblur.cli import _MODULE_OF, _parser, main
from faceblur.cli.common import tracks_named
from faceblur.cli.plan import _tell as tell_plan
from faceblur.video import Reader


@pytest.fixture
def run(capsys):
    """Run a command; returns (exit code, lines on stdout, lines on stderr)."""

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # argparse
            code = ended.code
        written = capsys.readouterr()
        return code, written.out.splitlines(), written.err.splitlines()

    return run


def test_plan_then_blur_then_audit(film, run, tmp_path):
    """The whole way, with what a person does in between: one stays visible, the style changes."""
    plan, out, report = tmp_path / "plan.json", tmp_path / "out.mp4", tmp_path / "report.json"
    code, lines, _ = run("plan", film.original, "-o", plan, "--coverage", tmp_path / "who.png")
    assert code == 0 and "track" in lines[0] and (tmp_path / "who.png").stat().st_size > 1000
    content = json.loads(plan.read_text())
    assert len(content["source"]["sha256"]) == 64 and len(content["tracks"]) == 2
    kept = content["tracks"][0]["track"]

    arguments = ("--plan", plan, "--show", kept, "--style", "solid", "--report", report)
    code, lines, _ = run("blur", film.original, out, *arguments)
    assert code == 0 and f"left visible on purpose: track {kept}" in lines
    written = json.loads(report.read_text())
    assert written["kept_visible"] == [kept] and written["settings"]["style"]["name"] == "solid"

    code, lines, _ = run("audit", film.original, out, "--report", report, "-o", tmp_path / "audit")
    assert code == 0 and any(line.startswith("PASSED") for line in lines)
    assert f"left visible on purpose: track {kept}" in lines
    assert json.loads((tmp_path / "audit" / "audit.json").read_text())["passed"] is True

    code, lines, _ = run("audit", film.original, out, "--plan", plan)
    assert code == 1  # the plan alone does not say that somebody was kept


def test_another_style_without_looking_again(film, run, tmp_path, monkeypatch):
    monkeypatch.setattr("faceblur.finding.detector.FaceDetector.find", lambda *_: pytest.fail("looked for faces"))
    for style in ("mosaic", "gaussian"):
        out = tmp_path / f"{style}.mp4"
        assert run("blur", film.original, out, "--plan", film.folder / "plan.json", "--style", style)[0] == 0
    pictures = []
    for style in ("mosaic", "gaussian"):
        with Reader(tmp_path / f"{style}.mp4") as reader:
            pictures.append(next(iter(reader)).bgr().astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() > 8


def test_options_change_the_plans_style_and_nothing_else(film, run, tmp_path):
    report = tmp_path / "report.json"
    style = "--style pixelate --strength 6 --shape box --margin 0.4 --feather 0.2"
    files = (film.original, tmp_path / "out.mp4", "--plan", film.folder / "plan.json", "--report", report)
    assert run("blur", *files, *style.split())[0] == 0
    assert json.loads(report.read_text())["settings"]["style"] == {
        "name": "pixelate", "strength": 6.0, "shape": "box", "margin_ratio": 0.4, "feather_ratio": 0.2,
        "forced": False,
    }  # fmt: skip


def test_an_area_of_ones_own(film, run, tmp_path):
    plan = tmp_path / "plan.json"
    assert run("plan", film.original, "-o", plan, "--area", "0,0.5,0.3,0.4,0.2,0.8")[0] == 0
    area = Plan.load(plan).areas[0]
    assert (area.left, area.height, area.start_ms, area.end_ms) == (0, 0.4, 200, 800)
    out, report = tmp_path / "out.mp4", tmp_path / "report.json"
    run("blur", film.original, out, "--plan", tmp_path / "plan.json", "--report", report)
    rows = json.loads(report.read_text())["frames"]
    times = [row["time_ms"] for row in rows if any(region[0] == -1 for region in row["regions"])]
    assert (round(times[0]), round(times[-1])) == (200, 800)
    assert run("audit", film.original, out, "--plan", tmp_path / "plan.json")[0] == 0


def test_a_preview_is_short_and_has_a_sheet(film, run, tmp_path):
    assert run("blur", film.original, tmp_path / "look.mp4", "--preview", "0.5")[0] == 0
    assert (tmp_path / "look.png").stat().st_size > 10_000
    with Reader(tmp_path / "look.mp4") as reader:
        assert sum(1 for _ in reader) == 15
    assert sorted(p.name for p in tmp_path.iterdir()) == ["look.mp4", "look.png"]


def test_the_sheet_of_a_preview_without_faces_stays_within_it(run, tmp_path):
    """The faces would come later than the preview ends."""
    pictures = [np.full((96, 128, 3), 40 if n < 12 else 220, np.uint8) for n in range(24)]
    video.encode(tmp_path / "in.mp4", pictures, frame_rate=12)
    assert run("blur", tmp_path / "in.mp4", tmp_path / "out.mp4", "--preview", "1")[0] == 0
    import cv2

    sheet = cv2.imread(str(tmp_path / "out.png"))
    assert not (np.abs(sheet.astype(int) - 220).max(-1) < 3).any()


def test_audit_lists_the_frames_and_boxes_that_leaked(film, run, tmp_path):
    spoilt = leaked(film, "cli-leaked.mp4", range(20, 21))
    code, lines, _ = run("audit", film.original, spoilt, "--report", film.folder / "report.json", "-o", tmp_path)
    assert code == 1
    assert any(line.startswith("face: frame 20 at 0:00.7, box 0.") and "track" in line for line in lines)
    assert any(line.startswith("FAILED") and "frame 20" in line for line in lines)
    assert any("not the file that the report describes" in line for line in lines)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.json", "coverage.png", "worst.png"]


def test_what_its_own_audit_finds_is_blurred_too(film, run, tmp_path, monkeypatch):
    """As if nobody but the audit could see faces."""
    monkeypatch.setattr("faceblur.cli.blur.analyse_in_jobs", lambda *_, **__: replace(film.plan, tracks=()))
    monkeypatch.setattr("faceblur.pipeline.second_look.is_there", lambda: False)
    report = tmp_path / "report.json"
    code, lines, _ = run("blur", film.original, tmp_path / "out.mp4", "--audit", "--report", report)
    assert code == 0 and any(line.startswith("note: the audit found") for line in lines)
    written = json.loads(report.read_text())
    assert written["asked"]["audit"] and {len(frame["regions"]) for frame in written["frames"]} == {2}


def test_a_video_that_fails_its_own_audit_is_said_and_not_done(film, run, tmp_path):
    """Of a plan that is given nothing is searched: what it leaves open is left to whoever wrote it."""
    replace(film.plan, tracks=film.plan.tracks[:1]).save(tmp_path / "plan.json")
    command = ("blur", film.original, tmp_path / "out.mp4", "--plan", tmp_path / "plan.json", "--audit", "--resume")
    for _ in range(2):
        code, lines, errors = run(*command)
        assert (code, lines) == (5, []) and "do not publish it, its audit failed" in errors[-1]
    assert "asked" not in json.loads((tmp_path / "out.mp4.report.json").read_text())


def test_audit_without_plan_or_report_cannot_tell(film, run):
    code, lines, _ = run("audit", film.original, film.good)
    assert code == 2 and any(line.startswith("COULD NOT TELL") for line in lines)
    assert run("audit", film.original, film.original)[0] == 1


def test_a_plan_for_another_file_is_refused(film, run, tmp_path):
    other, out = tmp_path / "other.mp4", tmp_path / "out.mp4"
    video.encode(other, [np.full((96, 128, 3), n, np.uint8) for n in range(20)], frame_rate=10)
    for plan in (film.folder / "plan.json", signed_plan(film, tmp_path)):
        code, _, errors = run("blur", other, out, "--plan", plan)
        assert code == 2 and len(errors) == 1 and "another file" in errors[0] and not out.exists()
        code, _, errors = run("audit", other, other, "--plan", plan)
        assert code == 2 and "another file" in errors[0]
    assert run("audit", other, other, "--report", film.folder / "report.json")[0] == 2
    assert run("blur", other, out, "--plan", film.folder / "plan.json", "--other-file")[0] == 0 and out.exists()


def signed_plan(film, folder):
    from dataclasses import replace

    from faceblur.rendering.report import describe_file

    replace(film.plan, source=describe_file(film.original)).save(folder / "signed.json")
    return folder / "signed.json"


def test_what_needs_review_is_printed(film, run, tmp_path):
    content = film.plan.to_json()
    content["tracks"][0]["needs_review"] = [[300.0, 1500.0]]
    (tmp_path / "plan.json").write_text(json.dumps(content))
    report = tmp_path / "report.json"
    _, lines, _ = run("blur", film.original, tmp_path / "out.mp4", "--plan", tmp_path / "plan.json", "--report", report)
    assert any(line.startswith("needs review: track 0 was lost from 0:00.3 to 0:01.5 (1.2 s)") for line in lines)
    _, lines, _ = run("audit", film.original, tmp_path / "out.mp4", "--report", report)
    assert any(line.startswith("needs review: track 0") for line in lines)
    assert json.loads(report.read_text())["needs_review"] == [{"track": 0, "start_ms": 300.0, "end_ms": 1500.0}]


def test_a_thousand_tracks_and_their_gaps_are_told_in_a_few_lines(capsys):
    plan = crowd()
    assert (len(plan.tracks), len(plan.tracks[-1].review)) == (1338, 57)
    tell_plan("plan.json", plan)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "plan.json: 1338 tracks" and lines[1].startswith("  track 1314: ") and len(lines) == 35
    assert lines[25] == "  and 1314 tracks more that are seen for less time: plan.json lists all"
    assert lines[-1].startswith("needs review: 49 shorter parts more, of 1 track, 1.2 s in all, between 9:00")
    assert tracks_named([3]) == "track 3" and tracks_named(range(1338)).endswith(", 23 and 1314 more")


def test_detect_and_preview(film, run, tmp_path):
    found, sheet = tmp_path / "found.json", tmp_path / "sheet.png"
    code, lines, _ = run("detect", film.original, "-o", found, "--every-ms", "400")
    assert code == 0 and "samples" in lines[0]
    assert run("preview", film.original, "--detections", found, "-o", sheet)[0] == 0 and sheet.exists()


BAD = {
    "no such input": ("blur none.mp4 out.mp4", 2, "no such file"),
    "plan of nothing": ("plan none.mp4 -o plan.json", 2, "no such file"),
    "detect nothing": ("detect none.mp4 -o found.json", 2, "no such file"),
    "audit nothing": ("audit {film} none.mp4", 2, "no such file"),
    "audit no video": ("audit {film} {plan}", 2, "not a video"),
    "no such plan": ("blur {film} out.mp4 --plan none.json", 2, "cannot be read"),
    "a report as plan": ("blur {film} out.mp4 --plan {report}", 2, "not a redaction plan"),
    "a plan as report": ("audit {film} {film} --report {plan}", 2, "not a report"),
    "detections as plan and given": ("blur {film} out.mp4 --plan {plan} --detections {plan}", 2, "not both"),
    "a plan as detections": ("blur {film} out.mp4 --detections {plan}", 2, "GetFaceDetection"),
    "no such track": (
        "blur {film} out.mp4 --plan {plan} --show 9",
        2,
        "no track 9 in the plan; it has: 0, 1",
    ),
    "weak mosaic": ("blur {film} out.mp4 --strength 16", 2, "can be recognised"),
    "weak gaussian": ("plan {film} -o plan.json --style gaussian --strength 0.05", 2, "can be undone"),
    "no such style": ("blur {film} out.mp4 --style fog", 2, "fog"),
    "negative margin": ("blur {film} out.mp4 --margin -1", 2, "--margin"),
    "odd strength": ("blur {film} out.mp4 --strength nan", 2, "--strength"),
    "odd area": ("blur {film} out.mp4 --area 0,0,0,1", 2, "--area"),
    "odd preview": ("blur {film} out.mp4 --preview 0", 2, "--preview"),
    "odd interval": ("detect {film} -o found.json --every-ms 0", 2, "--every-ms"),
    "odd stride": ("audit {film} {film} --every 0", 2, "--every"),
    "no such command": ("blurr {film} out.mp4", 2, "blurr"),
    "report into nowhere": ("blur {film} out.mp4 --report nowhere/report.json", 3, "does not exist"),
    "report over the input": ("blur {film} out.mp4 --report {film}", 3, "something else"),
    "report over the output": ("blur {film} out.mp4 --report out.mp4", 3, "something else"),
    "report is a folder": ("blur {film} out.mp4 --report .", 3, "is a folder"),
    "plan into nowhere": ("plan {film} -o nowhere/plan.json", 3, "does not exist"),
    "coverage of no kind": ("plan {film} -o plan.json --coverage who.doc", 3, "ends in .png"),
    "found over the input": ("detect {film} -o {film}", 3, "something else"),
    "preview of no kind": ("preview {film} --detections {found} -o sheet", 3, "ends in .png"),
    "audit into a file": ("audit {film} {film} --plan {plan} -o {plan}", 3, "cannot be made"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_said_in_one_line_before_any_work(film, run, tmp_path, monkeypatch, kind):
    command, code, words = BAD[kind]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faceblur.finding.analysis._Watcher.look_at", lambda *_: pytest.fail("it began to work"))
    monkeypatch.setattr("faceblur.video.Writer.write", lambda *_: pytest.fail("it began to write"))
    found = film.folder / "found.json"
    found.write_text(json.dumps({"Faces": []}))
    files = {"film": film.original, "plan": film.folder / "plan.json", "report": film.folder / "report.json"}
    before = film.original.read_bytes()
    result, lines, errors = run(*command.format(**files, found=found).split())
    assert result == code, errors
    assert lines == [] and len(errors) == 1 and errors[0].startswith("faceblur: ") and words in errors[0], errors
    assert list(tmp_path.iterdir()) == [] and film.original.read_bytes() == before


def test_a_strength_that_can_be_undone_is_taken_when_forced(film, run, tmp_path):
    report = tmp_path / "report.json"
    arguments = ("--plan", film.folder / "plan.json", "--strength", "16", "--force", "--report", report)
    assert run("blur", film.original, tmp_path / "out.mp4", *arguments)[0] == 0
    assert json.loads(report.read_text())["settings"]["style"]["forced"] is True


@pytest.mark.parametrize("command", [[], ["-m", "faceblur"], ["-m", "faceblur.cli"]])
def test_it_starts_in_every_way(command):
    arguments = [sys.executable, *command] if command else [Path(sys.executable).with_name("faceblur")]
    if not command and not Path(arguments[0]).exists():
        pytest.skip("faceblur is not installed here, only on the path")
    done = subprocess.run([*arguments, "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("faceblur ")


def test_the_package_loads_its_names_when_they_are_asked_for():
    code = """
import sys, faceblur, faceblur.errors
assert not {"numpy", "cv2", "av"} & {*sys.modules}
from faceblur import *
assert blur is faceblur.blur and render is faceblur.render and not hasattr(faceblur, "unknown")
assert {"blur", "Plan", "__version__"} < {*dir(faceblur)}
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_command_loads_no_other_and_the_help_names_them_all(capsys):
    code = "import sys; from faceblur.cli import _parser; _parser('plan'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    commands = {f"faceblur.cli.{module}" for module in _MODULE_OF.values()}
    assert commands & set(done.stdout.split()) == {"faceblur.cli.plan"}
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = re.findall(r"^ {4}(\w+)", capsys.readouterr().out, re.MULTILINE)
    assert listed == [*_MODULE_OF]
    assert all(name in _parser(name).format_help() for name in _MODULE_OF)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_the_command_starts_no_threads_that_wait_for_arrays():
    code = """
import os, sys, faceblur.cli
sys.argv = ["faceblur", "--version"]
faceblur.cli.guard.CAN_FORK = False  # do the work here, where it can be looked at
try:
    faceblur.cli.main()
except SystemExit:
    pass
assert "numpy" in sys.modules and len(os.listdir("/proc/self/task")) == 1
"""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


def test_a_closed_pipe_is_no_error(film):
    plan = film.folder / "plan.json"
    audit = f"{sys.executable} -m faceblur audit {film.original} {film.good} --plan {plan}"
    done = subprocess.run(["bash", "-c", f"{audit} | true"], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


def test_the_process_that_waits_loads_neither_arrays_nor_codecs():
    code = """
import sys, faceblur.cli
sys.argv = ["faceblur", "--version"]
assert faceblur.cli.main() == 0
assert not {"numpy", "av", "cv2", "argparse"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_what_cannot_be_printed_is_said():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "faceblur", "--version"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 3 and done.stderr.count("\n") == 1


def test_a_name_cannot_draw_a_line_of_its_own(run, tmp_path):
    code, _, errors = run("blur", tmp_path / "a\nfaceblur: done\x1b[2J.mp4", tmp_path / "out.mp4")
    assert code == 2 and len(errors) == 1 and "a\\nfaceblur: done\\x1b[2J.mp4" in errors[0]

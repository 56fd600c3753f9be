"""JSON that others wrote: whatever is wrong with it is one line and exit code 2, and memory stays within its limits."""

import json
import resource
import subprocess
import sys

import pytest

from faceblur.cli import main
from faceblur.errors import DocumentError
from faceblur.files import read_json
from faceblur.foreign import MOST_DEPTH, parse_json

NUMBERS = ["1e400", "-1e999", "9" * 400, "9" * 5000, "NaN", "Infinity", "-Infinity", str(2**63), "1e19"]
ODD = [None, True, 3, -1, 0.5, "text", "", [], [1], [[1]], {}, {"a": 1}, [None], [{}], [[[]]]]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_beyond_measure_are_refused(number):
    with pytest.raises(DocumentError, match="number"):
        parse_json(f'{{"a": [1, {number}]}}'.encode())


def test_what_is_ordinary_is_read_as_it_is():
    content = {"a": [1, -2.5, 1e-300, 2**62], "b": {"c": None, "d": "\u6620\U0001f600"}, "e": []}
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        assert parse_json(json.dumps(content, ensure_ascii=False).encode(encoding)) == content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1, column 2"),
        (b"\xff\xfe\xff", "not text"),
        (b"\x80abc", "not text"),
        (b"[" * 100_000, "too deeply"),
        (b'{"a":' * 100_000, "too deeply"),
        (b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1), "too deeply"),
        (b'{"keep": true, "keep": false}', "'keep' twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, words):
    with pytest.raises(DocumentError, match=words):
        parse_json(text)


@pytest.mark.parametrize("part", [b"{},", b'{"a":1},', b"0.1,"])
def test_200_mb_do_not_cost_1500(tmp_path, part):
    """Read or refused, within a gigabyte and a half; in a process of its own, whose peak is known."""
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.write(b"[")
        for _ in range(200):
            file.write(part * (1_000_000 // len(part)))
        file.write(b"0]")
    code = (
        "import resource, sys; from faceblur.files import read_json\n"
        "try: read_json(sys.argv[1])\n"
        "except Exception as problem: assert type(problem).__name__ == 'DocumentError', problem\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_400_000  # KiB
    path.unlink()


def test_a_file_over_the_limit_a_folder_and_a_missing_one(tmp_path):
    with (tmp_path / "big").open("wb") as file:
        file.truncate(400 << 20)
    for name, words in (("big", "320 MiB"), (".", "cannot be read"), ("none", "cannot be read"), ("\0", "cannot be")):
        with pytest.raises(DocumentError, match=words):
            read_json(tmp_path / name)


def variants(content: dict, places: list[tuple]):
    """The content with each of the odd values in each of the places, where they differ in kind from what is there."""
    for place in places:
        for odd in ODD:
            changed = json.loads(json.dumps(content))
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = odd
            yield place, odd, changed


PLAN = [
    ("source",), ("video",), ("settings",), ("counts",), ("style",), ("areas",), ("tracks",), ("plan",),
    ("source", "name"), ("source", "sha256"), ("tracks", 0), ("tracks", 0, "needs_review"), ("tracks", 0, "boxes"),
    ("tracks", 0, "boxes", 0), ("tracks", 0, "boxes", 0, 1), ("tracks", 0, "visible"), ("tracks", 0, "track"),
    ("style", "name"), ("style", "strength"), ("style", "margin_ratio"), ("style", "shape"), ("style", "forced"),
]  # fmt: skip
REPORT = [
    ("input",), ("output",), ("video",), ("settings",), ("settings", "style"), ("frames",), ("frames", 3),
    ("frames", 3, "regions"), ("frames", 3, "regions", 0), ("frames", 3, "regions", 0, 0), ("frames", 3, "visible"),
    ("frames", 3, "time_ms"), ("needs_review",), ("kept_visible",), ("notes",), ("input", "sha256"),
    ("output", "sha256"),
]  # fmt: skip


def refused_or_done(arguments, capsys) -> None:
    """One line and exit code 2 (no exception came here), or it was taken as it may be."""
    code = main([str(argument) for argument in arguments])
    errors = capsys.readouterr().err
    assert "please report it" not in errors, errors
    assert (code in (0, 1) and not errors) or (code in (2, 3) and errors.count("\n") <= 1), (code, errors)


@pytest.mark.parametrize("place", PLAN, ids=lambda place: "-".join(map(str, place)))
def test_a_plan_of_whatever_types(film, tmp_path, capsys, monkeypatch, place):
    """Everything up to the work itself, which is not done here."""
    done = {"frames": []}
    monkeypatch.setattr("faceblur.cli.blur._Job._render", lambda *_: done)
    monkeypatch.setattr("faceblur.cli.blur._tell", lambda *_: None)
    content = json.loads((film.folder / "plan.json").read_text())
    for _, _, changed in variants(content, [place]):
        (tmp_path / "plan.json").write_text(json.dumps(changed))
        refused_or_done(["blur", film.original, tmp_path / "o.mp4", "--plan", tmp_path / "plan.json"], capsys)


@pytest.mark.parametrize("place", REPORT, ids=lambda place: "-".join(map(str, place)))
def test_a_report_of_whatever_types(film, tmp_path, capsys, monkeypatch, place):
    from faceblur.cli import audit

    content = json.loads((film.folder / "report.json").read_text())
    row = next(number for number, frame in enumerate(content["frames"]) if frame["regions"])
    content["frames"][3] = content["frames"][row] | {"time_ms": content["frames"][3]["time_ms"], "visible": []}
    for _, odd, changed in variants(content, [place]):
        (tmp_path / "report.json").write_text(json.dumps(changed))
        options = type("Options", (), {"report": tmp_path / "report.json", "plan": None, "original": film.original,
                                       "other_file": True})  # fmt: skip
        try:
            report, _ = audit._claims(options)
            audit._changed_since(report, film.original)
            audit.tell_review(report.get("needs_review", ()))
        except DocumentError as problem:
            assert "\n" not in str(problem), odd
    capsys.readouterr()


def test_detections_of_whatever_types(film, tmp_path, capsys):
    face = {"Timestamp": 500, "Face": {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.2}}}
    content = {"Faces": [face]}
    places = [("Faces",), ("Faces", 0), ("Faces", 0, "Face"), ("Faces", 0, "Timestamp"),
              ("Faces", 0, "Face", "BoundingBox"), ("Faces", 0, "Face", "BoundingBox", "Left"),
              ("Faces", 0, "Face", "Confidence")]  # fmt: skip
    from faceblur import Detections

    for _, _, changed in variants(content, places):
        (tmp_path / "faces.json").write_text(json.dumps(changed))
        try:
            Detections.load(tmp_path / "faces.json")
        except DocumentError as problem:
            assert "\n" not in str(problem)


def test_a_picture_of_boxes_far_outside(film, tmp_path, capsys):
    box = {"Left": -1e17, "Top": -1e17, "Width": 2e17, "Height": 2e17}
    faces = [{"Timestamp": time, "Face": {"BoundingBox": box}} for time in (500, -(10**17), 10**17)]
    (tmp_path / "faces.json").write_text(json.dumps({"Faces": faces}))
    command = ["preview", film.original, "--detections", tmp_path / "faces.json", "-o", tmp_path / "o.png"]
    assert main([str(word) for word in command]) == 0


def test_peaks_are_measured_in_kib():
    """What the test of 200 MB relies on."""
    assert 10_000 < resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 50_000_000

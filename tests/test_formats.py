"""docs/formats.md and docs/schemas: what is written fits the schemas, and what cannot be read does not."""

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from moving import Mover, Scene
from test_plan import plans
from video_kit import make, no_faces

from faceblur import Area, Detections, DocumentError, Plan, Style, analyse, audit, render, video
from faceblur.cli import main
from faceblur.documents import read_document
from faceblur.pipeline.copying import render_copying
from faceblur.pipeline.jobs import render_in_jobs
from faceblur.pipeline.merge import SegmentMerge

DOCS = Path(__file__).resolve().parents[1] / "docs"
SCHEMAS = {
    name: json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("plan", "report")
}
# Of what follows from several values at once, or from a digest, a schema cannot say anything.
BEYOND_A_SCHEMA = {
    "plan": r"times of its boxes are not rising|times of a plan's frames do not rise|two tracks have the same number|"
    r"outside of the picture: its left upper corner|needs an end after its start|list of frames was changed",
    "report": r"times of its boxes are not rising|times of a plan's frames do not rise|outside of the picture",
}


def closed(schema):
    """The schema, refusing every key that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: closed(value) for key, value in schema.items()}
    if changed.get("type") == "object" and "properties" in changed:
        changed["additionalProperties"] = False
    return changed


VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
STRICT = {name: Draft202012Validator(closed(schema)) for name, schema in SCHEMAS.items()}


def problems(name: str, content, validators=VALIDATORS) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in validators[name].iter_errors(content)]


def as_written(content):
    return json.loads(json.dumps(content))


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """A second in which a face goes by that the detector finds."""
    scene = Scene((Mover(110, 90, 0.6, 0.0, 60, "eileen"),), seconds=1.0)
    return scene.write(tmp_path_factory.mktemp("film") / "in.mp4")


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> Path:
    """Ten seconds with a keyframe every second, and few frames."""
    return make(tmp_path_factory.mktemp("long") / "in.mp4", count=50, rate=5, options={"g": "5", "preset": "ultrafast"})


@pytest.fixture(scope="module")
def analysed(film) -> Plan:
    plan = analyse(film)
    assert plan.tracks
    return plan


@pytest.fixture(scope="module")
def segments(long, tmp_path_factory) -> tuple[dict, dict]:
    """The plan and the report of a video that was worked on in segments, as the container does."""
    folder, plans_, reports, pieces = tmp_path_factory.mktemp("segments"), [], [], []
    spans = video.split(long, target_s=4.0)
    for span in spans:
        pieces.append(folder / f"{span.index}.mp4")
        plans_.append(analyse(long, span=span))
        reports.append(render(long, pieces[-1], plans_[-1], span=span))
    verdicts = [
        audit.verify(long, piece, plan, span=span).to_json()
        for piece, plan, span in zip(pieces, plans_, spans, strict=True)
    ]
    merge, parts, listed = SegmentMerge(), {}, {"plan": [], "report": []}
    for number, (plan, report) in enumerate(zip(plans_, reports, strict=True)):
        for kind, part in zip(("plan", "report"), merge.add(plan, report), strict=True):
            name = f"out.mp4.parts/{number:05d}.{kind}.json"
            parts[name] = json.dumps(part).encode()
            listed[kind].append({"name": name, "sha256": hashlib.sha256(parts[name]).hexdigest(), "frames": 1})
    heads = dict(zip(("plan", "report"), merge.heads(), strict=True))
    heads["report"]["audit"] = audit.add_up(verdicts, ())
    for kind, head in heads.items():
        (folder / f"{kind}.json").write_text(json.dumps(head | {"segments": listed[kind]}))
    (folder / "out.mp4.parts").mkdir()
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    plan, report = (read_document(folder / f"{kind}.json") for kind in ("plan", "report"))
    assert len(spans) > 1 and len(plan["frames"]) == len(spans)
    assert Plan.load(folder / "plan.json").to_json()["frames"] == plan["frames"]
    return plan, report


def test_an_index_is_read_with_its_files_or_not_at_all(segments, tmp_path):
    part = json.dumps({"frames": [], "tracks": []}).encode()
    index = {"plan": 1, "segments": [{"name": "a.parts/00000.plan.json", "sha256": hashlib.sha256(part).hexdigest()}]}
    (tmp_path / "plan.json").write_text(json.dumps(index))
    with pytest.raises(DocumentError, match=r"belongs to .*plan\.json and cannot be read"):
        Plan.load(tmp_path / "plan.json")
    (tmp_path / "a.parts").mkdir()
    (tmp_path / "a.parts" / "00000.plan.json").write_bytes(part)
    assert Plan.load(tmp_path / "plan.json").tracks == ()
    (tmp_path / "a.parts" / "00000.plan.json").write_bytes(part + b" ")
    with pytest.raises(DocumentError, match="is not the file that"):
        Plan.load(tmp_path / "plan.json")
    for name in (
        "../00000.plan.json",
        "/etc/00000.plan.json",
        "a/b/00000.plan.json",
        "00000.plan.json",
        "a.parts/x.json",
    ):
        index["segments"][0]["name"] = name
        (tmp_path / "plan.json").write_text(json.dumps(index))
        with pytest.raises(DocumentError, match="are not called as they should be"):
            Plan.load(tmp_path / "plan.json")


def test_what_a_search_finds_is_a_plan(film, analysed):
    scene = Scene((Mover(110, 90, 0.6, 0.0, 60, "eileen"),), seconds=1.0)
    led = analyse(film, scene.samples(480.0))
    for plan in (analysed, led, led.showing([led.tracks[0].id])):
        assert problems("plan", as_written(plan.to_json()), STRICT) == []
    assert led.counts["samples"] == 2


def test_what_the_commands_write(film, analysed, tmp_path, capsys):
    plan, report, output = (str(tmp_path / name) for name in ("plan.json", "report.json", "out.mp4"))
    number = str(analysed.tracks[0].id)
    assert main(["plan", str(film), "-o", plan, "--area", "0,0,0.2,0.2,0.2,0.5", "--style", "solid"]) == 0
    assert main(["blur", str(film), output, "--plan", plan, "--keep", number, "--report", report]) == 0
    written = {name: json.loads(Path(path).read_text()) for name, path in (("plan", plan), ("report", report))}
    assert {name: problems(name, content, STRICT) for name, content in written.items()} == {"plan": [], "report": []}
    assert written["report"]["asked"]["show"] == [int(number)] and written["plan"]["areas"][0]["end_ms"] == 500.0
    assert any("visible" in row for row in written["report"]["frames"])


def test_what_is_rendered_by_every_way(film, analysed, long, segments, tmp_path):
    area = Plan((), (Area(0, 0, 0.5, 0.5, 0, 900),), Style("solid"))
    reports = {
        "render": render(film, tmp_path / "a.mp4", analysed),
        "smart": render_copying(long, tmp_path / "b.mp4", area),
        "jobs": render_in_jobs(long, tmp_path / "c.mp4", no_faces((0, 0, 0.5, 0.5)), jobs=2),
        "merged": segments[1],
    }
    assert [name for name, report in reports.items() if problems("report", as_written(report), STRICT)] == []
    assert reports["smart"]["counts"]["copied_frames"] and reports["merged"]["audit"]["passed"]
    assert any(row["regions"] for row in reports["render"]["frames"])


def test_a_plan_of_segments_and_one_of_a_report(segments):
    for plan in (segments[0], Plan.from_report(as_written(segments[1])).to_json()):
        assert problems("plan", as_written(plan), STRICT) == []


@given(plans())
def test_every_plan_that_can_be_made_fits(plan):
    assert problems("plan", as_written(plan.to_json()), STRICT) == []


BOX = [0.1, 0.1, 0.2, 0.2]


def whole_plan() -> dict:
    """One with everything in it that a plan may hold."""
    return {
        "plan": 1,
        "source": {"name": "in.mp4", "bytes": 3, "sha256": None},
        "video": {"width": 64},
        "settings": {},
        "counts": {},
        "style": Style("gaussian", 0.3).to_json(),
        "areas": [Area(0.1, 0.2, 0.3, 0.4, 40, 80).to_json()],
        "frames": as_written(Plan.from_report(whole_report()).to_json()["frames"]),
        "tracks": [
            {
                "track": 0,
                "visible": True,
                "needs_review": [[40, 80]],
                "boxes": [[0, 0.1, 0.1, 0.2, 0.2], [40, 0, 0, 1, 1]],
            },
            {"track": 7, "boxes": [[0, 0.1, 0.1, 0.2, 0.2]]},
        ],
    }


def whole_report() -> dict:
    rows = [
        {"time_ms": 0.0, "regions": [[1, *BOX], [-1, 0.5, 0.5, 0.1, 0.1]]},
        {"time_ms": 40.0, "regions": [], "visible": [[2, *BOX]]},
    ]
    file = {"name": "in.mp4", "bytes": 3, "sha256": 64 * "0"}
    return {
        "faceblur": "0.1.0",
        "input": file,
        "output": dict(file),
        "video": {"width": 64},
        "settings": {
            "style": Style().to_json(),
            "encoder": {"codec": "h264", "crf": 18, "preset": "veryfast"},
            "analysis": {},
        },
        "counts": {"frames": 2, "frames_with_regions": 1, "face_frames": 1, "tracks": 1},
        "kept_visible": [2],
        "needs_review": [{"track": 1, "start_ms": 0.0, "end_ms": 40.0}],
        "notes": ["a line"],
        "frames": rows,
    }


NOTHING = object()
WRONG = (NOTHING, None, True, "x", -3, 0, 0.3, 2, 10**4, 1e-9, [], [[0]], {"x": 1})


def spoiled(content) -> Iterator[tuple[str, object]]:
    """The content with every value in turn replaced by each wrong one, or gone: (what was done, content)."""

    def places(value, path=()):
        yield path
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, each in inner:
            yield from places(each, (*path, key))

    for *way, last in filter(None, places(content)):
        for wrong in WRONG:
            changed = copy.deepcopy(content)
            at = changed
            for step in way:
                at = at[step]
            if wrong is NOTHING:
                del at[last]
            else:
                at[last] = copy.deepcopy(wrong)
            yield f"{[*way, last]} = {'nothing' if wrong is NOTHING else wrong}", changed


def read_report(content: dict, folder: Path) -> None:
    """As `faceblur audit --report` does."""
    from faceblur.cli.audit import _load_report

    path = folder / "report.json"
    path.write_text(json.dumps(content))
    Plan.from_report(_load_report(str(path)))


@pytest.mark.parametrize("name", ["plan", "report"])
def test_what_cannot_be_read_does_not_fit(name, tmp_path):
    """Every value of a whole plan or report, spoiled in every way."""
    whole, refused, beyond = {"plan": whole_plan, "report": whole_report}[name](), 0, 0
    assert problems(name, whole, STRICT) == []
    for what, content in spoiled(whole):
        try:
            Plan.from_json(content) if name == "plan" else read_report(content, tmp_path)
        except DocumentError as problem:
            refused += 1
            if re.search(BEYOND_A_SCHEMA[name], str(problem)):
                beyond += 1
            else:
                assert problems(name, content), f"{what}: {problem}"
    assert refused > 150 and beyond < refused / 4


@pytest.mark.parametrize(
    ("style", "fits"),
    [
        ({}, True), ({"strength": None}, True), ({"strength": 8}, True), ({"strength": 9}, False),
        ({"strength": 9, "forced": True}, True), ({"strength": 257, "forced": True}, False), ({"strength": 0.4}, False),
        ({"name": "pixelate", "strength": 6}, True), ({"name": "pixelate", "strength": 7}, False),
        ({"name": "pixelate", "strength": 7, "forced": True}, True), ({"name": "gaussian", "strength": 0.1}, False),
        ({"name": "gaussian", "strength": 0.125}, True), ({"name": "gaussian", "strength": 4.1, "forced": True}, False),
        ({"name": "gaussian", "strength": -1, "forced": True}, False), ({"name": "solid", "strength": 99}, True),
        ({"name": "blur"}, False), ({"shape": "star"}, False), ({"margin_ratio": 2.1}, False),
        ({"colour": "red"}, False), ({"feather_ratio": -0.1}, False),
    ],
)  # fmt: skip
def test_styles_fit_when_they_are_taken(style, fits):
    plan = {"plan": 1, "tracks": [], "style": style}
    assert (problems("plan", plan) == []) == fits
    if fits:
        Plan.from_json(plan)
    else:
        with pytest.raises(DocumentError):
            Plan.from_json(plan)


def test_what_nobody_knows_is_ignored_on_both_sides():
    plan = whole_plan() | {"remark": "of somebody's own"}
    plan["tracks"][0]["name"] = "Ada"
    assert problems("plan", plan) == [] and Plan.from_json(plan).tracks[0].is_visible
    assert problems("plan", plan, STRICT) != []


def test_both_schemas_are_schemas_and_say_the_same_of_what_they_share():
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    plan, report = (SCHEMAS[name]["$defs"] for name in ("plan", "report"))
    assert {"style", "video", "time_ms"} <= set(plan) & set(report)
    assert all(plan[name] == report[name] for name in set(plan) & set(report))


def test_the_page_names_every_key_and_its_examples_are_read():
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    for schema in SCHEMAS.values():
        assert [key for key in schema["properties"] if f"`{key}`" not in page] == []
    plan, detections, execution, failure = map(json.loads, re.findall(r"```json\n(.*?)```", page, re.DOTALL))
    assert problems("plan", plan, STRICT) == [] and Plan.from_json(plan).tracks[0].is_visible
    assert Detections.from_rekognition([detections]).face_count == 1
    assert [key for key in execution if f"| `{key}` |" not in page] == []
    assert list(failure) == list(failure_record())
    assert {name: list(part) for name, part in execution.items() if isinstance(part, dict)} == execution_parts()


def execution_parts() -> dict[str, list]:
    """The keys of what an execution is given."""
    from dataclasses import asdict

    from lambda_kit import ROOT, load

    uploads, header = load(ROOT / "lambda_src" / "start_face_detection", "uploads", "header")
    upload = uploads.Upload("b", "k", "", "", 1, "e")
    parts = {"input": asdict(upload), "video": asdict(header.Video())}
    parts |= {"work": uploads.work_names(upload, "w"), "output": uploads.output_names(upload, "o")}
    return {name: list(part) for name, part in parts.items()} | {"job": ["id", "started"]}


def failure_record() -> dict:
    from lambda_kit import ROOT, load

    failures = load(ROOT / "lambda_src" / "record_failure", "failures")
    event = {"failure": {"Error": "E", "Cause": "{}"}, "input": {}, "output": {}, "execution": ""}
    return failures.record(event, "")

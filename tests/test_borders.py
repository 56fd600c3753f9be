"""Who may import whom: the rooms of `faceblur` and the borders between them, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASE = {
    "errors",
    "shapes",
    "timecode",
    "boxes",
    "process",
    "assets",
    "patience",
    "undo",
    "foreign",
    "partials",
    "files",
    "documents",
    "detections",
}
# room -> the rooms of ours that it may import
MAY = {
    "errors": set(),
    "shapes": set(),
    "timecode": set(),
    "boxes": set(),
    "process": set(),
    "assets": set(),
    "patience": set(),
    "undo": set(),
    "foreign": {"errors"},
    "partials": {"undo"},
    "files": {"errors", "foreign", "partials", "patience", "undo"},
    "documents": {"errors", "foreign", "shapes"},
    "detections": {"errors", "files", "foreign", "shapes"},
    "video.reading": {"errors", "shapes"},
    "video.writing": {"errors", "files", "process", "video.reading"},
    "video.splicing": {"errors", "video.reading", "video.writing"},
    "video": {"video.reading", "video.writing", "video.splicing"},
    "plan": {"documents", "errors", "files", "foreign", "shapes"},
    "finding": {"boxes", "detections", "errors", "plan", "process", "shapes", "video"},
    "rendering": {"", "errors", "plan", "process", "shapes", "video"},
    "showing": {"assets", "boxes", "detections", "errors", "files", "plan", "shapes", "timecode", "video"},
    "audit": {"boxes", "detections", "finding", "plan", "process", "shapes", "showing", "timecode", "video"},
    "pipeline": {
        "boxes", "detections", "documents", "errors", "finding", "partials", "plan", "process", "rendering", "shapes",
        "undo", "video",
    },
    "review": {
        "assets", "audit", "detections", "errors", "files", "finding", "foreign", "plan", "rendering", "shapes",
        "showing", "timecode", "video",
    },
    "sample": {"errors", "files", "shapes", "video"},
    "localaws": {"errors", "finding", "patience", "video"},
    "workshop.places": {"errors"},
    "workshop.session": {"errors", "workshop", "workshop.places"},
    "workshop.account": {"errors", "patience", "workshop", "workshop.places", "workshop.session"},
    "workshop.building": {"errors", "files", "workshop.places", "workshop.session"},
    "workshop.teaching": {"errors", "localaws", "workshop.session"},
    "workshop.watching": {"errors", "patience", "showing", "workshop"},
    "workshop.running": {
        "assets", "errors", "files", "localaws", "sample", "showing", "video", "workshop", "workshop.account",
        "workshop.building", "workshop.places", "workshop.session", "workshop.watching",
    },
    "workshop": {
        "errors", "files", "workshop.account", "workshop.building", "workshop.places", "workshop.running",
        "workshop.session", "workshop.watching",
    },
    "cli": {
        "", "__main__", "audit", "finding", "localaws", "pipeline", "plan", "process", "rendering", "review", "sample",
        "showing", "video", *BASE - {"assets", "boxes", "shapes"},
    },
    "__main__": {"cli"},
    "": {"detections", "errors", "finding", "pipeline", "plan", "rendering", "video"},
}  # fmt: skip
# the only files in which these libraries are imported
ALONE = {
    "av": "video/",
    "onnxruntime": "finding/runtime.py",
    "matplotlib": "showing/figures.py",
    "ministack": "localaws/engine/",
    "papermill": "workshop/running/",
    "nbconvert": "workshop/running/",
}
SOURCES = sorted((ROOT / "faceblur").rglob("*.py"))
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES}


def imported(path):
    """Absolute names of what a file of the checkout imports, at its top or anywhere else."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            yield from (f"{base}{node.module or ''}".rstrip(".") + f".{alias.name}" for alias in node.names)


def room(name, seen_from=""):
    """The room that a dotted name of ours lies in: "video.reading" for faceblur.video.reading.probe.probe.

    From outside of `video` and `workshop` these are one room each.
    """
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in MAY:
        parts.pop()
    return ".".join(parts if parts[:1] == seen_from.split(".")[:1] else parts[:1])


def arrows(path):
    ours = {name for name in imported(path) if name.split(".")[0] == "faceblur"}
    me = next(name for name, file in MODULES.items() if file == path).removeprefix("faceblur").removeprefix(".")
    here = room(f"faceblur.{me}", me)
    return {(here, room(name, here)) for name in ours} - {(here, here)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_looks_over_its_borders(path):
    beyond = {(here, there) for here, there in arrows(path) if there not in MAY[here]}
    assert not beyond


def test_no_border_is_wider_than_it_needs_to_be():
    used = {arrow for path in SOURCES for arrow in arrows(path)}
    allowed = {(here, there) for here, all_there in MAY.items() for there in all_there}
    assert allowed == used


def test_outside_of_the_workshop_no_arrow_runs_back():
    todo = {here: set(there) for here, there in MAY.items() if not here.startswith("workshop")}
    todo["__main__"].discard("cli")  # the command answers to Ctrl-C from its first line: `cli` asks `__main__` for it
    todo["rendering"].discard("")  # __version__ alone, as do the commands
    while todo:
        free = [here for here, there in todo.items() if not there & todo.keys()]
        assert free, f"in a circle: {sorted(todo)}"
        for here in free:
            del todo[here]


@pytest.mark.parametrize("library", ALONE)
def test_a_library_stays_where_it_belongs(library):
    homes = {
        str(path.relative_to(ROOT / "faceblur"))
        for path in SOURCES
        if library in {n.split(".")[0] for n in imported(path)}
    }
    assert homes and all(home.startswith(ALONE[library]) for home in homes)


def test_the_audit_owes_the_renderer_nothing():
    reached, todo = set(), [name for name in MODULES if name.startswith("faceblur.audit")]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        for each in imported(MODULES[name]):
            todo += (
                [each] if each in MODULES else [each.rpartition(".")[0]] if each.rpartition(".")[0] in MODULES else []
            )
    assert not [name for name in reached if name.startswith(("faceblur.rendering", "faceblur.pipeline"))]


def test_what_is_deployed_as_it_is_needs_nothing_of_ours():
    files = sorted((ROOT / "lambda_src").rglob("*.py"))
    assert files
    assert not [name for path in files for name in imported(path) if name.split(".")[0] == "faceblur"]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])  # those run at once
def test_every_module_can_be_imported_alone(name):
    done = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_workshop_is_light():
    code = "import sys; from faceblur import workshop; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"av", "cv2", "numpy", "onnxruntime", "matplotlib"} & set(done.stdout.split())


def test_the_public_names_are_those_that_a_type_checker_sees():
    import faceblur

    tree = ast.parse((ROOT / "faceblur" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name for node in block.body for alias in node.names}
    assert seen == set(faceblur.__all__) and all(getattr(faceblur, name) for name in seen)

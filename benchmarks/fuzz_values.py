"""JSON, events and container layers, spoiled at random, against what reads them: thousands a second, in this process.

Each target is a function of one input; what it may raise is written beside it. Everything else is a defect, and so is
a layer that touches something outside of its folder.
"""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
import tarfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from random import Random

import numpy as np

from faceblur import Detections, Face, Plan, Track
from faceblur.errors import FaceblurError
from faceblur.files import read_json
from faceblur.localaws.images import ImageError, apply_layer
from faceblur.plan import Area

from .fuzz_runs import Outcome

ROOT = Path(__file__).parents[1]
_ODD = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, -0.0, 0.5, 1e-320, 1e308, -1e308, math.inf, -math.inf, math.nan,
    "", "0", "nan", "ü", "x" * 3000, "\0", "\ud800", [], {}, [[]], [None] * 5, {"": None}, "../../x", "a\nb",
)  # fmt: skip


def spoil(value, random: Random):
    """The same value with one part of it changed, at any depth."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(sorted(value))
        change = random.random()
        if change < 0.15:
            return {k: v for k, v in value.items() if k != key}
        if change < 0.2:
            return value | {random.choice(("", "x", key + "s", key.upper())): value[key]}
        return value | {key: spoil(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.9:
        at, change = random.randrange(len(value)), random.random()
        if change < 0.1:
            return value[:at] + value[at + 1 :]
        if change < 0.2:
            return [*value, value[at]]
        if change < 0.25:
            return random.sample(value, len(value))
        return [*value[:at], spoil(value[at], random), *value[at + 1 :]]
    if isinstance(value, int | float) and abs(value) < 1e300 and random.random() < 0.5:
        return random.choice((-value, value + 1, value * 1e6, value / 3, str(value), [value], value + 1e-9))
    if random.random() < 0.02:
        return json.loads("[" * 400 + "]" * 400)
    return random.choice(_ODD)


def spoiled_text(value, random: Random) -> bytes:
    """JSON of a spoiled value; now and then the text itself is spoiled, too."""
    for _ in range(random.choice((1, 1, 2, 4))):
        value = spoil(value, random)
    data = bytearray(json.dumps(value).encode("utf-8"))
    change = random.random()
    if change < 0.06 and data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif change < 0.09:
        del data[random.randrange(len(data) + 1) :]
    elif change < 0.11:
        return data.decode().encode(random.choice(("utf-16", "utf-8-sig", "utf-32")))
    elif change < 0.12:
        return b"[" * 100_000
    elif change < 0.13:
        return b'{"plan": 1, "tracks": ' + b"9" * 20_000 + b"}"
    return bytes(data)


@cache
def documents() -> dict[str, dict]:
    """One good document of each kind."""
    times = np.arange(0, 400, 40.0)
    boxes = np.tile(np.array([0.2, 0.3, 0.1, 0.2], np.float32), (len(times), 1))
    tracks = (Track(0, times, boxes), Track(3, times + 80, boxes, is_visible=True, review=((80.0, 120.0),)))
    plan = Plan(tracks, (Area(0.1, 0.1, 0.2, 0.2, 40, 200),), video={"width": 64, "height": 48, "duration_ms": 400.0})
    regions = [[0, 0.2, 0.3, 0.1, 0.2], [-1, 0.1, 0.1, 0.2, 0.2]]
    frames = [
        {"frame": n, "time_ms": float(t), "regions": regions, "visible": [[3, 0.5, 0.3, 0.1, 0.2]]}
        for n, t in enumerate(times)
    ]
    report = {
        "settings": {"style": plan.style.to_json()}, "frames": frames, "input": {"name": "a"}, "video": plan.video
    }  # fmt: skip
    faces = Detections.from_faces((t, Face(0.2, 0.3, 0.1, 0.2, 0.9)) for t in (40.0, 500.0))
    return {"plan": plan.to_json(), "report": report, "detections": faces.to_rekognition({"FrameRate": 25})}


def read_plan(path: Path) -> None:
    _use(Plan.load(path))


def read_report(path: Path) -> None:
    _use(Plan.from_report(read_json(path)))


def read_detections(path: Path) -> None:
    found = Detections.load(path)
    assert all(math.isfinite(sample.time_ms) for sample in found.samples), "a time that is no number"
    assert all(face.is_usable for sample in found.samples for face in sample.faces), "a face that is no box"
    json.dumps(found.to_rekognition())


def _use(plan: Plan) -> None:
    """What everybody does with a plan that was accepted: every box is one, and it can be written again."""
    regions = plan.regions()
    for time_ms in (-1.0, 0.0, 40.0, 95.0, 1e9):
        for _, box in regions.faces_at(time_ms) + regions.visible_at(time_ms):
            assert all(map(math.isfinite, box)) and box[2] > 0 and box[3] > 0, f"a box that is none: {box}"
            plan.style.grown(box)
        for area in regions.areas_at(time_ms):
            assert all(map(math.isfinite, area)), f"an area that is none: {area}"
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert [track.is_visible for track in again.tracks] == [track.is_visible for track in plan.tracks]


@dataclass(frozen=True)
class Target:
    """name; the good document; what reads it; what it may raise."""

    name: str
    document: object
    read: Callable
    refusals: tuple[type[BaseException], ...]


def json_targets() -> list[Target]:
    """What reads a file that others may have written."""
    good = documents()
    readers = {"plan": read_plan, "report": read_report, "detections": read_detections}
    return [Target(name, good[name], read, (FaceblurError,)) for name, read in readers.items()]


def event_targets() -> list[Target]:
    """What reads events: the functions' pure parts, without AWS."""
    uploads = _lambda_module("shared", "uploads")
    failures = _lambda_module("record_failure", "failures")
    s3 = {"bucket": {"name": "b"}, "object": {"key": "my+clip.mp4", "size": 9, "eTag": "e", "sequencer": "0A"}}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}

    def start(event):
        for record in uploads.records(event):
            if upload := uploads.upload_of(record):
                assert len(upload.token) == 64 and json.dumps(uploads.output_names(upload, "o"))

    def fail(cause):
        """Step Functions gives any text; the record must be written whatever it is."""
        event = {"failure": {"Error": "InputError", "Cause": json.dumps(cause)[:5000]}, "execution": "e"}
        event |= {"input": {"key": str(cause)}, "output": {}}
        assert 0 < len(failures.record(event, "now")["cause"]) <= failures.LONGEST_CAUSE
        subject = failures.subject(event["input"]["key"])
        assert len(subject) <= 100 and subject.isascii() and "\n" not in subject

    return [
        Target("upload", {"Records": [record]}, start, (uploads.UnsupportedEventError,)),
        Target("failure", {"errorMessage": "no video", "errorType": "InputError"}, fail, ()),
    ]


def _lambda_module(folder: str, name: str):
    places = [str(ROOT / "lambda_src" / each) for each in (folder, "shared")]
    sys.path[:0] = places
    try:
        return import_module(name)
    finally:
        del sys.path[: len(places)]


def try_json(random: Random, folder: Path) -> tuple[str, bytes, Outcome]:
    """One spoiled file: (name of the target, content, outcome)."""
    target = random.choice(json_targets())
    data = spoiled_text(target.document, random)
    path = folder / "in.json"
    path.write_bytes(data)
    return target.name, data, _outcome(lambda: target.read(path), target.refusals, one_line=True)


def try_event(random: Random, folder: Path) -> tuple[str, bytes, Outcome]:
    target = random.choice(event_targets())
    event = spoil(target.document, random)
    return target.name, repr(event).encode("utf-8", "replace"), _outcome(lambda: target.read(event), target.refusals)


_PARTS = ("a", "b", "s", "l", "victim", "secret")
_ODD_PARTS = ("..", ".", ".wh.a", ".wh...", ".wh.", ".wh..wh..opq", ".wh.secret", "")
_KINDS = (tarfile.REGTYPE, tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"3")


def _layer(random: Random) -> bytes:
    """A tar of a few members whose names and links climb, cross and hide each other."""
    made, kind = io.BytesIO(), random.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with tarfile.open(fileobj=made, mode="w", format=kind) as archive:
        for _ in range(random.randrange(2, 9)):
            member = tarfile.TarInfo(_path(random))
            member.type, member.linkname = random.choice(_KINDS), random.choice((_path(random), "/", "/s", ".."))
            member.mode = random.choice((0o644, 0o755, 0o4777, 0))
            content = b"planted" if member.isreg() else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data = bytearray(made.getvalue())
    if random.random() < 0.1:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def _path(random: Random) -> str:
    parts = [random.choice(_PARTS if random.random() < 0.85 else _ODD_PARTS) for _ in range(random.randrange(1, 5))]
    return random.choice(("", "", "", "", "/", "./", "../", "../../../")) + "/".join(parts)


def try_layer(random: Random, folder: Path) -> tuple[str, bytes, Outcome]:
    """Two layers over each other in a folder beside a neighbour's: nothing but that folder may change."""
    root = folder / "images" / "one"
    shutil.rmtree(folder, ignore_errors=True)
    root.mkdir(parents=True)
    for place in ("victim/secret", "images/two/victim/secret", "a", "l", "s"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text("SECRET")
    before = _outside(folder, root)
    layers = [_layer(random) for _ in range(3)]
    # What ImageStore.get turns into ImageError, and ImageError itself; the next layer is tried nevertheless.
    refusals = (ImageError, tarfile.TarError, OSError, ValueError, KeyError)
    outcomes = [_outcome(partial(apply_layer, layer, root), refusals) for layer in layers]
    outcome = max(outcomes, key=lambda outcome: (outcome.is_defect, outcome.verdict == "ok"))
    inside = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    if _outside(folder, root) != before or any(path.read_bytes() == b"SECRET" for path in inside if _readable(path)):
        outcome = Outcome("escaped", outcome.said)
    return "layer", b"".join(layers), outcome


def _outside(folder: Path, root: Path) -> dict[str, bytes | None]:
    found = (path for path in folder.rglob("*") if path != root and root not in path.parents)
    return {str(path): path.read_bytes() if path.is_file() else None for path in found}


def _readable(path: Path) -> bool:
    return path.stat().st_mode & 0o400 != 0


def _outcome(call: Callable, refusals: tuple[type[BaseException], ...], one_line: bool = False) -> Outcome:
    try:
        call()
    except refusals as problem:
        is_long = one_line and ("\n" in str(problem) or len(str(problem)) > 1000)
        return Outcome("more than one line" if is_long else "refused", str(problem))
    except BaseException as problem:
        if isinstance(problem, KeyboardInterrupt):
            raise
        return Outcome(f"raised {type(problem).__name__}", traceback.format_exc(limit=-6))
    return Outcome("ok")

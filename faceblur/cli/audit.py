"""`faceblur audit`: look at a result again. Exit 0 passed, 1 something is wrong, 2 could not tell."""

from __future__ import annotations

from argparse import Namespace, _SubParsersAction
from pathlib import Path

from ..audit.coverage import coverage_picture
from ..audit.evidence import evidence_sheet
from ..audit.remains import FoundFace
from ..audit.verdict import Audit, verify
from ..documents import read_document
from ..errors import DocumentError
from ..files import make_folder, sha256_of, sha256_of_parts
from ..foreign import NUMBER, check_shape
from ..plan import Plan
from ..rendering.report import review_items
from ..showing.canvas import save_picture
from ..timecode import clock
from ..video import probe
from .common import (
    Progress,
    counted,
    refuse_other_file,
    say,
    tell_review,
    tracks_named,
    whole,
    write_json,
)

PASSED, FAILED, UNKNOWN = 0, 1, 2
_MOST_LINES = 200
_LONGEST_FRAME_MS = 40.0
_SOURCE = {"name": (str, type(None)), "sha256": (str, type(None))}
_OUTPUT = _SOURCE | {"sha256_of_parts": str, "first_part": int, "part": int}
_REPORT = {
    "input": _SOURCE,
    "output": _OUTPUT,
    "video": {},
    "settings": {"style": {}},
    "kept_visible": [int],
    "needs_review": [{"track": int, "start_ms": NUMBER, "end_ms": NUMBER}],
    "notes": [str],
    "frames": [{"time_ms": NUMBER, "regions": [list], "visible": [list]}],
}


def add(commands: _SubParsersAction) -> None:
    one = commands.add_parser("audit", help="look at a blurred video again: is every face gone, is all else there?")
    one.add_argument("original")
    one.add_argument("output")
    one.add_argument("--report", metavar="FILE", help="what faceblur blur --report wrote")
    one.add_argument("--plan", metavar="FILE", help="the plan that was rendered")
    one.add_argument("--other-file", action="store_true", help="take a plan that was made for another file")
    one.add_argument(
        "--every",
        type=whole(1),
        default=1,
        metavar="N",
        help="look for faces in about every N-th frame, and each that stays on screen for longer (default 1: all; "
        "blurred faces are measured in all anyway)",
    )
    one.add_argument("-o", "--out", metavar="DIR", help="write audit.json, coverage.png and worst.png there")
    one.set_defaults(run=run)


def run(options: Namespace) -> int:
    frame_ms = min(1000 / probe(options.original).frame_rate, _LONGEST_FRAME_MS)  # pauses make for a low average rate
    probe(options.output)
    report, plan = _claims(options)
    folder = make_folder(options.out) if options.out else None
    notes = report.get("notes", ())
    with Progress("auditing") as progress:
        every_ms = 0.0 if options.every == 1 else options.every * frame_ms
        found = verify(options.original, options.output, plan, every_ms=every_ms, said=notes, progress=progress)
    extra = _changed_since(report, options.output)
    if folder:
        _write(folder, options, plan, found, extra)
    _tell(found, extra, plan)
    tell_review(report["needs_review"] if "needs_review" in report else review_items(plan or Plan(())))
    return UNKNOWN if found.passed is None else (PASSED if found.passed else FAILED)


def _claims(options: Namespace) -> tuple[dict, Plan | None]:
    """The report, {} without one, and the plan of what was to be blurred: the one given, or the report's."""
    report = _load_report(options.report) if options.report else {}
    if options.plan:
        plan = Plan.load(options.plan)
        refuse_other_file(plan, options.original, options.plan, options.other_file)
        if report:
            known = {track.id for track in plan.tracks}
            plan = plan.showing(track for track in report.get("kept_visible", ()) if track in known)
        return report, plan
    if not report:
        return {}, None
    plan = Plan.from_report(report)
    refuse_other_file(plan, options.original, options.report, options.other_file)
    return report, plan


def _load_report(path: str) -> dict:
    report = read_document(path, "a report is what faceblur blur --report writes")
    if not isinstance(report, dict) or "frames" not in report:
        raise DocumentError(f"{path}: not a report; faceblur blur --report writes one")
    try:
        check_shape(report, _REPORT)
    except DocumentError as problem:
        raise DocumentError(f"{path}: not a report of faceblur: {problem}") from problem
    for item in report.get("needs_review", ()):
        if not {"track", "start_ms", "end_ms"} <= set(item):
            raise DocumentError(f"{path}: not a report of faceblur: a part to review has a track, a start and an end")
    return report


def _changed_since(report: dict, output: str) -> list[str]:
    said = report.get("output", {})
    is_same = not said.get("sha256") or said["sha256"] == sha256_of(output)
    if "sha256_of_parts" in said:  # of the pipeline, which sends the file's beginning last
        is_same = said["sha256_of_parts"] == sha256_of_parts(output, said["first_part"], said["part"])
    if not is_same:
        return ["the output is not the file that the report describes: it was changed afterwards"]
    return []


def _write(folder: Path, options: Namespace, plan: Plan | None, found: Audit, extra: list[str]) -> None:
    content = found.to_json()
    write_json(folder / "audit.json", content | {"notes": extra + content["notes"]})
    save_picture(folder / "coverage.png", coverage_picture(plan or Plan(()), found, probe(options.original)))
    sheet = evidence_sheet(options.original, options.output, found)
    if sheet is not None:
        save_picture(folder / "worst.png", sheet)
    say(f"{folder}: audit.json, coverage.png{'' if sheet is None else ', worst.png'}")


def _tell(found: Audit, extra: list[str], plan: Plan | None) -> None:
    for leak in found.leaks[:_MOST_LINES]:
        print(_leak_line(leak))
    if len(found.leaks) > _MOST_LINES:
        print(f"... and {len(found.leaks) - _MOST_LINES} more; -o DIR writes all of them")
    for note in extra + list(found.notes):
        say(f"note: {note}")
    print(f"looked at {found.frames_looked_at} of {counted(found.frames, 'frame')}, {_measured(found)}")
    kept = [track.id for track in plan.tracks if track.is_visible] if plan else []
    if kept:
        print(f"left visible on purpose: {tracks_named(kept)}")
    if found.passed is None:
        print("COULD NOT TELL: give --report or --plan, or make one: faceblur plan ORIGINAL -o plan.json")
    elif found.passed:
        print("PASSED: no face was found uncovered, and everything else is there")
    for problem in found.problems:
        say(f"FAILED: {problem}")


def _measured(found: Audit) -> str:
    if not found.faces_judged:
        return "no blurred face to measure"
    left = found.detail_summary
    faces = counted(found.faces_judged, "blurred face")
    words = f"measured {faces}: at most {max(0.0, left['max']):.0%} of the detail is left"
    if found.faces_too_small:
        words += f"; {found.faces_too_small} too small or too flat to measure"
    return words


def _leak_line(leak: FoundFace) -> str:
    box = " ".join(f"{n:.4f}" for n in leak.box)
    who = "unknown to the plan" if leak.track is None else ("area" if leak.track < 0 else f"track {leak.track}")
    facts = [] if leak.detail_left is None else [f"{leak.detail_left:.0%} of its detail is left"]
    facts += [] if leak.score is None else [f"a face by {leak.score:.0%} ({' and '.join(leak.seen_by)})"]
    return f"face: frame {leak.index} at {clock(leak.time_ms)}, box {box}, {who}: {', '.join(facts)}"

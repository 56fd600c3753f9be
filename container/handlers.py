"""The three functions of the blur image: plan_segments, blur_segment, join_segments.

Each works in a folder of its own below /tmp that is gone when it returns: Lambda reuses environments. Errors
carry faceblur's names (InputError, VerificationError, ...), which the state machine records.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from storage import Work, deliver, fetch_input

from faceblur import Detections, analyse, audit, render, video
from faceblur.errors import VerificationError
from faceblur.pipeline.merge import merge_segments
from faceblur.plan import Plan
from faceblur.process import return_large_blocks
from faceblur.video import Span

return_large_blocks()

SEGMENT_SECONDS = 60.0
# How many times the input's size a step needs on disk: itself, the piece or the pieces, the joined file.
ROOM_TO_PLAN, ROOM_TO_BLUR, ROOM_TO_JOIN = 1.0, 2.5, 4.0


def plan_segments(event, context):
    """{"input"} -> {"segments", "count", "video"}. Raises InputError for what is not a video."""
    with tempfile.TemporaryDirectory() as folder:
        source = fetch_input(event["input"], Path(folder), ROOM_TO_PLAN)
        info = video.probe(source).to_json()
        spans = [span.to_json() for span in video.cut(source, target_s=SEGMENT_SECONDS)]
    log(key=event["input"]["key"], segments=len(spans), **info)
    return {"segments": spans, "count": len(spans), "video": info}


def blur_segment(event, context):
    """{"span", "input", "work", "detections"} -> {"frames"}: track, refine and render one segment."""
    span, work = Span.from_json(event["span"]), Work(**event["work"])
    with tempfile.TemporaryDirectory() as folder:
        source = fetch_input(event["input"], Path(folder), ROOM_TO_BLUR)
        detections = Detections.from_rekognition(work.detections(event["detections"]["pages"]))
        plan = analyse(source, detections, span=span)
        piece = Path(folder, "piece.mp4")
        report = render(source, piece, plan, span=span)
        work.put_segment(span.index, piece, plan.to_json(), report)
    log(key=event["input"]["key"], segment=span.index, **report["counts"])
    return {"frames": report["counts"]["frames"]}


def join_segments(event, context):
    """{"input", "work", "output", "count"} -> what was delivered, or VerificationError."""
    work, output = Work(**event["work"]), event["output"]
    with tempfile.TemporaryDirectory() as folder:
        source = fetch_input(event["input"], Path(folder), ROOM_TO_JOIN)
        parts = [work.fetch_segment(index, Path(folder)) for index in range(event["count"])]
        joined = Path(folder, "blurred.mp4")
        notes = video.join(source, [piece for piece, _, _ in parts], joined)
        plans = [Plan.from_json(each) for _, each, _ in parts]
        plan, report = merge_segments(source, joined, plans, [each for _, _, each in parts])
        report["notes"] += notes
        verdict = audit.verify(source, joined, plan, said=report["notes"])
        log(key=event["input"]["key"], audit=verdict.to_json())
        if not verdict.passed:
            raise VerificationError("; ".join(verdict.problems) or "the audit could not tell whether it is safe")
        report["notes"] += video.size_notes(source, joined, report["settings"]["encoder"])
        report = name_files(report, event) | {"audit": verdict.to_json()}
        deliver(output, joined, {"report": report, "plan": plan.to_json()})
    work.remove()
    return summary(output, report)


def name_files(report: dict, event: dict) -> dict:
    """The report with the objects' names in place of those of the temporary files."""
    names = {side: report[side] | {"name": event[side]["key"]} for side in ("input", "output")}
    return report | names


def summary(output: dict, report: dict) -> dict:
    """The execution's output: small, and in words that a person reads."""
    counts = report["counts"]
    if counts["frames_with_regions"]:
        words = f"faces are blurred in {counts['frames_with_regions']} of {counts['frames']} frames"
    else:
        words = f"no face was found in {counts['frames']} frames: delivered without any blur"
    documents = {name: f"{output['key']}.{name}.json" for name in ("report", "plan")}
    return {"output": output, **documents, "counts": counts, "message": words}


def log(**facts) -> None:
    print(json.dumps(facts, default=str))

"""The three functions of the blur image: plan_segments, blur_segment, join_segments.

Each works in a folder of its own below /tmp that is gone when it returns: Lambda reuses environments. Errors
carry faceblur's names (InputError, VerificationError, ...), which the state machine records.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from budget import MEMORY_OF_A_CPU_MB, check_lengths, segment_seconds
from storage import Work, deliver, fetch_input, uploaded

from faceblur import Detections, analyse, audit, render, video
from faceblur.errors import VerificationError
from faceblur.pipeline.merge import merge_segments
from faceblur.plan import Plan
from faceblur.process import return_large_blocks
from faceblur.video import Span

return_large_blocks()

ROOM_TO_JOIN = 4.0  # times the input's size, on disk: itself, the pieces, the joined file


def plan_segments(event, context):
    """{"input", "notes"} -> {"segments", "count", "video", "encoder", "notes"}: what they share is decided once.

    Raises InputError for what is not a video, or cannot be divided into segments that a function ends in time.
    """
    key, source, memory_mb = event["input"]["key"], uploaded(event["input"]), memory_of(context)
    info = video.probe(source)
    spans = video.split(source, target_s=segment_seconds(info, memory_mb))
    with video.Reader(source) as reader:
        encoder = video.settled(reader, video.EncoderSettings(), "piece.mp4").to_json()
        notes = check_lengths(key, info, lengths_ms(reader, spans, info), memory_mb)
    log(key=key, segments=len(spans), fetched=source.fetched, requests=source.requests, **info.to_json())
    return {
        "segments": [span.to_json() for span in spans],
        "count": len(spans),
        "video": info.to_json(),
        "encoder": encoder,
        "notes": [*event.get("notes", ()), *notes],
    }


def blur_segment(event, context):
    """{"span", "input", "work", "detections", "encoder"} -> {"frames"}: track, refine and render one segment."""
    span, work, source = Span.from_json(event["span"]), Work(**event["work"]), uploaded(event["input"])
    encoder = video.EncoderSettings(**event["encoder"])
    with tempfile.TemporaryDirectory() as folder:
        pages = event["detections"]["pages"]  # none where Rekognition was not asked: the detector of the image leads
        detections = Detections.from_rekognition(work.detections(pages)) if pages else None
        plan = analyse(source, detections, span=span)
        piece = Path(folder, "piece.mp4")
        report = render(source, piece, plan, span=span, encoder=encoder)
        work.put_segment(span.index, piece, plan.to_json(), report)
    fetched = {"fetched": source.fetched, "requests": source.requests}
    log(key=event["input"]["key"], segment=span.index, **fetched, **report["counts"])
    return {"frames": report["counts"]["frames"]}


def lengths_ms(reader: video.Reader, spans: list[Span], info: video.VideoInfo) -> list[float]:
    """How long each span is, in the order of the spans."""
    borders = [reader.time_ms_of(span.start_pts) for span in spans[1:]]
    ends = zip([info.start_ms, *borders], [*borders, info.end_ms], strict=True)
    return [max(0.0, end - start) for start, end in ends]


def memory_of(context) -> int:
    """MB that Lambda gives this function, whose memory is also that of `blur_segment`."""
    return int(getattr(context, "memory_limit_in_mb", MEMORY_OF_A_CPU_MB))


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

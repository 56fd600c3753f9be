"""The functions of the blur image: plan_segments, blur_segment, prove_segment, join_segments.

Each works in a folder of its own below /tmp that is gone when it returns: Lambda reuses environments. Errors
carry faceblur's names (InputError, VerificationError, ...), which the state machine records.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from budget import MEMORY_OF_A_CPU_MB, TooLongError, check_lengths, segment_seconds
from joining import Joining
from naming import by_name
from storage import Work, uploaded

from faceblur import Detections, analyse, audit, render, video
from faceblur.errors import InputError, VerificationError
from faceblur.pipeline.second_look import blur_and_look
from faceblur.plan import Plan
from faceblur.process import return_large_blocks
from faceblur.video import Span

return_large_blocks()


@by_name
def plan_segments(event, context):
    """{"input", "notes"} -> {"segments", "video", "encoder", "notes"}: what they share is decided once.

    Raises InputError for what is not a video, or cannot be divided into segments that a function ends in time.
    """
    key, source, memory_mb = event["input"]["key"], uploaded(event["input"]), memory_of(context)
    info = video.probe(source)
    spans = video.split(source, target_s=segment_seconds(info, memory_mb))
    with video.Reader(source) as reader:
        encoder = video.settled(reader, video.EncoderSettings(), "piece.mp4").to_json()
        lengths = lengths_ms(reader, spans, info)
    try:
        notes = check_lengths(info, lengths, memory_mb)
    except TooLongError as problem:
        raise InputError(f"{key}: {problem}") from problem
    log(key=key, segments=len(spans), fetched=source.fetched, requests=source.requests, **info.to_json())
    return {
        "segments": [span.to_json() for span in spans],
        "video": info.to_json(),
        "encoder": encoder,
        "notes": [*event.get("notes", ()), *notes],
    }


@by_name
def blur_segment(event, context):
    """{"span", "input", "work", "detections", "encoder"} -> {"frames"}: track, refine, render, look again.

    detections: {"pages"}, none where Rekognition was not asked: then the detector of the image leads. "missed" is there
    when the proof has found faces that are covered now, too.
    """
    span, work, source = Span.from_json(event["span"]), Work(**event["work"]), uploaded(event["input"])
    pages = event["detections"]["pages"]
    detections = Detections.from_rekognition(work.detections(pages)) if pages else None
    with tempfile.TemporaryDirectory() as folder:
        piece = Path(folder, "piece.mp4")
        plan = analyse(source, detections, span=span)
        encoder = video.EncoderSettings(**event["encoder"])

        def make_piece(plan: Plan) -> dict:
            return render(source, piece, plan, span=span, encoder=encoder)

        missed = work.missed(span.index) if "missed" in event else None
        report, plan = blur_and_look(source, piece, plan, make_piece, span=span, missed=missed)
        work.put_segment(span.index, piece, plan.to_json(), report)
    fetched = {"fetched": source.fetched, "requests": source.requests}
    log(key=event["input"]["key"], segment=span.index, **fetched, **report["counts"])
    return {"frames": report["counts"]["frames"]}


@by_name
def prove_segment(event, context):
    """{"span", "input", "work"} -> {"frames"}: hold a rendered segment against the upload, as `faceblur audit` does.

    What it leaves is all that join_segments goes by. Raises VerificationError; FacesMissedError, at most twice, when
    blurring the faces that it found may be all that is needed: it leaves them for blur_segment.
    """
    span, work, source = Span.from_json(event["span"]), Work(**event["work"]), uploaded(event["input"])
    piece, facts = work.piece(span.index)
    plan, plan_etag = work.read("plans", span.index)
    report, report_etag = work.read("reports", span.index)
    verdict = audit.verify(source, piece, Plan.from_json(plan), span=span, said=report["notes"])
    log(key=event["input"]["key"], segment=span.index, fetched=source.fetched, audit=verdict.to_json())
    problems = list(verdict.problems)
    if report["counts"]["frames"] != verdict.frames or len(report["frames"]) != verdict.frames:
        problems.append(f"the report tells of {len(report['frames'])} frames, and there are {verdict.frames}")
    if verdict.missed.samples and problems == list(verdict.problems):
        work.add_missed(span.index, verdict.missed, is_first="missed" not in event)
    if problems or not verdict.passed:
        raise VerificationError("; ".join(problems) or "the audit could not tell whether it is safe")
    proof = {
        "span": span.to_json(),
        "piece": facts | audit.describe_packets(piece),
        "plan": plan_etag,
        "report": report_etag,
        "audit": verdict.to_json(),
    }
    work.write("proofs", span.index, proof)
    return {"frames": verdict.frames}


def lengths_ms(reader: video.Reader, spans: list[Span], info: video.VideoInfo) -> list[float]:
    """How long each span is, in the order of the spans."""
    borders = [reader.time_ms_of(span.start_pts) for span in spans[1:]]
    ends = zip([info.start_ms, *borders], [*borders, info.end_ms], strict=True)
    return [max(0.0, end - start) for start, end in ends]


def memory_of(context) -> int:
    """MB that Lambda gives this function, whose memory is also that of `blur_segment`."""
    return int(getattr(context, "memory_limit_in_mb", MEMORY_OF_A_CPU_MB))


@by_name
def join_segments(event, context):
    """{"input", "work", "output", "segments", "notes"} -> what was delivered, or VerificationError.

    Says the same again when what it delivered is there already: Lambda may have ended it before it could say so.
    """
    joining = Joining(event)
    delivered = joining.delivered() or joining.deliver()
    joining.clear_up()
    log(key=event["input"]["key"], fetched=joining.fetched, **delivered)
    return delivered


def log(**facts) -> None:
    print(json.dumps(facts, default=str))

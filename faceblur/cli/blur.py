"""`faceblur blur`: find and blur, or render a plan; the whole video, or its first seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..analysis import analyse
from ..detections import Detections
from ..errors import DetectionsError
from ..files import check_targets
from ..jobs import analyse_in_jobs, render_in_jobs
from ..plan import Plan
from ..preview import contact_sheet, save_picture
from ..render import render
from ..smart import render_smart
from ..styles import Style
from ..video import EncoderSettings, Span, check_output, probe
from .common import (
    Progress,
    add_plan_options,
    add_style_options,
    chosen_style,
    counted,
    first_seconds,
    number,
    refuse_other_file,
    tell_review,
    whole,
    with_choices,
    write_json,
)


def add(commands) -> None:
    one = commands.add_parser("blur", help="blur every face of a video")
    one.add_argument("input")
    one.add_argument("output", help="ends in .mp4, .m4v, .mov or .mkv")
    one.add_argument(
        "--detections", metavar="FILE", help="what Rekognition's GetFaceDetection returned, as JSON"
    )
    one.add_argument(
        "--plan", metavar="FILE", help="blur what this plan says (see faceblur plan); nothing is searched"
    )
    one.add_argument("--other-file", action="store_true", help="take a plan that was made for another file")
    one.add_argument("--report", metavar="FILE", help="write what was blurred, frame by frame, as JSON")
    one.add_argument(
        "--preview",
        type=number(0, above=True),
        metavar="SECONDS",
        help="only so much from the start, without sound, with a contact sheet beside it (OUTPUT.png)",
    )
    add_plan_options(one)
    add_style_options(one)
    group = one.add_argument_group("how it is encoded")
    group.add_argument("--codec", default=EncoderSettings.codec, help="h264 (default), hevc or av1")
    group.add_argument(
        "--crf", type=int, help="quality, lower is better (default 18 for h264: near transparent)"
    )
    group.add_argument(
        "--smart", action="store_true", help="copy what holds no face instead of encoding it (H.264 only)"
    )
    group.add_argument(
        "--jobs", type=whole(1), default=1, metavar="N", help="work on N parts of the video at once"
    )
    group.add_argument(
        "--preset", default=EncoderSettings.preset, help="ultrafast ... veryslow (default veryfast)"
    )
    one.set_defaults(run=run)


def run(options) -> None:
    sheet = Path(options.output).with_suffix(".png") if options.preview else None
    encoder = EncoderSettings(options.crf, options.preset, options.codec)
    chosen_style(options, Style())  # a style that is refused is refused before the work
    if options.plan and options.detections:
        raise DetectionsError("--plan holds the result of a search: give it or --detections, not both")
    given = Detections.load(options.detections) if options.detections else None
    plan = Plan.load(options.plan) if options.plan else None
    probe(options.input)
    check_output(options.input, options.output)
    inputs = (options.input, options.output, options.detections, options.plan)
    check_targets((options.report, sheet), inputs)
    span = first_seconds(options.input, options.preview) if options.preview else None
    plan = _plan(options, plan, given, span)
    with Progress("blurring") as progress:
        report = _render(options, plan, span, encoder, progress)
    if options.report:
        write_json(options.report, report)
    _tell(options.output, report)
    if sheet:
        save_picture(
            sheet,
            contact_sheet(options.input, report, options.output, until_ms=report["frames"][-1]["time_ms"]),
        )
        print(f"{sheet}: frames before and after")


def _plan(options, plan: Plan | None, given: Detections | None, span: Span | None) -> Plan:
    """The plan to render: the one given, or a new one; with the choices of the command line."""
    if plan is None:
        with Progress("looking for faces") as progress:
            if span is None:
                plan = analyse_in_jobs(options.input, given, jobs=options.jobs, progress=progress)
            else:
                plan = analyse(options.input, given, span=span, progress=progress)
    else:
        refuse_other_file(plan, options.input, options.plan, allowed=options.other_file)
    plan = replace(plan, style=chosen_style(options, plan.style))
    return with_choices(plan, options)


def _render(options, plan: Plan, span: Span | None, encoder: EncoderSettings, progress: Progress) -> dict:
    paths = (options.input, options.output)
    if span is not None:
        return render(*paths, plan, span=span, encoder=encoder, progress=progress)
    way = render_smart if options.smart else render_in_jobs
    return way(*paths, plan, encoder=encoder, jobs=options.jobs, progress=progress)


def _tell(output: str, report: dict) -> None:
    counts = report["counts"]
    frames = counted(counts["frames"], "frame")
    if counts["face_frames"]:
        faces = counted(counts["tracks"], "face")
        print(f"{output}: {faces} blurred in {counts['frames_with_regions']} of {frames}")
    elif counts["frames_with_regions"]:
        print(f"{output}: areas blurred in {counts['frames_with_regions']} of {frames}; no face")
    else:
        print(f"{output}: no faces were found; {frames} were written as they are")
    if report["kept_visible"]:
        print(f"left visible on purpose: track {', '.join(map(str, report['kept_visible']))}")
    tell_review(report["needs_review"])
    if counts.get("copied_frames"):
        print(f"copied without encoding: {counts['copied_frames']} of {frames}")
    for note in report["notes"]:
        print(f"note: {note}")

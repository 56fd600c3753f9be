"""`faceblur plan`: who is where, as a file to read, edit and render."""

from __future__ import annotations

from argparse import Namespace, _SubParsersAction
from dataclasses import replace

from ..audit.coverage import coverage_picture
from ..detections import Detections
from ..files import check_targets
from ..finding.analysis import analyse
from ..plan import Plan
from ..plan.style import Style
from ..rendering.renderer import check_areas
from ..rendering.report import describe_file, review_items
from ..showing.canvas import check_pictures, save_picture
from ..showing.many import longest
from ..timecode import clock
from .common import (
    Progress,
    add_plan_options,
    add_style_options,
    chosen_style,
    counted,
    say,
    tell_review,
    with_choices,
)


def add(commands: _SubParsersAction) -> None:
    one = commands.add_parser("plan", help="find who is where, and write it down to be edited before blurring")
    one.add_argument("input")
    one.add_argument("-o", "--output", required=True, metavar="FILE", help="plan.json")
    one.add_argument("--detections", metavar="FILE", help="what Rekognition's GetFaceDetection returned, as JSON")
    one.add_argument("--coverage", metavar="PNG", help="draw who is blurred when")
    add_plan_options(one)
    add_style_options(one)
    one.set_defaults(run=run)


def run(options: Namespace) -> None:
    style = chosen_style(options, Style())
    given = Detections.load(options.detections) if options.detections else None
    check_areas(options.area, options.input)
    check_pictures([options.coverage])
    check_targets((options.output, options.coverage), (options.input, options.detections))
    with Progress("looking for faces") as progress:
        plan = analyse(options.input, given, progress=progress)
    plan = with_choices(replace(plan, style=style, source=describe_file(options.input)), options)
    plan.save(options.output)
    _tell(options.output, plan)
    if options.coverage:
        save_picture(options.coverage, coverage_picture(plan))
        say(f"{options.coverage}: who is blurred when")


def _tell(output: str, plan: Plan) -> None:
    say(f"{output}: {counted(len(plan.tracks), 'track') if plan.tracks else 'no face was found'}")
    shown, others = longest(plan.tracks, lambda track: track.end_ms - track.start_ms)
    for track in shown:
        print(
            f"  track {track.id}: {clock(track.start_ms)} to {clock(track.end_ms)}, "
            f"largest at {clock(track.thumbnail_ms)}{', stays visible' if track.is_visible else ''}"
        )
    if others:
        print(f"  and {counted(len(others), 'track')} more that are seen for less time: {output} lists all")
    tell_review(review_items(plan))

"""The whole job in one call: find the faces, blur them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from ..detections import Detections
from ..errors import UnplannedFrameError
from ..plan import Plan
from ..plan.style import Style
from ..shapes import JsonObject, Progress
from ..video import EncoderSettings, check_output
from .copying import render_copying
from .jobs import analyse_in_jobs, render_in_jobs
from .second_look import blur_and_look


def blur(
    source: str | Path,
    output: str | Path,
    *,
    detections: Detections | None = None,
    style: Style | None = None,
    encoder: EncoderSettings | None = None,
    smart: bool = False,
    jobs: int = 1,
    second_look: bool = True,
    progress: Progress | None = None,
) -> JsonObject:
    """Find and blur every face of a video: analyse, render, look again. Returns the report.

    smart: copy what holds no face instead of encoding it, where that is safe (H.264; see `copying`). jobs: how
    many processes work on parts of the video at once. second_look: have the second detector look at the result, and
    blur what it finds (see `second_look`). progress counts frames of the passes: `done` of `total` with total = 3 x the
    video's frames, 2 x without a second look. Raises InputError, OutputError and DetectorError.

    >>> report = blur("in.mp4", "out.mp4")
    >>> report["counts"]["frames"] == len(report["frames"])
    True
    """
    passes = 3 if second_look else 2

    def part(number: int) -> Progress | None:
        return None if progress is None else lambda done, total: progress(number * total + done, passes * total)

    def make_plan(every_frame: bool) -> Plan:
        plan = analyse_in_jobs(source, detections, jobs=jobs, every_frame=every_frame, progress=part(0))
        return replace(plan, style=style) if style else plan

    def render(plan: Plan) -> JsonObject:
        way = render_copying if smart else render_in_jobs
        return way(source, output, plan, encoder=encoder, jobs=jobs, progress=part(1))

    def render_and_look(plan: Plan) -> JsonObject:
        if not second_look:
            return render(plan)
        return blur_and_look(source, output, plan, render, watch=lambda name: nullcontext(part(2)))[0]

    check_output(source, output)
    return plan_and_render(make_plan, render_and_look)


def plan_and_render(make_plan: Callable[[bool], Plan], render: Callable[[Plan], JsonObject]) -> JsonObject:
    """The report of `render`. A plan that does not account for a frame is made anew, once, of every frame decoded.

    make_plan: is told whether to decode every frame.
    """
    try:
        return render(make_plan(False))
    except UnplannedFrameError:
        return render(make_plan(True))

"""The whole job in one call: find the faces, blur them. Imports everything below."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .detections import Detections
from .jobs import analyse_in_jobs, render_in_jobs
from .rendering import Progress
from .smart import render_smart
from .styles import Style
from .video import EncoderSettings, check_output


def blur(
    source: str | Path,
    output: str | Path,
    *,
    detections: Detections | None = None,
    style: Style | None = None,
    encoder: EncoderSettings | None = None,
    smart: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict:
    """Find and blur every face of a video: analyse, then render. Returns the report.

    smart: copy what holds no face instead of encoding it, where that is safe (H.264; see `smart`). jobs: how
    many processes work on parts of the video at once. progress counts frames of both passes: `done` of
    `total` with total = 2 x the video's frames.
    """

    def part(number: int) -> Progress | None:
        return None if progress is None else lambda done, total: progress(number * total + done, 2 * total)

    check_output(source, output)
    plan = analyse_in_jobs(source, detections, jobs=jobs, progress=part(0))
    plan = replace(plan, style=style) if style else plan
    way = render_smart if smart else render_in_jobs
    return way(source, output, plan, encoder=encoder, jobs=jobs, progress=part(1))

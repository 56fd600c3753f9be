"""Render with as little encoding as possible: groups of pictures without a region are copied bit for bit.

Where copying cannot be shown to be safe, everything is rendered, and the report says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..plan import Plan
from ..plan.style import Style
from ..process import one_thread
from ..rendering.covering import Covering
from ..rendering.renderer import check_areas
from ..rendering.report import Rows, make_report
from ..shapes import JsonObject, Progress
from ..video import EncoderSettings, Orientation, Reader, VideoFrame, check_output, settled, size_notes
from ..video.splicing.copying import CopyingWriter
from ..video.splicing.survey import Survey, Unsafe, divide, survey
from .jobs import render_in_jobs


@one_thread()
def render_copying(
    source: str | Path,
    output: str | Path,
    plan: Plan,
    *,
    style: Style | None = None,
    encoder: EncoderSettings | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> JsonObject:
    """Like `render`; jobs: processes to use where everything has to be encoded. The report's counts say in
    `copied_frames` how many frames are the input's own packets.
    """
    check_output(source, output)
    check_areas(plan.areas, source)
    plan = replace(plan, style=style) if style else plan
    encoder = encoder or EncoderSettings()
    try:
        return _copy_and_encode(source, output, plan, encoder, progress)
    except Unsafe as problem:
        report = render_in_jobs(source, output, plan, encoder=encoder, jobs=jobs, progress=progress)
        report["counts"]["copied_frames"] = 0
        report["notes"].append(f"everything was encoded anew: {problem}")
        return report


def _copy_and_encode(
    source: str | Path, output: str | Path, plan: Plan, encoder: EncoderSettings, progress: Progress | None
) -> JsonObject:
    if encoder.codec not in (None, "h264"):
        raise Unsafe(f"{encoder.codec} was asked for, and only h264 can be mixed")
    found, covering = survey(source), Covering(plan)
    with Reader(source, threads=encoder.threads) as reader:
        used = settled(reader, replace(encoder, codec="h264"), output)  # as is what is copied

        def touch(raw: VideoFrame, orientation: Orientation) -> None:
            def writable() -> VideoFrame:
                raw.make_writable()
                return raw

            assert raw.pts is not None  # it is one of those that were surveyed
            covering.cover(reader.time_ms_of(raw.pts), orientation, writable)

        rows, touched = _rows(found, covering, reader)
        parts = divide(found, touched.__contains__)
        if not any(part.is_copied for part in parts):
            why = "its groups of pictures are open" if found.has_open_groups else "every group of pictures changes"
            raise Unsafe(why)
        with CopyingWriter(output, reader, used, found, parts, _first_frame(source)) as writer:
            copied = writer.write_all(touch, _counting(progress, len(found)))
        notes = writer.notes
    if encoder.crf is None:
        notes += size_notes(source, output, used.to_json())
    report = make_report(source, output, plan, rows.to_json(), used, notes)
    report["counts"]["copied_frames"] = copied
    return report


def _first_frame(source: str | Path) -> VideoFrame:
    with Reader(source) as reader:
        return next(iter(reader)).raw


def _rows(found: Survey, covering: Covering, reader: Reader) -> tuple[Rows, set[int]]:
    """The report's rows, and the presentation times of the frames that change."""
    rows, touched = Rows(), set()
    for pts in found.shown:
        time_ms = reader.time_ms_of(pts)
        covered = covering.at(time_ms)
        rows.add(time_ms, covered, covering.left_visible_at(time_ms))
        if covered:
            touched.add(pts)
    return rows, touched


def _counting(progress: Progress | None, total: int) -> Callable[[int], None]:
    return (lambda done: progress(done, total)) if progress else (lambda done: None)

"""Input video + plan -> output video and its report, streaming."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..plan import Area, Plan, refuse_areas_beyond
from ..plan.style import Style
from ..process import hand_back, one_thread
from ..shapes import JsonObject, Progress
from ..video import EncoderSettings, Frame, Reader, Source, Span, Writer, check_output, probe, scan, size_notes
from .covering import Covering
from .report import Rows, make_report


@one_thread()
def render(
    source: Source,
    output: str | Path,
    plan: Plan,
    *,
    span: Span | None = None,
    style: Style | None = None,
    encoder: EncoderSettings | None = None,
    progress: Progress | None = None,
) -> JsonObject:
    """Blur the plan's regions and write the output; return the report (docs/formats.md has its form).

    A whole file keeps its audio and subtitles bit for bit; a span is written as video alone, to be joined
    later. Raises InputError and OutputError; the output appears under its name only when it is complete.

    >>> plan = faceblur.analyse("in.mp4").showing([1])
    >>> report = render("in.mp4", "one_visible.mp4", plan, style=faceblur.Style("solid"))
    >>> report["kept_visible"]
    [1]
    """
    hand_back()
    check_output(source, output)
    check_areas(plan.areas, source)
    plan = replace(plan, style=style) if style else plan
    encoder = encoder or EncoderSettings()
    rows, notes, used = _write_frames(source, output, plan, span, encoder, progress)
    if span is None and encoder.crf is None:
        notes += size_notes(source, output, used.to_json())
    return make_report(source, output, plan, rows.to_json(), used, notes)


def _write_frames(
    source: Source,
    output: str | Path,
    plan: Plan,
    span: Span | None,
    encoder: EncoderSettings,
    progress: Progress | None,
) -> tuple[Rows, list[str], EncoderSettings]:
    """What was covered, notes, and how it was encoded.

    The decoder and the encoder are gone at its end, before the report takes memory.
    """
    covering, rows = Covering(plan), Rows()
    with Reader(source, span=span, threads=encoder.threads) as reader:
        total = reader.expected_frames
        with Writer(output, reader, encoder, copy_streams=span is None) as writer:
            for event in reader.events(writer.copied):
                if isinstance(event, Frame):
                    covered = covering.cover(event.time_ms, event.orientation, partial(writer.writable, event))
                    rows.add(event.time_ms, covered, covering.left_visible_at(event.time_ms))
                    if progress:
                        progress(len(rows), max(total, len(rows)))
                writer.write(event)
        if progress:
            progress(len(rows), len(rows))
        return rows, writer.notes + reader.notes, writer.settings


def check_areas(areas: Iterable[Area], source: Source) -> None:
    """Raises PlanError for an area that begins after the end of this video."""
    refuse_areas_beyond(areas, probe(source).end_ms, really=lambda: scan(source).end_ms)

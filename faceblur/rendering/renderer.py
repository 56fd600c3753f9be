"""Input video + plan -> output video and its report, streaming."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import UnplannedFrameError
from ..plan.plan import Area, Plan, refuse_areas_beyond
from ..plan.style import Style
from ..process import hand_back, one_thread
from ..video import EncoderSettings, Frame, Reader, Span, Writer, check_output, probe, scan, size_notes
from ..video.reading.planes import PLANAR
from .report import AREA, Rows, make_report

Progress = Callable[[int, int], None]


@one_thread()
def render(
    source: str | Path,
    output: str | Path,
    plan: Plan,
    *,
    span: Span | None = None,
    style: Style | None = None,
    encoder: EncoderSettings | None = None,
    progress: Progress | None = None,
) -> dict:
    """Blur the plan's regions and write the output; return the report (see DESIGN: report.json).

    A whole file keeps its audio and subtitles bit for bit; a span is written as video alone, to be joined
    later. Raises InputError and OutputError; the output appears under its name only when it is complete.
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
    source, output, plan: Plan, span, encoder, progress: Progress | None
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
                    covered = covering.at(event.time_ms)
                    if covered:
                        planes = writer.writable(event)
                        covering.apply(covered, planes, PLANAR[event.raw.format.name], event.orientation)
                    rows.add(event.time_ms, covered, covering.left_visible_at(event.time_ms))
                    if progress:
                        progress(len(rows), max(total, len(rows)))
                writer.write(event)
        if progress:
            progress(len(rows), len(rows))
        return rows, writer.notes + reader.notes, writer.settings


def check_areas(areas: Iterable[Area], source: str | Path) -> None:
    """Raises PlanError for an area that begins after the end of this video."""
    refuse_areas_beyond(areas, probe(source).end_ms, really=lambda: scan(source).end_ms)


class Covering:
    """What a plan covers at a time, and how. Raises PlanError for a frame that the plan does not account for."""

    def __init__(self, plan: Plan):
        self._regions, self._frames = plan.regions(), plan.frames
        self._style = plan.style
        self._area_style = replace(plan.style, shape="box")

    def at(self, time_ms: float) -> list[tuple[int, tuple[float, float, float, float]]]:
        """(track or AREA, box as displayed with its margin) of everything to cover in the frame at this time."""
        if self._frames is not None and not self._frames.has(time_ms):
            raise UnplannedFrameError(
                f"the plan was not made of the frame at {time_ms / 1000:.3f} s, so nothing says what it shows; "
                "make a new plan of this file"
            )
        covered = [(track, self._style.grown(box)) for track, box in self._regions.faces_at(time_ms)]
        return covered + [(AREA, area) for area in self._regions.areas_at(time_ms)]

    def left_visible_at(self, time_ms: float) -> list[tuple[int, tuple[float, float, float, float]]]:
        """(track, box) of the faces that are not covered on purpose."""
        return self._regions.visible_at(time_ms)

    def apply(self, covered: list, planes: list, subsampling: tuple[int, int], orientation) -> None:
        """Blur what `at` gave on the planes of a frame that may be changed."""
        for track, box in covered:
            style = self._area_style if track == AREA else self._style
            style.blur(planes, subsampling, orientation.box_to_stored(*box))

"""Input video + plan -> output video and its report, streaming. Imports `analysis` and everything below it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import __version__
from .analysis import analyse
from .detections import Detections
from .plan import Plan
from .styles import Style
from .video import EncoderSettings, Frame, Reader, Span, Writer, check_output, probe
from .video.planes import PLANAR

Progress = Callable[[int, int], None]


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

    A whole file keeps its audio and subtitles bit for bit; a span is written as video alone, to be joined later.
    Raises InputError and OutputError; the output appears under its name only when it is complete.
    """
    check_output(source, output)
    plan = replace(plan, style=style) if style else plan
    encoder = encoder or EncoderSettings()
    with Reader(source, span=span) as reader:
        with Writer(output, reader, encoder, copy_streams=span is None) as writer:
            rows = _write_frames(reader, writer, plan, progress)
        notes = writer.notes + reader.notes
    return _report(source, output, plan, rows, encoder, notes)


def blur(
    source: str | Path,
    output: str | Path,
    *,
    detections: Detections | None = None,
    style: Style | None = None,
    encoder: EncoderSettings | None = None,
    progress: Progress | None = None,
) -> dict:
    """Find and blur every face of a video: `analyse`, then `render`. Returns the report.

    progress counts frames of both passes: `done` of `total` with total = 2 x the video's frames.
    """

    def part(number: int) -> Progress | None:
        return None if progress is None else lambda done, total: progress(number * total + done, 2 * total)

    check_output(source, output)
    plan = analyse(source, detections, progress=part(0))
    return render(source, output, plan, style=style, encoder=encoder, progress=part(1))


def _write_frames(reader: Reader, writer: Writer, plan: Plan, progress: Progress | None) -> list[dict]:
    regions, style, rows = plan.regions(), plan.style, []
    total = reader.expected_frames
    for event in reader.events(writer.copied):
        if isinstance(event, Frame):
            faces = regions.faces_at(event.time_ms)
            covered = [(track, style.grown(box)) for track, box in faces]
            covered += [(-1, area) for area in regions.areas_at(event.time_ms)]
            if covered:
                _blur_frame(writer, event, style, covered)
            rows.append(_row(event.time_ms, covered, regions.visible_at(event.time_ms)))
            if progress:
                progress(len(rows), max(total, len(rows)))
        writer.write(event)
    if progress:
        progress(len(rows), len(rows))
    return rows


def _row(time_ms: float, covered: list, visible: list) -> dict:
    """A frame of the report: what was blurred, and which faces were left on purpose (their boxes, ungrown)."""
    row = {"time_ms": time_ms, "regions": [[track, *(round(n, 5) for n in box)] for track, box in covered]}
    if visible:
        row["visible"] = [[track, *(round(n, 5) for n in box)] for track, box in visible]
    return row


def _blur_frame(writer: Writer, frame: Frame, style: Style, covered: list) -> None:
    planes = writer.writable(frame)
    subsampling = PLANAR[frame.raw.format.name]
    box_style = replace(style, shape="box")
    for track, box in covered:
        stored = frame.orientation.box_to_stored(*box)
        (box_style if track < 0 else style).blur(planes, subsampling, stored)


def _report(source, output, plan: Plan, rows: list[dict], encoder: EncoderSettings, notes: list[str]) -> dict:
    return {
        "faceblur": __version__,
        "input": describe_file(source),
        "output": describe_file(output),
        "video": probe(source).to_json(),
        "settings": {
            "style": plan.style.to_json(),
            "encoder": encoder.to_json(),
            "analysis": plan.settings,
        },
        "counts": count(rows),
        "kept_visible": [track.id for track in plan.tracks if track.keep],
        "needs_review": [
            {"track": track.id, "start_ms": start, "end_ms": end}
            for track in plan.tracks
            for start, end in track.review
        ],
        "notes": notes,
        "frames": rows,
    }


def count(rows: list[dict]) -> dict:
    return {
        "frames": len(rows),
        "frames_with_regions": sum(1 for row in rows if row["regions"]),
        "face_frames": sum(1 for row in rows for region in row["regions"] if region[0] >= 0),
        "tracks": len({region[0] for row in rows for region in row["regions"] if region[0] >= 0}),
    }


def merge_reports(source: str | Path, output: str | Path, reports: list[dict]) -> dict:
    """One report for a file that was rendered in pieces and joined; the pieces' reports in their order."""
    rows = [row for report in reports for row in report["frames"]]
    return reports[0] | {
        "input": describe_file(source),
        "output": describe_file(output),
        "counts": count(rows),
        "needs_review": [item for report in reports for item in report["needs_review"]],
        "notes": [note for report in reports for note in report["notes"]],
        "frames": rows,
    }


def describe_file(path: str | Path) -> dict:
    """Name, size and SHA-256 of a file."""
    path = Path(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}

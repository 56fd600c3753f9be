"""A short film of real faces with true boxes, and ways to spoil a blurred copy of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceblur import EncoderSettings, Plan, Track, render, video
from faceblur.video import Frame, Reader, Writer
from faceblur.video.reading.planes import plane_views

FIRST, COUNT, RATE, WIDTH = 60, 45, 30, 640
FINE = EncoderSettings(crf=12, preset="ultrafast")


@dataclass(frozen=True)
class Film:
    """original: 45 frames of two people; plan: their true boxes; good, report: what rendering it gave. Plan and report
    lie in the folder, too: plan.json, report.json.
    """

    original: Path
    plan: Plan
    good: Path
    report: dict
    folder: Path


def make_film(sample: tuple[Path, Path], folder: Path) -> Film:
    source, truth = sample
    with Reader(source) as reader:
        pictures = [frame.bgr(WIDTH) for frame in reader if FIRST <= frame.index < FIRST + COUNT]
    original = folder / "original.mp4"
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(1.5 * 48000)) / 48000).astype(np.float32)
    video.encode(original, pictures, frame_rate=RATE, audio=(tone, 48000), crf=14, preset="ultrafast")
    plan = true_plan(original, json.loads(truth.read_text())["frames"][FIRST : FIRST + COUNT])
    good = folder / "good.mp4"
    report = render(original, good, plan, encoder=FINE)
    plan.save(folder / "plan.json")
    (folder / "report.json").write_text(json.dumps(report))
    return Film(original, plan, good, report, folder)


def true_plan(original: Path, frames: list[dict]) -> Plan:
    with Reader(original) as reader:
        times = [frame.time_ms for frame in reader]
    rows: dict[int, list] = {}
    for time_ms, frame in zip(times, frames, strict=True):
        for track, *box in frame["faces"]:
            rows.setdefault(track, []).append([time_ms, *box])
    tracks = (Track.from_json({"track": t, "boxes": rows[t]}) for t in sorted(rows))
    return Plan(tuple(tracks), video=video.probe(original).to_json())


def rewrite(film: Film, name: str, change: Callable[[Writer, Frame, list[Frame], list[Frame]], None]) -> Path:
    """A copy of the good video; `change(writer, frame, originals, goods)` writes what becomes of a frame."""
    path = film.folder / name
    with Reader(film.original) as reader:
        originals = list(reader)
    with Reader(film.good) as reader:
        goods = list(reader)
    with Reader(film.good) as reader, Writer(path, reader, FINE) as writer:
        for event in reader.events(writer.copied):
            if isinstance(event, Frame):
                change(writer, event, originals, goods)
            else:
                writer.write(event)
    return path


def paint(writer: Writer, frame: Frame, other: Frame) -> None:
    """Give the frame another one's picture."""
    for plane, wanted in zip(plane_views(writer.writable(frame)), plane_views(other.raw), strict=True):
        plane[...] = wanted


def leaked(film: Film, name: str, numbers: range) -> Path:
    """These frames are the original's."""

    def change(writer, frame, originals, goods):
        if frame.index in numbers:
            paint(writer, frame, originals[frame.index])
        writer.write(frame)

    return rewrite(film, name, change)


def without(film: Film, name: str, numbers: range) -> Path:
    """These frames are gone; all others keep their times."""

    def change(writer, frame, originals, goods):
        if frame.index not in numbers:
            writer.write(frame)

    return rewrite(film, name, change)

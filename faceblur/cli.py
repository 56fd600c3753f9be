"""The `faceblur` command. Turns every FaceblurError into one line and an exit code. Imports everything."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from . import __version__
from .analysis import analyse, detect
from .detections import Detections
from .errors import FaceblurError, OutputError
from .plan import write_text
from .render import blur
from .video import EncoderSettings, probe


def main(arguments: list[str] | None = None) -> int:
    if arguments is None:  # the command itself, not a call from Python
        signal.signal(signal.SIGTERM, _stop)
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except FaceblurError as problem:
        print(f"faceblur: {problem}", file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("faceblur: stopped; nothing was written", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


def _stop(*_) -> None:
    """Being told to end is like Ctrl-C: what is half done is cleaned away."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faceblur", description="Blur every face in a video, and prove it.")
    parser.add_argument("--version", action="version", version=f"faceblur {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("blur", help="blur every face of a video")
    one.add_argument("input")
    one.add_argument("output", help="ends in .mp4, .m4v, .mov or .mkv")
    one.add_argument("--detections", metavar="FILE", help="what Rekognition's GetFaceDetection returned, as JSON")
    one.add_argument("--report", metavar="FILE", help="write what was blurred, frame by frame, as JSON")
    one.add_argument("--codec", default=EncoderSettings.codec, help="h264 (default), hevc or av1")
    one.add_argument("--crf", type=int, help="quality, lower is better (default 18 for h264: near transparent)")
    one.add_argument("--preset", default=EncoderSettings.preset, help="ultrafast ... veryslow (default veryfast)")
    one.set_defaults(run=_blur)

    one = commands.add_parser("detect", help="find faces twice a second, as Rekognition Video does")
    one.add_argument("input")
    one.add_argument("-o", "--output", required=True, metavar="FILE", help="JSON in the shape of GetFaceDetection")
    one.add_argument("--every-ms", type=float, default=500.0, help="time between samples (default 500)")
    one.set_defaults(run=_detect)

    one = commands.add_parser("preview", help="draw detection boxes over frames")
    one.add_argument("input")
    one.add_argument("--detections", required=True, metavar="FILE")
    one.add_argument("--blurred", metavar="FILE", help="the blurred video, shown beside")
    one.add_argument("-o", "--output", required=True, metavar="PNG")
    one.set_defaults(run=_preview)

    one = commands.add_parser("sample", help="make the sample video")
    one.add_argument("-o", "--output", default="sample.mp4", metavar="FILE")
    one.add_argument("--faces", metavar="FILE", help="write its true face boxes as JSON")
    one.set_defaults(run=_sample)
    return parser


def _blur(options) -> None:
    given = Detections.load(options.detections) if options.detections else None
    encoder = EncoderSettings(options.crf, options.preset, options.codec)
    with Progress("blurring") as progress:
        report = blur(options.input, options.output, detections=given, encoder=encoder, progress=progress)
    if options.report:
        write_text(options.report, json.dumps(report, indent=1) + "\n")
    counts = report["counts"]
    if not counts["face_frames"]:
        print(f"{options.output}: no faces were found; {counts['frames']} frames were written as they are")
    else:
        print(f"{options.output}: {counts['tracks']} faces blurred in {counts['frames_with_regions']} of {counts['frames']} frames")
    for note in report["notes"]:
        print(f"note: {note}")


def _detect(options) -> None:
    with Progress("looking for faces") as progress:
        found = detect(options.input, every_ms=options.every_ms, progress=progress)
    info = probe(options.input)
    metadata = {
        "Codec": info.codec,
        "DurationMillis": round(info.duration_ms),
        "Format": info.format,
        "FrameRate": info.frame_rate,
        "FrameHeight": info.height,
        "FrameWidth": info.width,
    }
    write_text(options.output, json.dumps(found.to_rekognition(metadata), indent=1) + "\n")
    print(f"{options.output}: {found.face_count} faces in {len(found.samples)} samples")


def _preview(options) -> None:
    import cv2

    from .preview import contact_sheet

    sheet = contact_sheet(options.input, Detections.load(options.detections), blurred=options.blurred)
    target = Path(options.output)
    done, png = cv2.imencode(".png", sheet)
    try:
        target.write_bytes(png.tobytes())
    except OSError as problem:
        raise OutputError(f"{target}: cannot be written ({problem.strerror})") from problem
    print(f"{target}: written")


def _sample(options) -> None:
    from .sample import make_sample

    with Progress("making the sample") as progress:
        make_sample(options.output, options.faces, progress=progress)
    print(f"{options.output}: written")


class Progress:
    """A line on the terminal that is redrawn a few times a second, and not at all where nobody looks."""

    def __init__(self, what: str):
        self._what, self._last = what, 0.0
        self._shows = sys.stderr.isatty()

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self._shows and self._last:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._shows and now - self._last > 0.2:
            self._last = now
            share = min(1.0, done / total) if total else 0.0
            bar = "#" * round(30 * share)
            print(f"\r{self._what} [{bar:<30}] {share:4.0%}", end="", file=sys.stderr, flush=True)

"""`faceblur detect`, `preview` and `sample`: look for faces, draw them, make something to try it on."""

from __future__ import annotations

from argparse import Namespace, _SubParsersAction

from ..detections import Detections
from ..files import check_targets
from ..finding.analysis import detect
from ..showing.canvas import check_pictures, save_picture
from ..showing.preview import contact_sheet
from ..video import probe
from .common import Progress, counted, number, say, write_json


def add(commands: _SubParsersAction) -> None:
    one = commands.add_parser("detect", help="find faces twice a second, as Rekognition Video does")
    one.add_argument("input")
    one.add_argument("-o", "--output", required=True, metavar="FILE", help="JSON in the shape of GetFaceDetection")
    one.add_argument("--every-ms", type=number(0, above=True), default=500.0, help="time between samples (default 500)")
    one.set_defaults(run=run_detect)

    one = commands.add_parser("preview", help="draw detection boxes over frames")
    one.add_argument("input")
    one.add_argument("--detections", required=True, metavar="FILE")
    one.add_argument("--blurred", metavar="FILE", help="the blurred video, shown beside")
    one.add_argument("-o", "--output", required=True, metavar="PNG")
    one.set_defaults(run=run_preview)

    one = commands.add_parser("sample", help="make the sample video")
    one.add_argument("-o", "--output", default="sample.mp4", metavar="FILE")
    one.add_argument("--faces", metavar="FILE", help="write its true face boxes as JSON")
    one.set_defaults(run=run_sample)


def run_detect(options: Namespace) -> None:
    info = probe(options.input)
    check_targets([options.output], [options.input])
    with Progress("looking for faces") as progress:
        found = detect(options.input, every_ms=options.every_ms, progress=progress)
    metadata = {
        "Codec": info.codec,
        "DurationMillis": round(info.duration_ms),
        "Format": info.format,
        "FrameRate": info.frame_rate,
        "FrameHeight": info.height,
        "FrameWidth": info.width,
    }
    write_json(options.output, found.to_rekognition(metadata))
    say(f"{options.output}: {counted(found.face_count, 'face')} in {counted(len(found.samples), 'sample')}")


def run_preview(options: Namespace) -> None:
    found = Detections.load(options.detections)
    check_pictures([options.output])
    check_targets([options.output], [options.input, options.detections, options.blurred])
    save_picture(options.output, contact_sheet(options.input, found, blurred=options.blurred))
    say(f"{options.output}: written")


def run_sample(options: Namespace) -> None:
    from ..sample import make_sample

    check_targets([options.output, options.faces])
    with Progress("making the sample") as progress:
        make_sample(options.output, options.faces, progress=progress)
    say(f"{options.output}: written")

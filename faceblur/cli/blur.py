"""`faceblur blur`: find and blur, or render a plan; the whole video, or its first seconds; one or many."""

from __future__ import annotations

from argparse import Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..detections import Detections
from ..errors import DocumentError, InputError
from ..files import check_targets, sha256_of
from ..finding.analysis import analyse
from ..pipeline.copying import render_copying
from ..pipeline.jobs import analyse_in_jobs, render_in_jobs
from ..pipeline.second_look import blur_and_look
from ..pipeline.whole import plan_and_render
from ..plan import Plan
from ..plan.style import Style
from ..rendering.renderer import check_areas, render
from ..video import EncoderSettings, Span, check_output
from .audited import ROUNDS, refuse_failed, render_audited
from .batch import blur_all
from .common import (
    Progress,
    add_plan_options,
    add_style_options,
    chosen_style,
    counted,
    first_seconds,
    number,
    refuse_other_file,
    result_line,
    say,
    tell_review,
    tracks_named,
    whole,
    with_choices,
    write_json,
)
from .inputs import is_batch, is_done, record_of

_EPILOG = """\
More than one video: every one goes into the output folder under its own name (or path within the folder given), with
a report beside it (NAME.report.json). What cannot be blurred is said, and the others are done. Options stand before or
behind the names, not between them.

A report or plan may go into a pipe or a device (/dev/stdout), a video only into a file; a link is followed.

exit codes: 0 done, 1 some of several videos could not be blurred (or a mistake of faceblur's: FACEBLUR_DEBUG=1 shows
where), 2 the input or an option cannot be used, 3 the output cannot be written, 4 no face detector, 5 its audit failed,
130 stopped (Ctrl-C, SIGTERM, SIGHUP)"""


def add(commands: _SubParsersAction) -> None:
    one = commands.add_parser(
        "blur",
        help="blur every face of a video, or of many",
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    one.add_argument(
        "inputs", nargs="+", metavar="input", help='a video; or several, folders, or patterns such as "clips/**/*.mov"'
    )
    one.add_argument("output", help="ends in .mp4, .m4v, .mov or .mkv; for more than one video, a folder")
    one.add_argument("--detections", metavar="FILE", help="what Rekognition's GetFaceDetection returned, as JSON")
    one.add_argument("--plan", metavar="FILE", help="blur what this plan says (see faceblur plan); nothing is searched")
    one.add_argument("--other-file", action="store_true", help="take a plan that was made for another file")
    one.add_argument("--report", metavar="FILE", help="write what was blurred, frame by frame, as JSON")
    one.add_argument(
        "--preview",
        type=number(0, above=True),
        metavar="SECONDS",
        help="only so much from the start, without sound, with a contact sheet beside it (OUTPUT.png)",
    )
    one.add_argument(
        "--resume",
        action="store_true",
        help="skip what was made before of the same video with the same settings, as its OUTPUT.report.json says",
    )
    add_plan_options(one)
    add_style_options(one)
    group = one.add_argument_group("how it is encoded")
    group.add_argument("--codec", help="h264, hevc or av1 (default: what plays where the input plays)")
    group.add_argument(
        "--crf",
        type=int,
        help="quality, lower is better (default for h264: 18, near transparent, or what keeps a small file small)",
    )
    group.add_argument(
        "--smart", action="store_true", help="copy what holds no face instead of encoding it (H.264 only)"
    )
    one.add_argument(
        "--no-second-look",
        dest="second_look",
        action="store_false",
        help="do not have the second detector look at the result, and blur again what it finds (a tenth faster)",
    )
    one.add_argument(
        "--audit",
        action="store_true",
        help="audit the result as faceblur audit does, blur what that finds, too, at most twice, and fail if the audit "
        "does (takes about twice as long)",
    )
    group.add_argument("--jobs", type=whole(1), default=1, metavar="N", help="work on N parts of the video at once")
    group.add_argument("--preset", default=EncoderSettings.preset, help="ultrafast ... veryslow (default veryfast)")
    one.set_defaults(run=run)


def run(options: Namespace) -> int:
    chosen_style(options, Style())  # a style that is refused is refused before the work
    if is_batch(options.inputs):
        return blur_all(options, _blur)
    (options.input,) = options.inputs
    if options.resume:
        options.report = options.report or str(record_of(options.output))
    report = _blur(options)
    if report is None:
        say(f"{options.output}: done before; skipped")
    else:
        _tell(options.output, report)
    if report and options.preview:
        say(f"{_sheet(options)}: frames before and after")
    return 0


def _blur(options: Namespace, watch: Callable[[str], Progress] = Progress) -> dict | None:
    """Blur options.input; the report, or None when it is to be skipped. watch: makes the progress of a pass."""
    encoder = EncoderSettings(options.crf, options.preset, options.codec)
    if options.plan and options.detections:
        raise DocumentError("--plan holds the result of a search: give it or --detections, not both")
    given = Detections.load(options.detections) if options.detections else None
    plan = Plan.load(options.plan) if options.plan else None
    check_areas(options.area, options.input)
    check_output(options.input, options.output)
    inputs = (options.input, options.output, options.detections, options.plan)
    check_targets((options.report, _sheet(options) if options.preview else None), inputs)
    asked = _asked(options, plan, encoder)
    if options.resume and is_done(options.input, options.output, options.report, asked):
        return None
    stamp = _stamp(options.input)
    span = first_seconds(options.input, options.preview) if options.preview else None

    def make_plan(every_frame: bool) -> Plan:
        return _plan(options, plan, given, span, every_frame, watch)

    def render_it(plan: Plan) -> dict:
        with watch("blurring") as progress:
            return _render(options, plan, span, encoder, progress)

    def render_and_look(todo: Plan, missed: Detections) -> tuple[dict, Plan]:
        if plan or not (options.second_look or missed.samples):  # of a plan that is given nothing is searched
            return render_it(todo), todo
        return blur_and_look(options.input, options.output, todo, render_it, span=span, missed=missed, watch=watch)

    verdict = None

    def render_all(todo: Plan) -> dict:
        nonlocal verdict
        if not options.audit:
            return render_and_look(todo, Detections(()))[0]
        paths, rounds = (options.input, options.output), 0 if plan else ROUNDS
        report, verdict = render_audited(*paths, todo, render_and_look, span=span, rounds=rounds, watch=watch)
        return report

    report = render_all(make_plan(False)) if plan else plan_and_render(make_plan, render_all)
    if verdict is None or verdict.passed:  # or --resume would take it for done
        report["asked"] = asked
    if _stamp(options.input) != stamp:
        raise InputError(f"{options.input}: changed while it was blurred; blur it again when it is complete")
    if options.report:
        write_json(options.report, report)
    if options.preview:
        from ..showing.canvas import save_picture  # not above: Pillow takes a while to load
        from ..showing.preview import contact_sheet

        until_ms = report["frames"][-1]["time_ms"]
        save_picture(_sheet(options), contact_sheet(options.input, report, options.output, until_ms=until_ms))
    if verdict:
        refuse_failed(options.output, verdict)
    return report


def _stamp(path: str) -> tuple[int, int]:
    about = Path(path).stat()
    return about.st_size, about.st_mtime_ns


def _sheet(options: Namespace) -> Path:
    return Path(options.output).with_suffix(".png")


def _asked(options: Namespace, plan: Plan | None, encoder: EncoderSettings) -> dict:
    """What decides how the output looks, for the report; as JSON, so that it can be compared."""
    return {
        "style": chosen_style(options, plan.style if plan else Style()).to_json(),
        "encoder": encoder.to_json(),
        "smart": options.smart,
        "show": sorted(set(options.show)),
        "areas": [area.to_json() for area in options.area],
        "plan": sha256_of(options.plan) if options.plan else None,
        "detections": sha256_of(options.detections) if options.detections else None,
        "preview_s": options.preview,
        "second_look": options.second_look,
        "audit": options.audit,
    }


def _plan(
    options: Namespace,
    plan: Plan | None,
    given: Detections | None,
    span: Span | None,
    every_frame: bool,
    watch: Callable[[str], Progress],
) -> Plan:
    """The plan to render: the one given, or a new one; with the choices of the command line."""
    if plan is None:
        with watch("looking for faces") as progress:
            if span is None:
                how = {"jobs": options.jobs, "every_frame": every_frame}
                plan = analyse_in_jobs(options.input, given, **how, progress=progress)
            else:
                plan = analyse(options.input, given, span=span, every_frame=every_frame, progress=progress)
    else:
        refuse_other_file(plan, options.input, options.plan, allowed=options.other_file)
    plan = replace(plan, style=chosen_style(options, plan.style))
    return with_choices(plan, options)


def _render(options: Namespace, plan: Plan, span: Span | None, encoder: EncoderSettings, progress: Progress) -> dict:
    paths = (options.input, options.output)
    if span is not None:
        return render(*paths, plan, span=span, encoder=encoder, progress=progress)
    way = render_copying if options.smart else render_in_jobs
    return way(*paths, plan, encoder=encoder, jobs=options.jobs, progress=progress)


def _tell(output: str, report: dict) -> None:
    counts = report["counts"]
    say(result_line(output, report))
    if report["kept_visible"]:
        print(f"left visible on purpose: {tracks_named(report['kept_visible'])}")
    tell_review(report["needs_review"])
    if counts.get("copied_frames"):
        print(f"copied without encoding: {counts['copied_frames']} of {counted(counts['frames'], 'frame')}")
    if added := report.get("second_look", {}).get("added"):
        print(f"the second look found and blurred {counted(sum(len(one['boxes']) for one in added), 'face')} more")
    for note in report["notes"]:
        say(f"note: {note}")

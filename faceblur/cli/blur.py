"""`faceblur blur`: find and blur, or render a plan; the whole video, or its first seconds; one or many."""

from __future__ import annotations

from argparse import Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ..audit.verdict import Audit
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
    job = _Job(options, watch)
    asked = _asked(options, job.plan, job.encoder)
    if options.resume and is_done(options.input, options.output, options.report, asked):
        return None
    stamp = _stamp(options.input)
    report = job.run()
    if job.verdict is None or job.verdict.passed:  # or --resume would take it for done
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
    if job.verdict:
        refuse_failed(options.output, job.verdict)
    return report


class _Job:
    """The blurring of one video. plan: the one that was given, if any. verdict: of its audit, if it is audited.

    Raises FaceblurError for whatever is wrong before any work.
    """

    def __init__(self, options: Namespace, watch: Callable[[str], Progress]):
        self.encoder = EncoderSettings(options.crf, options.preset, options.codec)
        if options.plan and options.detections:
            raise DocumentError("--plan holds the result of a search: give it or --detections, not both")
        self._options, self._watch = options, watch
        self._paths = (options.input, options.output)
        self._given = Detections.load(options.detections) if options.detections else None
        self.plan = Plan.load(options.plan) if options.plan else None
        self.verdict: Audit | None = None
        check_areas(options.area, options.input)
        check_output(*self._paths)
        check_targets(
            (options.report, _sheet(options) if options.preview else None),
            (*self._paths, options.detections, options.plan),
        )

    def run(self) -> dict:
        """The report."""
        if self.plan is None:
            return plan_and_render(lambda every_frame: self._chosen(self._found(every_frame)), self._render_all)
        options = self._options
        refuse_other_file(self.plan, options.input, options.plan, allowed=options.other_file)
        return self._render_all(self._chosen(self.plan))

    @cached_property
    def _span(self) -> Span | None:
        """The part of the video that is asked for; None for all of it."""
        return first_seconds(self._options.input, self._options.preview) if self._options.preview else None

    def _found(self, every_frame: bool) -> Plan:
        """A new plan. every_frame: made of every frame decoded."""
        options = self._options
        with self._watch("looking for faces") as progress:
            if self._span is None:
                return analyse_in_jobs(
                    options.input, self._given, jobs=options.jobs, every_frame=every_frame, progress=progress
                )
            return analyse(options.input, self._given, span=self._span, every_frame=every_frame, progress=progress)

    def _chosen(self, plan: Plan) -> Plan:
        """The plan with the choices of the command line."""
        return with_choices(replace(plan, style=chosen_style(self._options, plan.style)), self._options)

    def _render_all(self, plan: Plan) -> dict:
        """Render, and look again and audit where that is asked for."""
        if not self._options.audit:
            return self._render_and_look(plan, Detections(()))[0]
        rounds = 0 if self.plan else ROUNDS
        report, self.verdict = render_audited(
            *self._paths, plan, self._render_and_look, span=self._span, rounds=rounds, watch=self._watch
        )
        return report

    def _render_and_look(self, plan: Plan, missed: Detections) -> tuple[dict, Plan]:
        """missed: what an audit has found. The report, and the plan with all that was covered."""
        is_searched = self._options.second_look or missed.samples
        if self.plan or not is_searched:  # of a plan that is given nothing is searched
            return self._render(plan), plan
        return blur_and_look(*self._paths, plan, self._render, span=self._span, missed=missed, watch=self._watch)

    def _render(self, plan: Plan) -> dict:
        with self._watch("blurring") as progress:
            if self._span is not None:
                return render(*self._paths, plan, span=self._span, encoder=self.encoder, progress=progress)
            way = render_copying if self._options.smart else render_in_jobs
            return way(*self._paths, plan, encoder=self.encoder, jobs=self._options.jobs, progress=progress)


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

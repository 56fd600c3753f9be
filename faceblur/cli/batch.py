"""`faceblur blur` of several videos: one after the other, going on after a bad one, with a summary at the end."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import DetectorError, DocumentError
from ..files import make_folder
from ..finding.detector import FaceDetector
from ..partials import sweep
from ..video import EncoderSettings, probe
from .common import Progress, counted, result_line, say
from .failures import in_words, on_one_line
from .guard import contained, interruptible, is_guarded
from .inputs import Pair, pair_up, record_of

_OF_ONE_VIDEO = ("plan", "detections", "other_file", "report", "preview", "show")
_LONGEST_NAME = 30  # in the line that is redrawn, which has to fit


@dataclass
class _Tally:
    total: int
    blurred: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Of the video that is worked on, from 1."""
        return self.blurred + self.skipped + len(self.failures) + 1


def blur_all(options: Namespace, blur: Callable[[Namespace, Callable], dict | None]) -> int:
    """The exit code. blur: does one video, given its options and what makes a progress; None: it was skipped.

    Raises FaceblurError for what is wrong with all of them.
    """
    for name in _OF_ONE_VIDEO:
        if getattr(options, name):
            option = f"--{name.replace('_', '-')}"
            raise DocumentError(f"{option} belongs to one video; leave it out, or blur that one alone")
    EncoderSettings(options.crf, options.preset, options.codec)
    with interruptible():
        pairs, others = pair_up(options.inputs, options.output)
        make_folder(options.output)
        tally = _Tally(len(pairs))
        try:
            if is_guarded() and len(pairs) > 1:
                _load_detector()
            for pair in pairs:
                _blur_one(options, pair, blur, tally)
        except KeyboardInterrupt:
            print(f"faceblur: stopped; {_summary(tally, others)}; --resume goes on", file=sys.stderr)
            return 130
        print(_summary(tally, others))
        return 1 if tally.failures else 0


def _load_detector() -> None:
    """What the process of every video would load anew is loaded once, before the first of them begins."""
    with contextlib.suppress(DetectorError):  # said when it is needed
        FaceDetector()


def _blur_one(options: Namespace, pair: Pair, blur: Callable, tally: _Tally) -> None:
    name = on_one_line(pair.source.name)
    short = name if len(name) <= _LONGEST_NAME else f"...{name[3 - _LONGEST_NAME :]}"

    def watch(what: str) -> Progress:
        return Progress(f"{tally.number} of {counted(tally.total, 'file')}, {short}: {what}")

    record = record_of(pair.output)
    files = {"input": str(pair.source), "output": str(pair.output), "report": str(record)}

    def work() -> str | None:
        """The line that says what became of it; None when it was done before."""
        probe(pair.source)  # before a folder is made for it
        make_folder(pair.output.parent)
        report = blur(Namespace(**vars(options) | files), watch)
        return None if report is None else result_line(pair.output, report) + _remarks(report, record.name)

    if pair.output.parent.is_dir():
        sweep(pair.output.parent)  # here, and not anew in the process of every video
    try:
        line = contained(work, str(pair.source))
    except DetectorError:
        raise  # so it would be with every other
    except Exception as problem:
        if pair.output.parent.is_dir():
            sweep(pair.output.parent, again=True)  # its process may have ended in the middle
        line, source = in_words(problem)[0], on_one_line(str(pair.source))
        line = line if source in line else f"{source}: {line}"
        print(f"faceblur: {line}", file=sys.stderr)
        tally.failures.append(line)
        return
    if isinstance(line, str):
        tally.blurred += 1
        say(line)
    else:
        tally.skipped += 1
        say(f"{pair.output}: done before; skipped")


def _remarks(report: dict, name: str) -> str:
    found = [(len(report["needs_review"]), "part", " to review"), (len(report["notes"]), "note", "")]
    said = [counted(count, word) + more for count, word, more in found if count]
    return f"; {', '.join(said)}: see {name}" if said else ""


def _summary(tally: _Tally, others: int) -> str:
    said = [f"{tally.blurred} blurred"]
    if tally.skipped:
        said.append(f"{tally.skipped} skipped (done before)")
    if others:
        said.append(f"{others} left out (no video)")
    missing = tally.total - tally.number + 1
    if missing:
        said.append(f"{missing} not done")
    if tally.failures:
        said.append(f"{len(tally.failures)} failed: " + "\n  ".join(tally.failures))
    return ", ".join(said)

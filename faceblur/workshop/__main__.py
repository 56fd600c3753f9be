"""`python -m faceblur.workshop demo|lab|run|preflight|class|slides|bundle|links`: the notebooks from the command line.

Errors that a user can do something about are one line and an exit code; anything else is a bug and may show.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..errors import FaceblurError, WorkshopError
from .extra import hint
from .places import TARGETS, project_root, short


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = _parser()
    options, jupyter = parser.parse_known_args(arguments)
    options.jupyter = jupyter
    if options.jupyter and options.command is not _lab:
        parser.error(f"unrecognized arguments: {' '.join(options.jupyter)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the embedded AWS is stopped, too
    try:
        project_root()  # said before any work: the notebooks are not in the wheel
        return options.command(options)
    except FaceblurError as problem:
        print(f"faceblur: {problem}", file=sys.stderr)
        return problem.exit_code
    except ModuleNotFoundError as problem:
        if problem.name is None or problem.name.partition(".")[0] == "faceblur":
            raise
        print(f"faceblur: {hint(problem.name)}", file=sys.stderr)
        return WorkshopError.exit_code
    except KeyboardInterrupt:
        print("faceblur: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faceblur.workshop", description="The ten notebooks.")
    commands = parser.add_subparsers(required=True, metavar="demo|lab|run|preflight|class|slides|bundle|links")

    demo = commands.add_parser("demo", help="run all notebooks on the embedded AWS and show the result")
    demo.add_argument("--video", type=Path, help="your own video (default: a sample that is made)")
    demo.add_argument("--out", type=Path, help="result folder (default: build/demo in the checkout)")
    demo.set_defaults(command=_demo)

    lab = commands.add_parser(
        "lab",
        help="open JupyterLab on the notebooks, with the embedded AWS running",
        epilog="JupyterLab's options work here",
    )
    lab.add_argument("--target", choices=TARGETS, default="local", help="aws: your account, which costs money")
    lab.add_argument("--prefix", default="faceblur", help="begins every name, for all notebooks (faceblur)")
    lab.add_argument("--until", type=int, default=0, metavar="NN", help="run the chapters up to NN before it opens")
    lab.add_argument("--reset", action="store_true", help="take the notebooks anew; yours are put aside")
    lab.set_defaults(command=_lab)

    run = commands.add_parser("run", help="run notebooks with papermill")
    run.add_argument("--target", choices=TARGETS, default="local")
    run.add_argument("--from", dest="first", type=int, default=1, metavar="NN", help="first notebook (1)")
    run.add_argument("--to", dest="last", type=int, default=10, metavar="NN", help="last notebook (10)")
    run.add_argument("-p", dest="parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    run.add_argument("--keep", action="store_true", help="clean up neither at the end nor after a failure")
    run.add_argument("--out", type=Path, help="folder for executed notebooks (default: build/run)")
    run.add_argument("--junit", type=Path, help="JUnit XML file (default: junit.xml in --out)")
    run.set_defaults(command=_run)

    preflight = commands.add_parser("preflight", help="ask an AWS account whether the ten chapters can be done in it")
    preflight.add_argument("--target", choices=TARGETS, default="aws")
    preflight.add_argument("--prefix", default="faceblur", help="begins every name (faceblur)")
    preflight.add_argument(
        "--policy", action="store_true", help="print the IAM policy that a participant needs instead"
    )
    preflight.set_defaults(command=_preflight)

    classroom = commands.add_parser("class", help="a page of who is in which chapter, from the labs' state files")
    classroom.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="the build folder of a lab")
    classroom.add_argument("--out", type=Path, default=Path("class.html"), help="the page (class.html)")
    classroom.set_defaults(command=_class)

    slides = commands.add_parser("slides", help="the notebooks as slides, in one HTML file that needs no network")
    slides.add_argument("--out", type=Path, help="the file (default: build/slides.html)")
    slides.set_defaults(command=_slides)

    bundle = commands.add_parser("bundle", help="sources and wheels in one ZIP, for rooms without a network")
    bundle.add_argument("--out", type=Path, help="the folder (default: build/bundle)")
    bundle.set_defaults(command=_bundle)

    links = commands.add_parser("links", help="bring links, diagrams and index of notebooks/ up to date")
    links.set_defaults(command=_links)
    return parser


def _demo(options: Namespace) -> int:
    from .running.demo import demo

    return demo(options.out or project_root() / "build" / "demo", options.video)


def _lab(options: Namespace) -> int:
    from .running.lab import Choice, lab

    return lab(options.jupyter, Choice(options.target, options.prefix, options.until, options.reset))


def _preflight(options: Namespace) -> int:
    from .account.rights import policy
    from .running.checks import check_setup, show
    from .running.preflight import preflight
    from .session import begin

    with contextlib.redirect_stdout(sys.stderr if options.policy else sys.stdout):
        ws = begin(1, options.target, options.prefix)
    if options.policy:
        print(json.dumps(policy(ws.names, ws.demands), indent=2))
    else:
        show([*check_setup(ws.target), *preflight(ws)])
    return 0


def _class(options: Namespace) -> int:
    from .running.classroom import write_class

    print(f"{write_class(options.out, options.folders)} labs: {options.out}")
    return 0


def _slides(options: Namespace) -> int:
    from .running.slides import write_slides

    out = options.out or project_root() / "build" / "slides.html"
    print(f"{write_slides(out)} slides: {short(out)}")
    return 0


def _bundle(options: Namespace) -> int:
    from .running.bundle import bundle

    bundle(options.out or project_root() / "build" / "bundle")
    return 0


def _links(_options: Namespace) -> int:
    from .running.links import update

    print("written: " + (", ".join(update()) or "nothing, all is up to date"))
    return 0


def _run(options: Namespace) -> int:
    from .running.unattended import run_chapters

    parameters = {name: _value(text) for name, text in options.parameters}
    out = options.out or project_root() / "build" / "run"
    return run_chapters(
        options.target,
        options.first,
        options.last,
        parameters,
        out=out,
        keep=options.keep,
        junit=options.junit or out / "junit.xml",
    )


def _value(text: str) -> Any:
    """A number, true, false or null as JSON has them; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main())

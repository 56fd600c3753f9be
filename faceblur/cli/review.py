"""`faceblur review`: look a plan over in the browser before blurring with it."""

from __future__ import annotations

import shlex
import sys
import webbrowser
from argparse import Namespace, _SubParsersAction
from pathlib import Path

from ..files import check_targets
from ..plan import Plan
from ..review.page import ReviewServer
from ..review.session import Review, find_video
from .common import counted, refuse_other_file, say, tracks_named
from .guard import interruptible


def add(commands: _SubParsersAction) -> None:
    one = commands.add_parser(
        "review",
        help="look a plan over in the browser: who stays visible, what was missed, which style",
        description="Opens a page in the browser, served to this machine only; ends with Done on that page.",
    )
    one.add_argument("plan", help="what faceblur plan wrote")
    one.add_argument("--video", metavar="FILE", help="the video (default: the plan's, looked for beside it)")
    one.add_argument("--out", metavar="FILE", help="where Save writes (default: over the plan itself)")
    one.add_argument("--other-file", action="store_true", help="take a plan that was made for another file")
    one.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    one.set_defaults(run=run)


def run(options: Namespace) -> int:
    plan, out = Plan.load(options.plan), options.out or options.plan
    source = options.video or find_video(plan, options.plan)
    review = Review(plan, source)
    if options.video or not plan.source.get("sha256"):  # else it was found by just that
        refuse_other_file(plan, source, options.plan, allowed=options.other_file)
    check_targets([out], [source])
    with interruptible():
        try:
            with ReviewServer(review, out) as server:
                print(
                    f"{server.address}\nreview it there; end with Done on the page or with Ctrl-C here",
                    flush=True,
                )
                if not options.no_browser:
                    webbrowser.open(server.address)
                server.wait()
        except KeyboardInterrupt:
            print()
        return _tell(review, out, source)


def _tell(review: Review, out: str | Path, source: str | Path) -> int:
    if review.saves:
        kept = review.kept_visible
        areas = counted(len(review.plan.areas), "area")
        say(f"{out}: saved; visible on purpose: {tracks_named(kept) if kept else 'nobody'}; {areas} of your own")
        command = shlex.join(["faceblur", "blur", str(source), "blurred.mp4", "--plan", str(out)])
        say(f"blur with it: {command}")
    if not review.is_saved:
        print("faceblur: ended; the last choices were not saved", file=sys.stderr)
        return 1
    if not review.saves:
        print("ended; nothing was changed")
    return 0

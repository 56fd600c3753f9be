"""One pass of faceblur over a clip, as a command of its own so that its CPU time can be told.

    python blur_timed.py CLIP OUTPUT REPORT [DETECTIONS]

REPORT gets what `faceblur blur --report` writes; standard output a JSON line with the CPU seconds of the
analysis.
"""

import json
import sys
import time

from peak import peak_mb

from faceblur import Detections, analyse, render
from faceblur.files import write_text
from faceblur.pipeline.second_look import blur_and_look


def main(clip: str, output: str, report: str, detections: str | None = None) -> None:
    given = Detections.load(detections) if detections else None
    start = time.process_time()
    plan = analyse(clip, given)
    analysis_s = time.process_time() - start
    made, _ = blur_and_look(clip, output, plan, lambda plan: render(clip, output, plan))
    write_text(report, json.dumps(made))
    print(json.dumps({"analysis_s": analysis_s, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`faceblur blur --audit`: blur, audit, and blur what the audit has found, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..audit.verdict import Audit, verify
from ..detections import Detections
from ..errors import VerificationError
from ..plan import Plan
from ..video import Span
from .common import Progress, counted

ROUNDS = 2  # of blurring what an audit has found

Render = Callable[[Plan, Detections], tuple[dict, Plan]]


def render_audited(
    source: str,
    output: str,
    plan: Plan,
    render: Render,
    *,
    span: Span | None,
    rounds: int,
    watch: Callable[[str], Progress],
) -> tuple[dict, Audit]:
    """The last report, and what the audit says of its output.

    render: makes the output of a plan and of faces that earlier audits found; the report, and the plan with all that it
    has covered. rounds: how often to try again. watch: makes the progress of a pass.
    """
    missed = Detections(())
    for number in range(rounds + 1):
        report, covered = render(plan, missed)
        with watch("auditing") as progress:
            how = {"span": span, "every_ms": 0.0, "said": report["notes"]}
            verdict = verify(source, output, covered, **how, progress=progress)
        if number == rounds or not verdict.missed.samples:
            break
        missed = missed.joined(verdict.missed)
    if missed.samples:
        report["notes"] = report["notes"] + [f"the audit found {counted(missed.face_count, 'face')}: blurred, too"]
    return report, verdict


def refuse_failed(output: str | Path, verdict: Audit) -> None:
    """Raises VerificationError when the audit has not passed."""
    if not verdict.passed:
        raise VerificationError(f"{output}: do not publish it, its audit failed: {'; '.join(verdict.problems)}")

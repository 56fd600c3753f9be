"""The pipeline as one picture, with some of its parts lit. Draws SVG; imports chapters only."""

from __future__ import annotations

import base64
from collections.abc import Set
from dataclasses import dataclass
from html import escape

from ..chapters import CHAPTERS

WIDTH, HEIGHT = 1000, 322


@dataclass(frozen=True)
class Part:
    """A box of the picture: its place in pixels, its two lines of text."""

    x: int
    y: int
    width: int
    title: str
    detail: str


PARTS = {
    "upload": Part(20, 40, 130, "Your video", "MP4 or MOV"),
    "input": Part(190, 40, 140, "Input bucket", "Amazon S3"),
    "trigger": Part(370, 40, 120, "Event", "ObjectCreated"),
    "start": Part(530, 40, 180, "Start", "Lambda"),
    "rekognition": Part(790, 40, 190, "Find faces", "Rekognition Video"),
    "wait": Part(30, 174, 110, "Wait", "until it is done"),
    "retrieve": Part(152, 174, 110, "Retrieve", "all detections"),
    "plan": Part(274, 174, 110, "Plan", "split it"),
    "blur": Part(396, 174, 110, "Blur", "each segment"),
    "prove": Part(518, 174, 110, "Prove", "each segment"),
    "join": Part(640, 174, 110, "Join", "and deliver"),
    "output": Part(830, 174, 150, "Output bucket", "blurred video"),
    "roles": Part(20, 262, 220, "IAM roles", "one per function"),
    "image": Part(290, 262, 300, "Container image", "Amazon ECR: OpenCV, PyAV, faceblur"),
    "failure": Part(640, 262, 340, "Failure record", "beside the output, and an SNS message"),
}
ARROWS = (
    ("upload", "input"),
    ("input", "trigger"),
    ("trigger", "start"),
    ("start", "rekognition"),
    ("wait", "retrieve"),
    ("retrieve", "plan"),
    ("plan", "blur"),
    ("blur", "prove"),
    ("prove", "join"),
    ("join", "output"),
)
BOX_HEIGHT = 48
MACHINE = (20, 126, 750, 108)  # x, y, width, height of the frame around the state machine

LIT: dict[int, frozenset[str]] = {
    1: frozenset({*PARTS, "machine"}),
    2: frozenset({"input", "output"}),
    3: frozenset({"roles"}),
    4: frozenset({"image"}),
    5: frozenset({"start", "wait", "retrieve", "plan", "blur", "prove", "join", "failure"}),
    6: frozenset({"machine"}),
    7: frozenset({"trigger"}),
    8: frozenset({"upload", "rekognition", "machine"}),
    9: frozenset({"output"}),
    10: frozenset(),
}


def pipeline_svg(lit: Set[str]) -> str:
    """The whole pipeline; `lit` holds keys of PARTS, or "machine" for the frame around the workflow."""
    unknown = set(lit) - {*PARTS, "machine"}
    if unknown:
        raise ValueError(f"the pipeline has no part {', '.join(sorted(unknown))}")
    title = "Pipeline: " + (", ".join(PARTS[name].title for name in PARTS if name in lit) or "nothing is lit")
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" ',
            f'width="{WIDTH}" aria-label="{escape(title)}" font-family="system-ui, sans-serif">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" ',
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#64748b"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#ffffff"/>',
            _machine("machine" in lit),
            *(_arrow(PARTS[start], PARTS[end]) for start, end in ARROWS),
            _start_of_machine(),
            *(_box(part, name in lit) for name, part in PARTS.items()),
            "</svg>",
        )
    )


class Picture:
    """Shows itself in a notebook: as SVG inside an image, which untrusted notebooks and GitHub show, too."""

    def __init__(self, svg: str, words: str):
        self.svg = svg
        self._words = words

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        encoded = base64.b64encode(self.svg.encode()).decode()
        source = f"data:image/svg+xml;base64,{encoded}"
        image = f'<img alt="{escape(self._words)}" style="max-width:100%" src="{source}">'
        return {"text/html": image, "image/svg+xml": self.svg, "text/plain": self._words}


def show_pipeline(chapter: int) -> Picture:
    """The pipeline with one chapter's part lit, as the last line of a notebook cell."""
    title = CHAPTERS[chapter].title
    return Picture(pipeline_svg(LIT[chapter]), f"The pipeline; lit: chapter {chapter}, {title}")


def _box(part: Part, lit: bool) -> str:
    fill, line, ink = ("#f59e0b", "#b45309", "#1c1917") if lit else ("#f1f5f9", "#cbd5e1", "#475569")
    middle = part.x + part.width / 2
    return (
        f'<rect x="{part.x}" y="{part.y}" width="{part.width}" height="{BOX_HEIGHT}" rx="8" '
        f'fill="{fill}" stroke="{line}" stroke-width="1.5"/>'
        f'<text x="{middle}" y="{part.y + 21}" text-anchor="middle" font-size="15" font-weight="600" '
        f'fill="{ink}">{escape(part.title)}</text>'
        f'<text x="{middle}" y="{part.y + 39}" text-anchor="middle" font-size="12.5" '
        f'fill="{ink}">{escape(part.detail)}</text>'
    )


def _arrow(start: Part, end: Part) -> str:
    y = start.y + BOX_HEIGHT / 2
    return _line(start.x + start.width + 2, y, end.x - 3, y)


def _start_of_machine() -> str:
    """From the Start function down into the frame of the state machine."""
    x = PARTS["start"].x + PARTS["start"].width / 2
    return _line(x, PARTS["start"].y + BOX_HEIGHT + 2, x, MACHINE[1] - 3)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
    return f'<line {ends} stroke="#64748b" stroke-width="1.8" marker-end="url(#tip)"/>'


def _machine(lit: bool) -> str:
    x, y, width, height = MACHINE
    fill, line, ink = ("#fef3c7", "#b45309", "#92400e") if lit else ("#fafafa", "#cbd5e1", "#64748b")
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="10" fill="{fill}" stroke="{line}" '
        'stroke-width="1.5" stroke-dasharray="6 4"/>'
        f'<text x="{x + 14}" y="{y + 28}" font-size="14" font-weight="600" fill="{ink}">'
        "State machine (AWS Step Functions)</text>"
    )

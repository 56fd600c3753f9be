"""Two drawings of the chapters (SVG text): who may do what with which bucket, and the life of one event."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .timeline import FONT, INK, SOFT

BUCKETS = ("input", "work", "output")
VERBS = {"reads": "#d6e4f7", "writes": "#d8efe9", "deletes": "#f6d3d7", "lists": "#e9edf2"}
RIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    "start_face_detection": {"input": ("reads", "lists")},
    "wait_for_completion": {},
    "get_detections": {"work": ("writes",)},
    "plan_segments": {"input": ("reads", "lists")},
    "blur_segment": {"input": ("reads", "lists"), "work": ("reads", "writes", "lists")},
    "prove_segment": {"input": ("reads", "lists"), "work": ("reads", "writes", "lists")},
    "join_segments": {
        "input": ("reads", "lists"),
        "work": ("reads", "writes", "deletes", "lists"),
        "output": ("reads", "writes", "lists"),
    },
    "record_failure": {"work": ("reads", "deletes", "lists"), "output": ("reads", "writes", "lists")},
}
"""function -> bucket -> what its role of chapter 3 allows there; a test holds it against that chapter."""

WIDTH, ROW, HEAD, NAME, COLUMN, CHIP = 860, 34, 46, 200, 220, 54
_LANES = ("S3", "Lambda's queue", "start_face_detection", "Step Functions", "record_failure")
_LANE, _STEP = 172, 40
_FAILURE = "#b3263c"
_EVENTS: tuple[tuple[int, int, str, bool], ...] = (  # from lane, to lane, words, whether it is the way of a failure
    (0, 1, "an upload is there", False),
    (1, 2, "the event, at least once", False),
    (2, 3, "an execution of its name", False),
    (1, 2, "the same event again", False),
    (3, 2, "the name is taken: nothing", False),
    (1, 2, "one that fails: twice more", True),
    (1, 4, "given up: to the destination", True),
    (4, 4, "record and message", True),
)


def rights_svg() -> str:
    """A row per function, a column per bucket; nobody is allowed what is not drawn."""
    height = HEAD + ROW * (len(RIGHTS) + 1)
    heads = "".join(
        f"<text x='{NAME + COLUMN * index + 6}' y='28' {FONT} font-size='14' font-weight='600' fill='{INK}'>"
        f"{bucket} bucket</text>"
        for index, bucket in enumerate(BUCKETS)
    )
    rows = [_right_row("you, or a user", {"input": ("writes",), "output": ("reads",)}, HEAD)]
    rows += [_right_row(who, rights, HEAD + ROW * index) for index, (who, rights) in enumerate(RIGHTS.items(), 1)]
    return _svg(height, "Who may do what with which bucket: " + _rights_in_words(), heads + "".join(rows))


def event_svg() -> str:
    """Lanes from left to right, time from top to bottom; a failure's way is dashed."""
    bottom = HEAD + _STEP * len(_EVENTS) + 10
    lanes = "".join(
        f"<rect x='{_LANE * index + 4}' y='6' width='{_LANE - 8}' height='30' rx='7' fill='#eef1f5' stroke='{SOFT}'/>"
        f"<text x='{_middle(index)}' y='26' {FONT} font-size='13' fill='{INK}' text-anchor='middle'>{lane}</text>"
        f"<line x1='{_middle(index)}' x2='{_middle(index)}' y1='36' y2='{bottom}' stroke='#c9d1dc'/>"
        for index, lane in enumerate(_LANES)
    )
    steps = "".join(_event(index, *event) for index, event in enumerate(_EVENTS))
    tips = "".join(
        f"<marker id='{name}' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
        f"<path d='M0 0L8 4L0 8z' fill='{colour}'/></marker>"
        for name, colour in (("went", INK), ("failed", _FAILURE))
    )
    words = "; ".join(f"{_LANES[a]} to {_LANES[b]}: {words}" for a, b, words, _ in _EVENTS)
    return _svg(bottom + 8, f"The life of one event. {words}", f"<defs>{tips}</defs>{lanes}{steps}")


def _right_row(who: str, rights: dict[str, tuple[str, ...]], y: float) -> str:
    line = f"<line x1='0' x2='{WIDTH}' y1='{y}' y2='{y}' stroke='#e3e8ee'/>"
    name = f"<text x='6' y='{y + 22}' {FONT} font-size='13.5' fill='{INK}'>{escape(who)}</text>"
    cells = (_chips(rights.get(bucket, ()), NAME + COLUMN * index, y) for index, bucket in enumerate(BUCKETS))
    return line + name + "".join(cells)


def _chips(verbs: Iterable[str], x: float, y: float) -> str:
    return "".join(
        f"<rect x='{x + 4 + CHIP * index}' y='{y + 6}' width='{CHIP - 4}' height='22' rx='6' fill='{VERBS[verb]}'/>"
        f"<text x='{x + 2 + CHIP * (index + 0.5)}' y='{y + 21}' {FONT} font-size='12' fill='{INK}' "
        f"text-anchor='middle'>{verb}</text>"
        for index, verb in enumerate(verbs)
    )


def _rights_in_words() -> str:
    return "; ".join(
        f"{who} "
        + (", ".join(f"{' and '.join(verbs)} {bucket}" for bucket, verbs in rights.items()) or "touches no bucket")
        for who, rights in RIGHTS.items()
    )


def _event(index: int, start: int, end: int, words: str, is_failure: bool) -> str:
    y, colour = HEAD + _STEP * index + 22, _FAILURE if is_failure else INK
    looks = f"stroke='{colour}' stroke-width='1.4' fill='none'" + (" stroke-dasharray='5 4'" if is_failure else "")
    tip = "failed" if is_failure else "went"
    x0, x1 = _middle(start), _middle(end)
    path = f"M{x0} {y}h14v14h-12" if start == end else f"M{x0} {y}H{x1 - 1 if x1 > x0 else x1 + 1}"
    left = start == end and start == len(_LANES) - 1
    x = x0 - 6 if left else min(x0, x1) + 6
    return (
        f"<path d='{path}' {looks} marker-end='url(#{tip})'/>"
        f"<text x='{x}' y='{y - 5}' {FONT} font-size='12' fill='{colour}' "
        f"text-anchor='{'end' if left else 'start'}'>{escape(words)}</text>"
    )


def _middle(lane: int) -> float:
    return _LANE * (lane + 0.5)


def _svg(height: float, words: str, body: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' role='img' "
        f"aria-label='{escape(words, quote=True)}'><rect width='{WIDTH}' height='{height}' rx='8' fill='#ffffff'/>"
        f"{body}</svg>"
    )

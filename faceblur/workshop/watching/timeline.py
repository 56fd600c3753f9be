"""Draws the states of an execution as a bar timeline (SVG text)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ...showing.colours import INK, SOFT
from .history import StateTime

WIDTH, ROW, TOP, LABEL, RIGHT = 860, 34, 12, 210, 96
WAITING, RUNNING, DONE, FAILED = "#c9d1dc", "#f0a202", "#159a8c", "#d1495b"
FONT = "font-family='system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif'"


def timeline_svg(times: Sequence[StateTime], total_s: float, states: Sequence[str] = ()) -> str:
    """One row per state: its bars over the execution's seconds. `states` not entered yet are drawn pale."""
    by_state = {time.state: time for time in times}
    names = [*states, *(name for name in by_state if name not in states)]
    height = TOP + ROW * len(names) + 34
    scale = (WIDTH - LABEL - RIGHT) / max(total_s, 0.001)
    rows = [_row(index, name, by_state.get(name), scale) for index, name in enumerate(names)]
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' "
        f"height='{height}' role='img' aria-label='Seconds spent in each state'>"
        f"{_axis(total_s, scale, height)}{''.join(rows)}</svg>"
    )


def _row(index: int, name: str, time: StateTime | None, scale: float) -> str:
    middle = TOP + ROW * index + ROW / 2
    fill = colour(time)
    label = (
        f"<circle cx='12' cy='{middle}' r='6' fill='{fill}'/>"
        f"<text x='28' y='{middle + 5}' {FONT} font-size='14.5' font-weight='{500 if time else 400}' "
        f"fill='{INK if time else SOFT}'>{escape(name)}</text>"
    )
    if time is None:
        return label
    bars = "".join(
        f"<rect x='{LABEL + start_s * scale:.1f}' y='{middle - 8}' rx='4' height='16' "
        f"width='{max(3.0, (end_s - start_s) * scale):.1f}' fill='{fill}'/>"
        for start_s, end_s in time.when_s
    )
    end = LABEL + max(end_s for _, end_s in time.when_s) * scale
    visits = f" · {time.visits}×" if time.visits > 1 else ""
    words = f"{time.seconds:.1f} s{visits}"
    return (
        label
        + bars
        + (
            f"<text x='{max(end, LABEL + 3) + 8:.1f}' y='{middle + 5}' {FONT} font-size='13' fill='{SOFT}'>"
            f"{words}</text>"
        )
    )


def _axis(total_s: float, scale: float, height: int) -> str:
    step = next((s for s in (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600) if total_s / s <= 8), 3600)
    marks = []
    for tick in range(int(total_s / step) + 1):
        x = LABEL + tick * step * scale
        marks.append(
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{height - 26}' stroke='#e4e8ee'/>"
            f"<text x='{x:.1f}' y='{height - 8}' {FONT} font-size='12' fill='{SOFT}' "
            f"text-anchor='middle'>{tick * step:g} s</text>"
        )
    return "".join(marks)


def colour(time: StateTime | None) -> str:
    """What a state is drawn in: to come, running, done or failed."""
    if time is None:
        return WAITING
    if time.failed:
        return FAILED
    return RUNNING if time.running else DONE

"""Draws a state machine from its definition (SVG text): the way through, loops, and where failures go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from .timeline import FONT, INK, SOFT

WIDTH, ROW, TOP, LEFT, BOX, HIGH = 760, 50, 14, 150, 260, 32
STEP = 24  # between lines that run beside each other
KINDS = {
    "Task": "#d8efe9", "Map": "#d6e4f7", "Parallel": "#d6e4f7", "Choice": "#fbe8c6", "Wait": "#e9e3f5",
    "Succeed": "#cfe9cf", "Fail": "#f6d3d7",
}  # fmt: skip
FAILURE = "#d1495b"


def machine_svg(definition: Mapping, colours: Mapping[str, str] | None = None) -> str:
    """The states from StartAt on, one a row; back ways left, ways that skip right, failures dashed and red.

    definition: as JSON has it. colours: state -> a border that says what it is doing, where something is known.
    """
    names = order(definition)
    rows = {name: index for index, name in enumerate(names)}
    height = TOP + ROW * len(names)
    boxes = "".join(_box(name, definition["States"][name], rows[name], (colours or {}).get(name)) for name in names)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' "
        f"role='img' aria-label='{escape(described(definition), quote=True)}'>"
        "<defs><marker id='to' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='7' markerHeight='7' orient='auto'>"
        f"<path d='M0 0L8 4L0 8z' fill='{SOFT}'/></marker></defs>"
        f"<rect width='{WIDTH}' height='{height}' fill='white'/>{_ways(definition, rows)}{boxes}</svg>"
    )


def order(definition: Mapping) -> list[str]:
    """StartAt first, then the states as the definition names them."""
    return list(dict.fromkeys([definition["StartAt"], *definition["States"]]))


def goals(state: Mapping) -> list[str]:
    """Where a state goes on to, failures apart: a Choice's ways in the order of its rules, Default last."""
    ways = [rule.get("Next") for rule in state.get("Choices", ())]
    return list(dict.fromkeys(filter(None, [*ways, state.get("Default"), state.get("Next")])))


def described(definition: Mapping) -> str:
    """The drawing in words, for those who cannot see it."""
    parts = [
        f"{name} to {' or '.join(ways)}" for name in order(definition) if (ways := goals(definition["States"][name]))
    ]
    caught = [f"{words} {', '.join(names)} to {goal}" for goal, (words, names) in _caught(definition).items()]
    return f"State machine: {'; '.join([', '.join(parts), *caught])}"


def _caught(definition: Mapping) -> dict[str, tuple[str, list[str]]]:
    """State that takes failures -> (which: "on failure", or the errors' names; the states that they come from)."""
    rules: dict[str, list[tuple[str, Sequence[str]]]] = {}
    for name in order(definition):
        for rule in definition["States"][name].get("Catch", ()):
            rules.setdefault(rule["Next"], []).append((name, rule["ErrorEquals"]))
    found = {}
    for goal, pairs in rules.items():
        errors = {error for _, names in pairs for error in names}
        words = "on failure" if "States.ALL" in errors else f"on {', '.join(sorted(errors))}"
        found[goal] = words, list(dict.fromkeys(name for name, _ in pairs))
    return found


def _ways(definition: Mapping, rows: Mapping[str, int]) -> str:
    pairs = [(rows[name], rows[goal]) for name in rows for goal in goals(definition["States"][name])]
    back = sorted((pair for pair in pairs if pair[1] <= pair[0]), key=lambda pair: pair[0] - pair[1])
    over = sorted((pair for pair in pairs if pair[1] > pair[0] + 1), key=lambda pair: pair[1] - pair[0])
    straight = "".join(_line(f"M{LEFT + BOX / 2} {_y(a) + HIGH}V{_y(b) - 1}") for a, b in pairs if b == a + 1)
    lines = [*_beside(back, LEFT, -1), *_beside(over, LEFT + BOX, 1)]
    return straight + "".join(lines) + _failures(definition, rows, LEFT + BOX + STEP * (len(over) + 2))


def _beside(pairs: Sequence[tuple[int, int]], side: float, sign: int) -> Iterator[str]:
    """Lines left (sign -1) or right (1) of the boxes, the longest outermost."""
    for index, (a, b) in enumerate(pairs, 1):
        x = side + sign * min(STEP * index, LEFT - 20 if sign < 0 else WIDTH)
        yield _line(f"M{side} {_y(a) + HIGH * 0.7:.0f}H{x}V{_y(b) + HIGH * 0.4:.0f}H{side + sign}")


def _failures(definition: Mapping, rows: Mapping[str, int], x: float) -> str:
    """A dashed rail for each state that takes failures: every state with a Catch to it leads into its rail."""
    caught, side, parts = _caught(definition), LEFT + BOX, []
    for index, (goal, (words, sources)) in enumerate(caught.items()):
        here, end = x + STEP * index, _y(rows[goal]) + HIGH * 0.6
        middles = [_y(rows[name]) + HIGH * (0.8 if name in caught else 0.5) for name in sources]
        stubs = "".join(f"M{side} {y:.0f}H{here}" for y in middles)
        rail = f"M{here} {min(*middles, end):.0f}V{max(*middles, end):.0f}"
        parts.append(f"<path d='{stubs}{rail}' fill='none' stroke='{FAILURE}' stroke-dasharray='4 4'/>")
        parts.append(_line(f"M{here} {end:.0f}H{side + 1}").replace(SOFT, FAILURE))
        label = f"x='{here + 6}' y='{min(middles) + HIGH / 2:.0f}' {FONT} font-size='12' fill='{FAILURE}'"
        parts.append(f"<text {label}>{escape(words)}</text>")
    return "".join(parts)


def _box(name: str, state: Mapping, row: int, colour: str | None) -> str:
    y, kind = _y(row), state["Type"]
    small = f"{FONT} font-size='12' fill='{INK}' text-anchor='end'"
    return (
        f"<rect x='{LEFT}' y='{y}' width='{BOX}' height='{HIGH}' rx='7' fill='{KINDS.get(kind, '#eef1f5')}' "
        f"stroke='{colour or SOFT}' stroke-width='{3 if colour else 1}'/>"
        f"<text x='{LEFT + 10}' y='{y + 21}' {FONT} font-size='14' fill='{INK}'>{escape(name)}</text>"
        f"<text x='{LEFT + BOX - 10}' y='{y + 21}' {small}>{escape(kind)}</text>"
    )


def _line(path: str) -> str:
    return f"<path d='{path}' fill='none' stroke='{SOFT}' stroke-width='1.4' marker-end='url(#to)'/>"


def _y(row: int) -> float:
    return TOP + ROW * row

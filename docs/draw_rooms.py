"""Draws docs/images/rooms.svg: the rooms of `faceblur`, floor by floor, from the borders in tests/test_borders.py.

    python docs/draw_rooms.py

That test holds the borders equal to the imports, so this is the picture of the imports. What is reached through
another room has no arrow of its own.
"""

import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from test_borders import BASE, MAY  # noqa: E402

TARGET = ROOT / "docs" / "images" / "rooms.svg"
WIDTH, HIGH, WIDE, GAP = 1120, 30, 118, 46  # of the picture; of a room; between floors


def rooms() -> dict[str, set[str]]:
    """Room -> the rooms it imports; what `video` and `workshop` are made of counts as one."""
    whole: dict[str, set[str]] = {}
    for room, others in MAY.items():
        here = room.split(".")[0]
        whole.setdefault(here, set()).update({other.split(".")[0] for other in others} - {here})
    return {room: others - {"", "__main__"} for room, others in whole.items() if room not in ("", "__main__")}


def floors(arrows: dict[str, set[str]]) -> dict[str, int]:
    """Room -> 0 for one that imports nothing, else one above the highest that it imports."""
    found: dict[str, int] = {}
    while len(found) < len(arrows):
        for room, others in arrows.items():
            if room not in found and others <= found.keys():
                found[room] = max((found[other] + 1 for other in others), default=0)
    return found


def direct(arrows: dict[str, set[str]]) -> set[tuple[str, str]]:
    """The arrows without those that a longer way replaces."""

    def reached(room):
        return set().union(*({other} | reached(other) for other in arrows[room]))

    return {(a, b) for a, others in arrows.items() for b in others if not any(b in reached(c) for c in others - {b})}


def svg() -> str:
    arrows = rooms()
    floor = floors(arrows)
    top = max(floor.values())
    places = {}
    for level in range(top + 1):
        row = sorted(room for room in floor if floor[room] == level)
        for number, room in enumerate(row):
            places[room] = (WIDTH * (number + 1) / (len(row) + 1), 24 + (top - level) * (HIGH + GAP))
    lines = []
    for (x, y), (to_x, to_y) in ((places[a], places[b]) for a, b in sorted(direct(arrows))):
        way = f"M{x:.0f} {y + HIGH / 2:.0f} L{to_x:.0f} {to_y - HIGH / 2:.0f}"
        lines.append(f'<path d="{way}" stroke="#8a94a3" fill="none" marker-end="url(#tip)"/>')
    boxes = [
        f'<rect x="{x - WIDE / 2:.0f}" y="{y - HIGH / 2:.0f}" width="{WIDE}" height="{HIGH}" rx="6" '
        f'fill="{"#f2f4f7" if room in BASE else "#dbe9ff"}" stroke="#52606d"/>'
        f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle">{escape(room)}</text>'
        for room, (x, y) in sorted(places.items())
    ]
    height = 48 + top * (HIGH + GAP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
            'font-size="14" role="img" aria-label="The rooms of faceblur and what each imports">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z" fill="#8a94a3"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *lines,
            *boxes,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(svg(), encoding="utf-8")
    found = rooms()
    print(f"{len(found)} rooms on {max(floors(found).values()) + 1} floors, {len(direct(found))} arrows: {TARGET}")

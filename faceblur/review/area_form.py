"""The rectangle of a review in a notebook: numbers for the keyboard, drawing on the frame for the mouse.

ipywidgets hears no mouse. A script in an Output widget turns a drag on the frame into the same numbers a person could
type; where a reader of notebooks does not run it, the numbers remain. Needs ipywidgets.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable

import ipywidgets

from ..assets import asset
from ..plan.area import Area
from ..showing.preview import LabelledBox
from ..timecode import clock

SIDES = {"left": 40.0, "top": 40.0, "width": 20.0, "height": 20.0}  # in % of the picture


class AreaForm:
    """Place and time of one rectangle, and a button that covers it; `widget` holds them all.

    now: the time in ms of the frame on screen. changed: called when the rectangle has moved. cover: called with left,
    top, width, height (ratios), start_ms and end_ms; math.inf is the video's end.
    """

    def __init__(
        self, duration_ms: float, now: Callable[[], float], changed: Callable[[], None], cover: Callable[..., None]
    ):
        self._now, self._changed, self._cover = now, changed, cover
        self._is_drawn = False
        self.sides = {
            side: _field(f"{side.capitalize()} %", value, -100.0 if side in ("left", "top") else 0.0, 200.0)
            for side, value in SIDES.items()
        }
        for field in self.sides.values():
            field.observe(self._moved, "value")
        end_s = math.ceil(duration_ms / 10) / 100
        self.start, self.end = _field("From s", 0.0, 0.0, end_s), _field("To s", end_s, 0.0, end_s)
        self.from_here = button("From here", lambda: self._here(self.start), tooltip="from the frame on screen")
        self.to_here = button("To here", lambda: self._here(self.end), tooltip="until the frame on screen")
        self.cover = button("Cover this", self._press, tooltip="draw a rectangle on the frame first, or type its place")
        self.cover.disabled = True
        self._mouse = ipywidgets.Output()
        place = ipywidgets.HBox(list(self.sides.values()), layout={"flex_flow": "row wrap"})
        times = [self.start, self.from_here, self.end, self.to_here, self.cover]
        self.widget = ipywidgets.VBox([place, ipywidgets.HBox(times, layout={"flex_flow": "row wrap"}), self._mouse])

    @property
    def drawn(self) -> LabelledBox | None:
        """The rectangle that was moved and is not covered yet, to be shown on the frame."""
        ratios = self._ratios()
        if not self._is_drawn or not ratios["width"] or not ratios["height"]:
            return None
        return LabelledBox(**ratios, label="press Cover this", number=-1)

    def covered(self) -> None:
        """It is one of the plan's areas now."""
        self._is_drawn, self.cover.disabled = False, True

    def hear_mouse(self, root: ipywidgets.DOMWidget, frame: ipywidgets.Image) -> None:
        """Let a drag on `frame` move the rectangle; both belong to `root`, of which a page may show several."""
        name = f"fb-draw-{secrets.token_hex(4)}"
        root.add_class(name)
        frame.add_class(f"{name}-frame")
        self.widget.children[0].add_class(f"{name}-sides")
        self._mouse.outputs = (
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"text/plain": "", "text/html": asset("review_draw.html").replace("DRAW_ID", name)},
            },
        )

    def _ratios(self) -> dict[str, float]:
        return {side: field.value / 100 for side, field in self.sides.items()}

    def _moved(self, _: object) -> None:
        self._is_drawn, self.cover.disabled = True, False
        self._changed()

    def _here(self, field: ipywidgets.BoundedFloatText) -> None:
        field.value = self._now() / 1000

    def _press(self) -> None:
        end_ms = math.inf if self.end.value >= self.end.max else 1000 * self.end.value
        self._cover(**self._ratios(), start_ms=1000 * self.start.value, end_ms=end_ms)


def area_row(area: Area, remove: Callable[[], None]) -> ipywidgets.HBox:
    """An area of the plan in words, and a button that takes it out."""
    place = ", ".join(f"{100 * n:.1f} %" for n in (area.left, area.top, area.width, area.height))
    end = "the end" if math.isinf(area.end_ms) else clock(area.end_ms)
    words = ipywidgets.Label(f"covered: {place}; from {clock(area.start_ms)} to {end}")
    return ipywidgets.HBox([words, button("Remove", remove)])


def button(words: str, work: Callable[[], object], style: str = "", tooltip: str = "") -> ipywidgets.Button:
    """A button that does this work."""
    made = ipywidgets.Button(description=words, button_style=style, tooltip=tooltip or None)
    made.on_click(lambda _: work())
    return made


def _field(words: str, value: float, low: float, high: float) -> ipywidgets.BoundedFloatText:
    return ipywidgets.BoundedFloatText(
        value=value,
        min=low,
        max=high,
        step=0.1,
        description=words,
        style={"description_width": "64px"},
        layout={"width": "150px"},
    )

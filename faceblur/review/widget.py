"""A `Review` in a notebook: ipywidgets where they run, a picture of the same everywhere else.

Needs ipywidgets. Every control is a native one of the browser, so all of it works with the keyboard.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from html import escape
from pathlib import Path

import cv2
import ipywidgets
import numpy as np

from ..errors import FaceblurError, OutputError
from ..files import write_text
from ..plan.area import Area
from ..plan.style import NAMES
from ..plan.track import Track
from ..showing.canvas import encode
from ..showing.many import longest
from ..showing.preview import LabelledBox, draw_boxes
from ..showing.widgets import publish
from ..timecode import clock
from .area_form import AreaForm, area_row, button
from .session import Review, changed_style

FRAME_WIDTH, FRAME_HEIGHT = 720, 520  # at most, in pixels
PEOPLE = 12  # shown at first, and added each time that more are asked for
_MOST_LOST, _MOST_NAMES = 3, 24  # buttons of a person, numbers in a line
_MOST_STILLS = 8  # faces in the picture for those who see no widgets
_GAP = 8


def show_review(review: Review, plan_path: str | Path, output: str | Path | None = None) -> ReviewView:
    """Show who is in the plan, a frame as it will be, and what can be chosen; returns the view.

    plan_path: where "Save the plan" writes. output: the video that "Blur again" writes, with its report as
    JSON beside it; without it there is no such button.
    """
    view = ReviewView(review, plan_path, output)
    publish(view.widget, _html(view), _still(view))
    return view


class ReviewView:
    """The controls of a review and what they do; `widget` holds them all."""

    def __init__(self, review: Review, plan_path: str | Path, output: str | Path | None):
        self.review, self.plan_path = review, Path(plan_path)
        self.output = None if output is None else Path(output)
        self.people: dict[int, ipywidgets.VBox] = {}
        self._row = ipywidgets.HBox(layout={"flex_flow": "row wrap"})
        self.more = button("", lambda: self._try(self._add_people))
        self.more.layout.width = "auto"
        self._add_people()
        wide, high = review.size
        self.frame_width = round(min(FRAME_WIDTH, FRAME_HEIGHT * wide / high))
        shown = {"width": f"{self.frame_width}px", "max_width": "100%"}
        self.frame = ipywidgets.Image(format="jpeg", layout=shown)
        self.time = self._slider()
        self.area = AreaForm(review.duration_ms, self._shown_ms, self._draw, self._cover)
        self.areas = ipywidgets.VBox(layout={"max_height": "200px", "overflow": "auto"})
        self.style = ipywidgets.Dropdown(options=NAMES, value=review.plan.style.name, description="Style")
        self.style.observe(self._restyle, "value")
        self.save_button = button("Save the plan", lambda: self._try(self.save), "primary")
        self.blur_button = button("Blur again", lambda: self._try(self.blur_again))
        self.progress = ipywidgets.FloatProgress(min=0, max=1, layout={"visibility": "hidden"})
        self.status = ipywidgets.HTML()
        self.widget = self._laid_out()
        self.area.hear_mouse(self.widget, self.frame)
        self._show()

    def save(self) -> None:
        """Write the plan as it stands. Raises OutputError."""
        self.review.save(self.plan_path)
        self._say(f"{self.plan_path.name}: saved; {self._kept()}")

    def blur_again(self) -> dict:
        """Save the plan, render it, check the result; returns the report. Raises FaceblurError."""
        if self.output is None:
            raise OutputError("this review has no video to write: give show_review an output")
        self.save()
        self.progress.layout.visibility = "visible"
        try:
            report = self.review.blur(self.output, self._progressed)
        finally:
            self.progress.layout.visibility = "hidden"
        write_text(self.output.with_suffix(".json"), json.dumps(report, indent=1) + "\n")
        self._say(f"{self.output.name}: blurred with your plan and checked; {self._kept()}")
        return report

    def _add_people(self) -> None:
        """Those who are there longest of who is not shown yet: a film may have a thousand, each with a picture."""
        left = [track for track in self.review.plan.tracks if track.id not in self.people]
        shown, left = longest(left, lambda track: track.end_ms - track.start_ms, PEOPLE)
        self.people |= {track.id: self._person(track) for track in shown}
        self._row.children = [self.people[track] for track in sorted(self.people)]
        self.more.description = f"Show {min(PEOPLE, len(left))} more of {len(left)} who are seen for less time"
        self.more.layout.display = "" if left else "none"

    def _person(self, track: Track) -> ipywidgets.VBox:
        tick = ipywidgets.Checkbox(
            value=track.is_visible,
            indent=False,
            description=f"{track.id} stays visible",
            layout={"width": "auto"},
        )
        tick.observe(lambda change: self._do(lambda: self.review.set_visible(track.id, change["new"])), "value")
        picture = ipywidgets.Image(
            value=encode(self.review.thumbnail(track.id), ".jpg"), format="jpeg", layout={"width": "120px"}
        )
        seen_ms = self.review.seen_ms(track.id)
        looks = [button(f"Look at {clock(seen_ms)}", lambda: self._go(seen_ms))]
        looks += self._where_lost(track)
        for each in looks:
            each.layout.width = "120px"
        layout = {"margin": "0 10px 8px 0", "width": "124px"}
        return ipywidgets.VBox([picture, *looks, tick], layout=layout)

    def _where_lost(self, track: Track) -> list[ipywidgets.Widget]:
        """A button for each of the first gaps, and one that shows the others in its place."""
        lost = [self._lost(start_ms) for start_ms, _ in track.review[:_MOST_LOST]]
        others = track.review[_MOST_LOST:]
        if not others:
            return lost
        box = ipywidgets.VBox(layout={"max_height": "200px", "overflow": "auto"})

        def show_others() -> None:
            box.children = [self._lost(start_ms) for start_ms, _ in others]

        more = button(f"Lost {len(others)} times more", show_others, "warning")
        more.layout.width = "auto"
        box.children = [more]
        return [*lost, box]

    def _lost(self, start_ms: float) -> ipywidgets.Button:
        words = "the face was lost for longer than it is covered for"
        look = button(f"Lost at {clock(start_ms)}", lambda: self._go(start_ms), "warning", words)
        look.layout.width = "auto"
        return look

    def _slider(self) -> ipywidgets.IntSlider:
        first = next(iter(self.people), None)
        last_s = max(0.0, self.review.duration_ms - self.review.frame_ms) / 1000
        slider = ipywidgets.FloatSlider(
            value=min(last_s, self.review.seen_ms(first) / 1000 if first is not None else 0.0),
            min=0.0,
            max=last_s,
            step=self.review.frame_ms / 1000,
            description="Time s",
            continuous_update=False,
            readout_format=".2f",
            layout={"width": "100%", "max_width": f"{FRAME_WIDTH}px"},
        )
        slider.observe(lambda _: self._do(lambda: None), "value")
        return slider

    def _laid_out(self) -> ipywidgets.VBox:
        box, row = ipywidgets.VBox, ipywidgets.HBox
        wrapped = {"flex_flow": "row wrap"}
        buttons = [self.style, self.save_button] + ([self.blur_button] if self.output else [])
        return box(
            [
                self._row,
                self.more,
                self.frame,
                self.time,
                self.area.widget,
                self.areas,
                row([*buttons, self.progress], layout=wrapped),
                self.status,
            ]
        )

    def _go(self, time_ms: float) -> None:
        self.time.value = time_ms / 1000

    def _shown_ms(self) -> float:
        return self.review.marks(1000 * self.time.value)[0]

    def _cover(self, **place_and_time: float) -> None:
        def add() -> None:
            self.review.add_area(**place_and_time)
            self.area.covered()

        self._do(add)

    def _restyle(self, change: dict) -> None:
        wish = {"name": change["new"]}
        self._do(lambda: self.review.with_style(changed_style(self.review.plan.style, wish)))

    def _do(self, choice: Callable[[], object]) -> None:
        """Make a choice and show the frame with it."""

        def do() -> None:
            choice()
            self._show()

        self._try(do)

    def _try(self, work: Callable[[], object]) -> None:
        """What is refused or fails is said: nobody sees an error that a button's callback raises."""
        try:
            work()
        except FaceblurError as problem:
            self._say(str(problem), is_problem=True)

    def _show(self) -> None:
        self._picture = self.picture(self.frame_width)
        self._draw()
        self.areas.children = [self._area_row(index, area) for index, area in enumerate(self.review.plan.areas)]
        self._say(f"{'nothing changed' if self.review.is_saved else 'not saved yet'}; {self._kept()}")

    def _draw(self) -> None:
        """The frame, with the rectangle that is being drawn on it."""
        drawn = self.area.drawn
        self.frame.value = encode(draw_boxes(self._picture, [drawn]) if drawn else self._picture, ".jpg")

    def _area_row(self, index: int, area: Area) -> ipywidgets.HBox:
        return area_row(area, lambda: self._do(lambda: self.review.remove_area(index)))

    def picture(self, width: int) -> np.ndarray:
        """The frame at the slider, BGR, as it will be, with outlines of what is covered and who is not."""
        time_ms = 1000 * self.time.value
        _, covered, visible = self.review.marks(time_ms)
        boxes = [LabelledBox(*box, str(track) if track >= 0 else "area", track) for track, box in covered]
        boxes += [LabelledBox(*box, f"{track} stays visible", track) for track, box in visible]
        return draw_boxes(self.review.frame(time_ms, width), boxes)

    def _kept(self) -> str:
        kept = self.review.kept_visible
        words = ", ".join(map(str, kept[:_MOST_NAMES])) or "nobody"
        more = f" and {len(kept) - _MOST_NAMES} more" if len(kept) > _MOST_NAMES else ""
        return f"stays visible on purpose: {words}{more}"

    def _progressed(self, done: int, total: int) -> None:
        share = done / max(total, 1)
        if share - self.progress.value >= 0.01 or share < self.progress.value or done == total:
            self.progress.value = share

    def _say(self, words: str, is_problem: bool = False) -> None:
        colour = "#b3261e" if is_problem else "#566474"
        self.status.value = f"<span role='status' style='color:{colour}'>{escape(words)}</span>"


def _still(view: ReviewView) -> np.ndarray:
    """The frame over the first few faces, BGR."""
    picture = view.picture(view.frame_width)
    faces = [view.review.thumbnail(track) for track in list(view.people)[:_MOST_STILLS]]
    if not faces:
        return picture
    side = (picture.shape[1] - _GAP * (_MOST_STILLS - 1)) // _MOST_STILLS
    row = np.full((side + _GAP, picture.shape[1], 3), 255, np.uint8)
    for number, face in enumerate(faces):
        left = number * (side + _GAP)
        row[_GAP:, left : left + side] = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return np.vstack([picture, row])


def _html(view: ReviewView) -> str:
    """For pages without a kernel: the picture, and where it can be chosen."""
    data = base64.b64encode(encode(_still(view), ".jpg")).decode()
    words = "Here you see a picture only. Open this notebook in JupyterLab and run this cell to choose."
    return (
        f"<img alt='a frame as it is blurred, and who was found' src='data:image/jpeg;base64,{data}' "
        f"style='max-width:100%'><p style='color:#566474'>{words}</p>"
    )

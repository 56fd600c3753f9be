"""Interactive views for notebooks, each shown as one MIME bundle so that something is seen everywhere.

A live, trusted notebook shows the ipywidgets view; static HTML the same in plain HTML and JavaScript; an untrusted
notebook or GitHub the picture. Needs ipywidgets.
"""

from __future__ import annotations

import base64
import io
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .. import video
from ..assets import asset
from ..detections import Face
from ..timecode import clock
from .canvas import SMALL_QUALITY, encode
from .player import player
from .preview import LabelledBox, Moment, choose, draw_boxes, grid, moments_of, read_frames

if TYPE_CHECKING:
    import ipywidgets

    from .figures import Figure
    from .preview import Found

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class _Film:
    """The slider's frames: BGR pictures without boxes, what lies on them, and what stands beside them."""

    moments: Sequence[Moment]
    pictures: Sequence[np.ndarray]
    afters: Sequence[np.ndarray]  # of the blurred video; empty without one

    @property
    def has_scores(self) -> bool:
        return any(box.score is not None for moment in self.moments for box in moment.boxes)

    def frame(self, index: int, percent: int = 0) -> tuple[np.ndarray, str]:
        """The picture with its boxes of at least this score, and the words below it."""
        moment = self.moments[index]
        boxes = tuple(box for box in moment.boxes if box.score is None or 100 * box.score >= percent)
        picture = draw_boxes(self.pictures[index], boxes)
        if self.afters:
            picture = _beside(picture, self.afters[index])
        labels = ", ".join(box.label for box in boxes)
        nothing = f"no face of {percent}% or more" if moment.boxes else "no face"
        return picture, f"{clock(moment.time_ms)} &nbsp; {labels or nothing}"


def frame_slider(
    source: str | Path, found: Found, blurred: str | Path | None = None, frames: int = 36, width: int = 560
) -> None:
    """Show a slider over frames with their boxes and scores, with a Play button.

    found: Detections, Plan or report dict. blurred: the same frames of this video stand beside. The frames
    are JPEG pictures in the output itself, so that moving the slider needs no kernel. Detections come with
    a second slider that hides the boxes below a score; there the kernel draws anew.
    """
    info = video.probe(source)
    known = [moment for moment in moments_of(found) if moment.time_ms <= info.duration_ms]
    moments = _spread(known, frames) or choose((), 6, info.duration_ms)
    times = [moment.time_ms for moment in moments]
    width = min(width, info.width) if info.width >= info.height else min(width // 2, info.width)
    afters = read_frames(blurred, times, width) if blurred is not None else ()
    film = _Film(moments, read_frames(source, times, width), afters)
    pictures, words = zip(*map(film.frame, range(len(moments))), strict=True)
    jpegs = [encode(picture, ".jpg", SMALL_QUALITY) for picture in pictures]
    still = grid(_spread(pictures, 6), 3 if blurred is None else 2, 8)
    widget = _slider_widget(jpegs, words)
    if film.has_scores:
        _add_threshold(widget, film)
    publish(widget, _slider_html(jpegs, words), still)


def threshold_slider(picture: np.ndarray, faces: Sequence[Face], words: str, step: int = 5) -> None:
    """Show a BGR picture with a slider over confidences: at each, the boxes of the faces that score as much or more.

    words: what the picture shows. The pictures are in the output itself; moving needs no kernel.
    """
    boxes = [LabelledBox(*face.box, f"face {face.score:.0%}", 0, face.score) for face in faces]
    lowest = min((int(100 * face.score) // step * step for face in faces), default=0)
    levels = range(lowest, 100 + step, step)
    kept = [[box for box in boxes if box.score is not None and 100 * box.score >= level] for level in levels]
    pictures = [draw_boxes(picture, some) for some in kept]
    lines = [
        f"faces of {level}% or more: {len(some)} of {len(boxes)}" for level, some in zip(levels, kept, strict=True)
    ]
    jpegs = [encode(each, ".jpg", SMALL_QUALITY) for each in pictures]
    publish(_slider_widget(jpegs, lines), _slider_html(jpegs, lines, words), pictures[0])


def show_player(before: str | Path, after: str | Path, still: np.ndarray) -> None:
    """Show the before/after player; where scripts do not run, the BGR picture `still`."""
    publish(None, player(before, after), still)


def show_picture(picture: np.ndarray, words: str, width: int | None = None) -> None:
    """Show a BGR picture, `width` pixels wide; `words` say what it shows where pictures are not seen."""
    _show_png(encode(picture, ".png"), words, {"width": width} if width else {})


def show_figure(figure: Figure, words: str) -> None:
    """Show a matplotlib Figure; `words` say what it shows where pictures are not seen."""
    png = io.BytesIO()
    figure.savefig(png, format="png")
    _show_png(png.getvalue(), words, {})


def _spread(items: Sequence, count: int) -> Sequence:
    """All items if there are few; else `count` at even steps: a film, not a choice of the fullest."""
    if len(items) <= count:
        return items
    return [items[round(index * (len(items) - 1) / (count - 1))] for index in range(count)]


def _beside(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    after = after if after.shape == before.shape else cv2.resize(after, before.shape[1::-1])
    return np.hstack([before, np.full((before.shape[0], 4, 3), 255, np.uint8), after])


def _slider_widget(jpegs: Sequence[bytes], words: Sequence[str]) -> ipywidgets.VBox:
    """Play -> slider -> Stack, linked in the browser: works without a kernel where widget state is kept."""
    import ipywidgets

    last = len(jpegs) - 1
    play = ipywidgets.Play(min=0, max=last, interval=250)
    slider = ipywidgets.IntSlider(min=0, max=last, readout=False, layout={"width": "360px"})
    cards = [
        ipywidgets.VBox([ipywidgets.Image(value=jpeg, format="jpeg"), ipywidgets.HTML(text)])
        for jpeg, text in zip(jpegs, words, strict=True)
    ]
    stack = ipywidgets.Stack(cards, selected_index=0)
    ipywidgets.jslink((play, "value"), (slider, "value"))
    ipywidgets.jslink((slider, "value"), (stack, "selected_index"))
    return ipywidgets.VBox([stack, ipywidgets.HBox([play, slider])])


def _add_threshold(widget: ipywidgets.VBox, film: _Film) -> None:
    """A slider that hides boxes below a score, beside the slider over the frames."""
    import ipywidgets

    stack, bar = widget.children
    threshold = ipywidgets.IntSlider(
        min=0,
        max=100,
        step=5,
        description="hide below %",
        continuous_update=False,
        style={"description_width": "initial"},
    )

    def draw(change: dict) -> None:
        order = sorted(range(len(stack.children)), key=lambda index: abs(index - stack.selected_index))
        for index in order:  # the frame that is seen comes first
            picture, words = film.frame(index, change["new"])
            shown, below = stack.children[index].children
            if below.value != words:
                shown.value, below.value = encode(picture, ".jpg", SMALL_QUALITY), words

    threshold.observe(draw, "value")
    bar.children = (*bar.children, threshold)


def _slider_html(jpegs: Sequence[bytes], words: Sequence[str], shown: str = "a frame of the video") -> str:
    """The same slider in plain HTML and JavaScript."""
    identity = f"fb-slider-{secrets.token_hex(4)}"
    pictures = "".join(
        f"<div class='fb-frame'{'' if index == 0 else ' hidden'}>"
        f"<img alt='{_attribute(f'{shown}: {text}')}' src='{_data_uri(jpeg)}'><p>{text}</p></div>"
        for index, (jpeg, text) in enumerate(zip(jpegs, words, strict=True))
    )
    return (
        f"<style>{asset('slider.css')}</style><div class='fb-slider' id='{identity}'>{pictures}"
        "<div class='fb-bar'><button type='button'>Play</button>"
        f"<input type='range' min='0' max='{len(jpegs) - 1}' value='0' aria-label='frame'></div></div>"
        f"<script>{asset('slider.js').replace('SLIDER_ID', identity)}</script>"
    )


def _attribute(html: str) -> str:
    """Words that were written as HTML, for an attribute."""
    return escape(unescape(html), quote=True)


def publish(widget: ipywidgets.VBox, html: str, picture: np.ndarray) -> None:
    """One display with a view for every kind of reader."""
    from IPython.display import display

    bundle: dict[str, object] = {
        "text/html": _live_html(html, picture),
        "image/png": base64.b64encode(encode(picture, ".png")).decode(),
        "text/plain": "an interactive view; this reader shows text only",
    }
    if widget is not None:
        bundle[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display(bundle, raw=True)


def _live_html(html: str, picture: np.ndarray) -> str:
    """The picture, and a script that puts `html` in its place.

    JupyterLab shows an untrusted notebook's HTML without scripts, styles and attributes such as `hidden`: of
    a slider all frames would remain, of a player its dead buttons.
    """
    identity = f"fb-view-{secrets.token_hex(4)}"
    still = _data_uri(encode(picture, ".jpg", SMALL_QUALITY))
    view = json.dumps(html).replace("</", "<\\/")
    script = asset("live.js").replace("ROOT_ID", identity).replace("VIEW", view)
    image = f"<img alt='a still picture of the view' src='{still}'>"
    return f"<div id='{identity}'>{image}</div><script>{script}</script>"


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _show_png(png: bytes, words: str, options: dict) -> None:
    from IPython.display import display

    data = {"image/png": base64.b64encode(png).decode(), "text/plain": words}
    display(data, raw=True, metadata={"image/png": {"alt": words, **options}})

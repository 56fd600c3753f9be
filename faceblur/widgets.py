"""Interactive views for notebooks, each shown as one MIME bundle so that something is seen everywhere.

A live, trusted notebook shows the ipywidgets view; static HTML the same in plain HTML and JavaScript; an
untrusted notebook or GitHub the picture. May import preview, player and detections. Needs ipywidgets.
"""

from __future__ import annotations

import base64
import io
import secrets
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from . import video
from .player import asset, player
from .preview import Shot, choose, clock, draw_boxes, grid, read_frames, shots_of

JPEG_QUALITY = 80
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def frame_slider(
    source: str | Path, found, blurred: str | Path | None = None, frames: int = 36, width: int = 560
) -> None:
    """Show a slider over frames with their boxes and confidence, with a Play button.

    found: Detections, Plan or report dict. blurred: the same frames of this video stand beside. The frames
    are JPEG pictures in the output itself, so that moving the slider needs no kernel.
    """
    info = video.probe(source)
    shots = [shot for shot in shots_of(found) if shot.time_ms <= info.duration_ms]
    shots = _spread(shots, frames) or choose((), 6, info.duration_ms)
    times = [shot.time_ms for shot in shots]
    width = min(width, info.width) if info.width >= info.height else min(width // 2, info.width)
    pictures = [
        draw_boxes(picture, shot.boxes)
        for picture, shot in zip(read_frames(source, times, width), shots, strict=True)
    ]
    if blurred is not None:
        afters = read_frames(blurred, times, width)
        pictures = [_beside(*pair) for pair in zip(pictures, afters, strict=True)]
    jpegs = [_encode(picture, ".jpg") for picture in pictures]
    words = [_words(shot) for shot in shots]
    still = grid(_spread(pictures, 6), 3 if blurred is None else 2, 8)
    _publish(_slider_widget(jpegs, words), _slider_html(jpegs, words), still)


def show_player(before: str | Path, after: str | Path, still: np.ndarray) -> None:
    """Show the before/after player; where scripts do not run, the BGR picture `still`."""
    _publish(None, player(before, after), still)


def show_picture(picture: np.ndarray, words: str, width: int | None = None) -> None:
    """Show a BGR picture, `width` pixels wide; `words` say what it shows where pictures are not seen."""
    _show_png(_encode(picture, ".png"), words, {"width": width} if width else {})


def show_figure(figure, words: str) -> None:
    """Show a matplotlib Figure; `words` say what it shows where pictures are not seen."""
    png = io.BytesIO()
    figure.savefig(png, format="png")
    _show_png(png.getvalue(), words, {})


def _spread(items: Sequence, count: int) -> Sequence:
    """All items if there are few; else `count` at even steps: a film, not a choice of the fullest."""
    if len(items) <= count:
        return items
    return [items[round(index * (len(items) - 1) / (count - 1))] for index in range(count)]


def _words(shot: Shot) -> str:
    labels = ", ".join(box.label for box in shot.boxes) or "no face"
    return f"{clock(shot.time_ms)} &nbsp; {labels}"


def _beside(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    after = after if after.shape == before.shape else cv2.resize(after, before.shape[1::-1])
    return np.hstack([before, np.full((before.shape[0], 4, 3), 255, np.uint8), after])


def _slider_widget(jpegs: Sequence[bytes], words: Sequence[str]):
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


def _slider_html(jpegs: Sequence[bytes], words: Sequence[str]) -> str:
    """The same slider in plain HTML: without scripts its first frame remains."""
    identity = f"fb-slider-{secrets.token_hex(4)}"
    pictures = "".join(
        f"<div class='fb-frame'{'' if index == 0 else ' hidden'}>"
        f"<img alt='frame' src='data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}'><p>{text}</p></div>"
        for index, (jpeg, text) in enumerate(zip(jpegs, words, strict=True))
    )
    return (
        f"<style>{asset('slider.css')}</style><div class='fb-slider' id='{identity}'>{pictures}"
        "<div class='fb-bar'><button type='button'>Play</button>"
        f"<input type='range' min='0' max='{len(jpegs) - 1}' value='0' aria-label='frame'></div></div>"
        f"<script>{asset('slider.js').replace('SLIDER_ID', identity)}</script>"
    )


def _publish(widget, html: str, picture: np.ndarray) -> None:
    """One display with a view for every kind of reader."""
    from IPython.display import display

    bundle = {
        "text/html": html,
        "image/png": base64.b64encode(_encode(picture, ".png")).decode(),
        "text/plain": "an interactive view; this reader shows text only",
    }
    if widget is not None:
        bundle[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display(bundle, raw=True)


def _show_png(png: bytes, words: str, options: dict) -> None:
    from IPython.display import display

    data = {"image/png": base64.b64encode(png).decode(), "text/plain": words}
    display(data, raw=True, metadata={"image/png": {"alt": words, **options}})


def _encode(picture: np.ndarray, suffix: str) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    return cv2.imencode(suffix, picture, options)[1].tobytes()

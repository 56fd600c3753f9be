"""A before/after player as HTML: two videos played as one, side by side or one over the other.

The videos stand in the HTML as data: URIs (a notebook is one file) or beside it as relative links (a page has
a folder). Nothing is fetched from anywhere.
"""

from __future__ import annotations

import base64
import mimetypes
import secrets
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from .. import video
from ..assets import asset
from .canvas import SMALL_QUALITY, encode
from .preview import read_frames

POSTER_WIDTH = 480
EMBED_LIMIT = 24 * 1024 * 1024  # bytes of video in one notebook; base64 adds a third, and Jupyter saves it


def data_uri(path: Path) -> str:
    """A file as an address that holds all of it."""
    kind = mimetypes.guess_type(path.name)[0] or "video/mp4"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def player_html(
    before: str, after: str, *, is_upright: bool = False, note: str = "", posters: Sequence[str] = ("", "")
) -> str:
    """The player for two video addresses (relative links or data: URIs). posters: of the pictures shown before."""
    identity = f"fb-player-{secrets.token_hex(4)}"  # notebooks open side by side share one page
    figures = "".join(
        f"<figure><video preload='auto' playsinline {muted} aria-label='the video {words}' poster='{poster}' "
        f"src='{escape(address, quote=True)}'></video>"
        f"<figcaption>{words}</figcaption></figure>"
        for address, words, muted, poster in (
            (before, "before", "muted", posters[0]),
            (after, "after", "", posters[1]),
        )
    )
    return (
        f"<style>{asset('player.css')}</style>"
        f"<div class='fb-player{' fb-upright' if is_upright else ''}' id='{identity}'>"
        f"<div class='fb-pair'>{figures}</div>"
        "<input class='fb-cut' type='range' min='0' max='100' value='50' aria-label='where after begins'>"
        "<div class='fb-bar'><button class='fb-play' type='button'>Play</button>"
        "<input class='fb-seek' type='range' min='0' max='1000' value='0' aria-label='position'>"
        "<output>0:00.0</output><button class='fb-mode' type='button'>One over the other</button></div>"
        f"<p class='fb-note'{'' if note else ' hidden'}>{escape(note)}</p></div>"
        f"<script>{asset('player.js').replace('PLAYER_ID', identity)}</script>"
    )


def player(before: str | Path, after: str | Path, base: str | Path | None = None) -> str:
    """The player for two video files.

    base: the folder of the page that will hold the HTML; the videos are linked relative to it. Without it
    they are embedded; two files over EMBED_LIMIT together are refused with a sentence instead of a player.
    """
    before, after = Path(before), Path(after)
    is_upright = _is_upright(after)
    if base is not None:
        page = Path(base).resolve()
        links = [quote(path.resolve().relative_to(page).as_posix()) for path in (before, after)]
        return player_html(*links, is_upright=is_upright, posters=_posters(before, after))
    size = before.stat().st_size + after.stat().st_size
    if size > EMBED_LIMIT:
        return (
            f"<p>The two videos have {size / 1e6:.0f} MB together, too much for a notebook. Open them: "
            f"<code>{escape(str(before))}</code> and <code>{escape(str(after))}</code>.</p>"
        )
    return player_html(data_uri(before), data_uri(after), is_upright=is_upright, posters=_posters(before, after))


def _posters(*paths: Path) -> list[str]:
    """The first frame of each as a small JPEG: something is seen before a video has loaded, and where none plays."""
    frames = [read_frames(path, [0.0], min(POSTER_WIDTH, video.probe(path).width))[0] for path in paths]
    jpegs = [base64.b64encode(encode(frame, ".jpg", SMALL_QUALITY)).decode() for frame in frames]
    return [f"data:image/jpeg;base64,{jpeg}" for jpeg in jpegs]


def _is_upright(path: Path) -> bool:
    info = video.probe(path)
    return info.height > info.width

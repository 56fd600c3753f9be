"""A `Review` as a page in the browser, served to this machine only until someone is done with it.

The address holds a random token, requests from other pages and under other host names are refused, and the page
fetches nothing from elsewhere. The standard library serves it.
"""

from __future__ import annotations

import base64
import json
import math
import secrets
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..assets import asset
from ..errors import DocumentError, FaceblurError
from ..foreign import NUMBER, check_shape, parse_json
from ..plan.style import NAMES, SHAPES
from ..showing.canvas import encode
from .session import Review, changed_style

FRAME_WIDTH = 1280
_JPEG = (".jpg", 85)  # and its quality
_MOST_BYTES = 64 * 1024  # of a request
_MOST_DIGITS = 18  # of a number in an address or a header
_SIDES = ("left", "top", "width", "height")
_NEEDED = {"visible": {"track", "visible"}, "add": {*_SIDES, "start_ms"}, "remove": {"area"}}
_WISHES = {  # what a POST may say, and of which type
    "visible": {"track": int, "visible": bool},
    "add": dict.fromkeys((*_SIDES, "start_ms"), NUMBER) | {"end_ms": (*NUMBER, type(None))},
    "remove": {"area": int},
    "style": {"name": str, "shape": str, "strength": (*NUMBER, type(None))}
    | dict.fromkeys(("margin_ratio", "feather_ratio"), NUMBER),
}


class ReviewServer:
    """Serves the page from entering to leaving; `wait` returns when someone pressed Done."""

    def __init__(self, review: Review, out: str | Path):
        self.review, self.out = review, Path(out)
        self._token = secrets.token_urlsafe(16)
        self._is_ending, self._done = False, threading.Event()
        handler = type("Handler", (_Handler,), {"session": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.address = f"http://{self.host}/{self._token}/"

    def __enter__(self) -> ReviewServer:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self) -> None:
        """Until the person is done with the page, or Ctrl-C."""
        while not self._done.wait(0.5):  # in turns, so that Ctrl-C is heard everywhere
            pass

    def answered(self) -> None:
        """The server ends when the browser has been told so."""
        if self._is_ending:
            self._done.set()

    def route(self, path: str) -> str | None:
        """What of the page is asked for; None when it is not asked with the token."""
        token, _, rest = path.lstrip("/").partition("/")
        return rest if secrets.compare_digest(token.encode(), self._token.encode()) else None

    def read(self, what: str, query: dict[str, str]) -> tuple[str, bytes]:
        """(content type, content) of a GET. Raises FaceblurError and LookupError."""
        if what == "":
            return "text/html; charset=utf-8", _page().encode()
        if what == "state":
            return _json(self.state())
        if what == "frame":
            return _json(self._frame(_number(query.get("ms"))))
        kind, _, track = what.partition("/")
        if kind not in ("thumbnail", "seen") or not track.isdecimal() or len(track) > _MOST_DIGITS:
            raise LookupError(what)
        if kind == "seen":
            return _json({"time_ms": self.review.seen_ms(int(track))})
        return "image/jpeg", encode(self.review.thumbnail(int(track)), *_JPEG)

    def change(self, what: str, wish: dict) -> tuple[str, bytes]:
        """Do what a POST asks for and return the new state. Raises FaceblurError and LookupError."""
        review = self.review
        if what in _NEEDED and (missing := _NEEDED[what] - set(wish)):
            raise DocumentError(f"{', '.join(sorted(missing))} is missing")
        check_shape(wish, _WISHES.get(what, {}))
        if what == "visible":
            review.set_visible(wish["track"], wish["visible"])
        elif what == "add":
            end_ms = math.inf if wish.get("end_ms") is None else wish["end_ms"]
            review.add_area(**{side: wish[side] for side in _SIDES}, start_ms=wish["start_ms"], end_ms=end_ms)
        elif what == "remove":
            review.remove_area(wish["area"])
        elif what == "style":
            review.with_style(changed_style(review.plan.style, wish))
        elif what == "save":
            review.save(self.out)
        elif what == "done":
            self._is_ending = True
        else:
            raise LookupError(what)
        return _json(self.state())

    def state(self) -> dict:
        """All that the page shows but the pictures."""
        review = self.review
        tracks = [track.to_json() | {"boxes": None} for track in review.plan.tracks]
        return {
            "video": review.source.name,
            "out": self.out.name,
            "command": f"faceblur blur {review.source.name} blurred.mp4 --plan {self.out.name}",
            "duration_ms": review.duration_ms,
            "frame_ms": review.frame_ms,
            "size": review.size,
            "tracks": tracks,
            "areas": [area.to_json() for area in review.plan.areas],
            "style": review.plan.style.to_json(),
            "styles": NAMES,
            "shapes": SHAPES,
            "saved": review.is_saved,
            "is_written": review.saves > 0,
        }

    def _frame(self, time_ms: float) -> dict:
        time_ms = min(max(time_ms, 0.0), self.review.duration_ms)  # before and after, it is the first and last frame
        shown_ms, covered, visible = self.review.marks(time_ms)
        jpeg = encode(self.review.frame(time_ms, FRAME_WIDTH), *_JPEG)
        return {
            "time_ms": shown_ms,
            "jpeg": base64.b64encode(jpeg).decode(),
            "covered": [[track, *box] for track, box in covered],
            "visible": [[track, *box] for track, box in visible],
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A browser that hangs up is no news; anything else is one line."""
        problem = sys.exception()
        if not isinstance(problem, (ConnectionError, TimeoutError)):
            print(f"faceblur: the page's request failed: {problem!r}", file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    session: ReviewServer
    timeout = 30

    def do_GET(self) -> None:
        try:
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query, max_num_fields=20).items()}
        except ValueError:
            return self._send(HTTPStatus.BAD_REQUEST)
        return self._answer(address.path, lambda what: self.session.read(what, query))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > _MOST_DIGITS or int(length) > _MOST_BYTES:
            return self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        # Another site's page can post a form here, but not this type: the browser would have to ask us first.
        if self.headers.get("Content-Type") != "application/json":
            return self._send(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return self._answer(self.path, lambda what: self.session.change(what, _object(body)))

    def _answer(self, path: str, work: Callable[[str], tuple[str, bytes]]) -> None:
        what = self.session.route(path)
        if what is None or self.headers.get("Host") != self.session.host:
            return self._send(HTTPStatus.FORBIDDEN)
        try:
            answer: tuple[Any, ...] = (HTTPStatus.OK, *work(what))
        except LookupError:
            answer = (HTTPStatus.NOT_FOUND,)
        except FaceblurError as problem:
            answer = (HTTPStatus.BAD_REQUEST, *_json({"problem": str(problem)}))
        except (ArithmeticError, TypeError, ValueError) as problem:  # a value that nobody thought of
            answer = (HTTPStatus.BAD_REQUEST, *_json({"problem": f"this cannot be done: {problem}"}))
        self._send(*answer)
        return self.session.answered()

    def _send(self, status: HTTPStatus, kind: str = "text/plain", content: bytes | None = None) -> None:
        content = status.phrase.encode() if content is None else content
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
            "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
        )
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Silent: the terminal shows the address and what was saved."""


def _page() -> str:
    page = asset("review.html")
    return page.replace("/*STYLE*/", asset("review.css")).replace("/*SCRIPT*/", asset("review.js"))


def _json(content: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(content).encode()


def _object(body: bytes) -> dict:
    content = parse_json(body, "a request holds a JSON object")
    if not isinstance(content, dict):
        raise DocumentError("a request holds a JSON object")
    return content


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DocumentError(f"{value!r} is not a number")
    return number

"""Web pages and other names for this machine: what a browser says of where a request comes from.

A page of any site can send requests to 127.0.0.1; its browser names the page in Origin or Sec-Fetch-Site. A name of
the attacker's that leads to 127.0.0.1 (DNS rebinding) is seen in Host.
"""

from __future__ import annotations

from ministack import app
from ministack.services import s3

HOSTS = ("127.0.0.1", "localhost")
# 'none' is a person who typed the address or followed a link from outside the browser.
OWN_SITES = ("same-origin", "none")


def wrong_host(headers: dict[str, str], port: int) -> bool:
    return headers.get("host", "").lower() not in [f"{host}:{port}" for host in HOSTS]


def cors_headers(method: str, path: str, headers: dict[str, str]) -> dict[str, str]:
    """What the bucket's own CORS configuration answers to this page; nothing where it does not let it in."""
    target = app._s3_cors_target(headers.get("host", ""), path)
    if target is None or "origin" not in headers:
        return {}
    if method == "OPTIONS":
        status, answer, _ = s3.cors_preflight(*target, headers)
        return answer if status == 200 else {}
    return s3.cors_response_headers(target[0], method, headers)


def from_a_page(headers: dict[str, str]) -> bool:
    """Sent by a page of another site."""
    return "origin" in headers or headers.get("sec-fetch-site", OWN_SITES[0]) not in OWN_SITES


def may_be_shown(method: str, headers: dict[str, str], presigned: bool) -> bool:
    """A page may show a video or a picture by a presigned link, for whoever made the link gave it away."""
    return presigned and method in ("GET", "HEAD") and "origin" not in headers

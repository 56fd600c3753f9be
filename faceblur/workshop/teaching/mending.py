"""What is wrong with what was to be mended: one sentence for each way to be wrong, the empty string for a right one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

WIDE, HIGH = 640, 360
TOO_MUCH = 256 * 2**20  # bytes that the function of chapter 5 may have
Pixels = Callable[[Any, int, int], tuple[int, int, int, int]]


def pixels(answer: Pixels) -> str:
    inside = answer(_face(0.25, 0.25, 0.5, 0.5), WIDE, HIGH)
    if len(inside) != 4:
        return "four numbers are asked for: left, top, right, bottom"
    if not all(isinstance(side, int) for side in inside):
        return "there are no parts of pixels: whole numbers are asked for"
    if inside[1] == 160 or inside[3] in (320, 480):
        return "Top and Height are ratios of the picture's height; this takes its width"
    if inside[2:] == (320, 180):
        return "that are width and height; asked for are right and bottom, where the box ends"
    if inside != (160, 90, 480, 270):
        return f"half of a picture of {WIDE} x {HIGH} from its quarter on is (160, 90, 480, 270), this says {inside}"
    past = answer(_face(-0.125, 0.875, 0.25, 0.25), WIDE, HIGH)
    if min(past) < 0:
        return "a box may reach past the edge: a negative pixel counts from the other side, and the face is not covered"
    if past != (0, 315, 80, 360):
        return f"a box that reaches past the edge ends at it: (0, 315, 80, 360), this says {past}"
    odd = answer(_face(100.7 / WIDE, 50.7 / HIGH, 60.6 / WIDE, 40.6 / HIGH), WIDE, HIGH)
    return "" if odd == (100, 50, 162, 92) else "nearly: rounded like this the face looks out by a pixel at some sides"


def _face(left: float, top: float, width: float, height: float) -> SimpleNamespace:
    return SimpleNamespace(left=left, top=top, width=width, height=height)


def lifetime(answer: Mapping) -> str:
    if "Rules" in answer:
        return "one rule is asked for, without the list around it"
    fits = answer.get("Filter", {})
    prefix = fits.get("And", fits).get("Prefix", answer.get("Prefix", ""))
    days = answer.get("Expiration", {}).get("Days")
    if answer.get("Status") != "Enabled":
        return "a rule that is not Enabled does nothing"
    if prefix.startswith("/"):
        return "keys begin without a slash: this Prefix fits none, and S3 takes it without a word"
    if prefix == "":
        return "it fits every key: what does not lie under tmp/ is deleted, too"
    if prefix == "tmp":
        return "nearly: without its slash it also fits tmpl/invoice.html"
    if prefix != "tmp/":
        return f"drafts lie under tmp/, and this fits what begins with {prefix}"
    if days is None and "NoncurrentVersionExpiration" in answer:
        return "only versions that were replaced are noncurrent, and this bucket keeps none: nothing is ever deleted"
    if days != 1:
        return "a day is asked for: Expiration with Days 1"
    if answer.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation") != 1:
        return "nearly: what broke off is no object yet, stays and is paid for ever (AbortIncompleteMultipartUpload)"
    return ""


def command(answer: str | Sequence[str]) -> str:
    words = shlex.split(answer) if isinstance(answer, str) else list(answer)
    if words[:1] == ["!docker"]:
        return "the line itself is asked for, without the ! of a notebook"
    if words[:1] != ["docker"] or "build" not in words:
        return "a line that begins with docker buildx build is asked for"
    platform = _option(words, "--platform")
    if not platform:
        return "without --platform it is built for the processor of whoever builds: on many a Mac for ARM"
    if "," in platform:
        return "two platforms make an index of two images, and Lambda takes a single one"
    if platform not in ("linux/amd64", "linux/x86_64"):
        return f"the function is x86_64 and this image for {platform}: it is pushed, and never starts"
    if _option(words, "--provenance") != "false":
        return "nearly: a record of the build is attached, which makes an index of it (--provenance=false)"
    if _option(words, "--sbom") not in ("", "false") or _option(words, "--attest"):
        return "a list of what is inside is attached, too, and makes an index of it (--sbom=false)"
    return (
        ""
        if words[-1].rstrip("/") in (".", "container")
        else "the folder with the Dockerfile is missing: a . at the end"
    )


def _option(words: Sequence[str], name: str) -> str:
    """The value of the last `name=value` or `name value`; "" without one."""
    values = [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]
    values += [after for word, after in pairwise(words) if word == name]
    return values[-1] if values else ""


SIZES = {
    "uploads/a.mp4": 1000,
    "uploads/a.txt": 1000,
    "uploads/notes.mp4": 1000,
    "uploads/film": 1000,
    "uploads/long.mp4": 6 * 10**9,
    "uploads/ein Tag é.mp4": 1000,
}


TEXTS = ("uploads/a.txt", "uploads/notes.mp4")


class _NoSuchKeyError(Exception):
    """What S3 says of a key that it does not have."""


class _Store:
    """get_object as boto3's client has it, over a small video, a text, and six gigabytes of film."""

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:
        if Key not in SIZES:
            raise _NoSuchKeyError(Key)
        first, _, last = Range.removeprefix("bytes=").partition("-")
        end = min(int(last or SIZES[Key]), SIZES[Key] - 1) if Range else SIZES[Key] - 1
        begins = b"some text " if Key in TEXTS else b"\0\0\0\x20ftypisom"
        return {"Body": _Body(begins[int(first or 0) :], end + 1 - int(first or 0))}


class _Body:
    def __init__(self, begins: bytes, size: int):
        self.begins, self.size = begins, size

    def read(self, amt: int | None = None) -> bytes:
        count = self.size if amt is None else min(amt, self.size)
        if count > TOO_MUCH:
            raise MemoryError
        return self.begins[:count].ljust(count, b"\0")


def handler(answer: Callable[[Mapping, _Store], bool]) -> str:
    if not _asked(answer, "uploads/a.mp4") or _asked(answer, "uploads/a.txt"):
        return "True is asked for of a video, which has ftyp as its fifth to eighth byte, and False of anything else"
    if _asked(answer, "uploads/notes.mp4") or not _asked(answer, "uploads/film"):
        return "nearly: a name proves nothing, and a text may be called .mp4: look at the bytes alone"
    try:
        is_long_told = _asked(answer, "uploads/long.mp4")
    except MemoryError:
        return "it takes the whole object into its memory: one of 6 GB ends it; ask for its first bytes (Range)"
    try:
        is_odd_told = _asked(answer, "uploads/ein+Tag+%C3%A9.mp4")
    except _NoSuchKeyError as problem:
        if "%" in str(problem):
            return "nearly: S3 writes keys into events as in an address: this one has a blank and an é (unquote_plus)"
        return "nearly: unquote leaves a + as it is, which stands for a blank here (unquote_plus)"
    return "" if is_long_told and is_odd_told else "nearly: an error is caught and becomes a False: nobody hears of it"


def _asked(answer: Callable[[Mapping, _Store], bool], key: str) -> bool:
    place = {"bucket": {"name": "input"}, "object": {"key": key}}
    return answer({"Records": [{"s3": place}]}, _Store())


LEFT = {
    "anna-input": {"project": "faceblur", "workshop": "anna"},
    "anna-output": {"project": "faceblur", "workshop": "anna", "note": "mine"},
    "anna-holidays": {},
    "anna-lena-input": {"project": "faceblur", "workshop": "anna-lena"},
    "bert-input": {"project": "faceblur", "workshop": "bert"},
    "anna-thesis": {"project": "thesis", "workshop": "anna"},
}
"""bucket -> its tags, of chapter 10; the first two are those of the workshop with the prefix anna."""


def leftovers(answer: Callable[[Mapping[str, Mapping[str, str]], str], Collection[str]]) -> str:
    try:
        gone = set(answer(LEFT, "anna"))
    except KeyError as key:
        return f"nearly: anna-holidays has no tag {key}, and this ends there: look with .get"
    if "anna-holidays" in gone:
        return "anna-holidays has no tags: somebody's pictures are deleted because of a name"
    if "bert-input" in gone:
        return "bert's bucket is of this workshop, too, but not of this prefix (the tag workshop)"
    if "anna-thesis" in gone:
        return "anna-thesis carries another project's tag: both tags are needed"
    if "anna-lena-input" in gone:
        return "anna-lena is somebody else, whose prefix begins like this one: tags are compared as a whole"
    if missing := {"anna-input", "anna-output"} - gone:
        return f"{' and '.join(sorted(missing))} is left, and paid for; other tags may stand beside ours"
    return "" if len(gone) == 2 else "names of buckets are asked for, those to be deleted"

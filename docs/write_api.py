"""Writes docs/api.md from the docstrings of what `faceblur` offers.

    python docs/write_api.py

Every example in it runs in the tests, in a folder with a video of two people as in.mp4.
"""

import inspect
from pathlib import Path

import faceblur
from faceblur.audit import verify

TARGET = Path(__file__).with_name("api.md")
HEAD = """# The library

Made by `python docs/write_api.py` from the docstrings. Times are presentation times in ms, boxes are shares of the
picture as displayed. The examples run in a folder with a video of two people as `in.mp4`; they begin with
`import faceblur`, and what they name is imported from where the heading says.
"""


def documented() -> dict[str, object]:
    """Name with its place -> what is described under it."""
    names = {f"faceblur.{name}": getattr(faceblur, name) for name in faceblur.__all__ if name != "segments"}
    names["faceblur.Plan.showing"] = faceblur.Plan.showing
    names |= {f"faceblur.segments.{each}": getattr(faceblur.segments, each) for each in ("split", "join")}
    return names | {"faceblur.audit.verify": verify}


def text() -> str:
    parts = [HEAD]
    for name, thing in sorted(documented().items(), key=lambda item: item[0].lower()):
        is_error = isinstance(thing, type) and issubclass(thing, Exception)
        signature = "" if is_error else str(inspect.signature(thing)).replace("'", "")
        parts.append(f"## `{name}`\n\n```\n{name.rpartition('.')[2]}{signature}\n```\n\n{_described(thing)}\n")
    return "\n".join(parts)


def _described(thing) -> str:
    """The docstring, its examples as code."""
    blocks = (inspect.getdoc(thing) or "").split("\n\n")
    return "\n\n".join(f"```python\n{block}\n```" if block.startswith(">>>") else block for block in blocks)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")

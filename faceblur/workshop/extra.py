"""What the workshop needs beside the library: without it one line says what to do, in place of a traceback.

The package imports this module first, for all others need boto3.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec


def hint(name: str) -> str:
    """What to do about a package that is missing."""
    return (
        f"{name} is not installed: the workshop runs from the checkout or the unpacked sdist, where "
        "python3 kit.py demo brings all that it needs (or pip install '.[workshop,local]')"
    )


if find_spec("boto3") is None:
    if sys.argv[:1] == ["-m"]:  # so it is while Python looks for what -m names, and only then
        sys.exit(f"faceblur: {hint('boto3')}")
    raise ModuleNotFoundError(hint("boto3"), name="boto3")

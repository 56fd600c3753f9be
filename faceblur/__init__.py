"""faceblur: find every face in a video, blur it, keep everything else, and prove it.

>>> import faceblur
>>> report = faceblur.blur("in.mp4", "out.mp4")          # doctest: +SKIP
"""

from importlib import import_module

TYPE_CHECKING = False  # as in `typing`, which takes as long to load as all the rest of a command's start
if TYPE_CHECKING:
    from ._api import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str):
    """Loads the names of `_api`: the workshop's processes and the command's start need neither codecs nor arrays."""
    api = import_module("._api", __name__)
    globals().update({each: getattr(api, each) for each in api.__all__}, __all__=api.__all__)
    if name in globals():
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})

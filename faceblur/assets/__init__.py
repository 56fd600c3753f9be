"""What pages and widgets are made of: HTML, CSS and JavaScript."""

from importlib.resources import files


def asset(name: str) -> str:
    """The text of a file in faceblur/assets."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")

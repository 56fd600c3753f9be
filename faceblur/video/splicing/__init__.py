"""Parts of a file: where it can be divided, what may be copied, how parts become one file again."""

from . import segments

__all__ = ["segments"]

"""The one error of the header's readers."""


class HeaderError(Exception):
    """What is wrong with the file, as the end of a sentence that begins with its name."""

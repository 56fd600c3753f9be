"""The elements of S3's documents, whatever namespace a caller writes them in."""

from __future__ import annotations

from ministack.services import s3

MALFORMED = s3._MALFORMED_XML


def name_of(element) -> str:
    return element.tag.rpartition("}")[2]


def children(element, name: str) -> list:
    return [child for child in element if name_of(child) == name]


def within(root, name: str) -> list:
    """Those of this name, however deep."""
    return [element for element in root.iter() if name_of(element) == name]


def texts_of(element) -> dict[str, str]:
    """The texts of its children by their names."""
    return {name_of(child): child.text or "" for child in element}

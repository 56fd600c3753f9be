"""A run of the notebooks as JUnit XML, for CI."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runner import Run


def write_junit(path: Path, run: Run) -> None:
    """One test case per executed notebook of a runner.Run."""
    suite = ElementTree.Element(
        "testsuite",
        name="faceblur notebooks",
        tests=str(len(run.notebooks)),
        failures=str(len(run.failures)),
        time=f"{sum(one.seconds for one in run.notebooks):.2f}",
    )
    for one in run.notebooks:
        case = ElementTree.SubElement(
            suite, "testcase", classname="notebooks", name=one.chapter.file, time=f"{one.seconds:.2f}"
        )
        if one.failure:
            words = str(one.failure)
            failure = ElementTree.SubElement(case, "failure", message=words.splitlines()[0])
            failure.text = f"{words}\nexecuted copy: {one.copy.name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)

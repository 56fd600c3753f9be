"""What the docstrings of the library show, run; and the page that is made of them."""

import doctest
import importlib
import runpy
from pathlib import Path

import pytest

import faceblur

ROOT = Path(__file__).parents[1]
PAGE = runpy.run_path(str(ROOT / "docs" / "write_api.py"))


def examples():
    for path in sorted((ROOT / "faceblur").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            module = importlib.import_module(name)
            yield from doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs={"faceblur": faceblur})


EXAMPLES = {test.name: test for test in examples() if test.examples}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name, film, tmp_path, monkeypatch):
    (tmp_path / "in.mp4").symlink_to(film.original)
    monkeypatch.chdir(tmp_path)
    said = []
    doctest.DocTestRunner().run(EXAMPLES[name], out=said.append)
    assert not said, "".join(said)


def test_at_least_twenty_things_of_the_page_have_an_example():
    described = {f"{thing.__module__}.{thing.__qualname__}" for thing in PAGE["documented"]().values()}
    assert len(described & EXAMPLES.keys()) >= 20


def test_the_page_is_the_one_of_these_docstrings():
    assert PAGE["TARGET"].read_text(encoding="utf-8") == PAGE["text"]()

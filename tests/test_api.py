"""What the docstrings of the library show, run; and the page that is made of them."""

import doctest
import runpy
import sys
from pathlib import Path

import pytest
from proof_kit import make_film

import faceblur

PAGE = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "write_api.py"))
EXAMPLES = {
    name: test
    for name, thing in PAGE["documented"]().items()
    for test in doctest.DocTestFinder(recurse=False).find(
        thing, name, globs=vars(sys.modules[thing.__module__]) | {"faceblur": faceblur}
    )
    if test.examples
}


@pytest.fixture(scope="module")
def original(sample, tmp_path_factory):
    return make_film(sample, tmp_path_factory.mktemp("api")).original


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name, original, tmp_path, monkeypatch):
    (tmp_path / "in.mp4").symlink_to(original)
    monkeypatch.chdir(tmp_path)
    said = []
    doctest.DocTestRunner().run(EXAMPLES[name], out=said.append)
    assert not said, "".join(said)


def test_at_least_twenty_things_have_an_example():
    assert len(EXAMPLES) >= 20


def test_the_page_is_the_one_of_these_docstrings():
    assert PAGE["TARGET"].read_text(encoding="utf-8") == PAGE["text"]()

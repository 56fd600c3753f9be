"""Documented behaviours of AWS, tried: against the embedded AWS, any endpoint, or a real account.

    python -m pytest tests/localaws/conformance                                  # the embedded AWS
    python -m pytest tests/localaws/conformance --endpoint-url http://127.0.0.1:4566
    python -m pytest tests/localaws/conformance --endpoint-url none              # the account that boto3 finds

What the embedded AWS does otherwise is marked in the tables (`lacks`) and said in docs/fidelity.md; a mark that is no
longer true fails. `--conformance-report FILE` writes what happened, as JSON.
"""

import json
import os
import runpy
import warnings
from pathlib import Path

import pytest
from tables import CASES
from world import COSTS, World


@pytest.fixture(scope="module")
def endpoint(request):
    return request.config.getoption("--endpoint-url", None)


@pytest.fixture(scope="module")
def world(request, endpoint):
    if endpoint is None:
        request.getfixturevalue("local_aws")
        made = World(os.environ["AWS_ENDPOINT_URL"])
    else:
        if endpoint == "none":
            with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                print(f"\n{COSTS}", flush=True)
        made = World(None if endpoint == "none" else endpoint)
    yield made
    if left := made.close():
        warnings.warn(f"these were not deleted: {left}", stacklevel=1)


@pytest.fixture(scope="module")
def said(request):
    """Cases by name with what came of them; written at the end."""
    results = {}
    yield results
    if file := request.config.getoption("--conformance-report", None):
        with Path(file).open("w") as out:
            json.dump(results, out, indent=1)


# Of functions' files: as on AWS where functions are confined (Linux with namespaces), as said at the start where not.
OF_CONFINED = ("/var/task holds the code", "its code cannot be written to", "/tmp can be written to",
               "nothing else can be written to", "/tmp is as large as its storage", "layers lie in /opt")  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service}: {case.name}")
def test_it_does_what_is_documented(case, endpoint, world, said, request):
    key = f"{case.service}: {case.name}"
    world.ran_function = False
    try:
        case.check(world)
    except Exception as problem:
        what = "with a function that ran: " if world.ran_function else ""
        said[key] = what + f"{type(problem).__name__}: {problem}".splitlines()[0][:200]
        if endpoint is None and case.lacks:
            pytest.xfail(case.lacks)
        if endpoint is None and case.name in OF_CONFINED and (lacks := request.getfixturevalue("local_aws").lacks):
            pytest.skip(lacks)
        raise
    said[key] = ""
    assert endpoint is not None or not case.lacks, f"it does now: take this mark away: {case.lacks}"


def test_there_are_enough_cases_and_each_names_its_page():
    assert len(CASES) >= 200 and len({(case.service, case.name) for case in CASES}) == len(CASES)
    assert all(case.page.startswith("https://docs.aws.amazon.com/") and ".html" in case.page for case in CASES)


def test_the_cases_of_confined_functions_are_there():
    assert set(OF_CONFINED) <= {case.name for case in CASES if case.service == "Lambda"}


def test_the_page_says_what_the_tables_say():
    root = Path(__file__).parents[3]
    module = runpy.run_path(str(root / "docs" / "write_fidelity.py"))
    others = json.loads(module["OTHERS"].read_text()) if module["OTHERS"].exists() else {}
    assert module["PAGE"].read_text(encoding="utf-8") == module["page"](others), "python docs/write_fidelity.py"

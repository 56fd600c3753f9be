"""Fixtures that several test modules share."""

import fcntl
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

# The same examples on every machine, however slow it is.
settings.register_profile("faceblur", deadline=None, derandomize=True)
settings.load_profile("faceblur")
# Without this, examples also come from the numbers in modules that earlier tests of the process have loaded.
assert callable(providers._get_local_constants)
providers._get_local_constants = lambda: providers._local_constants

# The children of what a shell runs in its background would ignore SIGINT, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    """Of tests/localaws/conformance; here, because pytest asks only this file before it looks further."""
    parser.addoption("--endpoint-url", help="conformance: try it there; none: in the account that boto3 finds")
    parser.addoption("--conformance-report", metavar="FILE", help="conformance: write what came of each case")


@pytest.fixture(scope="session")
def local_aws():
    """One embedded AWS per test process, with the environment set so that unmodified boto3 finds it."""
    import boto3

    from faceblur.localaws import LocalAws

    before = dict(os.environ)
    with LocalAws() as aws:
        os.environ.update(aws.environment)
        boto3.setup_default_session()  # an earlier test may have left one that knows other settings
        yield aws
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> tuple[Path, Path]:
    """The sample video and its true face boxes, made once for all test processes: (video, JSON)."""
    from faceblur.sample import make_sample

    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    video, faces = folder / "sample.mp4", folder / "sample.faces.json"
    with (folder / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not faces.exists():
            make_sample(video, faces)
    return video, faces


@pytest.fixture(scope="session")
def film(sample, tmp_path_factory):
    """A second and a half of it, its plan, its report and a good result: a `proof_kit.Film`. Tests write beside it."""
    from proof_kit import make_film

    return make_film(sample, tmp_path_factory.mktemp("film"))

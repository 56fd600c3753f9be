"""Fixtures that several test modules share."""

import os

import pytest


@pytest.fixture(scope="session")
def local_aws():
    """One embedded AWS per test process, with the environment set so that unmodified boto3 finds it."""
    from faceblur.localaws import LocalAws

    before = dict(os.environ)
    with LocalAws() as aws:
        os.environ.update(aws.environment)
        yield aws
    os.environ.clear()
    os.environ.update(before)

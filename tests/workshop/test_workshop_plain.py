"""Errors in a notebook: their sentence in the error's box, no traceback, from the kernel that the lab starts."""

import queue

import pytest
from jupyter_client.manager import start_new_kernel

from faceblur.workshop.running import lab, runner


@pytest.fixture(scope="module")
def said():
    """said(code): (the error's name, the lines that a person sees) in a kernel as the lab starts it."""
    with runner.environment(lab.kernels()):
        manager, client = start_new_kernel(kernel_name="python3")
    yield lambda code: run(client, code)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, code):
    asked = client.execute(code, stop_on_error=False)
    while True:
        try:
            message = client.get_iopub_msg(timeout=30)
        except queue.Empty:
            pytest.fail("the kernel says nothing")
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "error":
            return message["content"]["ename"], message["content"]["traceback"]
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return None, []


def test_a_cell_before_the_first_one_says_to_run_the_first(said):
    name, lines = said("ws.client('s3')")
    assert name == "NameError" and len(lines) == 1
    assert lines[0].startswith("'ws' is not known here: run the first cells")


def test_an_error_for_people_is_its_sentence(said):
    assert said("from faceblur.errors import WorkshopError\nraise WorkshopError('do this')")[1] == ["do this"]
    assert said("assert 1 == 2, 'run the cell above again'")[1] == ["run the cell above again"]


def test_a_refusal_of_aws_names_call_code_and_words(said):
    code = (
        "from botocore.exceptions import ClientError\n"
        "raise ClientError({'Error': {'Code': 'AccessDenied', 'Message': 'no'}}, 'CreateRole')"
    )
    assert said(code)[1] == ["AWS refused CreateRole: AccessDenied: no"]


@pytest.mark.parametrize("code", ["1 / 0", "assert 1 == 2", "import json; json.loads('{')"])
def test_a_bug_keeps_its_traceback(said, code):
    assert len(said(code)[1]) > 1


def test_a_good_cell_says_nothing(said):
    assert said("x = 1") == (None, [])

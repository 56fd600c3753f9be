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


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("client('s3').put_object(Bucket='b', Key=7)", "boto3 did not get it done: Parameter validation failed"),
        ("client('iamm')", "boto3 did not get it done: Unknown service: 'iamm'"),
        ("client('s3', endpoint_url='http://127.0.0.1:9').list_buckets()", "AWS does not answer: Could not connect"),
        ("client('s3').upload_file('/nowhere/a.mp4', 'b', 'k')", "/nowhere/a.mp4: No such file or directory"),
        ("open('/nowhere/a.json')", "/nowhere/a.json: No such file or directory"),
        (
            "from faceblur.workshop.teaching import check; check.rolls([])",
            "there is no task 'rolls'; there are sampling",
        ),
    ],
)
def test_what_boto3_and_the_system_refuse_is_one_sentence(said, code, words):
    before = "import boto3, botocore.config\nonce = botocore.config.Config(retries={'total_max_attempts': 1})\n"
    keys = "{'aws_access_key_id': 'a', 'aws_secret_access_key': 'b', 'region_name': 'eu-west-1', 'config': once}"
    _, lines = said(f"{before}def client(*service, **more): return boto3.client(*service, **more, **{keys})\n{code}")
    assert len(lines) == 1 and lines[0].startswith(words) and len(lines[0]) < 500


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("workshop.setle(1)", "no attribute 'setle' (line 2 of the cell): look for a typing mistake. Is settle meant?"),
        ("boto3.client('s3', region_name='eu-west-1').list_bucket()", "Is list_buckets meant?"),
        ("{'plan_segment': 1}['plan_segments']", "nothing is kept under 'plan_segments' (line 2 of the cell)"),
        ("workshop.State('none.json')['rolls']", "nothing is kept under 'rolls' (line 2"),
        ("None.shape", "what stands before .shape is None"),
        ("from faceblur import workshp", "cannot import name 'workshp' from 'faceblur': look for a typing mistake"),
        ("SOLVE = true", "Is True meant?"),
    ],
)
def test_a_slip_is_one_sentence_and_names_what_is_near(said, code, words):
    _, lines = said(f"import boto3; from faceblur import workshop\n{code}")
    assert len(lines) == 1 and words in lines[0]


@pytest.mark.parametrize(
    "code", ["1 / 0", "assert 1 == 2", "import json; json.loads('{')", "import json; json.load(1)"]
)
def test_a_bug_keeps_its_traceback(said, code):
    assert len(said(code)[1]) > 1


def test_a_good_cell_says_nothing(said):
    assert said("x = 1") == (None, [])


def test_begin_in_a_notebook_looks_at_its_parameters(said):
    code = "from faceblur import workshop\nDELETE = 'no'\nworkshop.begin(notebook=10, target='local')"
    assert said(code)[1] == ["DELETE = 'no': True or False is asked for, as in DELETE = False"]

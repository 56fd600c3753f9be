"""workshop.begin: says where it is, and refuses to go on where it could do harm."""

from dataclasses import replace

import boto3
import pytest

from faceblur import workshop
from faceblur.errors import WorkshopError
from faceblur.workshop import session


@pytest.fixture
def state_file(monkeypatch, tmp_path):
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    return tmp_path / "state.json"


def test_the_place_is_said_before_anything_else(local_aws, state_file, capsys):
    ws = workshop.begin(notebook=2)
    said = capsys.readouterr().out
    assert all(words in said for words in ("local", ws.account, ws.region, "faceblur"))
    assert ws.names.input_bucket == f"faceblur-input-{ws.account}-{ws.region}"
    assert ws.tags == {"project": "faceblur", "workshop": "faceblur"}


def test_local_without_the_embedded_aws_says_how_to_start_it(monkeypatch, state_file):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(WorkshopError, match=r"python3 kit\.py lab"):
        workshop.begin(notebook=2)


def test_local_never_leaves_this_machine(monkeypatch, state_file):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.eu-west-1.amazonaws.com")
    with pytest.raises(WorkshopError, match="not to this machine"):
        workshop.begin(notebook=2)


def test_local_that_does_not_answer_says_so(monkeypatch, local_aws, state_file):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(WorkshopError, match="does not answer"):
        workshop.begin(notebook=2)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AWS_DEFAULT_REGION", "Ireland", "'Ireland' is no AWS region"),
        ("HTTPS_PROXY", "http://127.0.0.1:9", r"AWS does not answer \(.*look at the network, at HTTPS_PROXY"),
        ("AWS_SECRET_ACCESS_KEY", "", "AWS does not accept the credentials"),
    ],
)
def test_an_account_that_cannot_be_reached_is_one_sentence(monkeypatch, state_file, variable, value, words):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    monkeypatch.setenv(variable, value)
    with pytest.raises(WorkshopError, match=words):
        workshop.begin(notebook=1, target="aws")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_aws_refuses_a_diverted_endpoint(monkeypatch, state_file, variable):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with pytest.raises(WorkshopError, match=variable):
        workshop.begin(notebook=2, target="aws")


def test_an_unknown_target_or_notebook_is_refused(state_file):
    with pytest.raises(WorkshopError, match='"local" or "aws"'):
        workshop.begin(notebook=2, target="azure")
    with pytest.raises(WorkshopError, match="no notebook 11"):
        workshop.begin(notebook=11)


def test_a_notebook_opened_alone_names_the_one_to_run_first(local_aws, state_file):
    with pytest.raises(WorkshopError, match=r"run 02_s3_buckets\.ipynb first"):
        workshop.begin(notebook=5)
    workshop.begin(notebook=2).done()
    with pytest.raises(WorkshopError, match=r"run 03_iam_roles\.ipynb first"):
        workshop.begin(notebook=5)


def test_done_says_where_one_is_what_stands_and_what_an_hour_of_it_costs(local_aws, state_file, capsys):
    workshop.begin(notebook=1).done()
    assert "You are here: chapter 1 of 10. Nothing stands in AWS, and nothing costs." in capsys.readouterr().out
    ws = workshop.begin(notebook=2)
    ws.state["done"] = [1, 2, 3]
    replace(ws, notebook=4).done()
    said = capsys.readouterr().out
    assert "There are now 3 buckets, 9 roles, an image in a repository; an hour of it costs nothing on the" in said
    replace(ws, notebook=4, target="aws").done()
    assert "an hour of it costs about USD 0.00004 on AWS." in capsys.readouterr().out


def test_the_clean_up_needs_no_earlier_notebook(local_aws, state_file):
    assert workshop.begin(notebook=10).notebook == 10


def test_a_missing_value_names_its_notebook(local_aws, state_file):
    ws = workshop.begin(notebook=2)
    with pytest.raises(WorkshopError, match=r"04_ecr_image\.ipynb"):
        ws.need("image_uri")
    with pytest.raises(WorkshopError, match="no notebook saves"):
        ws.need("nonsense")
    ws.state["image_uri"] = "uri"
    assert ws.need("image_uri") == "uri"


def test_a_state_file_of_another_account_or_region_is_refused(local_aws, state_file, monkeypatch):
    ws = workshop.begin(notebook=2)
    ws.state["region"] = "eu-west-1"
    with pytest.raises(WorkshopError, match=r"region eu-west-1.*10_clean_resources"):
        workshop.begin(notebook=2)


def test_without_a_region_it_says_which_variable_to_set(local_aws, state_file, monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with pytest.raises(WorkshopError, match="AWS_DEFAULT_REGION"):
        workshop.begin(notebook=2)


def test_done_is_remembered_and_names_the_next(local_aws, state_file, capsys):
    workshop.begin(notebook=2).done()
    workshop.begin(notebook=2).done()
    assert "03_iam_roles.ipynb" in capsys.readouterr().out
    assert workshop.State(state_file)["done"] == [2]


def test_tags_are_recognised_in_every_service_s_form(local_aws, state_file):
    ws = workshop.begin(notebook=2)
    assert ws.is_ours({"project": "faceblur", "workshop": "faceblur", "more": "x"})
    assert ws.is_ours([{"Key": "project", "Value": "faceblur"}, {"Key": "workshop", "Value": "faceblur"}])
    assert ws.is_ours([{"key": "project", "value": "faceblur"}, {"key": "workshop", "value": "faceblur"}])
    assert not ws.is_ours({"project": "faceblur"}) and not ws.is_ours([]) and not ws.is_ours(None)
    with pytest.raises(WorkshopError, match="PREFIX"):
        ws.check_ours("bucket x", {})


def test_the_state_file_lies_in_build_by_default(monkeypatch):
    monkeypatch.delenv("FACEBLUR_STATE", raising=False)
    assert workshop.state_path("aws", "team-1") == workshop.project_root() / "build" / "state-aws-team-1.json"


@pytest.mark.parametrize(
    ("region", "near"),
    [("eu-north-1", r"eu-central-1, .*eu-west-1"), ("me-south-1", "eu-central-1"), ("xx-1", "us-east-1")],
)
def test_a_region_without_rekognition_is_refused_and_the_nearest_are_named(region, near):
    there = boto3.Session(region_name="us-east-1").get_available_regions("rekognition")
    session.check_region("eu-west-1", there)
    session.check_region("nowhere", [])  # a partition that boto3 knows nothing of
    with pytest.raises(WorkshopError, match=rf"no Amazon Rekognition in {region}.*{near}"):
        session.check_region(region, there)

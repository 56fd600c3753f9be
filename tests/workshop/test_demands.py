"""What an account demands of all that is made in it: boundary, path, key, mail. Nothing of it is usual."""

import json

import boto3
import pytest
from notebook_kit import names_left, run_notebook
from test_workshop_preflight import Account, decided, denied, found

from faceblur import workshop
from faceblur.errors import WorkshopError
from faceblur.workshop.account import rights
from faceblur.workshop.demands import FORMS, VARIABLES, Demands
from faceblur.workshop.names import FUNCTIONS

PREFIX, PATH, MAIL = "bound", "/workshops/blur/", "anna@example.org"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def made(local_aws, tmp_path_factory):
    """What chapters 2, 3 and the beginnings of 5 and 6 make under all demands; (Workshop, ARN of the boundary)."""
    iam = boto3.client("iam")
    boundary = iam.create_policy(PolicyName="only-this", PolicyDocument=json.dumps(WIDE))["Policy"]["Arn"]
    given = {"boundary": boundary, "role_path": PATH, "kms_key": KEY, "mail": MAIL}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEBLUR_STATE", str(tmp_path_factory.mktemp("state") / "state.json"))
        for name, value in given.items():
            patch.setenv(VARIABLES[name], value)
        run_notebook(2, PREFIX=PREFIX)
        for variable in VARIABLES.values():  # later chapters follow what the first was told
            patch.delenv(variable)
        run_notebook(3, PREFIX=PREFIX)
        ws = workshop.begin(notebook=4, prefix=PREFIX)
        ws.state["done"] = [1, 2, 3, 4]
        run_notebook(5, until="show-code", PREFIX=PREFIX)
        run_notebook(5, until="show-code", PREFIX=PREFIX)
        yield workshop.begin(notebook=4, prefix=PREFIX), boundary
        run_notebook(10, PREFIX=PREFIX)
        subscribed = boto3.client("sns").list_subscriptions()["Subscriptions"]
        assert names_left(PREFIX) == [] and not [each for each in subscribed if each["Protocol"] == "email"]
        assert iam.get_policy(PolicyArn=boundary)  # it was not ours
        iam.delete_policy(PolicyArn=boundary)


def test_every_role_has_the_boundary_and_lies_in_the_path(made):
    ws, boundary = made
    for who, name in ws.names.roles.items():
        role = boto3.client("iam").get_role(RoleName=name)["Role"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
        assert role["Path"] == PATH and role["Arn"] == ws.state["roles"][who]
        assert f":role{PATH}{PREFIX}-" in role["Arn"]


def test_buckets_topic_and_log_groups_are_encrypted_with_the_key(made):
    ws, _ = made
    for bucket in ws.names.buckets:
        (rule,) = boto3.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        by = rule["ApplyServerSideEncryptionByDefault"]
        assert (by["SSEAlgorithm"], by["KMSMasterKeyID"], rule["BucketKeyEnabled"]) == ("aws:kms", KEY, True)
    topic = boto3.client("sns").get_topic_attributes(TopicArn=ws.state["topic_arn"])["Attributes"]
    assert topic["KmsMasterKeyId"] == KEY
    groups = boto3.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{PREFIX}")["logGroups"]
    assert len(groups) == len(FUNCTIONS) and {group["kmsKeyId"] for group in groups} == {KEY}


def test_roles_may_use_the_key_as_they_use_what_it_encrypts(made):
    ws, _ = made
    by_role = {}
    for who, name in ws.names.roles.items():
        policy = boto3.client("iam").get_role_policy(RoleName=name, PolicyName="permissions")["PolicyDocument"]
        by_role[who] = [each["Action"] for each in policy["Statement"] if each["Resource"] == KEY]
    both = [["kms:Decrypt", "kms:GenerateDataKey"]]
    readers = {"start_face_detection": [["kms:Decrypt"]], "plan_segments": [["kms:Decrypt"]]}
    nothing = {"wait_for_completion": [], "state_machine": []}
    assert by_role == dict.fromkeys(by_role, both) | readers | nothing


def test_a_mail_is_subscribed_once(made):
    subscriptions = boto3.client("sns").list_subscriptions_by_topic(TopicArn=made[0].state["topic_arn"])
    assert [(each["Protocol"], each["Endpoint"]) for each in subscriptions["Subscriptions"]] == [("email", MAIL)]


def test_the_environment_of_functions_is_encrypted_too(made):
    lambda_, asked = made[0].client("lambda"), []
    lambda_.meta.events.register("before-call.lambda", lambda params, **_: asked.append(json.loads(params["body"])))
    for variables in ({"Environment": {"Variables": {"AA": "b"}}}, {}):
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
            lambda_.update_function_configuration(FunctionName="nobody", **variables)
    assert [body.get("KMSKeyArn") for body in asked] == [KEY, None]


def test_other_demands_in_the_middle_are_refused(made, monkeypatch):
    monkeypatch.setenv("FACEBLUR_ROLE_PATH", "/elsewhere/")
    with pytest.raises(WorkshopError, match=r"follows other demands \(boundary arn.*now role path /elsewhere/\)"):
        workshop.begin(notebook=4, prefix=PREFIX)


def test_a_key_of_another_region_is_refused(local_aws, monkeypatch, tmp_path):
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    monkeypatch.setenv("FACEBLUR_KMS_KEY", KEY.replace("us-east-1", "eu-west-1"))
    with pytest.raises(WorkshopError, match=r"FACEBLUR_KMS_KEY = .* is of another region than us-east-1"):
        workshop.begin(notebook=1, prefix="other")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boundary", "only-this"),
        ("role_path", "workshops"),
        ("role_path", "/" + "x" * 512 + "/"),
        ("kms_key", "alias/key"),
        ("kms_key", KEY.replace("key/", "alias/")),
        ("mail", "anna"),
        ("mail", "anna@example.org\n"),
    ],
)
def test_what_cannot_be_is_one_line_with_its_variable(name, value):
    with pytest.raises(WorkshopError, match=f"{VARIABLES[name]} = .* cannot be used: it is "):
        Demands(**{name: value})
    assert set(FORMS) == set(VARIABLES)


def test_the_policy_for_the_administrator_holds_what_demands_need():
    demands = Demands("arn:aws:iam::123456789012:policy/only-this", PATH, KEY, MAIL)
    names = workshop.Names("anna", "123456789012", "us-east-1")
    plain, more = (rights.policy(names, each)["Statement"] for each in (None, demands))
    on = {action: each["Resource"] for each in more for action in each["Action"]}
    assert on["kms:CreateGrant"] == on["kms:Decrypt"] == [KEY] and on["iam:GetPolicy"] == [demands.boundary]
    assert on["sns:Subscribe"] == [names.arn("sns", names.topic)]
    assert on["iam:PassRole"] == ["arn:aws:iam::123456789012:role/workshops/blur/anna-*-us-east-1"]
    assert not [each for each in plain if any(action.startswith("kms:") for action in each["Action"])]


def test_what_a_boundary_must_allow_is_what_our_roles_do(made):
    ws, _ = made
    done = set()
    for name in ws.names.roles.values():
        policy = boto3.client("iam").get_role_policy(RoleName=name, PolicyName="permissions")["PolicyDocument"]
        done |= {
            a
            for each in policy["Statement"]
            for a in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
        }
    assert done == {action for group in rights.of_roles(ws.demands) for action in group.full}


class Demanding(Account):
    demands = Demands("arn:aws:iam::123456789012:policy/only-this", PATH, KEY.replace("us-east-1", "eu-west-1"), MAIL)


def key(state, spec):
    return {"KeyMetadata": {"KeyState": state, "KeySpec": spec}}


GOOD = {
    "get_policy": {"Policy": {"DefaultVersionId": "v3"}},
    "get_policy_version": {"PolicyVersion": {"Document": WIDE}},
    "simulate_custom_policy": lambda ActionNames, **_: decided(ActionNames),
    "describe_key": key("Enabled", "SYMMETRIC_DEFAULT"),
    "get_key_policy": {"Policy": '{"Principal": {"Service": "logs.eu-west-1.amazonaws.com"}}'},
}


def test_preflight_asks_for_what_is_demanded():
    account = Demanding(**GOOD)
    said = found(account)
    assert all(check.is_good for check in said.values())
    assert {"boundary", "role path", "kms key", "mail"} <= set(said)
    assert not {"boundary", "role path", "kms key", "mail"} & set(found(Account()))
    (asked,) = {
        json.dumps(p["PermissionsBoundaryPolicyInputList"]) for c, p in account.asked if c == "simulate_custom_policy"
    }
    assert json.loads(json.loads(asked)[0]) == WIDE


@pytest.mark.parametrize(
    ("name", "answers", "words"),
    [
        ("boundary", {"get_policy": denied("x")}, None),
        (
            "boundary",
            {"simulate_custom_policy": lambda ActionNames, **_: decided(ActionNames, ["s3:PutObject"])},
            "does not let our roles do: s3:PutObject",
        ),
        (
            "kms key",
            {"describe_key": {"KeyMetadata": {"KeyState": "Disabled", "KeySpec": "SYMMETRIC_DEFAULT"}}},
            "is Disabled",
        ),
        (
            "kms key",
            {"describe_key": {"KeyMetadata": {"KeyState": "Enabled", "KeySpec": "RSA_2048"}}},
            "does not encrypt",
        ),
        ("kms key", {"get_key_policy": {"Policy": "{}"}}, "its policy does not name CloudWatch Logs"),
        ("kms key", {"describe_key": denied("x")}, None),
    ],
)
def test_what_does_not_do_is_said_beforehand(name, answers, words):
    check = found(Demanding(**GOOD | answers))[name]
    assert check.is_good == (words is None)
    assert words in str(check) if words else "not known" in check.found

"""Inventory and clean-up on the embedded AWS: everything of ours goes, nothing of others is touched."""

import json
import uuid

import boto3
import pytest
from botocore.stub import Stubber

from faceblur import workshop
from faceblur.workshop.account import cleanup, leftovers
from faceblur.workshop.account.kinds import KINDS

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


@pytest.fixture
def ws(local_aws, monkeypatch, tmp_path):
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    return workshop.begin(notebook=10, prefix=f"c{uuid.uuid4().hex[:8]}")


def make_bucket(ws, key, tags=True):
    name = getattr(ws.names, key)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": ws.tag_list})
    return s3, name


def make_role(ws, name, tags=True):
    iam = boto3.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=ws.tag_list if tags else [])
    iam.put_role_policy(
        RoleName=name,
        PolicyName="permissions",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
            }
        ),
    )


def found(ws):
    return {(each.kind, each.name) for each in workshop.inventory(ws).resources}


def test_nothing_is_nothing(ws):
    inventory = workshop.inventory(ws)
    assert len(inventory) == 0 and str(inventory).startswith(f"Nothing with the prefix {ws.names.prefix} exists.")
    workshop.clean_up(ws, dry_run=False)
    assert workshop.remaining(ws) == ()


def test_a_dry_run_deletes_nothing(ws, capsys):
    _, name = make_bucket(ws, "input_bucket")
    workshop.clean_up(ws)
    assert ("bucket", name) in found(ws)
    assert f"would delete bucket {name}" in capsys.readouterr().out
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == set()


def test_a_bucket_goes_with_versions_markers_and_unfinished_uploads(ws):
    s3, name = make_bucket(ws, "output_bucket")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for number in range(3):
        s3.put_object(Bucket=name, Key="video.mp4", Body=bytes([number]))
    s3.delete_object(Bucket=name, Key="video.mp4")
    s3.create_multipart_upload(Bucket=name, Key="large.mp4")
    assert workshop.inventory(ws).resources[0].detail == "4 object versions"
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == set()


def test_more_objects_than_one_call_deletes(ws):
    s3, name = make_bucket(ws, "work_bucket")
    for number in range(cleanup.MOST_AT_ONCE + 5):
        s3.put_object(Bucket=name, Key=f"{number:05d}", Body=b"")
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == set()


def test_what_does_not_carry_our_tags_is_left_alone(ws, capsys):
    role = ws.names.role("plan_segments")
    make_role(ws, role, tags=False)
    _, bucket = make_bucket(ws, "input_bucket", tags=False)
    inventory = workshop.inventory(ws)
    assert inventory.ours == () and {each.name for each in inventory.others} == {role, bucket}
    assert "left alone" in inventory._repr_mimebundle_()["text/html"]
    workshop.clean_up(ws, dry_run=False)
    assert {("role", role), ("bucket", bucket)} <= found(ws)
    assert f"leaving role {role}" in capsys.readouterr().out
    assert workshop.remaining(ws) == ()


def test_another_workshop_s_things_are_not_ours(ws):
    other = ws.names.role("plan_segments")
    boto3.client("iam").create_role(
        RoleName=other,
        AssumeRolePolicyDocument=TRUST,
        Tags=[{"Key": "project", "Value": "faceblur"}, {"Key": "workshop", "Value": "somebody-else"}],
    )
    workshop.clean_up(ws, dry_run=False)
    assert ("role", other) in found(ws)


def test_a_bucket_without_tags_is_never_ours_whatever_the_state_file_says(ws):
    """Its name may have been noted, and the bucket deleted and made again by somebody else since."""
    ws.state["input_bucket"] = ws.names.input_bucket
    s3, name = make_bucket(ws, "input_bucket", tags=False)
    s3.put_object(Bucket=name, Key="thesis.txt", Body=b"three years of work")
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == {("bucket", name)}
    assert s3.get_object(Bucket=name, Key="thesis.txt")["Body"].read() == b"three years of work"


def test_a_wrong_prefix_names_those_that_have_something_here(ws, capsys, monkeypatch, tmp_path):
    """By tag, and by a state file of this embedded AWS; another one's notes count for nothing."""
    other = f"d{uuid.uuid4().hex[:8]}"
    tags = [{"Key": "project", "Value": "faceblur"}, {"Key": "workshop", "Value": other}]
    boto3.client("sns").create_topic(Name=f"{other}-failures", Tags=tags)
    notes = {**ws.state, "input_bucket": "b"}
    for name, engine in (("noted", ws.state["engine"]), ("gone", "0badc0de")):
        (tmp_path / f"state-local-{name}.json").write_text(json.dumps(notes | {"prefix": name, "engine": engine}))
    (tmp_path / "state-local-torn.json").write_text("{")
    monkeypatch.setattr("faceblur.workshop.account.inventory.all_states", lambda: sorted(tmp_path.glob("state-*.json")))
    workshop.clean_up(ws, dry_run=False)
    said = capsys.readouterr().out
    assert f"Nothing with the prefix {ws.names.prefix} exists. Other prefixes have something here: " in said
    assert other in said and "noted" in said and "gone" not in said and ws.names.prefix not in said.split("here: ")[1]


def test_a_note_alone_does_not_make_another_bucket_ours(ws):
    """Somebody wrote a bucket of their own into the state file."""
    name = f"{ws.names.prefix}-holiday-photos"
    boto3.client("s3").create_bucket(Bucket=name)
    ws.state["input_bucket"] = name
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == {("bucket", name)}


def test_what_carries_our_tags_is_found_under_any_name(ws):
    """An exercise's second function, say: made by hand, tagged like the rest."""
    topic, repository = f"{ws.names.prefix}-by-hand", f"{ws.names.prefix}-second"
    boto3.client("sns").create_topic(Name=topic, Tags=ws.tag_list)
    boto3.client("ecr").create_repository(repositoryName=repository, tags=ws.tag_list)
    assert {("topic", topic), ("repository", repository)} <= found(ws)
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == set()


def test_what_the_state_file_notes_is_found_under_any_name(ws):
    """Made by another version of the workshop, say; AWS's tagging API does not list roles."""
    function, repository = f"{ws.names.prefix}-old-step", f"{ws.names.prefix}-old"
    ours, theirs, group = f"{ws.names.prefix}-old-role", f"{ws.names.prefix}-role", f"/aws/lambda/{function}"
    for role in (ours, theirs):
        make_role(ws, role, tags=role == ours)
        ws.state.add("roles", role, f"arn:aws:iam::{ws.account}:role/{role}")
    boto3.client("logs").create_log_group(logGroupName=group, tags=ws.tags)
    ws.state["functions"] = {"step": ws.names.arn("lambda", f"function:{function}")}
    boto3.client("ecr").create_repository(repositoryName=repository, tags=ws.tag_list)
    ws.state["repository_uri"] = f"{ws.account}.dkr.ecr.{ws.region}.amazonaws.com/{repository}"
    ws.state["execution_arn"] = ws.names.arn("states", "execution:pipeline:one")
    assert found(ws) == {("role", ours), ("role", theirs), ("log group", group), ("repository", repository)}
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == {("role", theirs)} and workshop.remaining(ws) == ()


def test_a_state_file_that_somebody_edited_does_no_harm(ws):
    """Another account's ARN, half an ARN, another kind of value."""
    ws.state["roles"] = {"a": "arn:aws:iam::999999999999:role/theirs", "b": "arn:aws", "c": 3, "d": [None, "x"]}
    assert found(ws) == set()


def test_roles_topics_and_log_groups_go(ws):
    make_role(ws, ws.names.role("join_segments"))
    boto3.client("sns").create_topic(Name=ws.names.topic, Tags=ws.tag_list)
    boto3.client("logs").create_log_group(logGroupName=ws.names.log_group("plan_segments"), tags=ws.tags)
    assert len(workshop.inventory(ws).ours) == 3
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == set()


def test_a_running_execution_is_stopped_and_its_machine_deleted(ws):
    make_role(ws, ws.names.role("state_machine"))
    iam, sfn = boto3.client("iam"), boto3.client("stepfunctions")
    role = ws.names.role("state_machine")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=TRUST.replace("lambda.", "states."))
    waiting = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}
    arn = sfn.create_state_machine(
        name=ws.names.state_machine,
        definition=json.dumps(waiting),
        roleArn=f"arn:aws:iam::{ws.account}:role/{role}",
        tags=[{"key": key, "value": value} for key, value in ws.tags.items()],
    )["stateMachineArn"]
    execution = sfn.start_execution(stateMachineArn=arn)["executionArn"]
    (machine, _) = workshop.inventory(ws).ours
    assert machine.detail == "active, 1 executions running"
    workshop.clean_up(ws, dry_run=False)
    assert found(ws) == set()
    assert execution


def test_the_inventory_links_to_the_console_on_aws_only(ws):
    make_bucket(ws, "input_bucket")
    local = workshop.inventory(ws)
    on_aws = type(local)(local.resources, local=False)
    assert "href" not in local._repr_mimebundle_()["text/html"]
    assert f".console.aws.amazon.com/s3/buckets/{ws.names.input_bucket}" in on_aws._repr_mimebundle_()["text/html"]
    workshop.clean_up(ws, dry_run=False)


def test_kinds_are_deleted_in_an_order_that_works():
    order = [kind.name for kind in KINDS]
    assert order.index("trigger") < order.index("state machine") < order.index("function") < order.index("bucket")
    assert order.index("function") < order.index("repository") and order.index("function") < order.index("role")
    assert set(order) == set(cleanup.DELETE)


def test_a_refusal_of_aws_is_one_line_that_names_the_thing_and_the_rest_goes(ws, monkeypatch):
    from botocore.exceptions import ClientError

    from faceblur.errors import WorkshopError

    make_bucket(ws, "input_bucket")

    def denied(ws, resource):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteBucket")

    monkeypatch.setitem(cleanup.DELETE, "bucket", denied)
    boto3.client("sns").create_topic(Name=ws.names.topic, Tags=ws.tag_list)  # comes after the buckets
    with pytest.raises(WorkshopError, match=f"^bucket {ws.names.input_bucket} cannot be deleted: AccessDenied: no. P"):
        workshop.clean_up(ws, dry_run=False)
    assert found(ws) == {("bucket", ws.names.input_bucket)}


def test_what_aws_itself_left_is_named_and_stays(ws, capsys):
    """A log group that a late call made again, without tags, and the account's policy for the delivery of logs."""
    logs, group = boto3.client("logs"), ws.names.log_group("blur_segment")
    logs.create_log_group(logGroupName=group, tags=ws.tags)
    workshop.clean_up(ws, dry_run=False)
    logs.create_log_group(logGroupName=group)  # as Lambda does for a role that may
    policy = {"Version": "2012-10-17", "Statement": []}
    logs.put_resource_policy(policyName="AWSLogDeliveryWrite20150319", policyDocument=json.dumps(policy))
    logs.put_resource_policy(policyName="somebody-elses", policyDocument=json.dumps(policy))
    capsys.readouterr()
    workshop.clean_up(ws, dry_run=False)
    said = capsys.readouterr().out
    assert f"leaving log group {group}" in said and f"aws logs delete-log-group --log-group-name {group}" in said
    assert "leaving CloudWatch Logs policy AWSLogDeliveryWrite20150319: Step Functions made it" in said
    assert "somebody-elses" not in said and found(ws) == {("log group", group)}
    logs.delete_log_group(logGroupName=group)
    for name in ("AWSLogDeliveryWrite20150319", "somebody-elses"):
        logs.delete_resource_policy(policyName=name)


def test_policies_that_may_not_be_looked_at_are_not_known_and_stop_nothing(ws, capsys):
    logs = ws.client("logs")
    with Stubber(logs) as stub:
        stub.add_client_error("describe_resource_policies", "AccessDeniedException")
        assert leftovers.left_by_aws(ws) == ["policies for the delivery of logs: not known (AccessDeniedException)"]

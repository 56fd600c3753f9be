"""The exercises of the ten notebooks: each has a solution, and its code does what the text says."""

import contextlib
import io
import json
import re

import boto3
import pytest
from botocore.client import BaseClient
from moving import Mover, Scene
from notebook_kit import cells, run_notebook

from faceblur.workshop import CHAPTERS, Names
from faceblur.workshop.account import rights

EILEEN, GRACE = Mover(80, 90, 0.3, 0, 60, "eileen"), Mover(230, 90, 0, 0.1, 60, "grace")
PEOPLE = Scene((EILEEN, GRACE), seconds=2.4, rate=10)
# What a second run calls in place of Create..., see test_every_notebook_can_be_run_again, and a run that goes wrong.
AGAIN = {
    "iam:UpdateAssumeRolePolicy",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "logs:FilterLogEvents",
    "states:UpdateStateMachine",
}
# Calls that IAM knows under another name than the API; those without a name need no permission.
OTHERWISE: dict[str, tuple[str, ...]] = {
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "s3:DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:PutBucketNotificationConfiguration": ("s3:PutBucketNotification",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "sts:GetCallerIdentity": (),
    "tagging:GetResources": ("tag:GetResources",),
}
MOST_POLICY = 6144  # characters: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
# The embedded AWS asks for these without saying on what: of them only the names are tried here, not their resources.
ON_WHAT_IS_NOT_ASKED = [
    "ecr:DescribeRepositories",
    "ecr:ListTagsForResource",
    "events:DeleteRule",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "lambda:CreateFunction",
    "sns:ListTagsForResource",
    "states:ListTagsForResource",
]
PARAMETERS = {8: ("VIDEO", "OUT"), 9: ("OUT",)}

# notebook -> what the code of its solutions prints, in order, as patterns
PRINTS = {
    1: (r"^sideways: 0 faces", r"^\d+ pixels: 1 faces\n(?s:.*)^\d+ pixels: 0 faces$"),
    2: (r"^b'hello' AES256", r"^latest: True, 5 bytes\nlatest: False, 3 bytes$"),
    3: (r"may delete: False", r"workflow: False\n.*workflow: True"),
    4: (r"^the same image: True", r"^\[\('opencv_python_headless\.libs', \d+\)"),
    5: (r"^Unhandled UnsupportedEventError", r"(?i)error"),
    6: (r"^Map 8$", r"^10 pauses .* 12\.\d minutes", r"^FAIL \[.*Nowhere"),
    7: (r"^\['s3:ObjectCreated:\*'\] \[\{.*'uploads/'", r"in all +1\.\d+ USD"),
    8: (r"^FAILED PlanSegments .*InputError", r"^second upload: SUCCEEDED, another execution: True"),
    9: (r"^track \d+: 2\.\d s, largest at \d\.\d s", r"(?s)mean difference"),
    10: (r"^Nothing with the prefix exercises exists", r"leaving topic (?s:.*)^still there: True"),
}


def exercises(number):
    """(the tasks, the solutions): markdown."""
    (text,) = ["".join(cell["source"]) for cell in cells(number) if cell["id"] == "exercises"]
    tasks, solutions = text.split("<details><summary>Solutions</summary>")
    return tasks, solutions


def solution_code(number):
    return re.findall(r"^```python\n(.*?)^```$", exercises(number)[1], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", CHAPTERS)
def test_two_or_three_exercises_each_with_its_solution(number):
    tasks, solutions = exercises(number)
    asked = re.findall(r"^(\d)\. ", tasks, re.MULTILINE)
    assert asked == re.findall(r"^\*\*(\d)\.\*\* ", solutions, re.MULTILINE)
    assert asked in (["1", "2"], ["1", "2", "3"])
    assert len(solution_code(number)) == len(PRINTS[number])
    assert solutions.rstrip().endswith("</details>")


class Participant:
    """A user of IAM who may do what `rights.policy` says, and nothing else; `calls` are those that are seen."""

    def __init__(self, monkeypatch, prefix):
        iam, caller = boto3.client("iam"), boto3.client("sts").get_caller_identity()
        name, names = f"participant-{prefix}", Names(prefix, caller["Account"], boto3.Session().region_name)
        policy = rights.policy(names)
        assert len(json.dumps(policy, separators=(",", ":"))) < MOST_POLICY
        policy["Statement"].append({"Effect": "Allow", "Action": ON_WHAT_IS_NOT_ASKED, "Resource": "*"})
        made = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))["Policy"]
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=made["Arn"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.calls, make_call = set(), BaseClient._make_api_call

        def seen(client, operation, parameters):
            service = client.meta.service_model
            self.calls.add(f"{service.signing_name}:{operation}")
            return make_call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", seen)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


def test_the_code_of_the_solutions_does_what_they_say_for_who_has_the_rights_that_are_offered(
    local_aws, tmp_path, monkeypatch
):
    """The notebooks in order, after each one its solutions: one test, so that they run once."""
    participant = Participant(monkeypatch, "exercises")
    monkeypatch.setenv("FACEBLUR_STATE", str(tmp_path / "state.json"))
    values = {"VIDEO": str(PEOPLE.write(tmp_path / "people.mp4")), "OUT": str(tmp_path / "result")}
    for number, patterns in PRINTS.items():
        own = {name: values[name] for name in PARAMETERS.get(number, ())}
        variables = run_notebook(number, PREFIX="exercises", **own)
        for pattern, code in zip(patterns, solution_code(number), strict=True):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(code, f"a solution of {CHAPTERS[number].file}", "exec"), variables)
            said = out.getvalue()
            assert re.search(pattern, said, re.MULTILINE), f"{CHAPTERS[number].file}: {said}"
    calls = participant.calls | AGAIN
    needed = {action for call in calls for action in OTHERWISE.get(call, (call,))} | set(rights.UNSEEN)
    offered = {action for group in rights.GROUPS for action in group.full}
    assert offered == needed and set(ON_WHAT_IS_NOT_ASKED) <= offered

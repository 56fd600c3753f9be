"""What a participant's own user must be allowed, made from the calls that the ten notebooks were seen to make.

Nothing wider than the resources of one prefix, but for calls that know no resource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..demands import READING, WRITING, Demands
from ..names import Names

_PUSH = "the image's layers go to ECR by its registry's HTTP interface"
_TAGS = "AWS asks for it when something is made with tags"
# What no call of a run on the embedded AWS shows, and why it is needed.
UNSEEN: dict[str, str] = {
    "budgets:ViewBudget": "`preflight` asks whether there is a budget",
    "ecr:BatchCheckLayerAvailability": _PUSH,
    "ecr:BatchGetImage": _PUSH,
    "ecr:CompleteLayerUpload": _PUSH,
    "ecr:GetDownloadUrlForLayer": _PUSH,
    "ecr:GetRepositoryPolicy": "Lambda lets itself into the repository when a function is made from an image",
    "ecr:InitiateLayerUpload": _PUSH,
    "ecr:PutImage": _PUSH,
    "ecr:SetRepositoryPolicy": "Lambda lets itself into the repository when a function is made from an image",
    "ecr:TagResource": _TAGS,
    "ecr:UploadLayerPart": _PUSH,
    "events:TagResource": _TAGS,
    "iam:PassRole": "functions and state machine are given their roles",
    "iam:TagRole": _TAGS,
    "lambda:TagResource": _TAGS,
    "logs:TagResource": _TAGS,
    "s3:AbortMultipartUpload": "an upload from a notebook, or one that chapter 10 finds unfinished",
    "s3:PutBucketOwnershipControls": "a bucket is made with its ownership",
    "sns:TagResource": _TAGS,
    "states:TagResource": _TAGS,
}


@dataclass(frozen=True)
class Group:
    """Actions of one service on the same resources. of: their ARNs, for the names of a workshop."""

    service: str
    actions: tuple[str, ...]
    of: Callable[[Names], list[str]]

    @property
    def full(self) -> list[str]:
        """The actions, with the service before them."""
        return [f"{self.service}:{action}" for action in self.actions]


def _buckets(names: Names) -> list[str]:
    return [f"arn:{names.partition}:s3:::{bucket}" for bucket in names.buckets]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _anything(names: Names) -> list[str]:
    return ["*"]


def _roles(names: Names) -> list[str]:
    return [f"arn:{names.partition}:iam::{names.account}:role/{names.prefix}-*-{names.region}"]


def _objects(names: Names) -> list[str]:
    return [f"{bucket}/*" for bucket in _buckets(names)]


def _functions(names: Names) -> list[str]:
    return [names.arn("lambda", f"function:{names.prefix}-*")]


def _state_machine(names: Names) -> list[str]:
    return [names.arn("states", f"stateMachine:{names.state_machine}")]


def _topic(names: Names) -> list[str]:
    return [names.arn("sns", names.topic)]


def _log_groups(names: Names) -> list[str]:
    beginnings = (f"/aws/lambda/{names.prefix}", f"/aws/vendedlogs/states/{names.prefix}")
    return [names.arn("logs", f"log-group:{beginning}-*") for beginning in beginnings]


GROUPS = (
    Group("s3", _words("ListAllMyBuckets"), _anything),
    Group("s3", _words(
        "CreateBucket DeleteBucket GetBucketNotification GetBucketPolicy GetBucketPublicAccessBlock GetBucketTagging "
        "GetBucketVersioning GetEncryptionConfiguration GetLifecycleConfiguration ListBucket "
        "ListBucketMultipartUploads ListBucketVersions PutBucketNotification PutBucketOwnershipControls "
        "PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning PutEncryptionConfiguration "
        "PutLifecycleConfiguration"
    ), _buckets),
    Group("s3", _words(
        "AbortMultipartUpload DeleteObject DeleteObjectVersion GetObject PutObject"
    ), _objects),
    Group("iam", _words("SimulatePrincipalPolicy"), _anything),
    Group("iam", _words(
        "CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies "
        "PassRole PutRolePolicy TagRole UpdateAssumeRolePolicy"
    ), _roles),
    Group("ecr", _words("GetAuthorizationToken"), _anything),
    Group("ecr", _words(
        "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload CreateRepository DeleteRepository "
        "DescribeImages DescribeRepositories GetDownloadUrlForLayer GetRepositoryPolicy InitiateLayerUpload ListImages "
        "ListTagsForResource PutImage PutLifecyclePolicy SetRepositoryPolicy TagResource UploadLayerPart"
    ), lambda names: [names.arn("ecr", f"repository/{names.repository}")]),
    Group("lambda", _words("GetAccountSettings"), _anything),
    Group("lambda", _words(
        "AddPermission CreateFunction DeleteFunction GetFunction GetPolicy InvokeFunction PutFunctionEventInvokeConfig "
        "RemovePermission TagResource UpdateFunctionCode UpdateFunctionConfiguration"
    ), _functions),
    Group("states", _words("ValidateStateMachineDefinition"), _anything),
    Group("states", _words(
        "CreateStateMachine DeleteStateMachine DescribeStateMachine ListExecutions ListTagsForResource StartExecution "
        "TagResource UpdateStateMachine"
    ), _state_machine),
    Group("states", _words(
        "DescribeExecution DescribeStateMachineForExecution GetExecutionHistory"
    ), lambda names: [names.arn("states", f"execution:{names.state_machine}:*")]),
    Group("events", _words(
        "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets TagResource"
    ), lambda names: [names.arn("events", f"rule/{names.rule}")]),
    Group("sns", _words(
        "CreateTopic DeleteTopic GetTopicAttributes ListTagsForResource TagResource"
    ), _topic),
    Group("logs", _words("DescribeLogGroups DescribeResourcePolicies"), _anything),
    Group("logs", _words(
        "CreateLogGroup DeleteLogGroup FilterLogEvents ListTagsForResource PutRetentionPolicy TagResource"
    ), _log_groups),
    Group("rekognition", _words("GetFaceDetection"), _anything),
    Group("tag", _words("GetResources"), _anything),
    Group("budgets", _words("ViewBudget"), _anything),
)  # fmt: skip


# What the roles of functions and state machine are given: a permissions boundary must let them.
OF_ROLES = (
    Group("s3", _words("AbortMultipartUpload DeleteObject GetObject GetObjectVersion PutObject"), _objects),
    Group("s3", _words("ListBucket"), _buckets),
    Group("sns", _words("Publish"), _topic),
    Group("states", _words("StartExecution"), _state_machine),
    Group("lambda", _words("InvokeFunction"), _functions),
    Group("rekognition", _words("GetFaceDetection StartFaceDetection"), _anything),
    Group("logs", _words("CreateLogStream PutLogEvents"), _log_groups),
    Group("logs", _words(
        "CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies GetLogDelivery "
        "ListLogDeliveries PutResourcePolicy UpdateLogDelivery"
    ), _anything),
)  # fmt: skip


def groups(demands: Demands) -> tuple[Group, ...]:
    """`GROUPS`, and what is needed for what an account demands."""
    more = []
    if demands.boundary:
        more.append(Group("iam", _words("GetPolicy GetPolicyVersion"), lambda names: [demands.boundary]))
    if demands.kms_key:
        by_key = ("CreateGrant", "DescribeKey", "Encrypt", "GetKeyPolicy", *(a[4:] for a in (READING, WRITING)))
        more.append(Group("kms", by_key, lambda names: [demands.kms_key]))
        more.append(Group("logs", ("AssociateKmsKey",), _log_groups))
    if demands.mail:
        more.append(Group("sns", _words("ListSubscriptionsByTopic Subscribe"), _topic))
    if not demands.role_path:
        return (*GROUPS, *more)

    def with_path(names: Names) -> list[str]:
        return [arn.replace(":role/", f":role/{demands.path}") for arn in _roles(names)]

    return (*(replace(group, of=with_path) if group.of is _roles else group for group in GROUPS), *more)


def of_roles(demands: Demands) -> tuple[Group, ...]:
    """`OF_ROLES`, and what the key needs."""
    by_key = Group("kms", tuple(action[4:] for action in (READING, WRITING)), lambda names: [demands.kms_key])
    return (*OF_ROLES, by_key) if demands.kms_key else OF_ROLES


def policy(names: Names, demands: Demands | None = None) -> dict:
    """An IAM policy, to be attached to whoever does the ten chapters."""
    all_groups = groups(demands or Demands())
    free = [action for group in all_groups if group.of is _anything for action in group.full]
    statements: list[dict] = [{"Sid": "WithoutResource", "Effect": "Allow", "Action": free, "Resource": "*"}]
    statements += [
        {"Effect": "Allow", "Action": group.full, "Resource": group.of(names)}
        for group in all_groups
        if group.of is not _anything
    ]
    return {"Version": "2012-10-17", "Statement": statements}

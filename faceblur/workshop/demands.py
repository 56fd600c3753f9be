"""What an account or its owner may demand of all that is made in it, read from the environment; nothing is usual.

    FACEBLUR_BOUNDARY   ARN of the policy that is every role's permissions boundary
    FACEBLUR_ROLE_PATH  path of every role, for example /workshops/
    FACEBLUR_KMS_KEY    ARN of the KMS key for buckets, topic, log groups and what functions have in their environment
    FACEBLUR_MAIL       address that is told of every video that fails

The notebooks say nothing of it: `follow` adds it to the calls that they make.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import WorkshopError
from .chapters import CHAPTERS
from .state import State

if TYPE_CHECKING:
    import boto3

VARIABLES = {
    "boundary": "FACEBLUR_BOUNDARY",
    "role_path": "FACEBLUR_ROLE_PATH",
    "kms_key": "FACEBLUR_KMS_KEY",
    "mail": "FACEBLUR_MAIL",
}
FORMS = {
    "boundary": (
        r"arn:[\w-]+:iam::(\d{12}|aws):policy/\S+",
        "the ARN of a policy: arn:aws:iam::123456789012:policy/NAME",
    ),
    "role_path": (r"/(?:[!-.0-~]+/)*", "a path that begins and ends with a slash: /workshops/"),
    "kms_key": (
        r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+",
        "the ARN of a key, no alias: arn:aws:kms:eu-west-1:123456789012:key/ID",
    ),
    "mail": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an address: anna@example.org"),
}
LONGEST_PATH = 512
READS, WRITES = {"s3:GetObject"}, {"s3:PutObject", "sns:Publish"}
READING, WRITING = "kms:Decrypt", "kms:GenerateDataKey"


@dataclass(frozen=True)
class Demands:
    """Each is empty where it is not demanded. Raises WorkshopError for what cannot be, by its variable's name."""

    boundary: str = ""
    role_path: str = ""
    kms_key: str = ""
    mail: str = ""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            form, words = FORMS[name]
            if value and (not re.fullmatch(form, value) or len(value) > LONGEST_PATH):
                raise WorkshopError(f"{VARIABLES[name]} = {value!r} cannot be used: it is {words}")

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Demands:
        return cls(**{name: environment.get(variable, "") for name, variable in VARIABLES.items()})

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(self).items() if value)

    @property
    def path(self) -> str:
        """Between "role/" and a role's name in its ARN."""
        return self.role_path.removeprefix("/")

    def statements(self, statements: list[dict]) -> list[dict]:
        """What a role with these statements must be allowed beside them."""
        given = {action for each in statements for action in _words(each["Action"])}
        needed = [READING] * bool(given & (READS | WRITES)) + [WRITING] * bool(given & WRITES)
        return [{"Effect": "Allow", "Action": needed, "Resource": self.kms_key}] if needed and self.kms_key else []


def agreed(state: State, region: str) -> Demands:
    """What the environment says; where it says nothing, what an earlier notebook was told. All chapters follow one.

    Raises WorkshopError: what cannot be, a key of another region, or what earlier chapters have not followed.
    """
    now, noted = Demands.of(), Demands(**state.get("demands", {}))
    if not now:
        return noted
    if now.kms_key and now.kms_key.split(":")[3] != region:
        raise WorkshopError(f"{VARIABLES['kms_key']} = {now.kms_key!r} is of another region than {region}")
    if max(state.get("done") or [0]) > 1 and replace(now, mail="") != replace(noted, mail=""):
        raise WorkshopError(
            f"what earlier chapters made follows other demands ({noted or 'none'}; now {now}): take yours out of the "
            f"environment, or do so until {CHAPTERS[10].file} has run"
        )
    state["demands"] = asdict(now)
    return now


def follow(session: boto3.Session, demands: Demands) -> None:
    """Every client that the session makes from now on does what is demanded."""
    for call, change in CHANGES.items():
        session.events.register(f"provide-client-params.{call}", _changed(change, demands))


def _changed(change: Callable[[Demands, dict], dict], demands: Demands) -> Callable[..., dict]:
    def provide(params: dict, **_: Any) -> dict:
        return params | change(demands, params)

    return provide


def _role(demands: Demands, params: dict) -> dict:
    given = {"PermissionsBoundary": demands.boundary, "Path": demands.role_path}
    return {name: value for name, value in given.items() if value}


def _role_policy(demands: Demands, params: dict) -> dict:
    policy = json.loads(params["PolicyDocument"])
    given = policy["Statement"]
    more = [each for each in demands.statements(given) if each not in given]
    return {"PolicyDocument": json.dumps({**policy, "Statement": [*given, *more]})}


def _bucket_encryption(demands: Demands, params: dict) -> dict:
    if not demands.kms_key:
        return {}
    by_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": demands.kms_key}
    rule = {"ApplyServerSideEncryptionByDefault": by_key, "BucketKeyEnabled": True}  # fewer calls of KMS, which cost
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def _topic(demands: Demands, params: dict) -> dict:
    key = {"KmsMasterKeyId": demands.kms_key} if demands.kms_key else {}
    return {"Attributes": params.get("Attributes", {}) | key} if key else {}


def _log_group(demands: Demands, params: dict) -> dict:
    return {"kmsKeyId": demands.kms_key} if demands.kms_key else {}


def _function(demands: Demands, params: dict) -> dict:
    return {"KMSKeyArn": demands.kms_key} if demands.kms_key and "Environment" in params else {}


CHANGES = {
    "iam.CreateRole": _role,
    "iam.PutRolePolicy": _role_policy,
    "s3.PutBucketEncryption": _bucket_encryption,
    "sns.CreateTopic": _topic,
    "logs.CreateLogGroup": _log_group,
    "lambda.CreateFunction": _function,
    "lambda.UpdateFunctionConfiguration": _function,
}


def _words(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions

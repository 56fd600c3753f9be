"""Managed policies and groups as IAM keeps them: which version counts, and what has to be empty before it goes."""

from __future__ import annotations

import functools

from ministack.services import iam


def install() -> None:
    iam._IAM_HANDLERS["SetDefaultPolicyVersion"] = set_default_version
    for name, left in (("DeletePolicy", versions_left), ("DeleteGroup", members_left)):
        iam._IAM_HANDLERS[name] = emptied(iam._IAM_HANDLERS[name], left)


def set_default_version(params):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html"""
    policy, version = iam._policies.get(iam._p(params, "PolicyArn")), iam._p(params, "VersionId")
    if policy is None or version not in policy["Versions"]:
        return iam._error(404, "NoSuchEntity", f"Policy version {version} does not exist.", ns="iam")
    for name, one in policy["Versions"].items():
        one["IsDefaultVersion"] = name == version
    policy["DefaultVersionId"] = version
    return iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")


def versions_left(params) -> bool:
    return len((iam._policies.get(iam._p(params, "PolicyArn")) or {}).get("Versions", ())) > 1


def members_left(params) -> bool:
    name = iam._p(params, "GroupName")
    group = iam._groups.get(name) or {}
    return any(group.get(field) for field in ("Users", "AttachedPolicies")) or bool(
        iam._group_inline_policies.get(name)
    )


def emptied(delete, left):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""

    @functools.wraps(delete)
    def delete_what_is_empty(params):
        if left(params):
            return iam._error(409, "DeleteConflict", "Cannot delete entity, must delete what is in it first.", ns="iam")
        return delete(params)

    return delete_what_is_empty

"""IAM where ministack does not look: service roles, and services that act for a role."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam


@dataclass(frozen=True)
class Denied:
    """A refusal, in the words of AWS."""

    principal: str
    action: str
    resource: str
    explicit: bool

    @property
    def message(self) -> str:
        why = (
            "with an explicit deny"
            if self.explicit
            else (f"because no identity-based policy allows the {self.action} action")
        )
        what = f"is not authorized to perform: {self.action} on resource: {self.resource}"
        return f"User: {self.principal} {what} {why}"


def install() -> None:
    """Loopback counts as a secure connection: it never leaves the machine, and TLS-only policies are the
    product's. The policies of a role with a path are found by its name, which is at the path's end. Wildcards stand for
    line breaks, too.
    """
    pin = app.pin_request_origin
    app.pin_request_origin = lambda address, _secure: pin(address, True)
    compiled = iam_evaluator._fnmatch_compile
    iam_evaluator._fnmatch_compile = lambda pattern, ignore_case: whole(compiled(pattern, ignore_case))
    gather = iam_evaluator._gather_role_policies
    iam_evaluator._gather_role_policies = lambda role, account: gather(role.rpartition("/")[2], account)


def whole(pattern: re.Pattern) -> re.Pattern:
    """The same, for names that hold line breaks or end with one."""
    return re.compile(pattern.pattern.removesuffix("$") + r"\Z", pattern.flags | re.DOTALL)


def own_arn(service: str, name: str) -> str:
    """The ARN of something in the account and region of the request."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{name}"


def trusts(role_arn: str, service: str, source_arn: str | None = None) -> bool:
    """Whether the role exists and its trust policy lets the service ('lambda.amazonaws.com') assume it for a source.

    ministack's evaluation of trust policies takes one service for any other; that of resource policies does not.
    """
    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    if role is None or ":role/" not in role_arn:
        return False
    return service_may(role.get("AssumeRolePolicyDocument"), service, "sts:AssumeRole", role_arn, source_arn)


def role_credentials(role_arn: str, session: str) -> dict[str, str]:
    """Temporary credentials of a role for a service that acts with it, in boto3's argument names."""
    account = role_arn.split(":")[4]
    values = lambda_runtime.execution_credentials(
        {
            "FunctionArn": f"arn:aws:lambda:{get_region()}:{account}:function:{session}",
            "FunctionName": session,
            "Role": role_arn,
        }
    )
    return {name.lower(): value for name, value in values.items()}


def check(access_key: str, action: str, resource: str, context: dict | None = None) -> Denied | None:
    """None when the holder of the key may do this; identity and resource policies both count."""
    principal = iam_evaluator.resolve_principal(access_key, get_account_id())
    if isinstance(principal, iam_evaluator.AuthError):
        return Denied(access_key, action, resource, False)
    if principal.policies is None:
        return None
    request = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:tagkeys": None, **(context or {})},
        principal_keys=principal.keys,
    )
    result = iam_evaluator.evaluate(request, principal.policies, *principal.limits)
    found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    if found is not None:
        result = iam_evaluator.combine_resource_policy(result, request, *found, limits=principal.limits)
    if result.decision == "Allow":
        return None
    return Denied(principal.arn, action, resource, result.decision == "Deny")


def service_may(policy, service: str, action: str, resource: str, source_arn: str | None) -> bool:
    """Whether a resource's own policy lets an AWS service act on it for a source of this account."""
    request = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()},
    )
    return iam_evaluator.evaluate_resource_policy(policy, request, service=service).decision == "Allow"

"""What IAM finds wrong with a policy's form: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""

from __future__ import annotations

import json
import re

SERVICE = re.compile(r"[\w-]+(\.[\w-]+)*\.(amazonaws\.com(\.cn)?|aws\.internal)")
ACTION = re.compile(r"\*|[\w-]+:[\w*?]+")


def policy_fault(text: str | None, is_trust: bool) -> str:
    """In IAM's words; empty where nothing is. is_trust: the policy says who may take a role."""
    try:
        policy = json.loads(text or "")
        statements = policy["Statement"]
        statements = [statements] if isinstance(statements, dict) else list(statements)
    except (ValueError, KeyError, TypeError):
        return "This policy contains invalid Json"
    for one in statements:
        if not isinstance(one, dict) or one.get("Effect") not in ("Allow", "Deny"):
            return "Syntax errors in policy."
        if not {"Action", "NotAction"} & set(one):
            return "Policy statement must contain actions."
        if is_trust and not {"Principal", "NotPrincipal"} & set(one):
            return "AssumeRolepolicy must contain principals."
        services = _several(one["Principal"], "Service") if isinstance(one.get("Principal"), dict) else ()
        if is_trust and (strange := [name for name in services if not SERVICE.fullmatch(str(name))]):
            return f'Invalid principal in policy: "SERVICE":"{strange[0]}"'
        if not is_trust and {"Principal", "NotPrincipal"} & set(one):
            return "Policy document should not specify a principal."
        if not is_trust and not {"Resource", "NotResource"} & set(one):
            return "Policy statement must contain resources."
        if any(not ACTION.fullmatch(str(action)) for action in _several(one, "Action", "NotAction")):
            return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        for resource in _several(one, "Resource", "NotResource"):
            if resource != "*" and not str(resource).startswith("arn:"):
                return f'Resource {resource} must be in ARN format or "*".'
    return ""


def _several(statement: dict, *fields: str) -> list:
    """The values of these fields, each of which may be one or a list."""
    values = [statement[field] for field in fields if field in statement]
    return [one for value in values for one in (value if isinstance(value, list) else [value])]

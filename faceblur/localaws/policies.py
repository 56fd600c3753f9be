"""What IAM finds wrong with a policy's form: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""

from __future__ import annotations

import ipaddress
import json
import re

SERVICE = re.compile(r"[\w-]+(\.[\w-]+)*\.(amazonaws\.com(\.cn)?|aws\.internal)")
STATEMENT = {
    "Sid",
    "Effect",
    "Condition",
    "Action",
    "Resource",
    "Principal",
    "NotAction",
    "NotResource",
    "NotPrincipal",
}
VERSIONS = ("2012-10-17", "2008-10-17")
ORDER = "(Not)?Equals|(Less|Greater)Than(Equals)?"
OPERATOR = re.compile(
    r"(For(All|Any)Values?:)?(String((Not)?Equals(IgnoreCase)?|(Not)?Like)"
    rf"|Numeric({ORDER})|Date({ORDER})|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?|Null",
    re.IGNORECASE,
)
ACTION = re.compile(r"\*|[\w-]+:[\w*?]+")


def policy_fault(text: str | None, is_trust: bool) -> str:
    """In IAM's words; empty where nothing is. is_trust: the policy says who may take a role."""
    try:
        policy = json.loads(text or "")
        statements = policy["Statement"]
        statements = [statements] if isinstance(statements, dict) else list(statements)
    except (ValueError, KeyError, TypeError):
        return "This policy contains invalid Json"
    if policy.get("Version", VERSIONS[0]) not in VERSIONS or not statements:
        return "Syntax errors in policy."
    names = [one["Sid"] for one in statements if isinstance(one, dict) and one.get("Sid")]
    if len(set(names)) < len(names):
        return "Statement IDs (SID) in a single policy must be unique."
    for one in statements:
        if not isinstance(one, dict) or one.get("Effect") not in ("Allow", "Deny"):
            return "Syntax errors in policy."
        if fault := _form_fault(one):
            return fault
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


def _form_fault(statement: dict) -> str:
    pairs = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
    if set(statement) - STATEMENT or any(set(pair) <= set(statement) for pair in pairs):
        return "Syntax errors in policy."
    if not re.fullmatch(r"[a-zA-Z0-9]*", str(statement.get("Sid", ""))):
        return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regex [0-9A-Za-z]*"
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict) or any(not OPERATOR.fullmatch(name) for name in conditions):
        return "Syntax errors in policy."
    for name, keys in conditions.items():
        if not isinstance(keys, dict):
            return "Syntax errors in policy."
        addresses = [str(one) for key in keys for one in _several(keys, key)] if "ipaddress" in name.lower() else []
        if any(not _is_network(one) for one in addresses):
            return "Invalid IP address in Conditions"
    return ""


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "${" in text
    return True


def _several(statement: dict, *fields: str) -> list:
    """The values of these fields, each of which may be one or a list."""
    values = [statement[field] for field in fields if field in statement]
    return [one for value in values for one in (value if isinstance(value, list) else [value])]

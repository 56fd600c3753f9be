"""What policies may ask of a request: condition keys, policy variables, and what a simulation is given.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import json
import re
from collections.abc import Iterator

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam

# ${aws:username}, or with what stands for a key that is not there: ${aws:PrincipalTag/team, 'none'}.
VARIABLE = re.compile(r"\$\{([^},]+?)\s*(?:,\s*'([^']*)')?\}")
LITERAL = ("*", "?", "$")
# Of a variable without a value: fits no name.
NOTHING = "\0"

# The headers and the query of the request that is looked at; and the keys that a simulation names.
_request: contextvars.ContextVar[tuple[dict, dict]] = contextvars.ContextVar("request", default=({}, {}))
_given: contextvars.ContextVar[dict] = contextvars.ContextVar("given", default={})  # noqa: B039


def install() -> None:
    iam_evaluator._resolve_condition_key = known(iam_evaluator._resolve_condition_key)
    iam_evaluator._first_match = with_variables(iam_evaluator._first_match)
    for name in ("SimulatePrincipalPolicy", "SimulateCustomPolicy"):
        iam._IAM_HANDLERS[name] = simulated(iam._IAM_HANDLERS[name])


@contextlib.contextmanager
def noted(headers: dict, query: dict) -> Iterator[None]:
    token = _request.set((headers, query))
    try:
        yield
    finally:
        _request.reset(token)


def known(resolve):
    """Keys that ministack does not have; a role's session has the role's own ARN."""

    @functools.wraps(resolve)
    def resolve_condition_key(key, context):
        name, (headers, query) = key.lower(), _request.get()
        if name in _given.get():
            return _given.get()[name]
        if name == "aws:principalarn" and context.principal_type == "AssumedRole":
            role = context.principal_arn.split("/")[1]
            return (iam._roles.get(role) or {}).get("Arn") or context.principal_arn
        by_header = "authorization" in headers
        own = {
            "aws:viaawsservice": "false",
            "aws:useragent": headers.get("user-agent"),
            "s3:authtype": "REST-HEADER" if by_header else "REST-QUERY-STRING",
            "s3:signatureversion": "AWS" if "AWSAccessKeyId" in query else "AWS4-HMAC-SHA256",
            "s3:tlsversion": "1.3",  # as secure as aws:SecureTransport says: it never leaves this machine
        }
        return own[name] if name in own else resolve(key, context)

    return resolve_condition_key


def with_variables(first_match):
    @functools.wraps(first_match)
    def first_that_matches(context, statements, effect):
        return first_match(context, [filled(one, context) for one in statements], effect)

    return first_that_matches


def filled(statement, context):
    """A statement with the values of its variables."""
    fields = {name: getattr(statement, name) for name in ("resources", "not_resources", "conditions")}
    if "${" not in str(fields):
        return statement
    return dataclasses.replace(statement, **{name: put(value, context) for name, value in fields.items()})


def put(value, context):
    if isinstance(value, list):
        return [put(one, context) for one in value]
    if isinstance(value, dict):
        return {name: put(one, context) for name, one in value.items()}
    if not isinstance(value, str):
        return value

    def one(found: re.Match) -> str:
        if found[1] in LITERAL:
            return found[1]
        known = iam_evaluator._resolve_condition_key(found[1], context)
        return str(known) if known not in (None, []) else NOTHING if found[2] is None else found[2]

    return VARIABLE.sub(one, value)


def simulated(simulate):
    """With the keys that are given; of a user or a role that is there.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """

    @functools.wraps(simulate)
    def simulate_policy(params):
        arn = iam._p(params, "PolicySourceArn")
        if arn and not is_there(arn):
            return iam._error(404, "NoSuchEntity", f"The entity {arn} cannot be found.", ns="iam")
        token = _given.set(dict(entries(params)))
        try:
            return simulate(params)
        finally:
            _given.reset(token)

    return simulate_policy


def is_there(arn: str) -> bool:
    """Whether a role or a user of this account is; of others nothing is known, so they are."""
    for kind, store in ((":role/", iam._roles), (":user/", iam._users)):
        if arn.startswith("arn:aws:iam::") and arn.split(":")[4] == get_account_id() and kind in arn:
            return arn.rpartition("/")[2] in store
    return True


def stranger_in(policy: str) -> str:
    """A role or a user that a policy names and that is not there; the empty string where there is none."""
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        return ""
    for one in statements if isinstance(statements, list) else [statements]:
        principal = one.get("Principal") if isinstance(one, dict) else None
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        for arn in named if isinstance(named, list) else [named]:
            if not is_there(str(arn)):
                return str(arn)
    return ""


def entries(params) -> Iterator[tuple[str, str | list[str]]]:
    number = 1
    while name := iam._p(params, f"ContextEntries.member.{number}.ContextKeyName"):
        field = f"ContextEntries.member.{number}.ContextKeyValues.member"
        values: list[str] = []
        while value := iam._p(params, f"{field}.{len(values) + 1}"):
            values.append(value)
        yield name.lower(), values[0] if len(values) == 1 else values
        number += 1

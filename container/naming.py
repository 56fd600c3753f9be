"""AWS's errors by their own names: the state machine repeats by name, and people read what was refused."""

from __future__ import annotations

import functools
from collections.abc import Callable

from botocore.exceptions import ClientError


def by_name(handler: Callable) -> Callable:
    """The handler, with "SlowDown" or "AccessDenied" in place of "ClientError": boto3 has no classes for these."""

    @functools.wraps(handler)
    def call(event, context):
        try:
            return handler(event, context)
        except ClientError as problem:
            code = problem.response["Error"].get("Code") or "ClientError"
            raise type(code, (Exception,), {})(str(problem)) from problem

    return call

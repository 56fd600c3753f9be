"""What every function says to AWS, and how it passes on what AWS answers."""

import functools

from botocore.config import Config
from botocore.exceptions import ClientError

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})


def by_name(handler):
    """AWS's errors as errors of their own names, "SlowDown" or "AccessDenied": the state machine repeats by name, and
    boto3 has a class for some of them only.
    """

    @functools.wraps(handler)
    def call(event, context):
        try:
            return handler(event, context)
        except ClientError as problem:
            raise type(code_of(problem), (Exception,), {})(str(problem)) from problem

    return call


def code_of(problem: ClientError) -> str:
    return problem.response["Error"].get("Code") or "ClientError"

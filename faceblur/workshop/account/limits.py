"""What a new AWS account may be refused: memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: new accounts begin with less.
NEW_ACCOUNT_MB = 3008


def within_memory_limit(create: Callable[[str, dict], object], function: str, settings: Mapping) -> None:
    """create(function, settings); if Lambda refuses that much memory, once more with what each account may."""
    try:
        create(function, dict(settings))
    except ClientError as problem:
        if "MemorySize" not in str(problem) or settings["MemorySize"] <= NEW_ACCOUNT_MB:
            raise
        print(f"  this account allows less memory: {function} gets {NEW_ACCOUNT_MB} MB", flush=True)
        create(function, {**settings, "MemorySize": NEW_ACCOUNT_MB})

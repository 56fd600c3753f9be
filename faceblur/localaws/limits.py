"""What AWS Lambda refuses in a function's settings.

Limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
Reserved variables: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_TIMEOUT_S = 900
MAX_MEMORY_MB = MAX_STORAGE_MB = 10_240
MIN_MEMORY_MB, MIN_STORAGE_MB = 128, 512
MAX_VARIABLES_BYTES = 4096
MAX_LAYERS = 5
MAX_UNPACKED_BYTES = 262_144_000
# Not AWS's: folders in each other, in packages and images. What is much deeper has a path that no program can name.
MAX_DEPTH = 200
MAX_IMAGE_BYTES = 10 * 1024**3
RESERVED_VARIABLES = {
    "_HANDLER",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
}
# Settings that `refusal` looks at itself.
LOOKED_AT = ("Timeout", "MemorySize", "EphemeralStorage", "FunctionName", "Runtime", "Environment", "Layers", "Code")
NAME = re.compile(r"(arn:[^ ]+:function:)?[a-zA-Z0-9-_]{1,64}(:[a-zA-Z0-9$_-]+)?")
VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
PYTHON = re.compile(r"python3\.(1[0-9]|[89])")


def refusal(settings: dict) -> str | None:
    """Why CreateFunction or UpdateFunctionConfiguration refuses these settings, or None."""
    bounds = (
        ("timeout", settings.get("Timeout"), 1, MAX_TIMEOUT_S),
        ("memorySize", settings.get("MemorySize"), MIN_MEMORY_MB, MAX_MEMORY_MB),
        ("ephemeralStorage.size", (settings.get("EphemeralStorage") or {}).get("Size"), MIN_STORAGE_MB, MAX_STORAGE_MB),
    )
    for name, value, lowest, highest in bounds:
        if value is not None and value < lowest:
            return _constraint(value, name, f"Member must have value greater than or equal to {lowest}")
        if value is not None and value > highest:
            return _constraint(value, name, f"Member must have value less than or equal to {highest}")
    if not NAME.fullmatch(settings.get("FunctionName", "f")):
        return _constraint(settings["FunctionName"], "functionName", "Member must satisfy the name pattern")
    if "Runtime" in settings and not PYTHON.fullmatch(settings["Runtime"]):
        return f"The embedded AWS runs Python functions; the runtime {settings['Runtime']} is not one of them."
    if (settings.get("LoggingConfig") or {}).get("LogFormat", "Text") != "Text":
        return "The embedded AWS writes the logs of functions as text; LogFormat JSON is not there."
    return _layers(settings.get("Layers") or []) or _variables(
        (settings.get("Environment") or {}).get("Variables") or {}
    )


def _layers(layers: list[str]) -> str | None:
    if len(layers) > MAX_LAYERS:
        return _constraint(layers, "layers", f"Member must have length less than or equal to {MAX_LAYERS}")
    names = [str(layer).rpartition(":")[0] for layer in layers]
    if len(set(names)) < len(names):
        return "Two different versions of the same layer are not allowed to be referenced in the same function."
    return None


def _variables(variables: dict[str, str]) -> str | None:
    reserved = sorted(RESERVED_VARIABLES & set(variables))
    if reserved:
        return (
            "Lambda was unable to configure your environment variables because the environment variables you "
            "have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if odd := [name for name in variables if not VARIABLE.fullmatch(name)]:
        return _constraint(odd[0], "environment.variables", f"Map keys must satisfy the pattern {VARIABLE.pattern}")
    if len(json.dumps(variables, separators=(",", ":"))) > MAX_VARIABLES_BYTES:
        return (
            "Lambda was unable to configure your environment variables because the environment variables you "
            f"have provided exceeded the {MAX_VARIABLES_BYTES // 1024}KB limit."
        )
    return None


def _constraint(value: Any, name: str, rule: str) -> str:
    return f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {rule}"

"""What states read and write: paths, the context object, intrinsic functions, comparisons, the items of a Map.

ministack reads a part of it, and takes what it cannot read for null.
"""

from __future__ import annotations

import contextvars
import json

from ministack.services import stepfunctions as states

from ..choices import holds, moment
from ..intrinsics import computed, parse
from ..paths import NothingThereError, look, place
from .replacing import put_in, replaces

# https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
CONTEXT = ("Execution", "State", "StateMachine", "Task", "Map")
LONGEST_WAIT_S = 99_999_999

# The context object of the state that runs now, for fields whose function in ministack does not get it.
_now: contextvars.ContextVar[dict | None] = contextvars.ContextVar("context", default=None)


def install() -> None:
    put_in(
        resolve,
        resolve_either,
        context_path,
        begins,
        template,
        evaluate,
        argument,
        execute,
        rule,
        result,
        over_items,
        wait,
    )


def runtime_error(text: str):
    return states._ExecutionError("States.Runtime", text)


def found(path: str, data):
    """What a path finds in the state's data, or in the context object."""
    try:
        return look(path[1:], visible(_now.get() or {})) if path.startswith("$$") else look(path, data)
    except NothingThereError:
        text = f"The JSONPath '{path}' could not be found in the input '{json.dumps(data)[:400]}'"
        raise runtime_error(text) from None
    except ValueError as problem:
        raise runtime_error(f"Invalid path: {problem}") from problem


def visible(context: dict) -> dict:
    """The context object as states see it."""
    seen = {name: context[name] for name in CONTEXT if name in context}
    machine = states._state_machines.get(context.get("StateMachine", {}).get("Id"))
    if machine:
        seen["Execution"] = context["Execution"] | {"RoleArn": machine["roleArn"], "RedriveCount": 0}
    return seen


@replaces("_apply_input_path")
def begins(original):
    """The first that every state asks for."""

    def apply_input_path(state, data, ctx=None):
        _now.set(ctx or {})
        return original(state, data, ctx)

    return apply_input_path


@replaces("_resolve_path")
def resolve(original):
    return lambda path, data: found(path or "$", data)


@replaces("_resolve_path_or_ctx")
def resolve_either(original):
    return lambda path, data, ctx: in_context(ctx, found, path, data)


@replaces("_resolve_ctx_path")
def context_path(original):
    return lambda path, ctx: in_context(ctx, found, path, None)


def in_context(ctx: dict | None, function, *arguments):
    """An item of a Map has a context of its own."""
    token = _now.set(ctx or _now.get())
    try:
        return function(*arguments)
    finally:
        _now.reset(token)


@replaces("_resolve_params_obj")
def template(original):
    """A payload template, lists in lists and all."""
    return lambda given, data, ctx=None: in_context(ctx, filled, given, data)


def filled(given, data):
    if isinstance(given, list):
        return [filled(item, data) for item in given]
    if not isinstance(given, dict):
        return given
    return {
        key.removesuffix(".$"): called(value, data) if key.endswith(".$") else filled(value, data)
        for key, value in given.items()
    }


def called(text: str, data):
    return states._evaluate_intrinsic(text, data, None) if text.startswith("States.") else found(text, data)


@replaces("_evaluate_intrinsic")
def evaluate(original):
    """What a function cannot do is States.IntrinsicFailure."""

    def evaluate_intrinsic(expression, data, ctx):
        try:
            return in_context(ctx, states._exec_intrinsic, parse(expression), data, ctx)
        except (ValueError, TypeError, LookupError, AttributeError) as problem:
            text = f"The function '{expression}' had the following error: {problem}"
            raise states._ExecutionError("States.IntrinsicFailure", text) from problem

    return evaluate_intrinsic


@replaces("_eval_intrinsic_arg")
def argument(original):
    def eval_intrinsic_arg(arg, data, ctx):
        kind, value = arg[:2]
        if kind == "call":
            return states._exec_intrinsic(arg, data, ctx)
        return found(value, data) if kind == "path" else value

    return eval_intrinsic_arg


@replaces("_exec_intrinsic")
def execute(original):
    def exec_intrinsic(node, data, ctx):
        _, name, given = node
        values = [states._eval_intrinsic_arg(one, data, ctx) for one in given]
        value = computed(name, values)
        return (
            original((*node[:2], [("value", one) for one in values]), data, ctx) if value is NotImplemented else value
        )

    return exec_intrinsic


@replaces("_evaluate_rule")
def rule(original):
    def evaluate_rule(choice, data, context=None):
        try:
            return in_context(context, holds, choice, lambda path: seen(path, data))
        except NothingThereError as problem:
            text = f"Invalid path '{problem}': The choice state's condition path references an invalid value."
            raise runtime_error(text) from None

    return evaluate_rule


def seen(path: str, data):
    return look(path[1:], visible(_now.get() or {})) if path.startswith("$$") else look(path, data)


@replaces("_apply_result_path_raw")
def result(original):
    """What does not fit into the input is an error; it is not thrown away."""

    def apply_result_path_raw(path, original_input, value):
        if path is None:
            return original_input
        try:
            return place(path, original_input, value)
        except NothingThereError:
            text = f"Unable to apply ResultPath '{path}' to the input '{json.dumps(original_input)[:400]}'"
            raise states._ExecutionError("States.ResultPathMatchFailure", text) from None

    return apply_result_path_raw


@replaces("_execute_map")
def over_items(original):
    """A Map over what is no array is an error."""

    def execute_map(state, raw_input, execution, context):
        source = states._apply_input_path(state, raw_input, context)
        items = states._resolve_path_or_ctx(state.get("ItemsPath", "$"), source, context)
        if not isinstance(items, list) and "ItemReader" not in state:
            raise runtime_error(f'Reference path "{state.get("ItemsPath", "$")}" must point to array.')
        state = with_values(state, source, {"MaxConcurrencyPath": is_count})
        return original(state, raw_input, execution, context)

    return execute_map


@replaces("_execute_wait")
def wait(original):
    def execute_wait(state, raw_input, ctx=None):
        source = states._apply_input_path(state, raw_input, ctx)
        state = with_values(state, source, {"SecondsPath": is_count, "TimestampPath": moment})
        return original(state, raw_input, ctx)

    return execute_wait


def is_count(value) -> bool:
    return type(value) is int and 0 <= value <= LONGEST_WAIT_S


def with_values(state: dict, data, paths: dict) -> dict:
    """A state with values instead of paths to them; each must pass its test."""
    for name, fits in paths.items():
        if name in state:
            value = found(state[name], data)
            if not fits(value):
                raise runtime_error(
                    f"The {name} parameter does not take the value of {state[name]}: {json.dumps(value)[:400]}"
                )
            state = {key: one for key, one in state.items() if key != name} | {name.removesuffix("Path"): value}
    return state

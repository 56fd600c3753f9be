"""The paths of the Amazon States Language: which text is one, and what it finds in JSON.

https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html

python-jsonpath reads them. What they find is what Jayway's JsonPath finds, as whose syntax AWS describes them; that is
not always what RFC 9535 says: several names at a path's end give one object, a filter looks at an object itself, and
what cannot lead anywhere is an error and no empty list.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError, Lexer, selectors
from jsonpath import filter as expressions
from jsonpath.segments import JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath.token import TOKEN_DDOT, TOKEN_NAME, Token

# "$.a.['b c']" is how AWS writes it.
DOT_BEFORE_BRACKET = re.compile(r"(?<=[^.])\.(?=\[)")
SELECTORS = (
    selectors.NameSelector,
    selectors.IndexSelector,
    selectors.SliceSelector,
    selectors.WildcardSelector,
    selectors.Filter,
)
EXPRESSIONS = (
    expressions.FilterExpression,
    expressions.InfixExpression,
    expressions.PrefixExpression,
    expressions.FilterExpressionLiteral,
    expressions.ListLiteral,
    expressions.Nil,
    expressions.RelativeFilterQuery,
    expressions.RootFilterQuery,
)
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "=~", "in", "&&", "||")


class NotAPathError(ValueError):
    """The text is no path, or one that the embedded AWS cannot follow; says which and why."""


class NothingThereError(LookupError):
    """The path leads nowhere in this JSON."""


class _Words(Lexer):
    """Signs for "not", "and" and "or", which as words are names; and after two dots every word is a name."""

    logical_not_pattern, logical_and_pattern, logical_or_pattern = "!", "&&", r"\|\|"

    def tokenize(self, path: str) -> Iterator[Token]:
        before = ""
        for token in super().tokenize(path):
            if before == TOKEN_DDOT and token.value.isalpha():
                token = Token(TOKEN_NAME, token.value, token.index, path)
            before = token.kind
            yield token


class _Language(JSONPathEnvironment):
    lexer_class = _Words


_LANGUAGE = _Language()


def check_path(text: str) -> None:
    """Raises NotAPathError. A path of the context object begins with "$$"."""
    _segments(text.removeprefix("$") if text.startswith("$$") else text)


def is_reference(text: str) -> bool:
    """Whether it can only lead to one place: names and indices that count from the front."""
    try:
        segments = _segments(text.removeprefix("$") if text.startswith("$$") else text)
    except NotAPathError:
        return False
    return all(_is_single(segment) and getattr(segment.selectors[0], "index", 0) >= 0 for segment in segments)


def look(path: str, data: Any) -> Any:
    """What a path finds: a value, or a list where it may find several. Raises NotAPathError, NothingThereError."""
    segments, nodes, is_definite = _segments(path), [data], True
    for position, segment in enumerate(segments):
        is_last, is_deep = position == len(segments) - 1, isinstance(segment, JSONPathRecursiveDescentSegment)
        if is_definite and not is_deep and not _fits(segment.selectors, nodes[0], is_last):
            raise NothingThereError(path)
        if is_deep:
            nodes = [below for node in nodes for below in _with_descendants(node)]
        nodes = [hit for node in nodes for hit in _hits(segment.selectors, node, data, is_last, is_deep)]
        is_merged = is_last and len(segment.selectors) > 1 and not is_deep and _are_names(segment.selectors)
        is_definite = is_definite and (_is_single(segment) or is_merged)
        if is_definite and not nodes:
            raise NothingThereError(path)
    return nodes[0] if is_definite else nodes


@functools.lru_cache(1024)
def _segments(text: str) -> tuple[JSONPathSegment, ...]:
    if not re.match(r"\$($|[.[])", text):
        raise NotAPathError(f"{text}: a path is $, or begins with $. or $[")
    try:
        found = _LANGUAGE.compile(DOT_BEFORE_BRACKET.sub("", text))
    except (JSONPathError, RecursionError) as problem:
        raise NotAPathError(f"{text}: {str(problem).splitlines()[0]}") from None
    if not isinstance(found, JSONPath):
        raise NotAPathError(f"{text}: these are several paths")
    _check(found, text)
    return tuple(found.segments)


def _check(path: JSONPath, text: str) -> None:
    for selector in (selector for segment in path.segments for selector in segment.selectors):
        steps = isinstance(selector, selectors.SliceSelector) and selector.slice.step not in (None, 1)
        if not isinstance(selector, SELECTORS) or steps:
            raise NotAPathError(f"{text}: the embedded AWS does not run {selector} in a path")
        if isinstance(selector, selectors.Filter):
            _check_expression(selector.expression, text)


def _check_expression(expression: expressions.BaseExpression, text: str) -> None:
    if not isinstance(expression, EXPRESSIONS) or getattr(expression, "operator", "!") not in (*OPERATORS, "!"):
        raise NotAPathError(f"{text}: the embedded AWS does not run {expression} in a filter")
    if isinstance(expression, expressions.FilterQuery):
        _check(expression.path, text)
        return
    for child in expression.children():
        _check_expression(child, text)


def _is_single(segment: JSONPathSegment) -> bool:
    """Whether a part of a path leads to one place at most."""
    if isinstance(segment, JSONPathRecursiveDescentSegment) or len(segment.selectors) > 1:
        return False
    return isinstance(segment.selectors[0], (selectors.NameSelector, selectors.IndexSelector))


def _are_names(given: tuple) -> bool:
    return all(isinstance(one, selectors.NameSelector) for one in given)


def _fits(given: tuple, node: Any, is_last: bool) -> bool:
    """Names want an object, indices and slices a list, the rest either; what stands for all may be all of nothing."""
    if _are_names(given):
        return isinstance(node, dict)
    if isinstance(given[0], selectors.WildcardSelector):
        return is_last or isinstance(node, (dict, list))
    if isinstance(given[0], selectors.Filter):
        return isinstance(node, (dict, list))
    return isinstance(node, list)


def _hits(given: tuple, node: Any, root: Any, is_last: bool, is_deep: bool) -> Iterator[Any]:
    """What these selectors find in one node."""
    if is_last and len(given) > 1 and _are_names(given) and isinstance(node, dict):
        yield {one.name: node[one.name] for one in given if one.name in node}
        return
    for one in given:
        if isinstance(one, selectors.Filter):
            seen = [node] if isinstance(node, dict) else [] if is_deep or not isinstance(node, list) else node
            yield from (each for each in seen if _holds(one, each, root))
        elif isinstance(node, dict):
            if isinstance(one, selectors.WildcardSelector):
                yield from node.values()
            elif isinstance(one, selectors.NameSelector) and one.name in node:
                yield node[one.name]
        elif isinstance(node, list):
            if isinstance(one, selectors.WildcardSelector):
                yield from node
            elif isinstance(one, selectors.SliceSelector):
                yield from node[one.slice]
            elif isinstance(one, selectors.IndexSelector) and -len(node) <= one.index < len(node):
                yield node[one.index]


def _holds(one: selectors.Filter, node: Any, root: Any) -> bool:
    return bool(one.expression.evaluate(selectors.FilterContext(env=_LANGUAGE, current=node, root=root)))


def _with_descendants(node: Any) -> Iterator[Any]:
    yield node
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in inside:
        yield from _with_descendants(child)


def place(path: str, data: Any, value: Any) -> Any:
    """The JSON with a value at a reference path; objects on the way are made. Raises NothingThereError where the path
    leads through something else.
    """
    return _placed(_segments(path), data, value, path)


def _placed(segments: tuple[JSONPathSegment, ...], node: Any, value: Any, path: str) -> Any:
    if not segments:
        return value
    one = segments[0].selectors[0]
    if isinstance(one, selectors.NameSelector) and isinstance(node, dict):
        return node | {one.name: _placed(segments[1:], node.get(one.name, {}), value, path)}
    if isinstance(one, selectors.IndexSelector) and isinstance(node, list) and one.index < len(node):
        changed = _placed(segments[1:], node[one.index], value, path)
        return [*node[: one.index], changed, *node[one.index + 1 :]]
    raise NothingThereError(path)

"""Filter patterns of CloudWatch Logs: of words, of JSON, of fields between spaces.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from typing import Any

Matcher = Callable[[str], bool]
Test = Callable[[Any], bool]

REGEX, QUOTED = r"%[^%]+%", r'"(?:[^"\\]|\\.)*"'
WORDS = re.compile(rf"\s*([-?]?)({QUOTED}|{REGEX}|[\w*]+)(?=\s|$)")
TOKEN = re.compile(
    rf"\s*(?P<mark>&&|\|\||!=|>=|<=|[=<>()\[\],]|\.\.\.)|\s*(?P<quoted>{QUOTED})|\s*(?P<regex>{REGEX})"
    r"|\s*(?P<path>\$(?:\.\w[\w-]*|\.?\[(?:\d+|'[^']*'|\"[^\"]*\")\])+)|\s*(?P<word>[\w.*:/@+#-]+)"
)
STEP = re.compile(r"\.(\w[\w-]*)|\.?\[(?:(\d+)|'([^']*)'|\"([^\"]*)\")\]")
FIELD = re.compile(r'\[[^\]]*\]|"[^"]*"|\S+')
ORDER = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
MISSING = object()


class PatternError(ValueError):
    """The text is no filter pattern; says why."""


def compiled(text: str) -> Matcher:
    """Whether a message fits the pattern. Raises PatternError."""
    text = text.strip()
    if text.startswith("{"):
        return _of_json(_Reader(_inside(text, "}")))
    if text.startswith("["):
        return _of_fields(_Reader(_inside(text, "]")))
    return _of_words(text)


def _inside(text: str, end: str) -> str:
    if not text.endswith(end):
        raise PatternError(f"Invalid filter pattern: '{end}' is missing at its end")
    return text[1:-1]


def _of_words(text: str) -> Matcher:
    kinds: dict[str, list[re.Pattern]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        found = WORDS.match(text, position)
        if found is None:
            raise PatternError(f"Invalid character(s) in term '{text[position:].split()[0]}'")
        kinds[found[1]].append(_regex(found[2]) if found[2][0] == "%" else re.compile(re.escape(_plain(found[2]))))
        position = found.end()

    def fits(message: str) -> bool:
        if any(word.search(message) for word in kinds["-"]):
            return False
        if not kinds["?"] or kinds[""]:
            return all(word.search(message) for word in kinds[""])
        return any(word.search(message) for word in kinds["?"])

    return fits


def _regex(text: str) -> re.Pattern:
    try:
        return re.compile(text[1:-1])
    except re.error as problem:
        raise PatternError(f"Invalid regular expression {text}: {problem}") from problem


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[0] == '"' else text


class _Reader:
    """The tokens of a pattern, one after the other; conditions over them joined by && and ||, in brackets or not."""

    def __init__(self, text: str):
        self._tokens: list[tuple[str, str]] = []
        self._text, position = text.strip(), 0
        while position < len(self._text):
            found = TOKEN.match(self._text, position)
            if found is None or found.lastgroup is None:
                raise PatternError(f"Invalid filter pattern: it cannot be read from {self._text[position:][:20]!r} on")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            position = found.end()
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def take(self, *kinds: str) -> tuple[str, str]:
        kind, value = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kinds and kind not in kinds:
            raise PatternError(f"Invalid filter pattern: {value or 'the end'!r} stands where a {kinds[0]} should")
        self._at += 1
        return kind, value

    def joined(self, one: Callable[[], Test], mark: str = "||") -> Test:
        inner = (lambda: self.joined(one, "&&")) if mark == "||" else one
        tests = [inner()]
        while self.peek() == mark:
            self.take()
            tests.append(inner())
        together = any if mark == "||" else all
        return lambda value: together(test(value) for test in tests)

    def bracketed(self, one: Callable[[], Test]) -> Test:
        if self.peek() != "(":
            return one()
        self.take()
        test = self.joined(lambda: self.bracketed(one))
        if self.take()[1] != ")":
            raise PatternError("Invalid filter pattern: a bracket is missing")
        return test

    def comparison(self) -> Test:
        """An operator and what stands behind it, as a test of a value."""
        order = self.take("mark")[1]
        kind, text = self.take("word", "quoted", "regex")
        if order in ORDER:
            try:
                limit = float(text)
            except ValueError:
                raise PatternError(f"Invalid filter pattern: {text} is no number") from None
            return lambda value: (number := _number(value)) is not None and ORDER[order](number, limit)
        if order not in ("=", "!="):
            raise PatternError(f"Invalid filter pattern: {order!r} compares nothing")
        wanted = _regex(text) if kind == "regex" else _glob(_plain(text))
        exact = None if kind == "quoted" else _number(text)

        def equal(value: Any) -> bool:
            if exact is not None and _number(value) is not None:
                return _number(value) == exact
            seen = value if isinstance(value, str) else json.dumps(value)
            return bool((wanted.search if kind == "regex" else wanted.fullmatch)(seen))

        return lambda value: value is not MISSING and equal(value) == (order == "=")


def _glob(text: str) -> re.Pattern:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _of_json(reader: _Reader) -> Matcher:
    def one() -> Test:
        path = reader.take("path")[1]
        test = _state(reader) or reader.comparison()
        return lambda document: test(_look(path, document))

    holds = reader.joined(lambda: reader.bracketed(one))
    if reader.peek():
        raise PatternError(f"Invalid filter pattern: nothing can follow before {reader.peek()!r}")

    def fits(message: str) -> bool:
        try:
            document = json.loads(message)
        except ValueError:
            return False
        return isinstance(document, dict) and holds(document)

    return fits


STATES: dict[tuple[str, str], Test] = {
    ("IS", "NULL"): lambda value: value is None,
    ("IS", "TRUE"): lambda value: value is True,
    ("IS", "FALSE"): lambda value: value is False,
    ("NOT", "EXISTS"): lambda value: value is MISSING,
}


def _state(reader: _Reader) -> Test | None:
    if reader.peek().upper() not in ("IS", "NOT"):
        return None
    words = reader.take()[1].upper(), reader.take()[1].upper()
    if words not in STATES:
        raise PatternError(f"Invalid filter pattern: {' '.join(words)} says nothing")
    return STATES[words]


def _look(path: str, document: Any) -> Any:
    for name, index, *quoted in STEP.findall(path):
        key = name or next(filter(None, quoted), "")
        if index and isinstance(document, list) and int(index) < len(document):
            document = document[int(index)]
        elif not index and isinstance(document, dict) and key in document:
            document = document[key]
        else:
            return MISSING
    return document


def _of_fields(reader: _Reader) -> Matcher:
    """Each field has a name, and perhaps a condition; "..." stands for any number of them."""
    fields: list[Test | None] = []

    def condition() -> Test:
        reader.take("word")
        return reader.comparison() if reader.peek() in ("=", "!=", *ORDER) else lambda value: True

    while True:
        if reader.peek() == "...":
            reader.take()
            fields.append(None)
        else:
            fields.append(reader.joined(lambda: reader.bracketed(condition)))
        if not reader.peek():
            break
        if reader.take()[1] != ",":
            raise PatternError("Invalid filter pattern: a comma is missing between fields")
    gap = fields.index(None) if None in fields else len(fields)

    def fits(message: str) -> bool:
        values = [value.strip('"') if value[0] == '"' else value.strip("[]") for value in FIELD.findall(message)]
        tests = [test for test in fields if test]
        if len(values) < len(tests) or (None not in fields and len(values) != len(tests)):
            return False
        behind = len(tests) - gap
        chosen = values[:gap] + (values[len(values) - behind :] if behind else [])
        return all(test(value) for test, value in zip(tests, chosen, strict=True))

    return fits

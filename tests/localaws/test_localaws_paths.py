"""Paths, rules of choices and intrinsic functions, as texts and on JSON, without an engine."""

import pytest

from faceblur.localaws.choices import holds
from faceblur.localaws.intrinsics import NotAFunctionError, computed, parse
from faceblur.localaws.paths import NotAPathError, NothingThereError, check_path, is_reference, look, place

DATA = {"a": {"b": [1, 2]}, "text": "{}", "null": None, "list": [{"n": 1}, {"n": 2}], "it's": 3}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a.b",
        "$a",
        "$.",
        "$..",
        "$.a[",
        "$.a b",
        "$.1a",
        "$.a:b",
        "$.a | $.b",
        "$.a & $.b",
        "$.a.length()",
        "$.list[::2]",
        "$.list[(@.length-1)]",
        "$.list[?(@.n nin [1])]",
        "$.list[?(@.n <> 1)]",
        "$.list[?(length(@.n) == 1)]",
        "$.~a",
        "$.list[?(# == 0)]",
        "$.list[?(@.n == 1 or @.n == 2)]",
        "$.list[?(not @.n)]",
        "$.list[?(@.n == undefined)]",
        "$.list[?(@.~n)]",
        "^.a",
        "$" + "[?(@.a" * 2000,
    ],
)
def test_what_is_no_path_or_none_that_can_be_followed_is_refused(path):
    with pytest.raises(NotAPathError) as problem:
        check_path(path)
    assert "\n" not in str(problem.value)
    assert not is_reference(path)


@pytest.mark.parametrize(
    "path",
    [
        "$.none",
        "$.a.b.c",
        "$.list[2]",
        "$.list[-3]",
        "$.text.x",
        "$.text[0]",
        "$.null.x",
        "$.a[0]",
        "$.none[*]",
        "$.none..x",
        "$.a[0:1]",
        "$.text[?(@.x)]",
        "$.list[0].none",
        "$.text['a','b']",
    ],
)
def test_what_leads_nowhere_is_an_error(path):
    with pytest.raises(NothingThereError):
        look(path, DATA)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.null", None),
        ("$.list[*].none", []),
        ("$.text[*]", []),
        ("$..none", []),
        ("$..null", [None]),
        ("$.list[5:]", []),
        ("$.a['none','c']", {}),
        ("$['it\\'s']", 3),
        ("$.list[?(@.n == '1')]", []),
        ("$.a[?(@.b)]", [{"b": [1, 2]}]),
    ],
)
def test_what_may_lead_to_several_is_a_list(path, found):
    assert look(path, DATA) == found


def test_a_text_is_never_read_as_json():
    assert look("$", '{"a": 1}') == '{"a": 1}'
    with pytest.raises(NothingThereError):
        look("$.a", '{"a": 1}')


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("$", True),
        ("$.a[0]['b c']", True),
        ("$$.Execution.Id", True),
        ("$.a[-1]", False),
        ("$.a[*]", False),
        ("$..a", False),
        ("$.a[0,1]", False),
        ("$['a','b']", False),
        ("$.a[0:1]", False),
        ("$.a[?(@.b)]", False),
    ],
)
def test_a_reference_path_leads_to_one_place(path, is_one):
    check_path(path)
    assert is_reference(path) is is_one


def test_a_value_is_placed_beside_what_is_there_which_stays_as_it_was():
    before = {"a": {"b": 1}, "l": [1, 2]}
    assert place("$.a.c.d", before, 2) == {"a": {"b": 1, "c": {"d": 2}}, "l": [1, 2]}
    assert place("$.l[0]", before, 3)["l"] == [3, 2]
    assert place("$", before, 4) == 4
    assert before == {"a": {"b": 1}, "l": [1, 2]}
    for path in ("$.a.b.c", "$.l[2]", "$.l.x", "$.new[0]"):
        with pytest.raises(NothingThereError):
            place(path, before, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$.a",
        "States.UUID",
        "States.UUID(",
        "States.UUID(1)",
        "States.Nothing()",
        "States.Array(1,)",
        "States.Array(,1)",
        "States.Array(1 2)",
        "States.Array(1) 2",
        "States.Array('a)",
        "States.Array(b)",
        r"States.Format('\q')",
        "States.Array($.a[)",
        "States.Array($.a.length())",
        "States.Array(" * 11 + "1" + ")" * 11,
    ],
)
def test_what_is_no_call_of_a_function_is_refused(text):
    with pytest.raises(NotAFunctionError):
        parse(text)


def test_a_call_is_read_with_all_that_may_stand_in_it():
    path = "$.l[?(@.n in ['a)', ']'] && (@.x == 1))].n"
    text = rf"States.Array(1, -2.5, 'it\'s', true, null, {path}, $$.Task.Token, States.ArrayGetItem($['a,b'], 0))"
    assert parse(text) == (
        "call",
        "States.Array",
        [
            ("num", 1),
            ("num", -2.5),
            ("str", "it's"),
            ("bool", True),
            ("null", None),
            ("path", path),
            ("path", "$$.Task.Token"),
            ("call", "States.ArrayGetItem", [("path", "$['a,b']"), ("num", 0)]),
        ],
    )


def test_a_function_gets_only_what_it_takes():
    assert computed("States.UUID", []) is NotImplemented
    for name, values in {
        "States.Format": [1],
        "States.ArrayContains": [1, 1],
        "States.ArrayLength": ["abc"],
        "States.JsonMerge": [[], {}, False],
        "States.MathRandom": [2, 1],
        "States.MathAdd": [2**31 - 1, 1],
        "States.StringSplit": ["a", ""],
        "States.ArrayUnique": [1],
    }.items():
        with pytest.raises(ValueError, match="it takes"):
            computed(name, values)


def test_rules_compare_what_is_of_their_kind():
    def rule(**more):
        return holds({"Variable": "$", **more}, values.__getitem__)

    for value, test, is_true in [
        ("a*b", {"StringMatches": r"a\*b"}, True),
        ("a\\xb", {"StringMatches": r"a\\*b"}, True),
        ("a\nb", {"StringMatches": "a*b"}, True),
        (1, {"StringEquals": 1}, False),
        (True, {"NumericEquals": 1}, False),
        (1, {"BooleanEquals": True}, False),
        (1.5, {"NumericGreaterThanEqualsPath": "other"}, True),
        ("2016-03-14T01:59:00Z", {"TimestampEquals": "2016-03-14T02:59:00+01:00"}, True),
        ("2016-03-14T01:59:00z", {"IsTimestamp": True}, False),
        ("2016-03-14T01:59:00", {"IsTimestamp": False}, True),
        ("2016-13-14T01:59:00Z", {"IsTimestamp": True}, False),
        (None, {"IsNull": True}, True),
        (None, {"IsPresent": True}, True),
    ]:
        values = {"$": value, "other": 1}
        assert rule(**test) is is_true, (value, test)

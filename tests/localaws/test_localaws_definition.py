"""Faults of a state machine that AWS refuses and an emulator runs. moto's parser (LocalStack's) is a second
opinion.
"""

import json
import re
from pathlib import Path

import pytest

from faceblur.localaws.definition import beyond_this_engine, problems
from faceblur.workshop.building.definition import render_definition

PRODUCT = Path(__file__).parents[2] / "statemachine.asl.json"


def machine(**state):
    return {"StartAt": "A", "States": {"A": {"End": True, **state}}}


TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}}
FAULTS = {
    "not an object": [],
    "nothing in it": {},
    "no StartAt": {"States": {"A": {"Type": "Succeed"}}},
    "StartAt leads nowhere": {"StartAt": "B", "States": {"A": {"Type": "Succeed"}}},
    "no Type": machine(),
    "unknown Type": machine(Type="Loop"),
    "Next leads nowhere": {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}},
    "neither Next nor End": {"StartAt": "A", "States": {"A": {"Type": "Pass"}}},
    "Task without Resource": machine(Type="Task"),
    "a state that nothing leads to": {
        "StartAt": "A",
        "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}},
    },
    "Choice without Choices": {"StartAt": "A", "States": {"A": {"Type": "Choice"}}},
    "Wait without a time": machine(Type="Wait"),
    "Map without a processor": machine(Type="Map"),
    "unknown field": machine(Type="Pass", Colour="red"),
    "States.ALL with others": machine(**TASK, Catch=[{"ErrorEquals": ["States.ALL", "X"], "Next": "A"}]),
    "States.ALL not last": machine(**TASK, Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["X"]}]),
    "Catch leads nowhere": machine(**TASK, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}]),
    "a path that is none": machine(Type="Pass", InputPath="video"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_found(fault):
    found = problems(json.dumps(FAULTS[fault]))
    assert found
    assert all(line.startswith("SCHEMA_VALIDATION_FAILED: ") for line in found)


def test_text_that_is_no_json_is_a_fault():
    assert problems("{")[0].startswith("INVALID_JSON_DESCRIPTION")


SOUND = {
    "Pass": machine(Type="Pass", Result={"a": 1}),
    "Task": machine(
        **TASK,
        Retry=[{"ErrorEquals": ["X"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2}],
        Catch=[
            {"ErrorEquals": ["X"], "Next": "A"},
            {"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "A"},
        ],
    ),
    "Map": machine(
        Type="Map",
        ItemsPath="$.items",
        ItemProcessor={
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "B",
            "States": {"B": {"Type": "Succeed"}},
        },
    ),
    "Fail": {
        "StartAt": "A",
        "States": {"A": {"Type": "Fail", "ErrorPath": "$.e.Error", "CausePath": "$.e.Cause"}},
    },
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_definitions_pass_here_and_with_the_second_opinion(name):
    text = json.dumps(SOUND[name])
    assert problems(text) == []
    assert beyond_this_engine(text) == []
    second_opinion(text)


def test_the_product_s_machine_passes_here_and_with_the_second_opinion():
    names = set(re.findall(r"\$\{(\w+)\}", PRODUCT.read_text()))
    text = render_definition(PRODUCT, {name: 2 if name == "MaxConcurrency" else "x" for name in names})
    assert problems(text) == []
    assert beyond_this_engine(text) == []
    second_opinion(text)


JSONATA = {"Type": "Pass", "Output": "{% 1 %}"}
STATE = {"Type": "Pass", "QueryLanguage": "JSONata", "End": True}
INSIDE = {"StartAt": "B", "States": {"B": STATE}}
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:a"
BEYOND = {
    "JSONata everywhere": {"QueryLanguage": "JSONata", **machine(**JSONATA)},
    "JSONata in a state": machine(QueryLanguage="JSONata", **JSONATA),
    "JSONata in a Map": machine(Type="Map", ItemProcessor=INSIDE),
    "JSONata in an old Map": machine(Type="Map", Iterator=INSIDE),
    "JSONata in a Parallel": machine(Type="Parallel", Branches=[INSIDE]),
    "JSONata's arguments": {
        "QueryLanguage": "JSONata",
        **machine(Type="Task", Resource=TASK["Resource"], Arguments={}),
    },
    "variables": machine(Type="Pass", Assign={"x.$": "$.y"}),
    "variables of a rule": {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "IsNull": True, "Assign": {"x": 1}, "Next": "B"}],
            },
            "B": {"Type": "Succeed"},
        },
    },
    "another account's role": machine(**TASK, Credentials={"RoleArn": "arn:aws:iam::123456789012:role/r"}),
    "a batch of items": machine(
        Type="Map",
        ItemBatcher={"MaxItemsPerBatch": 2},
        ItemProcessor={"StartAt": "B", "States": {"B": {"Type": "Succeed"}}},
    ),
    "an activity's time limit": machine(Type="Task", Resource=ACTIVITY, TimeoutSeconds=5),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_this_engine_would_get_wrong_is_named(name):
    found = beyond_this_engine(json.dumps(BEYOND[name]))
    assert found
    assert all(line.startswith("the embedded AWS does not run ") for line in found)
    assert ("JSONata" in found[0]) == (name.split()[0] in ("JSONata", "JSONata's", "variables"))


def test_content_and_names_of_states_may_be_any_words():
    states = {
        "Variable": {
            "Type": "Pass",
            "Result": {"Assign": 1, "InputPath": 2, "QueryLanguage": "JSONata"},
            "Next": "Output",
        },
        "Output": {"Type": "Pass", "Parameters": {"Output": "a", "ResultPath": "b", "Items": ["$..x"]}, "End": True},
    }
    text = json.dumps({"StartAt": "Variable", "States": states})
    assert problems(text) == beyond_this_engine(text) == []


PATHS = ["$['a b']", "$._a", "$.a-b.c", "$.a[0][1]", "$[0]", "$.a['b'][0].c", "$"]


@pytest.mark.parametrize("path", PATHS)
def test_a_reference_path_may_have_brackets_and_any_letters(path):
    assert problems(json.dumps(machine(Type="Pass", ResultPath=path))) == []
    assert problems(json.dumps(machine(Type="Wait", SecondsPath=path))) == []


def test_a_definition_of_more_than_a_megabyte_is_a_fault():
    assert problems(json.dumps(machine(Type="Pass", Result="x" * 1_048_576)))


def second_opinion(text):
    """Raises when moto's parser of the Amazon States Language cannot read it."""
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    AmazonStateLanguageParser.parse(text)

"""Parameters of another kind than they have are told before anything is done with them."""

import pytest

from faceblur.errors import WorkshopError
from faceblur.workshop import CHAPTERS
from faceblur.workshop.parameters import check_kinds, usual
from faceblur.workshop.running import runner


@pytest.mark.parametrize("number", CHAPTERS)
def test_the_usual_values_are_those_of_the_parameters_cell(number):
    assert set(usual(number)) == runner.known_parameters(CHAPTERS[number])
    check_kinds(number, usual(number))
    check_kinds(number, {"of_somebody_else": object()})


@pytest.mark.parametrize(
    ("number", "name", "value", "words"),
    [
        (2, "KEEP_INPUT_DAYS", "7", "KEEP_INPUT_DAYS = '7': a whole number, without quotes is asked for, as in"),
        (2, "KEEP_INPUT_DAYS", 0.5, "KEEP_INPUT_DAYS = 0.5: a whole number"),
        (5, "MEMORY_MB", "lots", "MEMORY_MB = 'lots': a whole number"),
        (7, "REKOGNITION_USD_PER_MINUTE", "0.10", "a number, without quotes is asked for"),
        (8, "VIDEO", 7, 'VIDEO = 7: a text is asked for, as in VIDEO = '),
        (1, "PREFIX", None, "PREFIX = None: a text"),
        (10, "DELETE", "no", "DELETE = 'no': True or False is asked for, as in DELETE = False"),
        (10, "SOLVE", 1, "SOLVE = 1: True or False"),
    ],
)  # fmt: skip
def test_another_kind_is_told_by_name(number, name, value, words):
    with pytest.raises(WorkshopError) as told:
        check_kinds(number, {name: value})
    assert words in str(told.value)


def test_a_whole_number_is_a_number():
    check_kinds(7, {"REKOGNITION_USD_PER_MINUTE": 1})

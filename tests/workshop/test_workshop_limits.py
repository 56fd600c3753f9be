"""Accounts that allow less: the largest memory they do allow is taken, and nothing else is swallowed."""

import pytest
from botocore.exceptions import ClientError

from faceblur.workshop import within_memory_limit


def lambda_allowing(most_mb, words="'MemorySize' value failed to satisfy constraint"):
    """(create, what it made): refuses more memory than `most_mb` as Lambda does."""
    made = []

    def create(function, settings):
        if settings["MemorySize"] > most_mb:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": words}}, "CreateFunction")
        made.append((function, settings))

    return create, made


@pytest.mark.parametrize(("allowed", "given"), [(10240, 7076), (3008, 3008)])
def test_a_function_gets_what_it_asks_for_or_what_a_new_account_may_have(allowed, given, capsys):
    create, made = lambda_allowing(allowed)
    within_memory_limit(create, "blur_segment", {"MemorySize": 7076, "Timeout": 900})
    assert made == [("blur_segment", {"MemorySize": given, "Timeout": 900})]
    assert ("blur_segment gets 3008 MB" in capsys.readouterr().out) == (given == 3008)


@pytest.mark.parametrize(("most", "words"), [(128, "'MemorySize' value failed"), (3008, "the role cannot be assumed")])
def test_every_other_refusal_is_told(most, words):
    create, made = lambda_allowing(most, words)
    with pytest.raises(ClientError, match=words):
        within_memory_limit(create, "blur_segment", {"MemorySize": 7076 if most == 3008 else 512})
    assert made == []

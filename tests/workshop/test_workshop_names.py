"""Names: within every service's limits for every region and prefix."""

import re

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur.errors import WorkshopError
from faceblur.workshop import CHAPTERS, FUNCTIONS, Names
from faceblur.workshop.chapters import maker

REGIONS = boto3.Session(region_name="us-east-1").get_available_regions("rekognition")
prefixes = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,10})?", fullmatch=True)


@given(prefixes, st.sampled_from(REGIONS))
def test_all_names_keep_the_limits_of_aws(prefix, region):
    names = Names(prefix, "123456789012", region)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket) for bucket in names.buckets)
    assert all(re.fullmatch(r"[\w+=,.@-]{1,64}", role) for role in names.roles.values())
    assert all(re.fullmatch(r"[\w-]{1,64}", function) for function in names.functions.values())
    assert re.fullmatch(r"[a-z][a-z0-9._/-]{1,255}", names.repository)
    assert re.fullmatch(r"[\w-]{1,80}", names.state_machine)
    assert all(re.fullmatch(r"[\w./#-]{1,512}", group) for group in names.log_groups.values())


def test_no_two_resources_share_a_name():
    names = Names("faceblur", "123456789012", "eu-west-1")
    for several in (names.buckets, names.roles.values(), names.functions.values(), names.log_groups.values()):
        assert len(set(several)) == len(list(several))
    assert len(names.roles) == len(FUNCTIONS) + 1


@pytest.mark.parametrize("prefix", ["", "Face", "1face", "face_blur", "face--blur", "face-", "a" * 21, "fäce"])
def test_other_prefixes_are_refused_with_the_rule(prefix):
    with pytest.raises(WorkshopError, match="hyphens"):
        Names(prefix, "123456789012", "eu-west-1")


def test_arns_carry_the_partition():
    names = Names("faceblur", "123456789012", "cn-north-1", "aws-cn")
    assert names.arn("sns", names.topic) == "arn:aws-cn:sns:cn-north-1:123456789012:faceblur-failures"


def test_chapters_need_only_earlier_ones_and_every_key_has_one_maker():
    keys = [key for chapter in CHAPTERS.values() for key in chapter.makes]
    assert len(set(keys)) == len(keys)
    for chapter in CHAPTERS.values():
        assert all(need < chapter.number for need in chapter.needs)
    assert maker("image_uri").number == 4 and maker("nothing") is None

"""docs/scaling.md says what is computed, and nothing but Rekognition's own limits ends a video."""

import sys

import pytest
from lambda_kit import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks import scaling


def test_the_page_has_the_table_that_is_computed():
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert scaling.table() in page, "python -m benchmarks.scaling --write"


@pytest.mark.parametrize("memory_mb", scaling.MEMORY_MB)
@pytest.mark.parametrize("name", scaling.VIDEOS)
def test_only_rekognitions_limits_end_a_video(name, memory_mb):
    row = scaling.row(name, memory_mb)
    assert row["hours_in_events"] > min(scaling.HOURS, row["hours_in_bytes"])
    assert row["payload"] < scaling.MOST_PAYLOAD


def test_every_state_counts():
    """Those of the way that ends well, and the four of failures and of the way without Rekognition."""
    states = scaling.machine()["States"]
    assert len(scaling.visits(states, 1)) == len(states) - 4

"""Costs: every price has a source and a date and can be overridden; sums are sums."""

import json

import pytest
from lambda_kit import ROOT, load

from faceblur.errors import WorkshopError
from faceblur.video import VideoInfo
from faceblur.workshop import PRICES, run_costs, standing_costs, with_prices
from faceblur.workshop.account import costs
from faceblur.workshop.chapters import CHAPTERS


def test_every_price_says_where_and_when_it_was_read():
    for name, price in PRICES.items():
        assert price.usd > 0 and "https://aws.amazon.com/" in price.source and price.date.startswith("2026"), name


def test_a_minute_of_video_costs_mostly_rekognition():
    estimate = run_costs(video_s=60, video_gb=0.02)
    assert estimate.parts["Rekognition Video"] == pytest.approx(PRICES["rekognition_minute"].usd)
    assert estimate.total == pytest.approx(sum(estimate.parts.values()))
    assert estimate.parts["Rekognition Video"] > estimate.total / 2


def test_a_price_of_one_s_own_counts():
    dear = run_costs(60, 0.02, prices=with_prices(rekognition_minute=10))
    assert dear.parts["Rekognition Video"] == pytest.approx(10)
    assert PRICES["rekognition_minute"].usd < 1


def test_an_hour_of_what_stands_costs_what_a_month_of_it_says():
    hour = standing_costs(image_gb=0.3, stored_gb=0).total / 730
    assert sum(chapter.usd_an_hour for chapter in CHAPTERS.values()) == pytest.approx(hour, rel=0.05)


def test_a_price_below_nothing_is_a_mistake():
    with pytest.raises(WorkshopError, match="rekognition_minute: a price is 0 or more"):
        with_prices(rekognition_minute=-0.1)


def test_an_unknown_price_is_a_mistake():
    with pytest.raises(ValueError, match="coffee"):
        with_prices(coffee=3)


def test_leaving_everything_costs_storage_only():
    estimate = standing_costs(image_gb=0.3, stored_gb=1)
    assert estimate.total == pytest.approx(0.3 * 0.10 + 0.023)
    assert "in all" in str(estimate) and "<table>" in estimate._repr_mimebundle_()["text/html"]


def test_steps_and_time_are_those_of_the_state_machine_and_of_its_functions():
    machine = json.loads((ROOT / "statemachine.asl.json").read_text(encoding="utf-8"))
    assert len(machine["States"]["BlurSegments"]["ItemProcessor"]["States"]) == costs.TRANSITIONS_PER_SEGMENT
    budget = load(ROOT / "lambda_src" / "shared", "budget")
    shape = {"width": 1280, "height": 720, "coded_width": 1280, "coded_height": 720, "rotation": 0, "audio": ()}
    film = VideoInfo(**shape, frame_rate=30, duration_ms=1000, frames=30, codec="h264", format="mov", pixel_format="")
    took = 7076 * budget.blurring_seconds(film, 1000, 7076) + 3538 * budget.proving_seconds(film, 1000, 7076)
    assert took / 1024 == pytest.approx(costs.GB_SECONDS_PER_SECOND, abs=0.1)

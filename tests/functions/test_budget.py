"""Segments are as long as a function of its memory works on in time, whatever the video."""

import pytest
from lambda_kit import ROOT, load

from faceblur.video import VideoInfo

budget = load(ROOT / "lambda_src" / "shared", "budget")
MB = 7076


def info(minutes, width=1920, height=1080, rate=30.0):
    shape = {"width": width, "height": height, "coded_width": width, "coded_height": height, "rotation": 0}
    times = {"frame_rate": rate, "duration_ms": minutes * 60_000, "frames": 0}
    return VideoInfo(**shape, **times, codec="h264", format="mov", pixel_format="yuv420p", audio=())


def test_a_short_video_is_one_segment():
    assert budget.segment_seconds(info(0.2), MB) >= 12


def test_a_middling_one_is_as_many_as_work_at_once():
    assert budget.segment_seconds(info(8), MB) == pytest.approx(60)


# Milliseconds of one processor, measured: real clips of 10 to 20 s, at their frame rate. The street is a crowd.
MEASURED = {
    "chaplin": (640, 360, 25, 20.0, 30.9),
    "hamilton": (640, 360, 29.97, 24.9, 29.0),
    "rotated": (480, 908, 30, 22.4, 35.7),
    "egoblur": (608, 1080, 30, 32.8, 35.7),
    "street": (1920, 1080, 25, 86.6, 61.2),
    "street of 4K": (3840, 2160, 25, 322.1, 111.8),
}


@pytest.mark.parametrize(("width", "height", "rate", "blurring_ms", "proving_ms"), MEASURED.values(), ids=MEASURED)
def test_the_rates_are_those_that_were_measured(width, height, rate, blurring_ms, proving_ms):
    film, one_cpu = info(1, width, height, rate), budget.MEMORY_OF_A_CPU_MB
    frames = 60 * rate / 1000
    assert 0.9 * blurring_ms < budget.blurring_seconds(film, 60_000, one_cpu) / frames < 1.5 * blurring_ms
    assert 0.8 * proving_ms < budget.proving_seconds(film, 60_000, one_cpu) / frames < 1.5 * proving_ms


def test_proving_has_less_memory_and_may_be_what_takes_longest():
    film = info(10, 640, 360, 60)
    blurring, proving = (step(film, 60_000, MB) for step in (budget.blurring_seconds, budget.proving_seconds))
    assert budget.work_seconds(film, 60_000, MB) == proving > blurring
    notebook = (ROOT / "notebooks" / "05_lambda_functions.ipynb").read_text(encoding="utf-8")
    assert f"min({budget.PROVING_MEMORY_MB}, MEMORY_MB)" in notebook


@pytest.mark.parametrize("shape", [(1280, 720, 30), (1920, 1080, 60), (3840, 2160, 30), (3840, 2160, 60)])
@pytest.mark.parametrize("memory_mb", [1769, 3008, 7076])
def test_none_takes_longer_than_its_time(shape, memory_mb):
    film = info(360, *shape)
    seconds = budget.segment_seconds(film, memory_mb)
    assert budget.work_seconds(film, 1000 * seconds, memory_mb) <= budget.WORK_S * 1.001
    assert 360 * 60 / seconds < 4000  # of Step Functions' 25,000 events, some 7 each


def test_more_memory_means_longer_segments():
    film = info(360)
    assert budget.segment_seconds(film, 7076) > 2 * budget.segment_seconds(film, 1769)


def test_one_keyframe_is_said():
    (note,) = budget.check_lengths(info(4), [240_000.0], MB)
    assert "in one piece" in note
    assert budget.check_lengths(info(0.5), [30_000.0], MB) == []
    assert budget.check_lengths(info(4), [120_000.0, 120_000.0], MB) == []


def test_what_cannot_be_divided_and_would_never_end_is_refused_before_it_is_paid():
    with pytest.raises(budget.TooLongError, match=r"3600 s of it can only be worked on in one piece"):
        budget.check_lengths(info(60), [3_600_000.0], MB)
    with pytest.raises(budget.TooLongError, match="Lambda ends it after 900"):  # blurring alone would end
        budget.check_lengths(info(15, 320, 180, 60), [900_000.0], MB)

"""Segments merged: a person that crosses a border keeps the number, everybody else gets a new one."""

import hashlib
import json

import numpy as np
import pytest

from faceblur import DocumentError, documents
from faceblur.pipeline.merge import SegmentMerge, merge_plans, number_tracks
from faceblur.plan import Plan, Track


def track(number, start_ms, frames, left, step=0.0, is_visible=False, review=()):
    times = start_ms + 40.0 * np.arange(frames)
    boxes = np.tile(np.array([left, 0.2, 0.1, 0.2], np.float32), (frames, 1))
    boxes[:, 0] += step * np.arange(frames)
    return Track(number, times, boxes, is_visible, review)


def report(*rows, notes=()):
    return {
        "frames": [{"time_ms": time, "regions": regions} for time, regions in rows],
        "notes": list(notes),
        "kept_visible": [],
        "needs_review": [],
    }


def test_a_walker_keeps_the_number_and_a_newcomer_gets_a_new_one():
    first = Plan((track(1, 0, 25, 0.1, 0.01), track(2, 0, 10, 0.7)))
    second = Plan((track(1, 1000, 25, 0.8), track(2, 1000, 25, 0.35, 0.01)))
    assert number_tracks([first, second]) == [{1: 1, 2: 2}, {1: 3, 2: 1}]


def test_two_close_faces_go_on_as_themselves():
    first = Plan((track(1, 0, 25, 0.10), track(2, 0, 25, 0.14)))
    second = Plan((track(1, 1000, 25, 0.135), track(2, 1000, 25, 0.105)))
    assert number_tracks([first, second]) == [{1: 1, 2: 2}, {1: 2, 2: 1}]


def test_who_left_before_the_border_does_not_come_back_as_somebody_else():
    first = Plan((track(1, 0, 5, 0.1),))
    second = Plan((track(1, 1000, 25, 0.1),))
    assert number_tracks([first, second]) == [{1: 1}, {1: 2}]


def merged_of(plans, reports):
    """(plan, report) as who reads the documents by segment has them."""
    merge, kept = SegmentMerge(), {}
    for number, (plan, told) in enumerate(zip(plans, reports, strict=True)):
        for kind, part in zip(("plan", "report"), merge.add(plan, told), strict=True):
            kept[f"out.parts/{number:05d}.{kind}.json"] = json.dumps(part).encode()
    whole = []
    for kind, head in zip(("plan", "report"), merge.heads(), strict=True):
        names = [name for name in kept if kind in name]
        named = [{"name": name, "sha256": hashlib.sha256(kept[name]).hexdigest()} for name in names]
        whole.append(documents.assemble(head | {"segments": named}, f"out.{kind}.json", kept.__getitem__))
    return Plan.from_json(whole[0]), whole[1]


def test_plans_and_reports_are_put_together():
    counts = {"frames": 25, "cuts": 1, "samples": 4}
    first = Plan((track(7, 0, 25, 0.1),), counts=counts)
    second = Plan((track(1, 1000, 25, 0.1, is_visible=True, review=((1100.0, 1200.0),)),), counts=counts)
    reports = [
        report((0.0, [[7, 0.1, 0.2, 0.1, 0.2]]), notes=["one"]),
        report((1000.0, [[1, 0.1, 0.2, 0.1, 0.2], [-1, 0, 0, 1, 1]]), notes=["two"])
        | {"needs_review": [{"track": 1, "start_ms": 1100.0, "end_ms": 1200.0}]},
    ]
    plan, merged = merged_of([first, second], reports)

    (only,) = plan.tracks
    assert (only.id, len(only.times_ms), only.is_visible) == (1, 50, False)  # hidden in one part, so in all
    assert (np.diff(only.times_ms) > 0).all() and only.review == ((1100.0, 1200.0),)
    assert plan.counts == {"frames": 50, "cuts": 2, "samples": 4}
    assert [row["regions"][0][0] for row in merged["frames"]] == [1, 1]
    assert merged["frames"][1]["regions"][1][0] == -1
    assert merged["notes"] == ["one", "two"] and merged["kept_visible"] == []
    assert merged["needs_review"][0]["track"] == 1
    assert merged["counts"]["tracks"] == 1


def reviewed(*parts):
    """What is to be reviewed of somebody who stands there in segments of a second, with these intervals in each."""
    plans = [Plan((track(1, 1000.0 * number, 25, 0.1, review=part),)) for number, part in enumerate(parts)]
    told = [[{"track": 1, "start_ms": start, "end_ms": end} for start, end in part] for part in parts]
    plan, whole = merged_of(plans, [report() | {"needs_review": rows} for rows in told])
    (only,) = merge_plans(plans).tracks
    assert plan.tracks[0].review == only.review  # by segment as in one
    assert tuple((row["start_ms"], row["end_ms"]) for row in whole["needs_review"]) == only.review
    return only.review


def test_a_part_to_review_that_crosses_borders_is_one():
    assert reviewed(((100, 200), (800, 1300)), ((700, 1400),)) == ((100, 200), (700, 1400))
    assert reviewed(((900, 1000),), ((1000, 1200), (1500, 1600))) == ((900, 1200), (1500, 1600))
    assert reviewed(((800, 2400),), ((800, 2400),), ((900, 2500),)) == ((800, 2500),)


def test_parts_to_review_that_do_not_meet_at_a_border_stay_apart():
    assert reviewed(((800, 900),), (), ((2100, 2200),)) == ((800, 900), (2100, 2200))
    within = ((100, 300), (300, 500))  # seen for one frame between them, as the whole video has them
    assert reviewed(within, ((1100, 1200),)) == (*within, (1100, 1200))


@pytest.mark.parametrize("row", [{"track": 1}, {"track": 1, "start_ms": 0, "end_ms": "1"}, [1, 0, 1]])
def test_a_part_to_review_that_is_none_is_refused(row):
    part = json.dumps({"needs_review": [row]}).encode()
    index = {"segments": [{"name": "a/00000.report.json", "sha256": hashlib.sha256(part).hexdigest()}]}
    with pytest.raises(DocumentError):
        documents.assemble(index, "a.json", lambda _: part)


def test_a_tracks_part_to_review_has_two_ends():
    part = json.dumps({"tracks": [{"track": 1, "boxes": [], "needs_review": [[1, 2, 3]]}] * 2}).encode()
    index = {"segments": [{"name": "a/00000.plan.json", "sha256": hashlib.sha256(part).hexdigest()}]}
    with pytest.raises(DocumentError, match="a start and an end"):
        documents.assemble(index, "a.json", lambda _: part)


@pytest.mark.parametrize("count", [1, 2])
def test_nobody_in_the_picture_is_fine(count):
    assert number_tracks([Plan(())] * count) == [{}] * count

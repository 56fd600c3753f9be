"""Where and when is looked for faces: sizes and times of the searches, crops, and what stands still."""

from types import SimpleNamespace

import numpy as np
import pytest

from faceblur.finding import search as module
from faceblur.finding.observations import Observation
from faceblur.finding.search import Searcher, SearchSettings, has_changed
from faceblur.finding.tracking import Tracker
from faceblur.video import Reader


@pytest.fixture(scope="module")
def frames(sample):
    with Reader(sample[0]) as reader:
        return [frame for frame, _ in zip(reader, range(45), strict=False)]


def luma(frame):
    return frame.gray(frame.width_for(320))


def knowing(*known):
    """A tracker, as far as a search needs one."""
    return SimpleNamespace(active=list(known), lost=[])


def sides_searched(monkeypatch, frames, settings, known=(), cuts=(0,)) -> list[tuple[float, int]]:
    searched = []

    def search(_, frame, sides):
        searched.append((frame.time_ms, *sides))
        return []

    monkeypatch.setattr(module, "search_picture", search)
    searcher = Searcher(settings, two_eyes=False)
    for number, frame in enumerate(frames):
        searcher.look(frame, np.full((20, 30), number, np.uint8) * 37, number in cuts, knowing(*known))
    return searched


def tracklet(box):
    tracker = Tracker()
    tracker.advance(0.0, np.zeros((180, 320), np.uint8), False)
    tracker.observe([Observation(box, 0.9)])
    return tracker.active[0]


def test_a_cut_is_searched_at_both_sizes_and_later_frames_in_turns(monkeypatch, frames):
    settings = SearchSettings(coarse_ms=200, fine_ms=400, fine_rest_ms=800, full_side=0)
    searched = sides_searched(monkeypatch, frames, settings)
    assert {side for time_ms, side in searched if time_ms == frames[0].time_ms} == {640, 1120}
    fine = [time_ms for time_ms, side in searched if side == 1120]
    coarse = [time_ms for time_ms, side in searched if side == 640]
    assert np.diff(fine).min() >= 799
    assert max(np.diff(sorted(fine + coarse))) < 300


def test_the_picture_is_searched_at_full_resolution_at_a_cut_and_about_once_a_second(monkeypatch, frames):
    searched = sides_searched(monkeypatch, frames, SearchSettings(fine_side=960))
    full = [time_ms for time_ms, side in searched if side == max(frames[0].display_size)]
    assert full[0] == frames[0].time_ms and np.diff(full).min() >= 999 and np.diff(full).max() < 1100


def test_fine_searches_are_more_frequent_while_small_faces_are_about(monkeypatch, frames):
    settings = SearchSettings(coarse_ms=200, fine_ms=400, fine_rest_ms=800, full_side=0)
    small = sides_searched(monkeypatch, frames, settings, [tracklet((0.4, 0.4, 0.02, 0.05))])
    large = sides_searched(monkeypatch, frames, settings, [tracklet((0.4, 0.4, 0.2, 0.4))])
    count = [sum(side == 1120 for _, side in searched) for searched in (small, large)]
    assert count == [4, 2]


def test_what_stands_still_is_not_searched_again_but_still_seen(frames):
    settings, frame = SearchSettings(coarse_ms=0, fine_ms=0, fine_rest_ms=0, full_side=0, crops=0), frames[0]
    searcher = Searcher(settings, two_eyes=False)
    first = searcher.look(frame, luma(frame), True, knowing())
    assert first
    done = searcher.searches
    again = searcher.look(frame, luma(frame), False, knowing())
    assert searcher.searches == done
    assert set(again) <= set(first) and again
    moved = luma(frame).copy()
    moved[40:48, 40:48] ^= 128
    searcher.look(frame, moved, False, knowing())
    assert searcher.searches == done + 1


def test_noise_is_no_change_and_a_small_face_is_one():
    rng = np.random.default_rng(0)
    before = rng.integers(0, 200, (180, 320)).astype(np.uint8)
    assert not has_changed(before, before + rng.integers(0, 8, before.shape).astype(np.uint8))
    after = before.copy()
    after[100:103, 200:203] += 40
    assert has_changed(before, after)
    assert has_changed(before, before[:90])


def test_known_faces_are_looked_at_in_turns(monkeypatch, frames):
    known = [tracklet((0.1 + 0.2 * n, 0.4, 0.05, 0.1)) for n in range(4)]
    looked = []
    monkeypatch.setattr(module, "search_picture", lambda *_: [])
    monkeypatch.setattr(Searcher, "_crop", lambda _, __, box: looked.append(round(box[0])))
    searcher = Searcher(SearchSettings(crops=2, coarse_ms=1e9, fine_ms=1e9, fine_rest_ms=1e9), two_eyes=False)
    searcher.look(frames[0], luma(frames[0]), True, knowing(*known))
    assert looked == []  # it was searched as a whole
    for frame in frames[1:5]:
        searcher.look(frame, luma(frame), False, knowing(*known))
    assert len(looked) == 8
    assert sorted(looked[:4]) == sorted(looked[4:])
    assert len(set(looked[:4])) == 4


def test_neighbours_share_a_crop(monkeypatch, frames):
    known = [tracklet((0.4, 0.4, 0.05, 0.1)), tracklet((0.42, 0.4, 0.05, 0.1)), tracklet((0.4, 0.4, 0.2, 0.4))]
    looked = []
    monkeypatch.setattr(module, "search_picture", lambda *_: [])
    monkeypatch.setattr(Searcher, "_crop", lambda _, __, box: looked.append(round(box[2])))
    searcher = Searcher(SearchSettings(crops=9, coarse_ms=1e9, fine_ms=1e9, fine_rest_ms=1e9), two_eyes=False)
    for frame in frames[:2]:
        searcher.look(frame, luma(frame), False, knowing(*known))
    assert looked == [round(0.05 * 1280), round(0.2 * 1280)]

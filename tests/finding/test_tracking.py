"""The tracker: what starts, extends and ends a face's tracklet, and the geometry beneath."""

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving import Mover, Scene

from faceblur.boxes import likeness, overlap, share_inside
from faceblur.finding.observations import Observation, match, without_doubles
from faceblur.finding.tracking import Tracker
from faceblur.finding.tracklet import TrackingSettings

HOME = (0.4, 0.3, 0.1, 0.2)
FRAME_MS = 40.0

sides = st.floats(0.01, 1.0)
boxes = st.tuples(st.floats(-0.5, 1.2), st.floats(-0.5, 1.2), sides, sides)
observations = st.lists(st.builds(Observation, boxes, st.floats(0.3, 1.0), st.booleans()), max_size=6)


def shifted(box, dx: float, dy: float = 0.0):
    return (box[0] + dx, box[1] + dy, *box[2:])


def still() -> np.ndarray:
    """A picture on which flow holds every box where it is."""
    return next(iter(Scene((), seconds=0.1).frames())).mean(axis=2).astype(np.uint8)


def follow(seen: dict[int, list[Observation]], frames: int, cuts=(), settings: TrackingSettings | None = None):
    """The tracklets of a still picture in which faces are seen at these frames."""
    tracker, picture = Tracker(settings), still()
    for number in range(frames):
        tracker.advance(number * FRAME_MS, picture, number in cuts)
        tracker.observe(seen.get(number, []))
    return tracker.finish()


def span(tracklet) -> tuple[int, int]:
    """First and last frame."""
    return round(tracklet.times[0] / FRAME_MS), round(tracklet.times[-1] / FRAME_MS)


def test_a_face_is_covered_before_it_was_first_and_after_it_was_last_seen():
    settings = TrackingSettings(hold_ms=480, look_back_ms=320)
    [tracklet] = follow({20: [Observation(HOME, 0.9)]}, 60, settings=settings)
    first, last = span(tracklet)
    assert first == 20 - 320 // 40
    assert last >= 20 + 480 // 40
    assert sum(tracklet.observed) == 1
    assert np.allclose(tracklet.arrays()[1], HOME, atol=0.01)


def test_nothing_is_carried_across_a_cut():
    seen = {10: [Observation(HOME, 0.9)], 16: [Observation(HOME, 0.9)]}
    first, second = follow(seen, 30, cuts={14})
    assert (span(first)[1], span(second)[0]) == (13, 14)
    assert (first.shot, second.shot) == (0, 1)


def test_every_tracklet_has_a_row_for_each_frame():
    seen = {5: [Observation(HOME, 0.9)], 12: [Observation(shifted(HOME, 0.02), 0.5)]}
    [tracklet] = follow(seen, 20)
    times, rows, observed = tracklet.arrays()
    assert np.diff(times) == pytest.approx(FRAME_MS)
    assert len(rows) == len(times) == len(observed) == len(tracklet)
    assert np.flatnonzero(observed).tolist() == [5 - span(tracklet)[0], 12 - span(tracklet)[0]]


def test_a_weak_sighting_extends_a_track_and_makes_none_sure():
    strong, weak = Observation(HOME, 0.9), Observation(shifted(HOME, 0.01), 0.4)
    [extended] = follow({5: [strong], 15: [weak]}, 40)
    assert sum(extended.observed) == 2 and span(extended)[1] > 15 + 10
    [alone] = follow({5: [weak]}, 40)
    assert alone.best_score < TrackingSettings().start_score and not alone.is_given
    assert span(alone)[0] == 5, "a weak sighting is no reason to look back"


def test_a_weak_sighting_that_becomes_sure_is_looked_back_from():
    seen = {10: [Observation(HOME, 0.4)], 12: [Observation(HOME, 0.9)]}
    [tracklet] = follow(seen, 20)
    assert span(tracklet)[0] == 0


def test_a_weak_sighting_does_not_shrink_a_face():
    small = Observation((0.42, 0.34, 0.06, 0.12), 0.4)
    [tracklet] = follow({5: [Observation(HOME, 0.9)], 6: [small]}, 8)
    assert tracklet.box(-1)[2:] == pytest.approx(HOME[2:], rel=0.05)


def test_a_given_sample_leads_whatever_its_confidence():
    [tracklet] = follow({5: [Observation(HOME, 0.2, is_given=True)]}, 10)
    assert tracklet.is_given and span(tracklet)[0] == 0


def test_the_detector_does_not_double_a_given_face():
    given_one = Observation(HOME, 0.5, is_given=True)
    found = [Observation(shifted(HOME, 0.02), 0.95), Observation((0.43, 0.36, 0.04, 0.07), 0.9)]
    [tracklet] = follow({5: [given_one, *found]}, 8)
    assert tracklet.is_given


def test_a_face_found_beside_a_given_one_is_followed_too():
    seen = [Observation(HOME, 0.5, is_given=True), Observation(shifted(HOME, 0.3), 0.95)]
    assert len(follow({5: seen}, 8)) == 2


def test_two_faces_side_by_side_keep_their_tracklets():
    seen = {n: [Observation(shifted(HOME, d), 0.9) for d in (0.0, 0.15)] for n in (2, 6, 10)}
    one, other = follow(seen, 14)
    assert sum(one.observed) == sum(other.observed) == 3
    assert abs(one.box(-1)[0] - other.box(-1)[0]) == pytest.approx(0.15, abs=0.01)


def test_drift_is_corrected_backwards():
    """Between two sightings the box moves from the one to the other, though the picture stood still."""
    seen = {2: [Observation(HOME, 0.9)], 10: [Observation(shifted(HOME, 0.04), 0.9)]}
    [tracklet] = follow(seen, 11)
    _, rows, observed = tracklet.arrays()
    first, last = np.flatnonzero(observed)
    assert rows[first : last + 1, 0] - HOME[0] == pytest.approx(np.linspace(0, 0.04, 9), abs=0.002)


def test_a_face_that_leaves_the_picture_is_let_go():
    scene = Scene((Mover(290, 90, 2, 0, 40),), rate=25)
    tracker = Tracker()
    for time_ms, frame in zip(scene.times_ms, scene.frames(), strict=True):
        tracker.advance(time_ms, frame.mean(axis=2).astype(np.uint8), False)
        true = scene.truth(time_ms) if time_ms < 200 else []
        tracker.observe([Observation(box, 0.9) for box in true])
    [tracklet] = tracker.finish()
    assert tracklet.times[-1] < 900, "30 pixels to the border, 80 a second, 20 more until it is outside"


def test_a_face_that_is_lost_inside_the_picture_is_held_and_then_let_go():
    [tracklet] = follow({5: [Observation(HOME, 0.9)]}, 100, settings=TrackingSettings(hold_ms=400))
    assert 15 <= span(tracklet)[1] <= 16


def test_pictures_are_kept_for_the_look_back_alone():
    settings = TrackingSettings(look_back_ms=400, cut_back_ms=400, hold_ms=400)
    tracker, picture, given_to_it, most = Tracker(settings), still(), [], 0
    for number in range(150):
        copy = picture.copy()
        given_to_it.append(weakref.ref(copy))
        tracker.advance(number * FRAME_MS, copy, False)
        del copy
        tracker.observe([Observation(HOME, 0.9)] if number % 7 == 0 else [])
        most = max(most, sum(ref() is not None for ref in given_to_it))
    assert most <= 400 / FRAME_MS + 3


def test_two_runs_are_the_same():
    seen = {
        n: [Observation(shifted(HOME, 0.01 * n), 0.5 + 0.04 * n), Observation((0.1, 0.1, 0.1, 0.2), 0.9)]
        for n in range(9)
    }
    one, other = follow(seen, 12), follow(seen, 12)
    assert [t.boxes for t in one] == [t.boxes for t in other]
    assert [t.times for t in one] == [t.times for t in other]


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_share(a, b):
    one, other = np.array([a]), np.array([b])
    shared = overlap(one, other)[0, 0]
    assert 0 <= shared <= 1 + 1e-9
    assert shared == pytest.approx(overlap(other, one)[0, 0])
    assert overlap(one, one)[0, 0] == pytest.approx(1)
    assert shared <= share_inside(one, other)[0, 0] + 1e-9
    assert share_inside(one, other)[0, 0] <= 1 + 1e-9


@given(boxes, boxes)
def test_likeness_needs_nearness_and_a_like_size(a, b):
    value = likeness(np.array([a]), np.array([b]))[0, 0]
    assert value == -1 or value >= 0
    if not 0.5 < a[3] / b[3] < 2:
        assert value == -1
    assert likeness(np.array([a]), np.array([a]))[0, 0] >= 1


@given(st.lists(boxes, max_size=5), observations)
def test_matches_use_each_box_and_each_observation_once(held, seen):
    pairs = match(np.array(held).reshape(-1, 4), seen, 0.6)
    rows, numbers = [r for r, _ in pairs], [n for _, n in pairs]
    assert len(set(rows)) == len(rows) and len(set(numbers)) == len(numbers)
    for row, number in pairs:
        assert likeness(np.array([held[row]]), np.array([seen[number].box]))[0, 0] >= 0


@given(observations)
def test_doubles_are_dropped_and_given_ones_win(seen):
    kept = without_doubles(seen)
    assert set(map(id, kept)) <= set(map(id, seen))
    assert bool(kept) == bool(seen)
    for i, one in enumerate(kept):
        assert all(overlap(np.array([one.box]), np.array([other.box]))[0, 0] < 0.4 for other in kept[:i])
    for dropped in seen:
        if not any(dropped is one for one in kept):
            rival = [k for k in kept if overlap(np.array([dropped.box]), np.array([k.box]))[0, 0] >= 0.4]
            assert any((k.is_given, k.score) >= (dropped.is_given, dropped.score) for k in rival)


def test_frames_passed_over_at_the_end_of_a_shot_are_covered_too():
    tracker, picture = Tracker(), still()
    tracker.advance(0.0, picture, False)
    tracker.observe([Observation(HOME, 0.9)])
    tracker.skip(40.0)
    tracker.advance(80.0, picture, True)
    tracker.observe([Observation(HOME, 0.9)])
    tracker.skip(120.0)
    first, second = tracker.finish()
    assert list(first.times) == [0.0, 40.0]
    assert list(second.times) == [80.0, 120.0]


@pytest.mark.parametrize("is_cut", [True, False])
def test_frames_nobody_saw_before_a_cut_count_for_both_shots(is_cut):
    picture, tracker = np.zeros((90, 160), np.uint8), Tracker()
    tracker.advance(0.0, picture, False)
    tracker.observe([Observation((0.7, 0.6, 0.1, 0.2), 0.9)])
    tracker.skip(40.0)
    tracker.advance(80.0, picture, is_cut, [40.0])
    tracker.observe([Observation(HOME, 0.9)])
    tracker.observe([])
    before, after = tracker.finish()
    assert list(after.times) == ([40.0, 80.0] if is_cut else [0.0, 80.0])
    assert list(before.times) == ([0.0, 40.0] if is_cut else [0.0, 80.0])


def test_frames_before_a_jump_show_a_face_where_it_was_and_not_half_way():
    """The picture jumps between two frames that are looked at; one that nobody saw may lie behind the jump."""
    there = shifted(HOME, 0.2)
    tracker, picture = Tracker(), still()
    tracker.advance(0.0, picture, False)
    tracker.observe([Observation(HOME, 0.9)])
    for passed_ms in (40.0, 80.0, 120.0):
        tracker.skip(passed_ms)
    tracker.advance(160.0, picture, False, [120.0], is_jump=True)
    tracker.active[0].correct(np.array(there))
    [tracklet] = tracker.finish()
    assert list(tracklet.times) == [0.0, 40.0, 80.0, 120.0, 160.0]
    both = (HOME[0], HOME[1], there[0] + there[2] - HOME[0], HOME[3])
    assert np.allclose(tracklet.arrays()[1], [HOME, HOME, HOME, both, there], atol=1e-6)

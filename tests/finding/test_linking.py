"""Tracklets become tracks: gaps closed or listed, glimpses trimmed, nothing that was seen uncovered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur.finding.linking import BRIDGE_MS, link, steady
from faceblur.finding.tracklet import TrackingSettings, Tracklet

FRAME_MS = 40.0
SETTINGS = TrackingSettings()
FRAMES = np.arange(250) * FRAME_MS


def tracklet(first: int, boxes, *, seen=None, shot: int = 0, score: float = 0.9, is_given: bool = False) -> Tracklet:
    """Rows from frame `first` on; seen: the rows observed, all when None."""
    made = Tracklet(shot)
    for row, box in enumerate(boxes):
        made.append((first + row) * FRAME_MS, np.array(box, float), seen is None or row in seen)
    made.best_score, made.is_given = score, is_given
    return made


def at(left: float, top: float = 0.3):
    return (left, top, 0.1, 0.2)


def frames_of(track) -> list[int]:
    return [round(t / FRAME_MS) for t in track.times_ms]


def holds(outer, inner) -> bool:
    outer, inner = np.asarray(outer, float), np.asarray(inner, float)
    return (outer[:2] <= inner[:2] + 1e-5).all() and (outer[:2] + outer[2:] >= inner[:2] + inner[2:] - 1e-5).all()


@given(
    st.lists(
        st.tuples(st.floats(0, 0.9), st.floats(0, 0.8), st.floats(0.02, 0.3), st.floats(0.02, 0.3)),
        min_size=1,
    ),
    st.integers(0, 100),
)
def test_no_sighting_is_uncovered_by_smoothing(boxes, first):
    [track] = link([tracklet(first, boxes)], FRAMES, SETTINGS)
    assert frames_of(track) == list(range(first, first + len(boxes)))
    assert all(holds(outer, inner) for outer, inner in zip(track.boxes, boxes, strict=True))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.02, 0.5), st.floats(0.02, 0.5)), min_size=1))
def test_steady_only_grows_boxes(boxes):
    boxes = np.array(boxes)
    calm = steady(np.arange(len(boxes)) * FRAME_MS, boxes)
    assert all(holds(outer, inner) for outer, inner in zip(calm, boxes, strict=True))


@given(st.integers(1, 110), st.floats(0, 0.1))
def test_a_gap_is_covered_up_to_the_bridge_and_listed_when_long(missing, moved):
    parts = [tracklet(10, [at(0.4)] * 5), tracklet(15 + missing, [at(0.4 + moved)] * 5)]
    tracks = link(parts, FRAMES, SETTINGS)
    gap_ms = (missing + 1) * FRAME_MS
    assert len(tracks) == (1 if gap_ms <= BRIDGE_MS else 2)
    if gap_ms <= BRIDGE_MS:
        assert frames_of(tracks[0]) == list(range(10, 20 + missing))
    listed = [span for track in tracks for span in track.review]
    if SETTINGS.hold_ms < gap_ms <= BRIDGE_MS:
        assert listed == [(14 * FRAME_MS, (15 + missing) * FRAME_MS)]
    else:
        assert listed == []


@given(st.integers(1, 25))
def test_in_a_bridged_gap_the_box_goes_from_one_end_to_the_other(missing):
    parts = [tracklet(10, [at(0.3)] * 3), tracklet(13 + missing, [at(0.4)] * 3)]
    [track] = link(parts, FRAMES, SETTINGS)
    shares = np.arange(1, missing + 1) / (missing + 1)
    for share, box in zip(shares, track.boxes[3:-3], strict=True):
        assert holds(box, at(0.3 + 0.1 * share))


def test_faces_of_two_shots_are_two_tracks():
    parts = [tracklet(10, [at(0.4)] * 5, shot=0), tracklet(16, [at(0.4)] * 5, shot=1)]
    assert [frames_of(t) for t in link(parts, FRAMES, SETTINGS)] == [list(range(10, 15)), list(range(16, 21))]


def test_a_face_elsewhere_is_another_track():
    parts = [tracklet(10, [at(0.1)] * 5), tracklet(16, [at(0.7)] * 5)]
    assert len(link(parts, FRAMES, SETTINGS)) == 2


def test_the_nearer_of_two_lost_faces_is_continued():
    parts = [tracklet(10, [at(0.2)] * 5), tracklet(10, [at(0.36)] * 5), tracklet(20, [at(0.34)] * 5)]
    tracks = link(parts, FRAMES, SETTINGS)
    assert sorted(len(t.times_ms) for t in tracks) == [5, 15]
    assert max(tracks, key=lambda t: len(t.times_ms)).boxes[0, 0] == pytest.approx(0.36)


def test_weak_sightings_alone_are_no_face():
    assert link([tracklet(10, [at(0.4)] * 30, score=0.5)], FRAMES, SETTINGS) == ()
    assert len(link([tracklet(10, [at(0.4)] * 30, score=0.5, is_given=True)], FRAMES, SETTINGS)) == 1


def test_weak_sightings_between_sure_ones_of_the_same_face_count():
    parts = [tracklet(10, [at(0.4)] * 5), tracklet(20, [at(0.4)] * 5, score=0.5), tracklet(30, [at(0.4)] * 5)]
    [track] = link(parts, FRAMES, SETTINGS)
    assert frames_of(track) == list(range(10, 35))


def test_a_face_stays_covered_for_the_hold_and_the_look_back():
    [track] = link([tracklet(30, [at(0.4)] * 60, seen={25, 35})], FRAMES, SETTINGS)
    back, hold = (int(ms // FRAME_MS) for ms in (SETTINGS.look_back_ms, SETTINGS.hold_ms))
    assert frames_of(track) == list(range(55 - back, 65 + hold + 1))


def test_a_glimpse_of_the_detector_is_held_more_briefly_than_a_given_face():
    part = {"boxes": [at(0.4)] * 60, "seen": {30}}
    [glimpse] = link([tracklet(0, **part)], FRAMES, SETTINGS)
    [given_one] = link([tracklet(0, **part, is_given=True)], FRAMES, SETTINGS)
    assert len(glimpse.times_ms) < len(given_one.times_ms)
    assert glimpse.end_ms - glimpse.start_ms <= 2 * SETTINGS.glimpse_ms


def test_boxes_grow_while_the_face_is_not_seen():
    [track] = link([tracklet(0, [at(0.4)] * 21, seen={0, 20})], FRAMES, SETTINGS)
    widths = track.boxes[:, 2]
    assert widths[10] == widths.max() > widths[0] * 1.1
    assert all(holds(box, at(0.4)) for box in track.boxes)


def test_tracks_are_numbered_by_their_start_whatever_the_order_given():
    parts = [tracklet(50, [at(0.1)] * 4), tracklet(10, [at(0.7)] * 4), tracklet(10, [at(0.4)] * 4)]
    one, other = link(parts, FRAMES, SETTINGS), link(parts[::-1], FRAMES, SETTINGS)
    for tracks in (one, other):
        assert [t.id for t in tracks] == [0, 1, 2]
        assert [float(t.boxes[0, 0]) for t in tracks] == pytest.approx([0.4, 0.7, 0.1])


def test_nothing_is_nothing():
    assert link([], FRAMES, SETTINGS) == ()


def test_frames_that_were_passed_over_get_the_boxes_in_between():
    looked = tracklet(0, [at(0.3 + 0.02 * n) for n in range(20)])
    thinned = Tracklet(0)
    for row in range(0, 19, 3):
        thinned.append(looked.times[row], looked.box(row), True)
    thinned.best_score = 0.9
    [track] = link([thinned], FRAMES, SETTINGS)
    assert frames_of(track) == list(range(19))
    assert all(holds(track.boxes[row], looked.box(row)) for row in range(19))


def test_a_face_that_is_away_for_longer_than_the_bridge_is_not_covered_meanwhile():
    parts = [tracklet(0, [at(0.3)] * 5), tracklet(60, [at(0.3)] * 5)]
    tracks = link(parts, FRAMES, SETTINGS)
    assert len(tracks) == 2
    assert not {frame for track in tracks for frame in frames_of(track)} & set(range(5, 60))

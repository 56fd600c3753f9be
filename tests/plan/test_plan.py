"""The plan: what it covers at a moment, the file a person edits, and what it refuses to misread."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur import Area, DocumentError, OutputError, Plan, Style, Track
from faceblur.plan.moments import MAX_BETWEEN_MS

BOX = [0.2, 0.3, 0.1, 0.2]


def track(number=0, times=(0.0, 40.0, 80.0), is_visible=False, boxes=None, review=()) -> Track:
    boxes = [BOX] * len(times) if boxes is None else boxes
    return Track(number, np.array(times), np.array(boxes, np.float32), is_visible, review)


def plan_file(tmp_path, change) -> str:
    content = Plan((track(),)).to_json()
    change(content)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(content))
    return str(path)


ratios = st.floats(-0.2, 1.2).map(lambda n: round(n, 5))
corners = st.floats(0, 0.9).map(lambda n: round(n, 5))  # an area lies in the picture
sides = st.floats(0.001, 1).map(lambda n: round(n, 5))


@st.composite
def plans(draw):
    tracks = []
    for number in range(draw(st.integers(0, 3))):
        times = sorted(draw(st.sets(st.integers(0, 10**6), min_size=1, max_size=6)))
        boxes = [[draw(ratios), draw(ratios), draw(sides), draw(sides)] for _ in times]
        review = [(1.0, 700.5)] if draw(st.booleans()) else []
        tracks.append(track(number, [t / 1000 * 3.3337 for t in times], draw(st.booleans()), boxes, tuple(review)))
    areas = tuple(
        Area(draw(corners), draw(corners), draw(sides), draw(sides), *draw(st.sampled_from([(), (100.0, 900.5)])))
        for _ in range(draw(st.integers(0, 2)))
    )
    style = draw(st.sampled_from([Style(), Style("gaussian", 0.3), Style("solid", shape="box", margin_ratio=0.5)]))
    return Plan(tuple(tracks), areas, style, {"name": "in.mp4"}, {"width": 640}, {"a": 1}, {"frames": 9})


@given(plans())
def test_a_plan_survives_its_file(tmp_path_factory, plan):
    path = tmp_path_factory.getbasetemp() / "round-trip.json"
    plan.save(path)
    again = Plan.load(path)
    assert again.to_json() == plan.to_json()
    assert (again.style, again.areas) == (plan.style, plan.areas)
    for one, other in zip(plan.tracks, again.tracks, strict=True):
        assert (one.times_ms == other.times_ms).all() and np.allclose(one.boxes, other.boxes, atol=1e-5)
        assert (one.id, one.is_visible, one.review) == (other.id, other.is_visible, other.review)


def test_the_file_has_one_box_a_line_and_a_thumbnail_time(tmp_path):
    Plan((track(boxes=[BOX, [0.2, 0.3, 0.2, 0.3], BOX]),)).save(tmp_path / "plan.json")
    lines = (tmp_path / "plan.json").read_text().splitlines()
    assert sum(1 for line in lines if line.strip().startswith("[") and "0.3" in line) == 3
    assert json.loads("\n".join(lines))["tracks"][0]["thumbnail_ms"] == 40.0


def test_a_plan_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        Plan(()).save(tmp_path / "plan.json")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_frames_get_the_box_of_their_time():
    regions = Plan((track(boxes=[[0.1, 0, 0.1, 0.1], [0.2, 0, 0.1, 0.1], [0.3, 0, 0.1, 0.1]]),)).regions()
    assert [round(regions.faces_at(t)[0][1][0], 3) for t in (0.0, 40.0, 80.0)] == [0.1, 0.2, 0.3]
    assert regions.faces_at(-2.0) == regions.faces_at(82.0) == []


@pytest.mark.parametrize("shift", [-0.6, 0.6])
def test_a_time_that_was_rounded_still_meets_its_frame(shift):
    """Typing 967 for 966.667 must not uncover a face."""
    regions = Plan((track(times=(967.0,)),)).regions()
    assert regions.faces_at(967.0 + shift)


def test_a_frame_between_two_boxes_gets_one_in_between():
    edited = track(times=(0.0, 400.0), boxes=[[0.1, 0.1, 0.1, 0.1], [0.3, 0.1, 0.1, 0.2]])
    ((number, box),) = Plan((edited,)).regions().faces_at(100.0)
    assert number == 0 and box == pytest.approx((0.15, 0.1, 0.1, 0.125))


def test_a_long_gap_stays_open():
    regions = Plan((track(times=(0.0, MAX_BETWEEN_MS + 1)),)).regions()
    assert regions.faces_at(200.0) == []
    assert regions.faces_at(0.0) and regions.faces_at(MAX_BETWEEN_MS + 1)


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=30), st.integers(0, 40000))
def test_whoever_looks_finds_what_the_track_says(steps, at):
    """Against the plain definition, for any spacing of boxes."""
    times = np.cumsum(steps).astype(float)
    found = Plan((track(times=times),)).regions().faces_at(float(at))
    near = np.abs(times - at).min() <= 1
    before, after = times[times <= at], times[times >= at]
    between = len(before) and len(after) and after[0] - before[-1] <= MAX_BETWEEN_MS
    assert bool(found) == bool(near or between)


def test_areas_hold_for_their_time():
    plan = Plan((), (Area(0, 0, 0.5, 0.5, 100, 200), Area(0.5, 0.5, 0.2, 0.2)))
    assert [len(plan.regions().areas_at(t)) for t in (0, 100, 150, 200, 201, 1e9)] == [1, 2, 2, 2, 1, 1]


def test_who_stays_visible_is_not_covered():
    plan = Plan((track(0), track(1))).showing([1])
    assert [number for number, _ in plan.regions().faces_at(40.0)] == [0]
    assert [number for number, _ in plan.regions().visible_at(40.0)] == [1]
    with pytest.raises(DocumentError, match="no track 7 in the plan; it has: 0, 1"):
        plan.showing([7])


def test_a_plan_from_before_visible_was_called_so_is_read():
    old = Plan((track(0), track(1))).to_json()
    for content, keep in zip(old["tracks"], (False, True), strict=True):
        del content["visible"]
        content["keep"] = keep
    assert [track.is_visible for track in Plan.from_json(old).tracks] == [False, True]
    old["tracks"][1]["visible"] = True
    assert Plan.from_json(old).tracks[1].is_visible
    old["tracks"][1]["visible"] = False
    with pytest.raises(DocumentError, match="track 1: visible and keep, its old name, say different things"):
        Plan.from_json(old)


def _set(path, value):
    def change(content):
        *way, last = path
        for step in way:
            content = content[step]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("tracks", 0, "visible"), "false", "visible is true or false"),  # a truthy string would uncover a face
        (("tracks", 0, "visible"), 1, "visible is true or false"),
        (("tracks", 0, "track"), -1, "number"),
        (("tracks", 0, "track"), "0", "number"),
        (("tracks", 0, "boxes"), [], "boxes are"),
        (("tracks", 0, "boxes"), "all", "boxes are"),
        (("tracks", 0, "boxes"), [[0, 0.1, 0.1, 0.1]], "boxes are"),
        (("tracks", 0, "boxes"), [[0, *BOX], [0, *BOX]], "rising"),
        (("tracks", 0, "boxes"), [[0, 0.1, 0.1, 0, 0.1]], "boxes are"),
        (("tracks", 0, "boxes"), [[0, 0.1, 0.1, None, 0.1]], "boxes are"),
        (("tracks",), [Plan((track(),)).to_json()["tracks"][0]] * 2, "same number"),
        (("areas",), [{"left": 0, "top": 0, "width": 0, "height": 1}], "needs a width"),
        (("areas",), [{"left": 0, "top": 0, "width": 1}], "'height' is missing"),
        (("areas",), [{"left": 0, "top": 0, "width": 1, "height": 1, "start_ms": 5, "end_ms": 1}], "after its start"),
        (("areas",), [{"left": 10, "top": 10, "width": 50, "height": 50}], "outside of the picture"),
        (("areas",), [{"left": 0, "top": 0, "width": 50, "height": 50}], "outside of the picture"),
        (("areas",), [{"left": -0.5, "top": 0, "width": 0.5, "height": 1}], "outside of the picture"),
        (("areas",), [{"left": 0.1, "top": 0.1, "width": 1e-9, "height": 0.5}], "needs a width"),
        (("areas",), [{"left": 0.1, "top": 0.1, "width": 1e400, "height": 0.5}], "holds Infinity"),
        (("tracks", 0, "boxes"), [[0, 0.1, 0.1, 1e-46, 0.1]], "boxes are"),  # vanishes in float32
        (("tracks", 0, "boxes"), [[0, 0.1, 0.1, 0.2, 1e39]], "too large"),  # overflows
        (("tracks", 0, "boxes"), [[0, -1e15, 0.1, 2e15, 0.1]], "boxes are"),
        (("tracks", 0, "boxes"), [[0, 0.1, 0.1, 1e-6, 0.1]], "boxes are"),  # the file holds five digits
        (("frames",), [{"count": 1, "sha256": "00", "times_ms": [0.0]}], "list of frames was changed"),
        (("frames",), [{"times_ms": [0.0]}], "'sha256' is missing"),
        (("frames",), {"count": 1}, "not a redaction plan"),
        (("style",), {"name": "foggy"}, "foggy"),
        (("style",), {"colour": "red"}, "not a style"),
        (("plan",), 99, "version 99"),
        (("tracks",), None, "not a redaction plan"),
    ],
)
def test_a_plan_that_could_be_misread_is_refused(tmp_path, path, value, words):
    with pytest.raises(DocumentError, match=words) as caught:
        Plan.load(plan_file(tmp_path, _set(path, value)))
    assert "plan.json: " in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "3", '{"Faces": []}', "not json"])
def test_what_is_no_plan_is_refused(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(DocumentError, match="not a redaction plan"):
        Plan.load(tmp_path / "plan.json")


def test_a_plan_that_is_not_there(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read"):
        Plan.load(tmp_path / "none.json")


@given(st.floats(0, 2), st.tuples(ratios, ratios, sides, sides))
def test_a_region_shrinks_back_to_its_face(margin, box):
    style = Style(margin_ratio=margin)
    assert style.shrunk(style.grown(box)) == pytest.approx(box, abs=1e-9)


def report(frames: list[dict]) -> dict:
    return {"settings": {"style": Style().to_json()}, "input": {"name": "a"}, "video": {}, "frames": frames}


def test_a_report_says_what_the_plan_was():
    grown = Style().grown(BOX)
    frames = [
        {"time_ms": 40.0 * n, "regions": [[3, *grown], [-1, 0.5, 0.5, 0.2, 0.1]], "visible": [[4, *BOX]]}
        for n in range(3)
    ]
    plan = Plan.from_report(report([*frames, {"time_ms": 120.0, "regions": []}]))
    assert [(t.id, t.is_visible, len(t.times_ms)) for t in plan.tracks] == [(3, False, 3), (4, True, 3)]
    assert np.allclose(plan.tracks[0].boxes, BOX) and np.allclose(plan.tracks[1].boxes, BOX)
    assert plan.areas == (Area(0.5, 0.5, 0.2, 0.1, 0.0, 80.0),)


def test_report_with_two_areas_that_begin_together_is_a_plan():
    regions = [[-1, 0.1, 0.1, 0.2, 0.1], [-1, 0.5, 0.5, 0.2, 0.1]]
    frames = [{"time_ms": 40.0 * number, "regions": regions if number else []} for number in range(3)]
    plan = Plan.from_report(report(frames))
    assert plan.areas == (Area(0.1, 0.1, 0.2, 0.1, 40.0, 80.0), Area(0.5, 0.5, 0.2, 0.1, 40.0, 80.0))


def test_what_is_no_report_is_refused():
    for content in (
        {},
        {"frames": []},
        report([{"regions": []}]),
        report([{"time_ms": 0, "regions": [[1, 2]]}]),
    ):
        with pytest.raises(DocumentError, match="not a report"):
            Plan.from_report(content)

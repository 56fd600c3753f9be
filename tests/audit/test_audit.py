"""The audit passes a good result and finds every planted fault."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proof_kit import FINE, leaked, paint, rewrite, without

from faceblur import Area, Plan, Style, render, video
from faceblur.audit import verify
from faceblur.audit.pairing import Fault, in_words
from faceblur.audit.survival import measure_detail
from faceblur.video import Reader
from faceblur.video.reading.planes import plane_views
from faceblur.video.reading.sound import compare_sound


def test_a_good_result_passes(film):
    found = verify(film.original, film.good, film.plan, every_ms=0)
    assert found.passed is True and found.problems == () and found.leaks == ()
    assert found.frames == found.frames_looked_at == 45
    assert found.faces_judged > 45 and found.detail_summary["max"] < 0.2
    assert found.notes == ("1 sound track: bit for bit the original's",)
    assert len(found.worst) >= 2 and max(face.detail_left for face in found.worst) == pytest.approx(
        found.detail_summary["max"], abs=1e-3
    )


@pytest.mark.parametrize("name", ["gaussian", "solid", "pixelate"])
def test_other_styles_pass(film, tmp_path, name):
    render(film.original, tmp_path / "out.mp4", film.plan, style=Style(name), encoder=FINE)
    assert verify(film.original, tmp_path / "out.mp4", film.plan).passed is True


def test_a_style_that_was_forced_to_be_weak_does_not_pass(film, tmp_path):
    weak = Style("mosaic", strength=64, forced=True)
    render(film.original, tmp_path / "out.mp4", film.plan, style=weak, encoder=FINE)
    assert verify(film.original, tmp_path / "out.mp4", film.plan).passed is False


@pytest.mark.parametrize("every_ms", [0, 200])
@pytest.mark.parametrize("number", [0, 19, 44])
def test_one_leaked_frame_is_found(film, number, every_ms):
    """Also between the detector's looks: what the plan covers is measured in every frame."""
    output = leaked(film, "leaked.mp4", range(number, number + 1))
    found = verify(film.original, output, film.plan, every_ms=every_ms)
    assert found.passed is False
    assert {leak.index for leak in found.leaks} == {number}
    assert len(found.leaks) == len(film.plan.regions().faces_at(found.leaks[0].time_ms))
    assert all(leak.detail_left > 0.8 for leak in found.leaks)
    assert "faces are left in 1 frames" in found.problems[0] and f"frame {number} " in found.problems[0]


def test_an_unblurred_segment_is_found(film):
    found = verify(film.original, leaked(film, "segment.mp4", range(10, 25)), film.plan)
    assert found.passed is False and {leak.index for leak in found.leaks} == set(range(10, 25))


def test_a_face_that_the_plan_knows_nothing_of_is_found(film, tmp_path):
    """One person forgotten: the detector alone can tell."""
    forgetful = Plan(film.plan.tracks[:1], video=film.plan.video)
    render(film.original, tmp_path / "out.mp4", forgetful, encoder=FINE)
    found = verify(film.original, tmp_path / "out.mp4", forgetful)
    assert found.passed is False
    assert {leak.track for leak in found.leaks} == {None} and all(leak.score > 0.6 for leak in found.leaks)


def test_a_forgotten_person_is_named_in_every_frame(film, tmp_path):
    """Also where neither detector finds the face: flow carries it from the frames before and after."""
    forgotten = film.plan.tracks[0]
    plan = Plan(film.plan.tracks[1:], video=film.plan.video)
    render(film.original, tmp_path / "out.mp4", plan, encoder=FINE)
    found = verify(film.original, tmp_path / "out.mp4", plan, every_ms=0)
    assert {leak.time_ms for leak in found.leaks} >= set(forgotten.times_ms.tolist())
    assert {name for leak in found.leaks for name in leak.seen_by} == {"YuNet", "RetinaFace"}


def test_with_one_detector_the_audit_says_so(film, monkeypatch):
    for module in ("opinions", "retinaface"):
        monkeypatch.setattr(f"faceblur.finding.{module}.is_there", lambda: False)
    monkeypatch.setattr("faceblur.audit.remains.is_there", lambda: False)
    found = verify(film.original, leaked(film, "one.mp4", range(20, 24)), Plan(()), every_ms=0)
    assert found.passed is False and {leak.index for leak in found.leaks} == set(range(20, 24))
    assert any("only the detector that finds the faces looked" in note for note in found.notes)


def test_a_face_forgotten_in_one_frame_is_found(film, tmp_path):
    """The track begins one frame late."""
    track = film.plan.tracks[0]
    late = track.within(track.times_ms[1], track.end_ms)
    render(film.original, tmp_path / "out.mp4", Plan((late, *film.plan.tracks[1:])), encoder=FINE)
    plan = Plan((late, *film.plan.tracks[1:]))
    found = verify(film.original, tmp_path / "out.mp4", plan, every_ms=0)
    assert [leak.index for leak in found.leaks] == [0]


def test_a_missing_frame_is_found(film):
    found = verify(film.original, without(film, "missing.mp4", range(20, 21)), film.plan)
    assert found.passed is False and found.problems == ("frame 20 at 667 ms is missing",)


def test_missing_frames_at_the_end_are_found(film):
    found = verify(film.original, without(film, "short.mp4", range(41, 45)), film.plan)
    assert found.problems == ("frames 41 to 44 (1367 to 1467 ms) are missing",)


def test_a_shifted_frame_is_found(film):
    def change(writer, frame, originals, goods):
        if frame.index == 12:
            frame.raw.pts += int(0.01 / reader_time_base)
        writer.write(frame)

    with Reader(film.good) as reader:
        reader_time_base = float(reader.time_base)
    found = verify(film.original, rewrite(film, "shifted.mp4", change), film.plan)
    assert found.problems == ("frame 12 at 400 ms is shown +10.0 ms from its time",)


def test_a_frame_too_many_is_found(film):
    found = verify(without(film, "shorter.mp4", range(7, 8)), film.good, Plan(()))
    assert found.problems == ("frame 7 at 233 ms of the output is one too many",)


def test_a_frame_with_its_neighbours_picture_is_found(film):
    """As many frames as before, at the right times, but one is shown twice and one never."""

    def change(writer, frame, originals, goods):
        if frame.index == 30:
            paint(writer, frame, goods[29])
        writer.write(frame)

    found = verify(film.original, rewrite(film, "twice.mp4", change), film.plan)
    assert "frame 30 at 1000 ms shows frame 29's picture" in found.problems


def test_another_picture_altogether_is_found(film):
    def change(writer, frame, originals, goods):
        if frame.index == 30:
            for plane in plane_views(writer.writable(frame)):
                plane[...] = plane[::-1, ::-1].copy()
        writer.write(frame)

    found = verify(film.original, rewrite(film, "upside-down.mp4", change), film.plan)
    assert "frame 30 at 1000 ms shows another picture" in found.problems


def test_another_size_is_found(film, tmp_path):
    with Reader(film.good) as reader:
        video.encode(tmp_path / "small.mp4", [frame.bgr(320) for frame in reader], frame_rate=30)
    found = verify(film.original, tmp_path / "small.mp4", film.plan)
    assert any("320x180 instead of 640x360" in problem for problem in found.problems)


def test_who_is_kept_is_no_leak(film, tmp_path):
    plan = film.plan.showing([film.plan.tracks[0].id])
    report = render(film.original, tmp_path / "out.mp4", plan, encoder=FINE)
    assert report["kept_visible"] == [film.plan.tracks[0].id]
    assert verify(film.original, tmp_path / "out.mp4", plan, every_ms=0).passed is True
    assert verify(film.original, tmp_path / "out.mp4", Plan.from_report(report), every_ms=0).passed is True
    assert verify(film.original, tmp_path / "out.mp4", film.plan).passed is False


def test_an_area_is_measured_as_well(film, tmp_path):
    area = Area(0.02, 0.5, 0.3, 0.4, 200, 800)
    plan = Plan(film.plan.tracks, (area,))
    render(film.original, tmp_path / "out.mp4", plan, encoder=FINE)
    assert verify(film.original, tmp_path / "out.mp4", plan).passed is True
    found = verify(film.original, film.good, plan)
    assert found.passed is False and {leak.track for leak in found.leaks} == {-1}
    assert min(leak.time_ms for leak in found.leaks) == pytest.approx(200)


def test_without_a_plan_it_can_find_leaks_but_not_pass(film):
    good = verify(film.original, film.good, None)
    assert good.passed is None and good.leaks == () and "without a plan" in good.notes[-1]
    open_ = verify(film.original, film.original, None)
    assert open_.passed is False and len(open_.leaks) > 5


def test_a_face_that_only_the_output_shows_is_no_leak(film, tmp_path):
    """What the blur made up, or a picture laid over it, shows nobody of the original."""
    with Reader(film.original) as reader:
        shown = [frame.bgr() for frame in reader][:12]
    empty = [np.full_like(picture, 120) for picture in shown]
    video.encode(tmp_path / "empty.mp4", empty, frame_rate=30)
    video.encode(tmp_path / "faces.mp4", shown, frame_rate=30)
    found = verify(tmp_path / "empty.mp4", tmp_path / "faces.mp4", Plan(()), every_ms=0)
    assert found.faces_found > 0 and found.leaks == ()


def test_other_sound_is_found(film, tmp_path):
    with Reader(film.good) as reader:
        pictures = [frame.bgr() for frame in reader]
    tone = 0.3 * np.sin(2 * np.pi * 880 * np.arange(int(1.5 * 48000)) / 48000).astype(np.float32)
    video.encode(tmp_path / "other.mp4", pictures, frame_rate=30, audio=(tone, 48000))
    video.encode(tmp_path / "silent.mp4", pictures, frame_rate=30)
    problems, _ = compare_sound(film.original, tmp_path / "other.mp4")
    assert problems == ["sound track 1 (aac) is not the original's, packet by packet"]
    problems, _ = compare_sound(film.original, tmp_path / "silent.mp4")
    assert problems == ["0 sound tracks instead of 1"]
    said = ("stream 1 (audio, unknown) was left out",)
    assert compare_sound(film.original, tmp_path / "silent.mp4", said) == (
        [],
        ["0 sound tracks instead of 1"],
    )


def test_the_result_is_json(film):
    found = verify(film.original, leaked(film, "json.mp4", range(3, 4)), film.plan).to_json()
    assert found["passed"] is False and found["faces_left"][0]["frame"] == 3
    assert set(found["faces_left"][0]) == {"frame", "time_ms", "box", "track", "score", "seen_by", "detail_left"}


def _face(seed: int, side: int = 96) -> np.ndarray:
    """Smooth noise: detail of all sizes."""
    import cv2

    noise = np.random.default_rng(seed).normal(0, 1, (side * 2, side * 2)).astype(np.float32)
    smooth = sum(cv2.GaussianBlur(noise, (0, 0), s) * s for s in (1, 2, 4, 8))
    return 128 + 30 * smooth / np.abs(smooth).max() * 3


BOX = (0.25, 0.25, 0.5, 0.5)


@given(st.floats(0, 1), st.integers(0, 50))
def test_detail_left_is_the_share_that_was_mixed_in(share, seed):
    """The face fading into another one's: what is left is what was kept, whatever it fades into."""
    import cv2

    before = _face(seed).clip(0, 255).astype(np.uint8)
    gone = cv2.GaussianBlur(before, (0, 0), 40)
    after = np.rint(share * before + (1 - share) * gone.astype(float)).astype(np.uint8)
    assert measure_detail(before, after, BOX).left == pytest.approx(share, abs=0.05)


def test_other_faces_leave_nothing_of_this_one():
    before, *others = (_face(n).clip(0, 255).astype(np.uint8) for n in range(30))
    details = [measure_detail(before, other, BOX) for other in others]
    assert abs(float(np.median([detail.left for detail in details]))) < 0.1
    assert not any(detail.is_readable for detail in details)


def test_large_faces_are_judged_like_small_ones():
    import cv2

    before = _face(1, 96).clip(0, 255).astype(np.uint8)
    after = cv2.GaussianBlur(before, (0, 0), 3)
    large = [cv2.resize(picture, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC) for picture in (before, after)]
    assert measure_detail(*large, BOX).left == pytest.approx(measure_detail(before, after, BOX).left, abs=0.04)


def test_what_cannot_be_judged_is_not_guessed():
    flat = np.full((200, 200), 90, np.uint8)
    assert measure_detail(flat, flat, BOX) is None
    busy = _face(2).clip(0, 255).astype(np.uint8)
    assert measure_detail(busy, busy, (0.5, 0.5, 0.05, 0.06)) is None
    assert measure_detail(busy, busy, (0.99, 0.4, 0.3, 0.3)) is None


def test_runs_of_faults_are_one_line():
    faults = [Fault("is missing", n, 40.0 * n) for n in (3, 4, 5, 9)]
    assert in_words(faults) == ["frames 3 to 5 (120 to 200 ms) are missing", "frame 9 at 360 ms is missing"]

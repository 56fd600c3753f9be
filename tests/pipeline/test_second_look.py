"""Blur, look again, blur again: what was left open is found in the result and covered, and nothing else is touched."""

from dataclasses import replace

from proof_kit import FINE

from faceblur import render
from faceblur.pipeline import second_look as module
from faceblur.pipeline.second_look import blur_and_look


class Renders:
    """Renders a film and counts how often."""

    def __init__(self, film, output):
        self.film, self.output, self.times = film, output, 0

    def __call__(self, plan):
        self.times += 1
        return render(self.film.original, self.output, plan, encoder=FINE)


def look(film, output, plan):
    renders = Renders(film, output)
    return *blur_and_look(film.original, output, plan, renders), renders.times


def test_where_nothing_is_open_nothing_is_rendered_again(film, tmp_path):
    report, plan, times = look(film, tmp_path / "out.mp4", film.plan)
    assert times == 1 and plan is film.plan
    assert report["second_look"]["looks"] >= 3
    assert report["second_look"]["added"] == report["second_look"]["open"] == []


def test_a_face_that_was_left_out_is_found_tracked_and_covered(film, tmp_path):
    left_out = film.plan.tracks[0]
    report, plan, times = look(film, tmp_path / "out.mp4", replace(film.plan, tracks=film.plan.tracks[1:]))
    assert times == 2
    assert report["second_look"]["added"] and report["second_look"]["open"] == []
    ids = [track.id for track in plan.tracks]
    assert len(set(ids)) == len(ids)
    covered = {time_ms for track in plan.tracks[len(film.plan.tracks) - 1 :] for time_ms in track.times_ms.tolist()}
    assert covered >= set(left_out.times_ms.tolist()[1:-1])
    assert report["counts"]["frames"] == 45


def test_who_stays_visible_on_purpose_is_not_covered(film, tmp_path):
    shown = film.plan.showing([film.plan.tracks[0].id])
    report, plan, times = look(film, tmp_path / "out.mp4", shown)
    assert times == 1 and plan is shown and report["second_look"]["added"] == []


def test_what_is_still_seen_in_the_end_is_said(film, tmp_path, monkeypatch):
    """A plan that does not get any better, as when the face cannot be followed."""
    monkeypatch.setattr(module, "_tracked", lambda *_: ())
    report, _, times = look(film, tmp_path / "out.mp4", replace(film.plan, tracks=film.plan.tracks[1:]))
    assert times == 1 and report["second_look"]["open"]
    assert any("the second look still sees" in note for note in report["notes"])


def test_without_the_second_detector_there_is_no_second_look(film, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "is_there", lambda: False)
    report, plan, times = look(film, tmp_path / "out.mp4", film.plan)
    assert times == 1 and plan is film.plan and "second_look" not in report
    assert any("only one detector looked" in note for note in report["notes"])

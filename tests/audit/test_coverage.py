"""Pictures of a plan and of an audit: drawn without matplotlib, readable, true to what they show."""

import subprocess
import sys

import numpy as np
import pytest
from proof_kit import leaked
from seeing import crowd

from faceblur import Area, Plan, Track
from faceblur.audit.coverage import LEAK, REVIEW, WIDTH, _rows, _weight, coverage_picture, intervals_of
from faceblur.audit.evidence import MOST_FACES, choose, evidence_sheet
from faceblur.audit.remains import FoundFace
from faceblur.audit.verdict import Audit, verify
from faceblur.showing.canvas import bgr
from faceblur.showing.colours import PALETTE, PAPER
from faceblur.showing.many import longest

LENGTH = {"duration_ms": 10_000.0, "frame_rate": 25.0}


def track(number, start_s, end_s, gap_s=None, **more) -> Track:
    times = np.arange(start_s * 1000, end_s * 1000, 40.0)
    if gap_s:
        times = times[(times < gap_s[0] * 1000) | (times > gap_s[1] * 1000)]
    return Track(number, times, np.full((len(times), 4), 0.1, np.float32), **more)


def share(picture: np.ndarray, colour: str) -> float:
    """Of the picture's columns, those that show the colour below the legend."""
    wanted = [int(colour[i : i + 2], 16) for i in (5, 3, 1)]
    return float((picture[70:] == wanted).all(-1).any(0).mean())


def audit(*leaks: FoundFace) -> Audit:
    return Audit(not leaks, (), (), 250, 250, 0, 0, 0, {}, tuple(leaks))


def test_a_bar_is_as_long_as_its_face_is_blurred():
    drawing = 1410 / WIDTH  # between the labels and the right border
    for seconds in (2, 5, 10):
        picture = coverage_picture(Plan((track(0, 0, seconds),), video=LENGTH))
        assert picture.shape[1] == WIDTH and picture.dtype == np.uint8
        assert share(picture, PALETTE[0]) == pytest.approx(drawing * seconds / 10, abs=0.01)


def test_a_gap_is_seen_and_review_is_marked():
    review = track(0, 0, 10, gap_s=(4, 7), review=((4000.0, 7000.0),))
    assert [round(b - a) for a, b in intervals_of(review, 40.0)] == [4000, 2960]
    picture = coverage_picture(Plan((review,), video=LENGTH))
    assert share(picture, PALETTE[0]) == pytest.approx(0.7 * 1410 / WIDTH, abs=0.01)
    assert share(picture, REVIEW) == pytest.approx(0.3 * 1410 / WIDTH, abs=0.01)


def test_leaks_are_red_on_their_track_or_on_a_line_of_their_own():
    plan = Plan((track(0, 0, 10),), video=LENGTH)
    known = FoundFace(100, 4000.0, (0.1, 0.1, 0.1, 0.1), 0, None, 0.9)
    stranger = FoundFace(100, 4000.0, (0.5, 0.5, 0.1, 0.1), None, 0.9, None)
    clean, one, two = (coverage_picture(plan, audit(*leaks)) for leaks in ((), (known,), (known, stranger)))
    assert share(clean, LEAK) == 0 < share(one, LEAK) < 0.01
    assert one.shape == clean.shape and two.shape[0] > one.shape[0]


def test_who_stays_visible_is_not_filled():
    picture = coverage_picture(Plan((track(0, 0, 10, is_visible=True),), video=LENGTH))
    assert share(picture, PALETTE[0]) == 0
    assert (picture[80:100] != np.array(bgr(PAPER))).any()


@pytest.mark.parametrize("count", [0, 1, 40, 41, 900])
def test_any_number_of_people_fits(count):
    picture = coverage_picture(Plan(tuple(track(n, 0, 1) for n in range(count)), video=LENGTH))
    assert 100 < picture.shape[0] < 1500


def test_of_many_people_those_with_a_leak_have_a_line_and_the_others_share_one():
    leaks = [FoundFace(25 * n, 1000.0 * n, (0.1, 0.1, 0.1, 0.1), n, None, 0.9) for n in range(3)]
    plan = crowd(10_000.0, 500)
    rows = _rows(plan, audit(*leaks), 40.0)
    shown, others = longest(rows, _weight, 40)
    assert [row.label for row in shown[:3]] == ["track 0", "track 1", "track 2"] and len(others) == 460
    picture = coverage_picture(plan, audit(*leaks))
    assert picture.shape == coverage_picture(crowd(10_000.0, 100)).shape
    strip = picture[-80:-50].astype(int)  # the lowest line: grey, and not the same everywhere
    assert np.ptp(strip[10, 200:1400, 0]) > 50


def test_areas_have_a_line_and_an_empty_plan_a_sentence():
    assert share(coverage_picture(Plan((), (Area(0, 0, 1, 1, 0, 5000),), video=LENGTH)), PALETTE[5]) > 0.4
    assert coverage_picture(Plan(())).shape[0] > 100


def test_the_sheet_shows_the_face_that_leaked(film):
    spoilt = leaked(film, "leaked.mp4", range(20, 21))
    found = verify(film.original, spoilt, film.plan)
    sheet = evidence_sheet(film.original, spoilt, found)
    head, side = 56, 240
    before, after = sheet[head : head + side, 20 : 20 + side], sheet[head : head + side, 264 : 264 + side]
    assert np.abs(before.astype(int) - after).mean() < 6  # the same face, encoded once more
    good = verify(film.original, film.good, film.plan)
    sheet = evidence_sheet(film.original, film.good, good)
    before, after = sheet[head : head + side, 20 : 20 + side], sheet[head : head + side, 264 : 264 + side]
    assert np.abs(before.astype(int) - after).mean() > 6
    assert evidence_sheet(film.original, film.good, audit()) is None


def test_the_sheet_spreads_over_people_and_time():
    many = tuple(FoundFace(n, 40.0 * n, (0.1, 0.1, 0.1, 0.1), 0, None, 0.99) for n in range(100))
    other = FoundFace(50, 2000.0, (0.7, 0.1, 0.1, 0.1), 1, None, 0.5)
    chosen = choose((*many, other))
    assert len(chosen) <= MOST_FACES and other in chosen
    assert chosen[-1].time_ms - chosen[0].time_ms > 2000


def test_everything_is_drawn_without_matplotlib(film, tmp_path):
    """As `pip install faceblur` alone has it."""
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from faceblur.cli import main\n"
        f"files = [{str(film.original)!r}, {str(film.good)!r}]\n"
        "sys.exit(main(['audit', *files, '--plan', 'plan.json', '-o', 'out']))"
    )
    film.plan.save(tmp_path / "plan.json")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["audit.json", "coverage.png", "worst.png"]

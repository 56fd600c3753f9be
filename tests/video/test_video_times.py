"""Every frame is there, at its own time: offsets, edit lists, variable rates, gaps, wrong counts."""

from fractions import Fraction

import av
import pytest
from video_kit import make, no_faces, packets, samples, shown

from faceblur import render, video

VARIABLE = [0, 40, 73, 100, 181, 182, 240, 300, 301, 340, 420, 2500, 2540, 2580, 9000, 9040]  # ms, with gaps


def length(path):
    with av.open(str(path)) as box:
        return box.streams.video[0].duration * box.streams.video[0].time_base


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rate_and_gaps_keep_every_time_stamp(tmp_path, suffix):
    source = make(tmp_path / f"in{suffix}", times=VARIABLE, time_base=Fraction(1, 1000), audio=[{}])
    report = render(source, tmp_path / f"out{suffix}", no_faces())
    assert shown(tmp_path / f"out{suffix}") == shown(source)
    assert [t for t, _ in shown(source)] == [Fraction(ms, 1000) for ms in VARIABLE]
    assert [row["time_ms"] for row in report["frames"]] == VARIABLE


def test_the_last_frame_of_a_variable_rate_is_shown_as_long_as_before(tmp_path):
    source = make(tmp_path / "in.mp4", times=[0, 40, 90, 400, 410], time_base=Fraction(1, 1000))
    render(source, tmp_path / "out.mp4", no_faces())
    assert length(tmp_path / "out.mp4") == length(source)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), 50, Fraction(15, 2)])
def test_odd_frame_rates_keep_every_time_stamp(tmp_path, rate):
    source = make(tmp_path / "in.mp4", rate=rate, count=40)
    render(source, tmp_path / "out.mp4", no_faces())
    assert shown(tmp_path / "out.mp4") == shown(source)


def test_a_clock_that_starts_late_stays_late(tmp_path):
    """The video begins 0.85 s after the sound, as in a real clip."""
    times = range(850, 1850, 40)
    source = make(tmp_path / "in.mp4", times=times, time_base=Fraction(1, 1000), audio=[{"seconds": 2.0}])
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert shown(tmp_path / "out.mp4") == shown(source)
    assert report["frames"][0]["time_ms"] == 850
    assert packets(tmp_path / "out.mp4", 1) == packets(source, 1)


def test_sound_that_starts_late_stays_late(tmp_path):
    source = make(tmp_path / "in.mp4", audio=[{"start_s": 0.4, "seconds": 0.6}])
    render(source, tmp_path / "out.mp4", no_faces())
    assert packets(tmp_path / "out.mp4", 1) == packets(source, 1)
    assert packets(source, 1)[0][1] >= Fraction(37, 100)


def test_a_transport_stream_starts_where_its_player_starts(tmp_path):
    times = range(10000, 11000, 40)
    source = make(tmp_path / "in.ts", times=times, time_base=Fraction(1, 1000), audio=[{"start_s": 10.0}])
    with av.open(str(source)) as box:
        assert box.start_time > 1_000_000
    render(source, tmp_path / "out.mp4", no_faces())
    before, after = shown(source), shown(tmp_path / "out.mp4")
    shift = before[0][0] - after[0][0]
    assert [(t - shift, n) for t, n in before] == after
    sound_shift = packets(source, 1)[0][1] - packets(tmp_path / "out.mp4", 1)[0][1]
    assert abs(sound_shift - shift) < Fraction(1, 10000)
    assert min(after[0][0], packets(tmp_path / "out.mp4", 1)[0][1]) <= Fraction(1, 1000)


def cut_by_edit_list(source, target, start_s):
    """Copy a file from the keyframe before `start_s` on: the edit list hides what lies before it."""
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        streams = {s.index: after.add_stream_from_template(s, opaque=True) for s in before.streams}
        before.seek(round(start_s * 1_000_000), backward=True)
        for packet in before.demux():
            if packet.size:
                shift = round(start_s / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = streams[packet.stream.index]
                after.mux(packet)


def test_frames_hidden_by_an_edit_list_stay_hidden(tmp_path):
    whole = make(tmp_path / "whole.mp4", count=50, audio=[{"seconds": 2.0}])
    source = tmp_path / "in.mp4"
    cut_by_edit_list(whole, source, 0.6)
    hidden = shown(source)
    assert hidden[0][1] == 15 and len(hidden) == 35
    with av.open(str(source)) as box:
        assert box.streams.video[0].frames > 35
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert shown(tmp_path / "out.mp4") == hidden
    assert report["counts"]["frames"] == 35
    before, after = samples(source, 1), samples(tmp_path / "out.mp4", 1)
    assert abs(before.shape[1] - after.shape[1]) <= 1024


def test_one_frame_is_a_video(tmp_path):
    for name in ("in.mp4", "in.mkv"):
        source = make(tmp_path / name, count=1)
        report = render(source, tmp_path / "out.mp4", no_faces((0, 0, 1, 1)))
        assert report["counts"]["frames"] == 1 and len(shown(tmp_path / "out.mp4")) == 1
        assert video.probe(tmp_path / "out.mp4").duration_ms == pytest.approx(40, abs=1)


def test_an_animated_gif_keeps_its_frames_and_times(tmp_path):
    times = [0, 10, 20, 45, 60, 110]
    source = make(
        tmp_path / "in.gif",
        codec="gif",
        pixel_format="rgb8",
        options={},
        times=times,
        time_base=Fraction(1, 100),
    )
    before = shown(source)
    assert len(before) == 6
    render(source, tmp_path / "out.mp4", no_faces())
    assert shown(tmp_path / "out.mp4") == before
    assert video.probe(tmp_path / "out.mp4").pixel_format == "yuv420p"


def test_a_declared_count_that_is_wrong_misleads_nobody(tmp_path):
    whole = make(tmp_path / "whole.mp4", count=50, container={"movflags": "faststart"})
    source = tmp_path / "in.mp4"
    source.write_bytes(whole.read_bytes()[: -whole.stat().st_size // 3])
    readable = shown(source)
    assert 10 < len(readable) < 50 and video.probe(source).frames == 50
    seen = []
    report = render(source, tmp_path / "out.mp4", no_faces(), progress=lambda done, total: seen.append((done, total)))
    assert shown(tmp_path / "out.mp4") == readable
    assert report["counts"]["frames"] == len(readable)
    assert any("50" in note and str(len(readable)) in note for note in report["notes"])
    assert all(done <= total for done, total in seen) and seen[-1] == (len(readable), len(readable))

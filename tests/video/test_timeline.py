"""One timeline: every reading of a file gives the same frames at the same rising times, whatever its clock does; and no
frame is rendered that the plan does not account for.
"""

import contextlib
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from moving import Mover, Scene
from video_kit import make, no_faces, shown

from faceblur import Detections, Face, analyse, blur, detect, render
from faceblur.audit import verify
from faceblur.errors import PlanError
from faceblur.pipeline.copying import render_copying
from faceblur.pipeline.jobs import analyse_in_jobs, render_in_jobs
from faceblur.plan import Area, Plan
from faceblur.plan.frame_times import FrameTimes
from faceblur.video import Irregular, Reader, SparseReader, Stills, probe, scan, split

MS = Fraction(1, 1000)


def joined(folder, suffix, first=range(0, 1000, 40), second=range(0, 1200, 40), codec="libx264", **options):
    """Two recordings one behind the other, each with a clock of its own that begins at 0."""
    kind = {"time_base": MS, "codec": codec, **options}
    parts = [make(folder / f"{n}.{suffix}", times=times, **kind) for n, times in enumerate((first, second))]
    path = folder / f"joined.{suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path, len(first) + len(second)


def times_of(kind, path, **options):
    with kind(path, **options) as reader:
        return [frame.time_ms for frame in reader]


def readings(path):
    """The times by every way of reading."""
    found = {"full": times_of(Reader, path), "one thread": times_of(Reader, path, threads=1)}
    with Reader(path) as reader:
        found["with others"] = [e.time_ms for e in reader.events((0, 1, 2)) if hasattr(e, "time_ms")]
    with contextlib.suppress(Irregular):
        found["sparse"] = times_of(SparseReader, path)
    found["spans"] = [t for span in split(path, 0.4) for t in times_of(Reader, path, span=span)]
    found["plan"] = analyse(path).frames.times_ms.tolist()
    found["jobs"] = analyse_in_jobs(path, jobs=2).frames.times_ms.tolist()
    stills = Stills(path)
    found["stills"] = [stills.at(time_ms).time_ms for time_ms in found["full"]]
    return found


CLOCKS = {
    "constant rate": lambda folder: make(folder / "in.mp4"),
    "odd rate": lambda folder: make(folder / "in.mp4", rate=Fraction(30000, 1001), count=40),
    "pauses": lambda folder: make(folder / "in.mp4", times=[0, 40, 73, 1500, 1533, 9000, 9040, 9080], time_base=MS),
    "pauses in Matroska": lambda folder: make(folder / "in.mkv", times=[0, 40, 73, 1500, 1533, 9000], time_base=MS),
    "late start": lambda folder: make(folder / "in.mp4", times=range(850, 1850, 40), time_base=MS),
    "a late start in Matroska": lambda folder: make(folder / "in.mkv", times=range(90000, 91000, 40), time_base=MS),
    "fine clock": lambda folder: make(folder / "in.nut", times=range(0, 10**6, 40000), time_base=Fraction(1, 10**6)),
    "joined transport streams": lambda folder: joined(folder, "ts")[0],
    "joined transport streams, the first longer": lambda folder: joined(folder, "ts", range(0, 2000, 40))[0],
    "joined transport streams that jump": lambda folder: joined(folder, "ts", second=range(50000, 51000, 40))[0],
    "joined programme streams": lambda folder: joined(
        folder, "mpg", range(25), range(30), codec="mpeg2video", options={}, time_base=Fraction(1, 25)
    )[0],
    "joined Matroska": lambda folder: joined(folder, "mkv", options={"preset": "ultrafast", "bf": "0"})[0],
    "joined WebM": lambda folder: joined(folder, "webm", codec="libvpx", options={"deadline": "realtime"})[0],
    "AVI": lambda folder: make(folder / "in.avi", codec="mpeg4", options={"bf": "2"}),
    "raw H.264": lambda folder: make(folder / "in.h264"),
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_reading_gives_the_same_rising_times(tmp_path, clock):
    path = CLOCKS[clock](tmp_path)
    found = readings(path)
    assert (np.diff(found["full"]) > 0).all() and len(found["full"]) > 5
    assert {name: times for name, times in found.items() if times != found["full"]} == {}


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_nothing_of_joined_recordings_is_lost_and_the_second_follows_the_first(tmp_path, suffix):
    path, count = joined(tmp_path, suffix)
    report = render(path, tmp_path / "out.mp4", no_faces())
    after = shown(tmp_path / "out.mp4")
    assert len(after) == count == report["counts"]["frames"]
    assert [n for _, n in after] == [*range(25), *range(30)]
    assert np.diff([float(t) for t, _ in after]).max() < 0.1 and float(after[-1][0]) < 2.4
    assert any("clock starts anew once" in note for note in report["notes"])


def test_times_that_repeat_are_told_apart(tmp_path):
    """Two packets with one time: the later frame comes a moment later, in every reading."""
    options = {"preset": "ultrafast", "bf": "0"}
    whole = make(tmp_path / "whole.mkv", times=range(0, 1000, 40), time_base=MS, options=options)
    path = tmp_path / "in.mkv"
    with av.open(str(whole)) as before, av.open(str(path), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0], opaque=True)
        for number, packet in enumerate(before.demux(video=0)):
            if packet.size:
                packet.stream, packet.pts, packet.dts = stream, 40 * (number - (number == 7)), None
                after.mux(packet)
    found = readings(path)
    assert found["full"][6:9] == [240, 241, 320]
    found.pop("stills")  # a millisecond is no time at which somebody could look
    assert {name: times for name, times in found.items() if times != found["full"]} == {}


def test_matroska_that_begins_late_begins_with_its_first_picture(tmp_path):
    source = make(tmp_path / "in.mkv", times=range(3600000, 3601000, 40), time_base=MS, audio=[{"start_s": 3599.9}])
    render(source, tmp_path / "out.mp4", no_faces())
    assert 0.05 < float(shown(tmp_path / "out.mp4")[0][0]) < 0.15
    assert probe(tmp_path / "out.mp4").duration_ms < 1200


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A face that walks through a second of video; its plan."""
    scene = Scene((Mover(100, 90, 0.5, 0, 60, "eileen"),), seconds=1.2, rate=25)
    path = scene.write(tmp_path_factory.mktemp("walk") / "in.mp4")
    return scene, path, analyse(path)


def paused(walk, folder, pause_s, at):
    """The walk with a pause before frame `at`: that frame is shown so much later."""
    path = folder / "paused.mp4"
    with av.open(str(walk[1])) as before, av.open(str(path), "w") as after:
        stream = after.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.time_base = stream.codec_context.time_base = MS
        for number, frame in enumerate(before.decode(video=0)):
            frame.pts, frame.time_base, frame.pict_type = 40 * number + round(1000 * pause_s) * (number >= at), MS, 0
            after.mux(stream.encode(frame))
        after.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("at", [1, 13, 18, 29])
@pytest.mark.parametrize("pause_s", [0.3, 0.7, 1.5, 20])
def test_the_frames_around_a_pause_are_covered(walk, tmp_path, pause_s, at):
    plan = analyse(paused(walk, tmp_path, pause_s, at))
    regions = plan.regions()
    assert plan.frames.count == 30
    assert [t for t in plan.frames.times_ms if not regions.faces_at(t)] == []


def test_a_frame_that_was_not_looked_at_is_covered_as_its_neighbours(walk):
    """Of frames in between only some are looked at; none of them stays open while those around it are covered."""
    _, path, plan = walk
    assert len(plan.tracks) == 1 and plan.tracks[0].times_ms.tolist() == plan.frames.times_ms.tolist()
    assert times_of(Reader, path) == plan.frames.times_ms.tolist()


def test_a_sample_counts_for_the_frame_on_screen(walk, tmp_path):
    """In a pause, after the last frame, and before the first; what lies beyond the end is counted and said."""
    path = paused(walk, tmp_path, 3.0, 20)
    box = Face(0.8, 0.1, 0.1, 0.2)  # where nobody is: only the sample says so
    for sample_ms, frame_ms in ((2500.0, 760.0), (4350.0, 4160.0), (0.4, 0.0)):
        plan = analyse(path, Detections.from_faces([(sample_ms, box)]))
        covered = [t for t in plan.frames.times_ms for _, found in plan.regions().faces_at(t) if found[0] > 0.7]
        assert frame_ms in covered, sample_ms
        assert plan.counts["unplaced_samples"] == 0
    plan = analyse(path, Detections.from_faces([(99000.0, box), (500.0, box)]))
    assert plan.counts["unplaced_samples"] == 1
    report = render(path, tmp_path / "out.mp4", plan)
    assert any("1 of the given samples lie outside" in note for note in report["notes"])


def test_the_plan_says_which_frames_it_was_made_of(walk, tmp_path):
    plan = walk[2]
    plan.save(tmp_path / "plan.json")
    again = Plan.load(tmp_path / "plan.json")
    assert again.frames.times_ms.tolist() == plan.frames.times_ms.tolist()
    (part,) = plan.to_json()["frames"]
    assert (part["count"], part["first_ms"], part["last_ms"], len(part["sha256"])) == (30, 0.0, 1160.0, 64)
    assert len(analyse_in_jobs(walk[1], jobs=2).frames.parts) >= 1


WAYS = {
    "render": render,
    "smart": render_copying,
    "jobs": lambda source, output, plan: render_in_jobs(source, output, plan, jobs=2),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_frame_that_the_plan_does_not_account_for_is_never_delivered(tmp_path, way):
    source = make(tmp_path / "in.mp4", count=250)  # 10 s, so that it is worth two jobs
    times = times_of(Reader, source)
    plan = replace(no_faces((0, 0, 0.2, 0.2)), frames=FrameTimes.of(times[:200] + times[201:]))
    with pytest.raises(PlanError, match="not made of the frame at 8"):
        WAYS[way](source, tmp_path / "out.mp4", plan)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    report = WAYS[way](source, tmp_path / "out.mp4", replace(plan, frames=FrameTimes.of(times)))
    assert report["counts"]["frames"] == 250


def test_a_plan_that_somebody_wrote_still_works(walk, tmp_path):
    _, path, plan = walk
    render(path, tmp_path / "out.mp4", replace(plan, frames=None))
    assert (tmp_path / "out.mp4").exists()


def test_the_audit_names_frames_that_the_plan_was_not_made_of(walk, tmp_path):
    _, path, plan = walk
    render(path, tmp_path / "out.mp4", plan)
    times = plan.frames.times_ms
    short = replace(plan, frames=FrameTimes.of([*times[:10], *times[12:]]))
    found = verify(path, tmp_path / "out.mp4", short)
    assert found.passed is False
    assert any("frames 10 to 11 (400 to 440 ms) are none that the plan was made of" in p for p in found.problems)


def test_the_detector_looks_as_often_as_time_passes_on_screen(walk, tmp_path):
    """A frame that stays for a second is looked at, and others every fifth of a second, whatever the rate."""
    path = paused(walk, tmp_path, 1.0, 13)
    report = blur(path, tmp_path / "out.mp4")
    plan = Plan.from_report(report)
    found = verify(path, tmp_path / "out.mp4", plan, every_ms=200)
    assert found.passed is True and 8 <= found.frames_looked_at <= 12
    assert verify(path, tmp_path / "out.mp4", plan, every_ms=0).frames_looked_at == 30
    assert verify(path, tmp_path / "out.mp4", plan, every_ms=10**6).frames_looked_at == 2  # first and last


def test_each_frame_lasts_until_the_next_one(tmp_path):
    """Reordered frames around a pause: their packets' durations are those of others, and the film would end late."""
    times = [40 * n + 900 * (n > 17) for n in range(36)]
    options = {"preset": "fast", "bf": "8", "b-adapt": "0"}
    path = make(tmp_path / "in.mp4", times=times, time_base=MS, options=options)
    render(path, tmp_path / "out.mkv", no_faces())
    with av.open(str(tmp_path / "out.mkv")) as box:
        assert box.duration == pytest.approx(2.34e6, abs=1e4)


def test_an_area_for_the_time_of_a_pause_covers_the_frame_on_screen(walk, tmp_path):
    path = paused(walk, tmp_path, 3.0, 13)
    plan = replace(analyse(path), areas=(Area(0, 0, 0.1, 0.1, 2000, 2500),))
    assert [t for t in plan.frames.times_ms if plan.regions().areas_at(t)] == [480.0]


def test_an_area_after_the_end_is_refused_but_not_in_a_joined_recording(tmp_path):
    path, _ = joined(tmp_path, "ts")
    assert probe(path).duration_ms < 1500 and scan(path).end_ms == pytest.approx(2200, abs=80)
    late, later = Area(0, 0, 0.5, 0.5, 2000, 2100), Area(0, 0, 0.5, 0.5, 9000, 9500)
    report = render(path, tmp_path / "out.mp4", Plan((), (late,)))
    assert sum(bool(row["regions"]) for row in report["frames"]) >= 2
    with pytest.raises(PlanError, match=r"outside of the video: it begins at 9 s, the video ends at 2\.2"):
        render(path, tmp_path / "never.mp4", Plan((), (later,)))
    assert not (tmp_path / "never.mp4").exists()


def test_detect_gives_the_times_of_the_same_timeline(tmp_path):
    path, _ = joined(tmp_path, "ts")
    times = times_of(Reader, path)
    assert {sample.time_ms for sample in detect(path).samples} <= set(times)


def test_times_that_do_not_rise_are_refused_where_they_are_made():
    with pytest.raises(PlanError, match="do not rise"):
        FrameTimes.of([0.0, 40.0, 40.0])
    with pytest.raises(PlanError, match="do not rise"):
        FrameTimes((np.array([0.0, 40.0]), np.array([40.0, 80.0])))


def test_a_plan_that_missed_a_frame_is_made_anew_of_every_frame(walk, tmp_path, monkeypatch):
    """Whatever a thinned-out reading gets wrong: the video is blurred all the same, and every frame accounted for."""
    path, kinds = walk[1], []
    whole = SparseReader.__iter__

    def lossy(self):
        kinds.append("sparse")
        return (frame for number, frame in enumerate(whole(self)) if number != 7)

    monkeypatch.setattr(SparseReader, "__iter__", lossy)
    report = blur(path, tmp_path / "out.mp4", second_look=False)
    assert kinds == ["sparse"] and report["counts"]["frames_with_regions"] == 30
    with pytest.raises(PlanError, match="not made of the frame"):
        render(path, tmp_path / "other.mp4", analyse(path))
    assert not (tmp_path / "other.mp4").exists()


def test_sound_of_joined_recordings_passes_the_audit_and_nothing_unsaid_does(tmp_path):
    """Where the second part's sound overlaps the first's, packets are left out, and the report says how many."""
    parts = [make(tmp_path / f"{n}.ts", count=30, audio=[{"seconds": 1.25}]) for n in (0, 1)]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    report = render(path, tmp_path / "out.mp4", no_faces())
    plan = replace(no_faces(), frames=FrameTimes.of(times_of(Reader, path)))
    assert any("damaged packets of stream 1 were passed over" in note for note in report["notes"])
    found = verify(path, tmp_path / "out.mp4", plan, said=report["notes"])
    assert found.passed is True and any("as its report says" in note for note in found.notes)
    assert verify(path, tmp_path / "out.mp4", plan).passed is False


@pytest.mark.parametrize(("sounds", "start", "begins"), [(1, 60 * 25, 0.0), (0, 0, 1.0)])
def test_sound_follows_the_part_of_the_recording_that_it_belongs_to(tmp_path, sounds, start, begins):
    """Where the clock jumps ahead by a minute, and where the first part has no sound at all."""
    first = make(tmp_path / "0.ts", count=25, audio=[{"seconds": 1.0}] * sounds)
    sound = {"seconds": 1.0, "start_s": start / 25}
    second = make(tmp_path / "1.ts", times=range(start, start + 25), time_base=Fraction(1, 25), audio=[sound])
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    report = render(path, tmp_path / "out.mp4", no_faces())
    with av.open(str(tmp_path / "out.mp4")) as box:
        heard = [float(packet.pts * packet.time_base) for packet in box.demux(audio=0) if packet.size]
    assert heard[0] == pytest.approx(begins, abs=0.06) and heard[-1] == pytest.approx(2.0, abs=0.06)
    plan = replace(no_faces(), frames=FrameTimes.of(times_of(Reader, path)))
    assert verify(path, tmp_path / "out.mp4", plan, said=report["notes"]).problems == ()


@pytest.mark.parametrize("sizes", [((160, 90), (88, 72)), ((161, 91),)])
def test_the_audit_takes_what_cannot_keep_every_size(tmp_path, sizes):
    """A recording whose size changes on the way has its first one in the output; an odd side loses a pixel."""
    coded = {"codec": "mpeg4", "options": {"qscale": "2"}}
    parts = [make(tmp_path / f"{size[0]}.ts", count=12, size=size, **coded) for size in sizes]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    report = render(path, tmp_path / "out.mp4", no_faces())
    plan = replace(no_faces(), frames=FrameTimes.of(times_of(Reader, path)))
    assert verify(path, tmp_path / "out.mp4", plan, said=report["notes"]).problems == ()
    assert (probe(path).width, probe(path).height) == sizes[0]

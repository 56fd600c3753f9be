"""One video in several processes: the same result, errors by name, nothing left when it is stopped."""

import subprocess
import sys
from pathlib import Path

import av
import pytest
from test_bad_input import has_begun
from video_kit import make, no_faces, packets, shown

from faceblur import Detections, Face, Sample, analyse, blur, render
from faceblur.detections import detections_from_json, detections_to_json
from faceblur.errors import InputError
from faceblur.pipeline.jobs import analyse_in_jobs, render_in_jobs, run_tasks


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Ten seconds with a keyframe every second."""
    options = {"preset": "ultrafast", "g": "25"}
    return make(tmp_path_factory.mktemp("long") / "in.mp4", count=250, options=options, audio=[{"seconds": 10.0}])


def test_two_processes_render_what_one_renders(tmp_path, long):
    plan, seen = no_faces((0.5, 0.5, 0.25, 0.25)), []
    one = render(long, tmp_path / "one.mp4", plan)
    two = render_in_jobs(long, tmp_path / "two.mp4", plan, jobs=2, progress=lambda *n: seen.append(n))
    assert shown(tmp_path / "two.mp4") == shown(tmp_path / "one.mp4") == shown(long)
    assert packets(tmp_path / "two.mp4", 1) == packets(long, 1)
    assert {k: v for k, v in one.items() if k != "output"} == {k: v for k, v in two.items() if k != "output"}
    assert seen[-1] == (250, 250) and all(done <= total for done, total in seen)
    with av.open(str(tmp_path / "two.mp4")) as box:
        keyframes = [p.pts for p in box.demux(video=0) if p.is_keyframe]
    assert len(keyframes) >= 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.mp4", "two.mp4"]


@pytest.fixture(scope="module")
def small(sample, tmp_path_factory):
    """The sample video at a quarter of its size, with a keyframe every second."""
    target = tmp_path_factory.mktemp("small") / "in.mp4"
    with av.open(str(sample[0])) as source, av.open(str(target), "w") as box:
        stream = box.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "20", "g": "30"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for frame in source.decode(video=0):
            small = frame.reformat(320, 180, interpolation="AREA")
            small.pict_type = 0
            box.mux(stream.encode(small))
        box.mux(stream.encode(None))
    return target


def test_faces_keep_their_numbers_across_the_border(small):
    whole, parts = analyse(small), analyse_in_jobs(small, jobs=2)
    assert parts.counts["frames"] == whole.counts["frames"] and whole.tracks
    assert len(parts.tracks) <= len(whole.tracks) + 1
    times = [[t for track in plan.tracks for t in track.times_ms] for plan in (whole, parts)]
    assert len(times[1]) == pytest.approx(len(times[0]), rel=0.1)


def test_the_whole_job(tmp_path, long):
    report = blur(long, tmp_path / "out.mp4", jobs=3)
    assert report["counts"]["frames"] == 250 and shown(tmp_path / "out.mp4") == shown(long)


def test_given_detections_reach_the_processes_unchanged():
    given = Detections((Sample(0.0, ()), Sample(480.5, (Face(0.1, -0.2, 0.3, 0.4, 0.9),))), rejected=2)
    assert detections_from_json(detections_to_json(given)) == given
    assert detections_from_json(detections_to_json(None)) is None


def test_what_a_process_raises_is_raised(tmp_path):
    (tmp_path / "in.mp4").write_bytes(b"no video")
    facts = {"source": str(tmp_path / "in.mp4"), "result": str(tmp_path / "x"), "detections": None}
    facts["every_frame"] = False
    task = {"do": "analyse", "span": {"index": 0, "start_pts": None, "end_pts": None}, **facts}
    with pytest.raises(InputError, match="not a video"):
        run_tasks([task, task, task], 2)


def test_a_stopped_run_ends_its_processes_and_leaves_nothing(tmp_path):
    options = {"preset": "ultrafast", "g": "25"}
    source = make(tmp_path / "in.mp4", size=(320, 240), count=500, options=options)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from video_kit import no_faces; from faceblur import EncoderSettings;"
        "from faceblur.pipeline.jobs import render_in_jobs;"
        "slow = EncoderSettings(preset='veryslow');"
        "render_in_jobs(sys.argv[2], sys.argv[3], no_faces(), jobs=2, encoder=slow)"
    )
    folder = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", code, folder, str(source), str(tmp_path / "out.mp4")]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while child.poll() is None and not any(tmp_path.glob(".faceblur-*/.0-*.mp4")):
        pass
    child.send_signal(2)
    _, errors = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors and not has_begun(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]

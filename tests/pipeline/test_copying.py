"""Only groups of pictures that hold a region are encoded; all others are the input's own, bit for bit."""

from fractions import Fraction

import av
import numpy as np
import pytest
from browser import launch, needs_chromium
from test_video_pictures import TURNS, matrix_in, matrix_of
from test_video_times import VARIABLE, cut_by_edit_list
from video_kit import atoms, make, packets, planes_of, shown

from faceblur import Style
from faceblur.audit import verdict as audit
from faceblur.pipeline.copying import render_copying
from faceblur.plan import Area, Plan
from faceblur.rendering.renderer import render

GOP = {"preset": "veryfast", "g": "20", "bf": "2", "x264-params": "scenecut=0"}


def plan_for(*spans_s) -> Plan:
    """The upper left quarter black in these spans of time."""
    areas = tuple(Area(0, 0, 0.5, 0.5, 1000 * a, 1000 * b) for a, b in spans_s)
    return Plan((), areas, Style("solid"))


def decoded(path):
    """(time, planes) of every frame, with one thread, after a fresh start."""
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        stream.codec_context.thread_count = 1
        return [(f.pts * Fraction(f.time_base), planes_of(f)) for f in box.decode(stream)]


def check(source, output, report, plan):
    """Every frame is at its time; copies decode identically; those with a region are covered."""
    before, after = decoded(source), decoded(output)
    step = 4 if before[0][1][0].dtype == np.uint16 else 1  # of ten bits
    assert [t for t, _ in after] == [t for t, _ in before]
    own = {data for data, _, _ in packets(source, 0)}
    copied = {time for data, time, _ in packets(output, 0) if data in own}
    assert len(copied) == report["counts"]["copied_frames"]
    for (time, old), (_, new) in zip(before, after, strict=True):
        if time in copied:
            assert all(np.array_equal(a, b) for a, b in zip(old, new, strict=True)), float(time)
        else:
            assert np.abs(old[0].astype(int) - new[0])[60:].mean() < 2 * step
    by_time = {round(1000 * time, 3): planes for time, planes in after}
    for row in report["frames"]:
        luma = by_time[row["time_ms"]][0]
        is_black = luma[4:40, 4:56].max() < 40 * step
        assert is_black == bool(row["regions"])
    return len(copied)


SOURCES = {
    "plain": {},
    "no b-frames": {"options": GOP | {"bf": "0", "x264-params": "bframes=0:scenecut=0"}},
    "flat b-frames": {"options": GOP | {"x264-params": "b-pyramid=none:bframes=2:scenecut=0"}},
    "many b-frames": {"options": GOP | {"x264-params": "bframes=8:b-adapt=0:scenecut=0"}},
    "baseline": {"options": GOP | {"profile": "baseline"}},
    "main": {"options": GOP | {"profile": "main"}},
    "every frame a keyframe": {"options": {"preset": "veryfast", "g": "1"}},
    "one group": {"options": GOP | {"g": "500"}},
    "several slices": {"options": GOP | {"x264-params": "slices=4:scenecut=0"}},
    "variable rate": {
        "times": sorted({t + 10000 * n for n in range(6) for t in VARIABLE}),
        "time_base": Fraction(1, 1000),
    },
    "late start": {"times": range(850, 4850, 40), "time_base": Fraction(1, 1000)},
    "ten bits": {"pixel_format": "yuv420p10le"},
    "full range": {"pixel_format": "yuvj420p"},
    "odd macroblocks": {"size": (130, 98)},
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("spans", [[(0, 0.3)], [(1.5, 1.9)], [(3.7, 9)], [(0.4, 0.5), (1.0, 1.1), (3.0, 3.01)]])
def test_untouched_groups_are_copied(tmp_path, kind, spans):
    made = {"count": 100, "options": GOP, "audio": [{"seconds": 4.0}]} | SOURCES[kind]
    source, plan = make(tmp_path / "in.mp4", **made), plan_for(*spans)
    report = render_copying(source, tmp_path / "out.mp4", plan)
    if not report["counts"]["copied_frames"]:
        assert kind == "one group" and spans[0][0] == 0 and "every group" in report["notes"][0]
        return
    copied = check(source, tmp_path / "out.mp4", report, plan)
    assert report["notes"] == []
    if kind not in ("one group", "variable rate", "late start"):
        assert copied >= 40
    assert packets(tmp_path / "out.mp4", 1) == packets(source, 1)
    assert atoms(tmp_path / "out.mp4").index("moov") < atoms(tmp_path / "out.mp4").index("mdat")
    assert b"avc1" in (tmp_path / "out.mp4").read_bytes()
    assert audit.verify(source, tmp_path / "out.mp4", plan).passed


def test_without_a_face_every_packet_is_copied(tmp_path):
    source = make(tmp_path / "in.mp4", count=60, options=GOP)
    report = render_copying(source, tmp_path / "out.mp4", plan_for())
    assert packets(tmp_path / "out.mp4", 0) == packets(source, 0)
    assert report["counts"] | {"copied_frames": 60, "frames": 60} == report["counts"]


@pytest.mark.parametrize("suffixes", [(".mkv", ".mp4"), (".mp4", ".mkv"), (".mov", ".mov"), (".flv", ".mp4")])
def test_containers_that_keep_the_parameters(tmp_path, suffixes):
    source = make(tmp_path / f"in{suffixes[0]}", count=60, options=GOP)
    report = render_copying(source, tmp_path / f"out{suffixes[1]}", plan_for((1.0, 1.2)))
    assert 30 <= report["counts"]["copied_frames"] < 60 and report["notes"] == []
    assert [n for _, n in shown(tmp_path / f"out{suffixes[1]}")][:20] == list(range(20))
    assert len(shown(tmp_path / f"out{suffixes[1]}")) == 60


@pytest.mark.parametrize("name", TURNS)
def test_a_turned_video_is_blurred_in_the_right_place(tmp_path, name):
    source = make(tmp_path / "in.mp4", count=60, options=GOP, matrix=matrix_of(TURNS[name][0]))
    plan = plan_for((1.0, 1.2))
    render_copying(source, tmp_path / "smart.mp4", plan)
    render(source, tmp_path / "full.mp4", plan)
    assert matrix_in(tmp_path / "smart.mp4") == matrix_in(source)
    for (_, a), (_, b) in zip(decoded(tmp_path / "smart.mp4"), decoded(tmp_path / "full.mp4"), strict=True):
        assert np.abs(a[0].astype(int) - b[0]).mean() < 3


def test_frames_hidden_by_an_edit_list_do_not_come_back(tmp_path):
    whole, source = make(tmp_path / "whole.mp4", count=100, options=GOP), tmp_path / "in.mp4"
    cut_by_edit_list(whole, source, 1.2)
    report = render_copying(source, tmp_path / "out.mp4", plan_for())
    assert shown(tmp_path / "out.mp4") == shown(source)
    assert report["counts"]["copied_frames"] == 60
    assert len(packets(tmp_path / "out.mp4", 0)) == len(shown(source)) < len(packets(source, 0))


def interlaced(stream):
    from av.codec.context import Flags

    stream.codec_context.flags |= Flags.interlaced_dct


UNSAFE = {
    "pictures are open": (".mp4", {"options": GOP | {"x264-params": "open-gop=1:bframes=3:b-adapt=0"}}),
    "hevc": (
        ".mp4",
        {"codec": "libx265", "options": {"preset": "ultrafast", "x265-params": "log-level=none"}},
    ),
    "vp9": (".webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}),
    "not kept by the container": (".ts", {}),
    "interlaced": (".mp4", {"tweak": interlaced}),
    "4:2:0": (".mp4", {"pixel_format": "yuv444p"}),
    "groups of pictures are open": (".mp4", {"options": GOP | {"x264-params": "intra-refresh=1"}}),
}


@pytest.mark.parametrize("reason", UNSAFE)
def test_what_is_not_safe_is_rendered_in_full_and_says_why(tmp_path, reason):
    suffix, made = UNSAFE[reason]
    source = make(tmp_path / f"in{suffix}", **({"count": 60, "options": GOP} | made))
    report = render_copying(source, tmp_path / "out.mp4", plan_for((0.0, 0.4)))
    assert report["counts"]["copied_frames"] == 0
    assert any(reason in note for note in report["notes"])
    assert [n for _, n in shown(tmp_path / "out.mp4")][15:] == list(range(15, 60))


def test_damage_is_never_copied(tmp_path):
    source = make(tmp_path / "in.mp4", count=60, options=GOP)
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as box:
        offset = [p.pos for p in box.demux(video=0) if p.size][30]
    data[offset : offset + 4] = b"\xff\xff\xff\xff"  # a unit's length
    source.write_bytes(data)
    report = render_copying(source, tmp_path / "out.mp4", plan_for((2.3, 2.4)))
    assert any("damaged" in note for note in report["notes"])
    assert len(shown(tmp_path / "out.mp4")) >= 58


def test_parameters_that_change_on_the_way_are_not_mixed(tmp_path):
    """Two encodings with different parameters in one file, which carries those of both in its packets."""
    from faceblur.video.splicing import h264

    source = tmp_path / "in.mp4"
    parts = [make(tmp_path / f"{n}.mp4", count=20, options=GOP | {"x264-params": f"ref={n}"}) for n in (1, 4)]
    with av.open(str(parts[0])) as first, av.open(str(parts[1])) as second, av.open(str(source), "w") as box:
        stream = box.add_stream_from_template(first.streams.video[0], opaque=True)
        for number, part in enumerate((first, second)):
            config = h264.AvcConfig.parse(part.streams.video[0].codec_context.extradata)
            for packet in part.demux(video=0):
                if packet.size:
                    data = bytes(packet)
                    if packet.is_keyframe:
                        data = h264.with_lengths(config.sps + config.pps, 4) + data
                    copy = av.Packet(data)
                    copy.pts, copy.dts = packet.pts + number * 20 * 512, packet.dts + number * 20 * 512
                    copy.time_base, copy.stream, copy.is_keyframe = (
                        packet.time_base,
                        stream,
                        packet.is_keyframe,
                    )
                    box.mux(copy)
    report = render_copying(source, tmp_path / "out.mp4", plan_for())
    assert any("change on the way" in note for note in report["notes"])
    assert [n for _, n in shown(tmp_path / "out.mp4")] == [*range(20), *range(20)]


def test_another_codec_cannot_be_mixed(tmp_path):
    from faceblur import EncoderSettings

    source = make(tmp_path / "in.mp4", count=10)
    settings = EncoderSettings(codec="hevc", preset="ultrafast")
    report = render_copying(source, tmp_path / "out.mp4", plan_for(), encoder=settings)
    assert any("hevc was asked for" in note for note in report["notes"])


PLAYER = """
<video muted src="{name}"></video>
<script>
const video = document.querySelector("video"), seen = [];
const canvas = Object.assign(document.createElement("canvas"), {{width: 32, height: 24}});
const show = (now, frame) => {{
  canvas.getContext("2d").drawImage(video, 0, 0, 32, 24);
  const pixels = canvas.getContext("2d").getImageData(4, 4, 8, 6).data;
  seen.push([frame.mediaTime, Math.max(...pixels.filter((_, i) => i % 4 < 3))]);
  video.requestVideoFrameCallback(show);
}};
video.requestVideoFrameCallback(show);
video.onended = () => {{ window.outcome = {{seen, end: video.currentTime, error: null}}; }};
video.onerror = () => {{ window.outcome = {{seen, end: video.currentTime, error: video.error.message}}; }};
video.play();
</script>
"""


@needs_chromium
@pytest.mark.parametrize("kind", ["plain", "no b-frames", "baseline", "many b-frames"])
def test_chromium_plays_it_to_the_end(tmp_path, kind):
    from playwright.sync_api import sync_playwright

    source = make(tmp_path / "in.mp4", size=(320, 240), **({"count": 100, "options": GOP} | SOURCES[kind]))
    report = render_copying(source, tmp_path / "out.mp4", plan_for((1.0, 1.3), (2.4, 3.0)))
    assert 40 <= report["counts"]["copied_frames"] < 100
    (tmp_path / "player.html").write_text(PLAYER.format(name="out.mp4"))
    with sync_playwright() as playwright:
        browser = launch(playwright, "--allow-file-access-from-files")
        page = browser.new_page()
        page.goto((tmp_path / "player.html").as_uri())
        page.wait_for_function("window.outcome", timeout=60_000)
        outcome = page.evaluate("window.outcome")
        browser.close()
    assert outcome["error"] is None and outcome["end"] == pytest.approx(4.0, abs=0.05)
    for time, brightest in outcome["seen"]:
        is_black = 1.02 < time < 1.28 or 2.42 < time < 2.98
        is_clear = not (0.98 < time < 1.32 or 2.38 < time < 3.02)
        assert not is_black or brightest < 60
        assert not is_clear or brightest > 60
    assert len(outcome["seen"]) >= 10


def test_the_command_says_what_was_copied(tmp_path, capsys):
    from faceblur.cli import main

    source = make(tmp_path / "in.mp4", count=60, options=GOP)
    area = "0,0,0.5,0.5,1.0,1.1"
    assert main(["blur", str(source), str(tmp_path / "out.mp4"), "--smart", "--area", area]) == 0
    assert "copied without encoding: " in capsys.readouterr().out

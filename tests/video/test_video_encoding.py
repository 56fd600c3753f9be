"""What an input becomes when nobody asks for a codec or a quality: what plays where it plays, and is no larger."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec.context import Flags
from video_kit import first_frame, make, no_faces, planes_of, shown

from faceblur import EncoderSettings, render, video
from faceblur.errors import InputError, OutputError
from faceblur.pipeline.copying import render_copying
from faceblur.pipeline.jobs import render_in_jobs
from faceblur.video.reading.planes import plane_views
from faceblur.video.writing.encoder import CODECS

X265 = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=25:min-keyint=25:scenecut=0:open-gop=0"}
SVT = {"preset": "12", "svtav1-params": "lp=1"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "b": "800k"}

# name: (suffix, codec, options, pixel format) -> (suffix of the output, codec, pixel format)
BECOMES = {
    "hevc main 10": ((".mov", "libx265", X265, "yuv420p10le"), (".mov", "hevc", "yuv420p10le")),
    "h264 high 10": ((".mp4", "libx264", None, "yuv420p10le"), (".mp4", "hevc", "yuv420p10le")),
    "av1 10": ((".mp4", "libsvtav1", SVT, "yuv420p10le"), (".mp4", "av1", "yuv420p10le")),
    "av1 10 to mov": ((".mp4", "libsvtav1", SVT, "yuv420p10le"), (".mov", "hevc", "yuv420p10le")),
    "vp9 4:4:4": ((".webm", "libvpx-vp9", VP9, "yuv444p"), (".mp4", "h264", "yuv420p")),
    "prores": ((".mov", "prores_ks", {}, "yuv422p10le"), (".mp4", "hevc", "yuv422p10le")),
    "hevc main": ((".mp4", "libx265", X265, "yuv420p"), (".mp4", "h264", "yuv420p")),
    "hevc 4:4:4": ((".mp4", "libx265", X265, "yuv444p"), (".mp4", "hevc", "yuv444p")),
    "hevc 12": ((".mp4", "libx265", X265, "yuv420p12le"), (".mp4", "hevc", "yuv420p10le")),
    "h264 4:2:2": ((".mp4", "libx264", None, "yuv422p"), (".mp4", "h264", "yuv422p")),
    "motion jpeg": ((".avi", "mjpeg", {}, "yuvj422p"), (".mp4", "h264", "yuvj420p")),
    "rgb of 10 bits": ((".mkv", "ffv1", {}, "gbrp10le"), (".mp4", "hevc", "yuv420p10le")),
}


@pytest.mark.parametrize("name", BECOMES)
def test_the_output_plays_where_the_input_plays(tmp_path, name):
    (suffix, codec, options, pixel_format), (wanted_suffix, *wanted) = BECOMES[name]
    source = make(tmp_path / f"in{suffix}", codec=codec, options=options, pixel_format=pixel_format, count=5)
    output = tmp_path / f"out{wanted_suffix}"
    report = render(source, output, no_faces((0.75, 0, 0.25, 0.25)))
    with first_frame(output) as (box, frame):
        stream = box.streams.video[0].codec_context
        assert [stream.codec.canonical_name, frame.format.name] == wanted
        assert stream.codec_tag == "hvc1" or wanted[0] != "hevc"
    assert report["settings"]["encoder"]["codec"] == wanted[0]
    assert [number for _, number in shown(output)] == list(range(5))


def test_pieces_and_the_whole_are_encoded_alike(tmp_path):
    def hlg(stream):
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 18, 9

    source = make(tmp_path / "in.mov", codec="libx265", options=X265, pixel_format="yuv420p10le", count=250, tweak=hlg)
    whole = render(source, tmp_path / "whole.mov", no_faces())
    pieces = render_in_jobs(source, tmp_path / "pieces.mov", no_faces(), jobs=2)
    assert whole["settings"]["encoder"] == pieces["settings"]["encoder"]
    for name in ("whole.mov", "pieces.mov"):
        with first_frame(tmp_path / name) as (box, frame):
            assert box.streams.video[0].codec_context.codec_tag == "hvc1"
            assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (9, 18, 9)
    assert shown(tmp_path / "pieces.mov") == shown(source)


def test_ten_bits_with_fields_keep_them_and_it_is_said_where_they_play(tmp_path):
    def fields(stream):
        stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        stream.codec_context.field_order = 2

    source = make(tmp_path / "in.mp4", pixel_format="yuv420p10le", tweak=fields, count=5)
    report = render(source, tmp_path / "out.mp4", no_faces())
    with first_frame(tmp_path / "out.mp4") as (_, frame):
        assert frame.interlaced_frame and frame.format.name == "yuv420p10le"
    assert report["settings"]["encoder"]["codec"] == "h264"
    assert any("--codec hevc" in note for note in report["notes"])


def test_copied_parts_stay_what_they_are(tmp_path):
    source = make(tmp_path / "in.mp4", pixel_format="yuv420p10le", count=40)
    report = render_copying(source, tmp_path / "out.mp4", no_faces())
    assert report["counts"]["copied_frames"] == 40
    assert video.probe(tmp_path / "out.mp4").codec == "h264"


def moving(number, size, pixel_format):
    """Fine grain over slow waves: what a low bit rate leaves out."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    waves = 120 + 50 * np.sin((x + 3 * number) / 20) + 30 * np.sin((y - 2 * number) / 15)
    grain = np.random.default_rng(number).normal(0, 8, (height, width))
    luma = np.clip(waves + grain, 16, 235).astype(np.uint8)
    return av.VideoFrame.from_ndarray(luma, format="gray").reformat(format=pixel_format)


SQUEEZED = {
    "h264": (".mp4", "libx264", {"preset": "medium", "b": "120k"}),
    "hevc": (".mp4", "libx265", {"preset": "fast", "crf": "33", "x265-params": "log-level=none"}),
}


@pytest.mark.parametrize("kind", SQUEEZED)
def test_a_squeezed_input_does_not_become_much_larger(tmp_path, kind):
    suffix, codec, options = SQUEEZED[kind]
    source = make(tmp_path / f"in{suffix}", codec=codec, options=options, size=(320, 240), count=50, draw=moving)
    report = render(source, tmp_path / "out.mp4", no_faces())
    size, before = (tmp_path / "out.mp4").stat().st_size, source.stat().st_size
    assert size <= 1.5 * before and report["notes"] == []
    assert 18 < report["settings"]["encoder"]["crf"] <= 28
    asked = render(source, tmp_path / "asked.mp4", no_faces(), encoder=EncoderSettings(crf=18))
    assert (tmp_path / "asked.mp4").stat().st_size > 1.5 * before  # else this test shows nothing
    assert asked["notes"] == [] and asked["settings"]["encoder"]["crf"] == 18


def test_an_input_with_enough_bits_is_encoded_as_ever_and_not_tried(tmp_path, monkeypatch):
    monkeypatch.setattr("faceblur.video.writing.trial._growth", None)
    source = make(tmp_path / "in.mp4", size=(320, 240), draw=moving)
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert report["settings"]["encoder"] == {"codec": "h264", "crf": 18, "preset": "veryfast"}


def test_a_larger_output_is_said_with_the_crf_that_makes_it_smaller(tmp_path):
    small, large = tmp_path / "a", tmp_path / "b"
    small.write_bytes(bytes(100_000))
    large.write_bytes(bytes(240_000))
    (note,) = video.size_notes(small, large, {"codec": "h264", "crf": 18})
    assert "2.4 times as large" in note and "--crf 24 " in note
    large.write_bytes(bytes(150_000))
    assert video.size_notes(small, large, {"codec": "h264", "crf": 18}) == []


@pytest.mark.parametrize(("codec", "size"), [("hevc", (40, 64)), ("hevc", (14, 32)), ("av1", (64, 2))])
def test_a_size_that_an_encoder_does_not_take_is_refused_where_it_is_asked_for(tmp_path, codec, size):
    """libx265 would end the process at 40x64."""
    source = make(tmp_path / "in.mp4", size=size, pixel_format="yuv420p10le", count=2, draw=flat)
    with pytest.raises(OutputError, match="use h264"):
        render(source, tmp_path / "out.mp4", no_faces(), encoder=EncoderSettings(codec=codec))
    assert render(source, tmp_path / "out.mp4", no_faces())["settings"]["encoder"]["codec"] == "h264"


def flat(_, size, pixel_format):
    return av.VideoFrame.from_ndarray(np.full(size[::-1], 90, np.uint8), format="gray").reformat(format=pixel_format)


def test_what_is_too_wide_for_h264_becomes_hevc(tmp_path, monkeypatch):
    """libx264 takes as much as is read at all, so it is made to take less."""
    monkeypatch.setitem(CODECS, "h264", replace(CODECS["h264"], largest=(1024, 1024)))
    source = make(tmp_path / "in.mkv", codec="ffv1", options={}, size=(1100, 66), count=1, draw=flat)
    assert render(source, tmp_path / "out.mp4", no_faces())["settings"]["encoder"]["codec"] == "hevc"
    with pytest.raises(OutputError, match="cannot be written as h264; use hevc"):
        render(source, tmp_path / "out.mp4", no_faces(), encoder=EncoderSettings(codec="h264"))


def test_a_line_of_pixels_is_refused_in_one_line(tmp_path):
    source = make(tmp_path / "in.mkv", codec="ffv1", options={}, size=(64, 1), count=2)
    with pytest.raises(InputError, match="64x1 pixels is too small"):
        render(source, tmp_path / "out.mp4", no_faces())
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def raw_ten_bits(path):
    """Uncompressed 10-bit video whose samples use all 16 bits."""
    numbers = np.random.default_rng(1)
    with av.open(str(path), "w", format="nut") as box:
        stream = box.add_stream("rawvideo", rate=24)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p10le"
        for index in range(4):
            frame = av.VideoFrame(128, 96, "yuv420p10le")
            frame.pts = index
            for plane in frame.planes:
                plane.update(numbers.integers(0, 65536, plane.buffer_size // 2, dtype=np.uint16).tobytes())
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def test_samples_beyond_ten_bits_are_cut(tmp_path):
    source = raw_ten_bits(tmp_path / "in.nut")
    with video.Reader(source) as reader, video.Writer(tmp_path / "w.mp4", reader, EncoderSettings()) as writer:
        for frame in reader:
            whole = np.array(planes_of(frame.raw)[0])
            fitted = plane_views(writer.writable(frame))[0]
            assert (fitted == np.minimum(whole, 1023)).all()
            writer.write(frame)
    report = render(source, tmp_path / "out.mp4", no_faces((0, 0, 0.5, 0.5)))
    assert report["counts"]["frames"] == 4
    assert any("beyond 10 bits" in note for note in report["notes"])


def test_x264_does_not_abort_on_them(tmp_path):
    from subprocess import run
    from sys import executable

    source = raw_ten_bits(tmp_path / "in.nut")
    program = (
        "import sys; from video_kit import no_faces; from faceblur import EncoderSettings, render;"
        "render(sys.argv[1], sys.argv[2], no_faces(), encoder=EncoderSettings(codec='h264', preset='ultrafast'))"
    )
    ended = run(
        [executable, "-c", program, source, tmp_path / "out.mp4"], capture_output=True, cwd=Path(__file__).parents[1]
    )
    assert ended.returncode == 0, ended.stderr[-300:]

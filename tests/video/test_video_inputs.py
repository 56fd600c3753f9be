"""What people have: containers and codecs of all kinds go in, one MP4 that plays comes out."""

from fractions import Fraction

import av
import pytest
from video_kit import make, no_faces, shown

from faceblur import EncoderSettings, detect, render, video

KINDS = {
    "quicktime": (".mov", "libx264", {}),
    "matroska": (".mkv", "libx264", {}),
    "fragmented": (".mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
    "transport stream": (".ts", "libx264", {}),
    "flash": (".flv", "libx264", {}),
    "3gp": (".3gp", "libx264", {}),
    "webm vp8": (".webm", "libvpx", {}),
    "webm vp9": (".webm", "libvpx-vp9", {}),
    "webm av1": (".webm", "libsvtav1", {}),
    "mp4 av1": (".mp4", "libsvtav1", {}),
    "hevc": (".mp4", "libx265", {}),
    "hevc in a transport stream": (".ts", "libx265", {}),
    "mpeg-4": (".mp4", "mpeg4", {}),
    "mpeg-4 with b-frames": (".mp4", "mpeg4 b", {}),
    "mpeg-2": (".mpg", "mpeg2video", {}),
    "avi h264": (".avi", "libx264", {}),
    "avi motion jpeg": (".avi", "mjpeg", {}),
    "windows media": (".wmv", "wmv2", {}),
    "prores": (".mov", "prores_ks", {}),
    "bare h264": (".h264", "libx264", {}),
    "bare hevc": (".hevc", "libx265", {}),
    "bare mpeg-2": (".m2v", "mpeg2video", {}),
    "uncompressed": (".y4m", "wrapped_avframe", {}),
}
OPTIONS = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "800k"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "800k"},
    "libsvtav1": {"preset": "12", "crf": "25", "svtav1-params": "lp=1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "mpeg4": {"qscale": "3"},
    "mpeg4 b": {"qscale": "3", "bf": "2"},
    "mpeg2video": {"qscale": "3", "bf": "2"},
    "mjpeg": {},
    "wmv2": {},
    "prores_ks": {},
    "wrapped_avframe": {},
}
DELAYED = ("fragmented", "bare mpeg-2")  # no edit list there: the first B-frame delays the first picture


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_comes_out_at_its_time(tmp_path, kind):
    suffix, codec, container = KINDS[kind]
    pixel_format = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(codec, "yuv420p")
    source = make(
        tmp_path / f"in{suffix}",
        codec=codec.split()[0],
        options=OPTIONS.get(codec),
        container=container,
        pixel_format=pixel_format,
        count=30,
    )
    report = render(source, tmp_path / "out.mp4", no_faces())
    after = shown(tmp_path / "out.mp4")
    assert [number for _, number in after] == list(range(30))
    times = [float(t) for t, _ in after]
    start = float(shown(source)[0][0]) if kind in DELAYED else 0.0
    assert times == pytest.approx([start + n / 25 for n in range(30)], abs=0.0021)
    assert report["notes"] == []


def packed(tmp_path):
    """MPEG-4 ASP as DivX wrote it into AVI: each B-frame rides in the packet of the frame after it, and an
    empty packet takes its place.
    """
    plain = make(tmp_path / "plain.avi", codec="mpeg4", options={"qscale": "3", "bf": "1"}, count=30)
    source = tmp_path / "in.avi"
    with av.open(str(plain)) as before, av.open(str(source), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0], opaque=True)
        packets = [bytes(p) for p in before.demux(video=0) if p.size]
        picture = packets[0].index(b"\0\0\1\xb6")
        packets[0] = packets[0][:picture] + b"\0\0\1\xb2DivX503b1393p" + packets[0][picture:]
        kinds = [(data[data.find(b"\0\0\1\xb6") + 4] >> 6) for data in packets]  # 0 I, 1 P, 2 B
        out, number = [], 0
        while number < len(packets):
            if number + 1 < len(packets) and kinds[number + 1] == 2:
                out += [packets[number] + packets[number + 1], b"\x7f"]
                number += 2
            else:
                out.append(packets[number])
                number += 1
        for dts, data in enumerate(out):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = dts
            after.mux(packet)
    return source


def test_packed_b_frames_come_out_in_order(tmp_path):
    source = packed(tmp_path)
    assert [number for _, number in shown(source)] == list(range(30))
    report = render(source, tmp_path / "out.mp4", no_faces())
    after = shown(tmp_path / "out.mp4")
    assert [number for _, number in after] == list(range(30))
    assert [t - after[0][0] for t, _ in after] == [Fraction(n, 25) for n in range(30)]
    assert report["counts"]["frames"] == 30


def test_detection_takes_the_same_files(tmp_path):
    source = make(tmp_path / "in.webm", codec="libvpx-vp9", options=OPTIONS["libvpx-vp9"])
    assert detect(source).face_count == 0
    assert video.probe(source).codec == "vp9"


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_all_outputs_hold_the_same_frames(tmp_path, suffix):
    source = make(tmp_path / "in.mp4")
    render(source, tmp_path / f"out{suffix}", no_faces())
    assert shown(tmp_path / f"out{suffix}") == shown(source)


@pytest.mark.parametrize("codec", ["hevc", "av1"])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_other_codecs_on_demand(tmp_path, codec, pixel_format):
    source = make(tmp_path / "in.mp4", pixel_format=pixel_format, audio=[{}])
    report = render(source, tmp_path / "out.mp4", no_faces(), encoder=EncoderSettings(codec=codec, preset="ultrafast"))
    info = video.probe(tmp_path / "out.mp4")
    assert (info.codec, info.pixel_format) == (codec, pixel_format)
    assert shown(tmp_path / "out.mp4") == shown(source)
    assert report["settings"]["encoder"]["codec"] == codec
    if codec == "hevc":
        assert b"hvc1" in (tmp_path / "out.mp4").read_bytes()

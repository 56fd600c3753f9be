"""A thinned-out reading names every frame, in order, and decodes the pictures of a full one: I and P the very same,
B-frames without their last smoothing.
"""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from faceblur.finding.analysis import analyse
from faceblur.finding.search import Searcher
from faceblur.video import Irregular, Passed, Reader, Span, SparseReader


def write(path, codec="libx264", count=60, rate=25, kinds="", **options):
    """A picture that moves, with x264's usual three B-frames unless the options say otherwise.

    kinds: of the frames as displayed, over and over; the encoder's own choice without it.
    """
    with av.open(str(path), "w") as box:
        stream = box.add_stream(codec, rate=rate, options={"preset": "veryfast", **options})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(count):
            picture = np.zeros((96, 160, 3), np.uint8)
            picture[20:60, (3 * number) % 120 : (3 * number) % 120 + 40] = (200, 120, 40)
            picture[::7, ::5] = number * 4 % 256
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            if kinds:
                frame.pict_type = PictureType[kinds[number % len(kinds)]]
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return path


def read(path, kind, **options) -> list:
    with kind(path, **options) as reader:
        return list(reader)


@pytest.mark.parametrize(
    "options", [{}, {"bf": "0"}, {"x264-params": "b-pyramid=none"}, {"x264-params": "open-gop=1:keyint=12"}]
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_every_frame_is_named_once_and_in_order(tmp_path, suffix, options):
    path = write(tmp_path / f"a.{suffix}", **options)
    whole, thin = read(path, Reader), read(path, SparseReader)
    assert [(f.pts, f.time_ms) for f in thin] == [(f.pts, f.time_ms) for f in whole]
    at = {frame.pts: frame for frame in whole}
    for frame in thin:
        if not isinstance(frame, Passed):
            apart = np.abs(frame.bgr().astype(int) - at[frame.pts].bgr())
            assert apart.max() == 0 or (frame.raw.pict_type == PictureType.B and apart.mean() < 1)
    assert any(isinstance(f, Passed) for f in thin) == ("bf" not in options)


def test_a_span_names_its_own_frames_alone(tmp_path):
    path = write(tmp_path / "a.mp4", g="20")
    pts = [frame.pts for frame in read(path, Reader)]
    span = Span(0, pts[20], pts[40])
    assert [f.pts for f in read(path, SparseReader, span=span)] == pts[20:40]


def test_long_gaps_end_the_thinning_out(tmp_path):
    path = write(tmp_path / "a.mp4", rate=10, **{"x264-params": "b-pyramid=none:b-adapt=0:bframes=8"})
    passed = [isinstance(f, Passed) for f in read(path, SparseReader)]
    assert len(passed) == 60
    assert any(passed[:12]) and not any(passed[30:])


@pytest.mark.parametrize("codec", ["mpeg4", "libvpx-vp9"])
def test_other_codecs_are_read_whole(tmp_path, codec):
    options = {"bf": "2"} if codec == "mpeg4" else {"deadline": "realtime", "cpu-used": "8"}
    with av.open(str(tmp_path / "a.mkv"), "w") as box:
        stream = box.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), 9 * number, np.uint8), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    assert not any(isinstance(f, Passed) for f in read(tmp_path / "a.mkv", SparseReader))


@pytest.mark.parametrize("where", [0.2, 0.35, 0.5, 0.65, 0.8])
@pytest.mark.parametrize("length", [30, 300, 3000])
def test_a_damaged_file_gives_the_plan_the_frames_that_a_full_reading_gives(tmp_path, where, length):
    path = write(tmp_path / "a.mp4")
    content = bytearray(path.read_bytes())
    at = int(0.8 * where * len(content))  # before the index
    content[at : at + length] = bytes(length)
    path.write_bytes(content)
    whole = [frame.time_ms for frame in read(path, Reader)]
    assert whole == sorted(set(whole)) and set(whole) <= set(analyse(path).frames.times_ms.tolist())


def test_a_file_without_a_time_for_every_frame_is_read_whole(tmp_path):
    path = write(tmp_path / "a.mkv", bf="0")
    with av.open(str(path)) as before, av.open(str(tmp_path / "b.mkv"), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0], opaque=True)
        for number, packet in enumerate(before.demux(video=0)):
            if packet.size:
                packet.stream, packet.pts, packet.dts = stream, 40 * (number - (number == 20)), None
                after.mux(packet)
    with pytest.raises(Irregular):
        read(tmp_path / "b.mkv", SparseReader)
    assert analyse(tmp_path / "b.mkv").counts["frames"] == 60


def test_an_analysis_counts_the_frames_it_passed_over(tmp_path):
    assert analyse(write(tmp_path / "a.mp4")).counts["frames"] == 60


def test_frames_are_looked_at_as_often_when_every_third_is_passed_over(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", kinds="PPB", bf="1")
    assert "".join("p" if isinstance(f, Passed) else "F" for f in read(path, SparseReader)[3:12]) == "FFpFFpFFp"
    looks = []
    monkeypatch.setattr(Searcher, "look", lambda _, frame, *__: looks.append(frame.time_ms) or [])
    analyse(path)
    assert np.diff(looks).max() <= 80

"""A file that lies elsewhere reads like one that lies here, and only what is needed of it is fetched."""

import numpy as np
import pytest
from test_video_segments import SOURCES, source_of
from video_kit import LostError, elsewhere, make, no_faces

from faceblur import analyse, render, video
from faceblur.errors import InputError
from faceblur.video import RangedFile
from faceblur.video.reading import ranged
from faceblur.video.reading.opening import open_input, packets_of
from faceblur.video.reading.selection import video_stream

SOUND = [{"seconds": 8.0}]


@pytest.fixture
def small_blocks(monkeypatch):
    """So that a test's small file is fetched in many parts, and outlined beyond its first bytes."""
    monkeypatch.setattr(ranged, "BLOCK", 2048)
    monkeypatch.setattr(ranged, "_TOLD", 4096)


def noise(number, size, pixel_format):
    """Pictures that take room in a file."""
    import av

    shades = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return av.VideoFrame.from_ndarray(shades, format="rgb24").reformat(format=pixel_format)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Eight seconds of some 1.8 MB, a keyframe every 0.4 s, the index at the end."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return make(path, count=200, audio=SOUND, draw=noise, options={"preset": "ultrafast", "crf": "20", "g": "10"})


def frames_in(source, span=None):
    with video.Reader(source, span=span, margin_ms=100) as reader:
        return [(frame.pts, frame.time_ms, frame.gray(32).tobytes()) for frame in reader]


@pytest.mark.parametrize("kind", SOURCES)
def test_it_is_probed_cut_and_read_like_a_file_that_lies_here(tmp_path, kind, small_blocks):
    here = source_of(kind, tmp_path)
    there = elsewhere(here)
    assert video.probe(there) == video.probe(here)
    assert video.scan(there) == video.scan(here)
    spans = video.split(here, 0.5)
    assert video.split(there, 0.5) == spans
    assert all(frames_in(there, span) == frames_in(here, span) for span in spans)
    with video.Reader(there) as far, video.Reader(here) as near:
        settings = [video.settled(each, video.EncoderSettings(), tmp_path / "out.mp4") for each in (far, near)]
    assert settings[0] == settings[1]


@pytest.mark.parametrize("kind", ["closed groups", "many b-frames", "hevc", "late start"])
def test_an_outline_has_the_packets_of_the_file(tmp_path, kind, small_blocks):
    def seen(source):
        with open_input(source, outline=True) as container:
            stream = video_stream(container)
            return [(p.pts, p.dts, p.size, p.is_keyframe) for p in packets_of(container, stream)]

    here = source_of(kind, tmp_path)
    assert seen(elsewhere(here)) == seen(here)


def test_it_is_analysed_and_rendered_like_a_file_that_lies_here(tmp_path, small_blocks):
    here = source_of("closed groups", tmp_path)
    span = video.split(here, 0.5)[1]
    plans = [analyse(source, span=span).to_json() for source in (elsewhere(here), here)]
    assert plans[0] == plans[1]
    outputs = [tmp_path / "far.mp4", tmp_path / "near.mp4"]
    for source, output in zip((elsewhere(here), here), outputs, strict=True):
        report = render(source, output, no_faces(), span=span)
        assert report["input"]["bytes"] == here.stat().st_size
        assert (report["input"]["sha256"] is None) == isinstance(source, RangedFile)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize("name", ["x" * 1000 + ".mp4", "out.mp4"])
def test_its_name_is_no_file_here(tmp_path, monkeypatch, name):
    """Neither too long for one, nor that of the output."""
    monkeypatch.chdir(tmp_path)
    there = elsewhere(make(tmp_path / "in.mp4", count=5))
    there.name = name
    (tmp_path / "out.mp4").write_bytes(b"an earlier one")
    assert render(there, "out.mp4", no_faces())["counts"]["frames"] == 5


def test_dividing_it_fetches_the_index_and_a_few_keyframes(long, small_blocks):
    there = elsewhere(long)
    assert len(video.split(there, 2.0)) == 4
    assert there.fetched < there.size / 10


def test_a_segment_fetches_little_more_than_its_own_bytes(long, small_blocks):
    """More: the index, the group of pictures before it, which the margin needs, and what was read ahead."""
    span, there = video.split(long, 2.0)[2], elsewhere(long)
    assert len(frames_in(there, span)) >= 50
    assert there.size / 4 < there.fetched < there.size / 4 * 1.6
    assert there.requests < there.size / 4 / (6 * ranged.BLOCK)


def test_what_it_keeps_is_bounded(long, small_blocks):
    there = elsewhere(long)
    frames_in(there)
    frames_in(there)
    assert len(there._content) <= ranged._KEPT_CONTENT and len(there._index) <= ranged._KEPT_INDEX


def test_what_cannot_be_fetched_is_never_taken_for_the_end(tmp_path, small_blocks):
    here = source_of("closed groups", tmp_path)
    size = here.stat().st_size
    for lost in range(0, size, size // 40):
        there = elsewhere(here, lost)
        with pytest.raises(LostError):
            frames_in(there)


def test_a_list_of_other_files_and_an_empty_one_are_refused():
    lines = b"#EXTM3U\nhttp://192.0.2.1/a.ts\n"
    with pytest.raises(InputError, match=r"a\.m3u8: is a list of other files"):
        video.probe(RangedFile("a.m3u8", len(lines), lambda start, end: lines[start:end]))
    with pytest.raises(InputError, match="is empty"):
        video.probe(RangedFile("b.mp4", 0, lambda start, end: b""))


def test_a_picture_elsewhere_is_not_looked_for_here(tmp_path, monkeypatch):
    """FFmpeg's reader of pictures opens them by their name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError):
        video.probe(RangedFile("a.png", 10, lambda start, end: b"\x89PNG\r\n\x1a\n.."[start:end]))


def test_the_sound_alone_leaves_the_pictures_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(ranged, "BLOCK", 512)
    large = {"options": {"preset": "ultrafast", "crf": "4", "g": "10"}, "draw": noise, "size": (320, 240)}
    here = make(tmp_path / "in.mp4", count=100, audio=[{"seconds": 4.0}], **large)
    there = elsewhere(here)
    with video.Reader(there) as far, video.Reader(here) as near:
        heard = [[bytes(packet.raw) for packet in each.packets((1,))] for each in (far, near)]
    assert heard[0] == heard[1] and len(heard[0]) > 150
    assert there.fetched < there.size / 2  # FFmpeg asks for 32 KiB where a packet of sound has 300 bytes

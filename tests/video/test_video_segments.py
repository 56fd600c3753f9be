"""Cut at keyframes, render the pieces apart, join: the same frames at the same times, sound untouched."""

import io
from fractions import Fraction

import numpy as np
import pytest
from test_video_pictures import TURNS, matrix_in, matrix_of
from test_video_times import VARIABLE
from video_kit import atoms, elsewhere, first_frame, make, no_faces, packets, shown

from faceblur import render, video
from faceblur.errors import InputError, OutputError

GOP = {"preset": "veryfast", "g": "10", "bf": "2"}
HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=10:open-gop={}"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "b": "800k", "g": "10"}
SOURCES = {
    "closed groups": (".mp4", {"options": GOP}),
    "open groups": (
        ".mp4",
        {"options": GOP | {"x264-params": "open-gop=1:b-adapt=0:bframes=3:keyint=10:min-keyint=10"}},
    ),
    "refresh bit by bit": (".mp4", {"options": GOP | {"x264-params": "intra-refresh=1:keyint=10"}}),
    "many b-frames": (".mp4", {"options": GOP | {"x264-params": "bframes=8:b-pyramid=normal:keyint=20"}}),
    "variable rate": (
        ".mp4",
        {
            "times": sorted({t + 10000 * n for n in range(4) for t in VARIABLE}),
            "time_base": Fraction(1, 1000),
        },
    ),
    "late start": (".mp4", {"times": range(850, 3250, 40), "time_base": Fraction(1, 1000)}),
    "ntsc": (".mp4", {"rate": Fraction(30000, 1001)}),
    "matroska": (".mkv", {}),
    "transport stream": (".ts", {}),
    "fragments": (".mp4", {"container": {"movflags": "frag_keyframe+empty_moov"}}),
    "hevc": (".mp4", {"codec": "libx265", "options": HEVC | {"x265-params": HEVC["x265-params"].format(0)}}),
    "hevc open groups": (
        ".mp4",
        {"codec": "libx265", "options": HEVC | {"x265-params": HEVC["x265-params"].format(1)}},
    ),
    "vp9": (".webm", {"codec": "libvpx-vp9", "options": VP9}),
    "mpeg-4 in avi": (".avi", {"codec": "mpeg4", "options": {"qscale": "3", "g": "10", "bf": "2"}}),
    "ten bits": (".mp4", {"pixel_format": "yuv420p10le"}),
}


def source_of(kind, folder):
    suffix, made = SOURCES[kind]
    sound = [] if suffix == ".webm" else [{"seconds": 2.4}]
    return make(folder / f"in{suffix}", **({"count": 60, "audio": sound} | made))


def in_pieces(source, output, target_s, plan=None):
    """Render each span to a file of its own, and join; the number of spans and the join's notes."""
    spans = video.split(source, target_s)
    pieces = [output.with_name(f"piece{span.index}.mp4") for span in spans]
    for span, piece in zip(spans, pieces, strict=True):
        render(source, piece, plan or no_faces(), span=span)
    return len(spans), video.join(source, pieces, output)


@pytest.mark.parametrize("kind", SOURCES)
def test_pieces_joined_are_the_whole(tmp_path, kind):
    source = source_of(kind, tmp_path)
    whole, joined = tmp_path / "whole.mp4", tmp_path / "joined.mp4"
    report = render(source, whole, no_faces())
    count, notes = in_pieces(source, joined, 0.5)
    assert shown(joined) == shown(whole)
    assert [number for _, number in shown(joined)] == list(range(len(report["frames"])))
    assert packets(joined, 1) == packets(whole, 1) if SOURCES[kind][0] != ".webm" else True
    assert notes == report["notes"] == []
    assert count == 1 if kind in ("refresh bit by bit", "mpeg-4 in avi") else count >= 3
    assert atoms(joined).index("moov") < atoms(joined).index("mdat")


def test_spans_hold_every_frame_once(tmp_path):
    source = source_of("open groups", tmp_path)
    everything = []
    for span in video.split(source, 0.5):
        assert video.Span.from_json(span.to_json()) == span
        with video.Reader(source, span=span) as reader:
            everything += [(frame.pts, frame.time_ms) for frame in reader]
    with video.Reader(source) as reader:
        assert everything == [(frame.pts, frame.time_ms) for frame in reader]


def test_a_span_is_decoded_like_the_whole(tmp_path):
    """The pictures at a border of open groups come out the same as without the border."""
    source = source_of("open groups", tmp_path)
    with video.Reader(source) as reader:
        whole = {frame.pts: frame.gray(64) for frame in reader}
    for span in video.split(source, 0.5):
        with video.Reader(source, span=span) as reader:
            for frame in reader:
                assert np.array_equal(frame.gray(64), whole[frame.pts])


@pytest.mark.parametrize("name", TURNS)
def test_a_turned_video_stays_turned(tmp_path, name):
    source = make(tmp_path / "in.mp4", count=30, matrix=matrix_of(TURNS[name][0]))
    count, _ = in_pieces(source, tmp_path / "out.mp4", 0.3, no_faces((0, 0, 0.5, 0.5)))
    assert count >= 3 and matrix_in(tmp_path / "out.mp4") == matrix_in(source)


def test_shape_colours_and_streams_stay(tmp_path):
    def tweak(stream):
        context = stream.codec_context
        context.sample_aspect_ratio = Fraction(4, 3)
        context.color_range, context.color_primaries, context.color_trc, context.colorspace = 1, 5, 6, 5

    lines = [("mov_text", "fra", [(100, 400, "Hello")])]
    source = make(
        tmp_path / "in.mp4",
        tweak=tweak,
        audio=[{"language": "deu"}, {}],
        subtitles=lines,
        chapters=[(0, 500, "A"), (500, 1000, "B")],
        metadata={"title": "T", "artist": "somebody"},
    )
    in_pieces(source, tmp_path / "out.mp4", 0.3)
    render(source, tmp_path / "whole.mp4", no_faces())
    with first_frame(tmp_path / "out.mp4") as (box, frame), first_frame(tmp_path / "whole.mp4") as (whole, _):
        assert box.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
        assert (frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace) == (1, 5, 6, 5)
        assert [(s.type, s.language) for s in box.streams] == [(s.type, s.language) for s in whole.streams]
        assert box.metadata == whole.metadata
        titles = [[c["metadata"]["title"] for c in each.chapters()] for each in (box, whole)]
        assert titles[0] == titles[1] == ["A", "B"]
    for index in (1, 2, 3):
        assert packets(tmp_path / "out.mp4", index) == packets(source, index)


def test_pieces_of_another_making_are_refused(tmp_path):
    source = make(tmp_path / "in.mp4", count=10)
    other = make(tmp_path / "other.mp4", count=10, size=(64, 64))
    with pytest.raises(OutputError, match="other settings"):
        video.join(source, [source, other], tmp_path / "out.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4", "other.mp4"]


def test_nothing_to_split(tmp_path):
    (tmp_path / "in.mp4").write_text("no video")
    with pytest.raises(InputError):
        video.split(tmp_path / "in.mp4")


class Streamed(io.BytesIO):
    """What `join` may write into: only its head may be gone back to."""

    name = "streamed.mp4"

    def __init__(self, head_bytes):
        super().__init__()
        self.head_bytes, self.end = head_bytes, head_bytes

    def write(self, data):
        end = self.tell() + len(data)
        assert end <= self.head_bytes or max(self.tell(), self.head_bytes) == self.end, "gone back to what has left"
        self.end = max(self.end, end)
        return super().write(data)


@pytest.mark.parametrize("kind", [kind for kind in SOURCES if SOURCES[kind][0] != ".webm"])
def test_pieces_joined_into_a_stream_are_the_whole(tmp_path, kind):
    """From ranged pieces and a ranged source, as in the pipeline; the index in front, nothing gone back to but the
    head.
    """
    here = source_of(kind, tmp_path)
    spans = video.split(here, 0.5)
    pieces = [tmp_path / f"piece{span.index}.mp4" for span in spans]
    for span, piece in zip(spans, pieces, strict=True):
        render(here, piece, no_faces(), span=span)
    files = []

    def make_file(head_bytes):
        files.append(Streamed(head_bytes))
        return files[0]

    notes = video.join(elsewhere(here), [elsewhere(piece) for piece in pieces], make_file)
    video.join(here, pieces, tmp_path / "joined.mp4")
    (tmp_path / "streamed.mp4").write_bytes(files[0].getvalue())
    assert notes == []
    assert shown(tmp_path / "streamed.mp4") == shown(tmp_path / "joined.mp4")
    for index in (0, 1):
        assert packets(tmp_path / "streamed.mp4", index) == packets(tmp_path / "joined.mp4", index)
    names = atoms(tmp_path / "streamed.mp4")
    assert names[:2] == ["ftyp", "moov"] and names.index("moov") < names.index("mdat")


def test_pieces_in_another_order_are_refused(tmp_path):
    source = source_of("closed groups", tmp_path)
    pieces = [tmp_path / f"piece{span.index}.mp4" for span in video.split(source, 0.5)]
    for span, piece in zip(video.split(source, 0.5), pieces, strict=True):
        render(source, piece, no_faces(), span=span)
    with pytest.raises(OutputError, match="does not come after"):
        video.join(source, [pieces[1], pieces[0]], tmp_path / "out.mp4")

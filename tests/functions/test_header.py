"""The start function reads a video's header by a few small pieces, and refuses in one clear line what is none."""

import random
import time
from struct import pack

import av
import numpy as np
import pytest
from lambda_kit import ROOT, load

from faceblur import video

FOLDER = ROOT / "lambda_src" / "start_face_detection"
header, limits, damage, budget = load(FOLDER, "header", "limits", "damage", "budget")
MB = 7076


class Pieces:
    """A file as S3 gives it: ranges, counted."""

    def __init__(self, content):
        self.content, self.fetched, self.requests = content, 0, 0

    def __call__(self, start, end):
        piece = self.content[start:end]
        self.requests, self.fetched = self.requests + 1, self.fetched + len(piece)
        return piece


def read(content):
    return header.read_header(Pieces(content), len(content))


def make(path, codec="libx264", *, front=False, seconds=2, size=(160, 96), turned=0, **options):
    more = {"movflags": "faststart"} if front else {}
    with av.open(str(path), "w", options=more | options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        generator = np.random.default_rng(1)
        for _ in range(25 * seconds):
            noise = generator.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """An MP4 with its index at the end."""
    return make(tmp_path_factory.mktemp("header") / "clip.mp4").read_bytes()


@pytest.mark.parametrize(
    ("name", "codec", "container", "finder", "front"),
    [
        ("a.mp4", "libx264", "mp4", "rekognition", False),
        ("a.mp4", "libx264", "mp4", "rekognition", True),
        ("a.mov", "libx264", "mov", "rekognition", False),
        ("b.mp4", "libx265", "mp4", "image", True),
        ("c.mkv", "libx264", "matroska", "image", False),
        ("d.webm", "libvpx-vp9", "webm", "image", False),
        ("e.avi", "mpeg4", None, "image", False),
    ],
)
def test_it_says_what_the_library_says(tmp_path, name, codec, container, finder, front):
    path = make(tmp_path / name, codec, front=front)
    pieces = Pieces(path.read_bytes())
    found, info = header.read_header(pieces, path.stat().st_size), video.probe(path)
    assert (found.container, found.bytes) == (container, path.stat().st_size)
    assert pieces.fetched <= 3 * header.BLOCK
    chosen, notes = limits.finder(found)
    assert chosen == finder and len(notes) == (finder == "image")
    if container:
        assert (found.codec, found.width, found.height) == (info.codec, info.width, info.height)
        assert found.duration_ms == pytest.approx(info.duration_ms, abs=60)
        assert found.frame_rate == pytest.approx(info.frame_rate, rel=0.01)


@pytest.mark.parametrize(("quarter", "matrix"), [(90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))])
def test_a_turned_video_is_as_wide_as_it_is_displayed(clip, tmp_path, quarter, matrix):
    at = clip.index(b"tkhd") + 4 + 40
    a, b, c, d = (65536 * value for value in matrix)
    turned = clip[:at] + pack(">ii4xii", a, b, c, d) + clip[at + 20 :]
    (tmp_path / "turned.mp4").write_bytes(turned)
    found, info = read(turned), video.probe(tmp_path / "turned.mp4")
    assert (found.rotation, found.width, found.height) == (quarter, info.width, info.height)
    assert found.width == (96 if quarter in (90, 270) else 160)


def test_fragments_have_their_index_in_front_and_no_count(tmp_path):
    path = make(tmp_path / "f.mp4", movflags="frag_keyframe+empty_moov")
    found = read(path.read_bytes())
    assert (found.codec, found.width, found.frame_rate) == ("h264", 160, None)


def box(kind, *content, size=None):
    body = b"".join(content)
    return pack(">I", len(body) + 8 if size is None else size) + kind + body


FTYP = box(b"ftyp", b"isom", b"\0\0\2\0")


def test_an_index_behind_ten_gigabytes_takes_two_requests(clip):
    """And it says so before anything is paid."""
    moov = clip[clip.index(b"moov") - 4 :]
    size = 10_500_000_000
    front = FTYP + pack(">I4sQ", 1, b"mdat", size - len(FTYP) - len(moov))

    def fetch(start, end):
        at = start - (size - len(moov))
        return moov[at : at + end - start] if at >= 0 else (front + bytes(end))[start:end]

    found = header.read_header(fetch, size)
    assert found.codec == "h264"
    with pytest.raises(limits.RefusedError, match=r"it has 10\.5 GB, and 10 GB is the most"):
        limits.check(found, MB)


@pytest.mark.parametrize(("every", "longest_ms"), [(10, 400), (50, 2000), (1, 40)])
def test_it_knows_the_longest_way_from_one_keyframe_to_the_next(tmp_path, every, longest_ms):
    path = tmp_path / "groups.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": str(every), "sc_threshold": "0", "bf": "2"})
        stream.width, stream.height = 64, 48
        grey = np.full((48, 64, 3), 128, np.uint8)
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    assert read(path.read_bytes()).longest_group_ms == pytest.approx(longest_ms, rel=0.03)


def with_keyframes(clip, *numbers, count=None):
    """The file with another table of keyframes, behind which lies what was there."""
    table = box(
        b"stss", bytes(4), pack(">I", len(numbers) if count is None else count), pack(f">{len(numbers)}I", *numbers)
    )
    at = clip.index(b"stss") - 4
    old = int.from_bytes(clip[at : at + 4], "big")
    grown, found = len(table) - old, clip[:at] + table + clip[at + old :]
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = found.index(kind) - 4
        found = found[:place] + pack(">I", int.from_bytes(found[place : place + 4], "big") + grown) + found[place + 4 :]
    return found


@pytest.mark.parametrize(
    ("numbers", "count", "longest_ms"),
    [
        ((), None, 2000),  # none at all
        ((26,), None, 1000),
        ((1, 40), None, 1560),
        ((1, 26), 1 << 30, 1000),  # more are said than there are
        (tuple(range(1, 20_000)), None, None),  # not read
    ],
)
def test_tables_of_keyframes_of_all_kinds(clip, numbers, count, longest_ms):
    pieces = Pieces(content := with_keyframes(clip, *numbers, count=count))
    assert header.read_header(pieces, len(content)).longest_group_ms == longest_ms
    assert pieces.fetched <= 4 * header.BLOCK


def test_an_hour_without_a_keyframe_is_refused_before_anything_is_paid():
    shape = {"width": 1920, "height": 1080, "frame_rate": 30.0, "duration_ms": 3_600_000.0, "bytes": 1}
    limits.check(header.Video("mp4", "h264", **shape), MB)  # not known
    limits.check(header.Video("mp4", "h264", **shape, longest_group_ms=10_000.0), MB)
    with pytest.raises(budget.TooLongError, match="3600 s of it can only be worked on in one piece"):
        limits.check(header.Video("mp4", "h264", **shape, longest_group_ms=3_600_000.0), MB)


def test_more_than_six_hours_are_refused():
    with pytest.raises(limits.RefusedError, match=r"it lasts 6\.5 hours, and 6 hours is the most"):
        limits.check(header.Video("mp4", "h264", duration_ms=6.5 * 3_600_000, bytes=1), MB)


NESTED = b""
for _ in range(1000):
    NESTED = box(b"moov", NESTED)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (FTYP, "it has no index"),
        (FTYP + box(b"mdat", b"x" * 100), "it has no index"),
        (FTYP + box(b"mdat", size=1000), "it is cut off"),
        (FTYP + box(b"mdat", size=4), "its header is damaged"),
        (FTYP + pack(">I4sQ", 1, b"mdat", 2**64 - 1), "it is cut off"),
        (FTYP + pack(">I4sQ", 1, b"mdat", 3), "its header is damaged"),
        (FTYP + box(b"free", size=0), "it has no index"),
        (FTYP + 3000 * box(b"free"), "its header has more parts"),
        (FTYP + box(b"moov"), "it holds no video"),
        (FTYP + box(b"moov", box(b"trak")), "its index is damaged"),
        (FTYP + box(b"moov", box(b"cmov")), "its index is compressed"),
        (FTYP + NESTED, "it holds no video"),
        (FTYP + b"".join(box(b"free", bytes(40_000)) for _ in range(50)), "its header is scattered"),
    ],
)
def test_what_is_no_whole_video_is_refused_in_one_line(content, words):
    with pytest.raises(damage.HeaderError, match=words):
        read(content)


@pytest.mark.parametrize(
    "content", [b"x", b"no video at all", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3" + b"\xff" * 100]
)
def test_what_is_not_known_goes_on_to_the_image(content):
    assert limits.finder(read(content))[0] == "image"


def test_every_cut_off_mp4_is_refused_or_read(clip):
    """However it is cut off: no other error, little read."""
    index = clip.index(b"moov")
    middle = random.Random(1).sample(range(200, index), 300)
    for length in (*range(8, 200), *middle, *range(index, len(clip))):
        pieces = Pieces(clip[:length])
        with pytest.raises(damage.HeaderError):
            header.read_header(pieces, length)
        with pytest.raises(damage.HeaderError):  # the event's size is right, the object's bytes end early
            header.read_header(pieces, len(clip))


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_spoiled_headers_are_read_or_refused_within_bounds(clip, tmp_path, kind):
    content = clip if kind == "mp4" else make(tmp_path / "c.webm", "libvpx-vp9", seconds=1).read_bytes()
    start = content.index(b"moov") - 4 if kind == "mp4" else 0
    dice, began, refused = random.Random(2), time.process_time(), 0
    for _ in range(1500):
        spoiled = bytearray(content)
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(start, min(len(content), start + 700))
            spoiled[at : at + 4] = dice.choice([bytes(4), b"\xff" * 4, dice.randbytes(4), pack(">I", 1), pack(">I", 8)])
        pieces = Pieces(bytes(spoiled))
        try:
            header.read_header(pieces, len(spoiled))
        except damage.HeaderError as problem:
            refused += 1
            assert "\n" not in str(problem)
        assert pieces.requests <= header.MOST_BLOCKS and pieces.fetched <= header.MOST_BLOCKS * header.BLOCK
    assert time.process_time() - began < 15
    assert refused > 100 or kind == "webm"

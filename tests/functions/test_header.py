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
header, limits, damage = load(FOLDER, "header", "limits", "damage")


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
        limits.check(found)


def test_more_than_six_hours_are_refused():
    with pytest.raises(limits.RefusedError, match=r"it lasts 6\.5 hours, and 6 hours is the most"):
        limits.check(header.Video("mp4", "h264", duration_ms=6.5 * 3_600_000, bytes=1))


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
    for length in sorted({*range(8, 200), *random.Random(1).sample(range(8, len(clip)), 300)}):
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

"""Which files are opened, under every name, and which are refused in one line before anything is done with them."""

import os
import struct
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_kit import make, no_faces, picture, shown

from faceblur import render
from faceblur.errors import InputError
from faceblur.process import same_priority
from faceblur.video import Reader, probe
from faceblur.video.reading import formats
from faceblur.video.reading.opening import LARGEST_PICTURE, LARGEST_SIDE
from faceblur.video.reading.sound import compare_sound


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> bytes:
    return make(tmp_path_factory.mktemp("clip") / "clip.mp4", count=3, audio=[{}]).read_bytes()


NAMES = [
    "20:15.mp4",
    "call:anna.mp4",
    "file:x.mp4",
    "http:",
    "concat:a|b.mp4",
    "pipe:0",
    "-x.mp4",
    "a%03d.mp4",
    "subfile,,start,0,end,0,,:x.mp4",
    "line\nbreak.mp4",
    "ä" * 123 + ".mp4",
    os.fsdecode(b"no utf \xff\xfe.mp4"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems forbid some of these names")
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_never_taken_for_an_address(tmp_path, monkeypatch, clip, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(clip)
    assert probe(name).frames == 3
    assert render(name, "out.mp4", no_faces())["counts"]["frames"] == 3
    assert compare_sound(name, "out.mp4")[0] == []


def test_a_message_shows_the_name_that_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with av.open("sound.m4a", "w") as box:
        sound = box.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        box.mux(sound.encode(frame))
        box.mux(sound.encode(None))
    with pytest.raises(InputError, match=r"^sound\.m4a: has no video"):
        probe("sound.m4a")


LISTS = {
    "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n",
    "parts.mp4": "ffconcat version 1.0\nfile other.ts\n",
    "parts.ffconcat": "ffconcat version 1.0\nfile other.ts\n",
    "talk.sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n",
    "show.mpd": '<?xml version="1.0"?>\n<MPD type="static"><Period><BaseURL>other.ts</BaseURL></Period></MPD>',
    "play.asx": '<ASX version="3"><ENTRY><REF HREF="other.ts"/></ENTRY></ASX>',
    "play.pls": "[playlist]\nFile1=other.ts\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_other_files_is_refused_and_none_of_them_is_opened(tmp_path, name):
    other = make(tmp_path / "other.ts", count=3)
    os.utime(other, ns=(1, other.stat().st_mtime_ns))  # last read before it was written: reading would change that
    (tmp_path / name).write_text(LISTS[name])
    with pytest.raises(InputError, match="is a list of other files"):
        probe(tmp_path / name)
    assert other.stat().st_atime_ns == 1


@pytest.mark.parametrize(("name", "content"), [("notes.txt", b"a" * 4000), ("subs.idx", b"# VobSub index file, v7\n")])
def test_what_only_draws_text_is_no_video(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="not a video"):
        probe(tmp_path / name)


def jpeg(path, shade: int, exif: bytes = b""):
    """A JPEG of one shade, with an EXIF segment in front when given."""
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((48, 64), shade, np.uint8), format="gray").reformat(format="yuvj420p")
    data = b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif if exif else b""
    path.write_bytes(data[:2] + segment + data[2:])
    return path


def exif(orientation: int) -> bytes:
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)


def test_a_percent_sign_in_a_photos_name_opens_no_other_photo(tmp_path):
    jpeg(tmp_path / "photo001.jpg", 30)
    jpeg(tmp_path / "photo%03d.jpg", 200)
    with Reader(tmp_path / "photo%03d.jpg") as reader:
        assert [round(frame.gray(8).mean()) for frame in reader] == [200]


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (3, (64, 48)), (6, (48, 64)), (8, (48, 64))])
def test_a_photo_with_exif_is_turned_as_players_do(tmp_path, orientation, size):
    info = probe(jpeg(tmp_path / "photo.jpg", 90, exif(orientation)))
    assert (info.width, info.height) == size
    assert info.rotation == {1: 0, 3: 180, 6: 90, 8: 270}[orientation]


@pytest.mark.parametrize("suffix", [".avi", ".mov"])
def test_frames_with_exif_are_blurred_and_turned(tmp_path, suffix):
    data = jpeg(tmp_path / "photo.jpg", 90, exif(6)).read_bytes()
    with av.open(str(tmp_path / f"in{suffix}"), "w") as box:
        stream = box.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(3):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 10), True
            packet.pts = packet.dts = number
            box.mux(packet)
    assert render(tmp_path / f"in{suffix}", tmp_path / "out.mp4", no_faces())["counts"]["frames"] == 3
    info = probe(tmp_path / "out.mp4")
    assert (info.width, info.height, info.rotation) == (48, 64, 90)


def heif(brand: bytes) -> bytes:
    """A file that begins as HEIC and AVIF photos do, and ends there."""
    brands = brand + bytes(4) + b"mif1" + brand + b"miaf"
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + struct.pack(">I", 12) + b"meta" + bytes(4)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"avif"])
@pytest.mark.parametrize("name", ["IMG_5195.HEIC", "holiday.mp4"])
def test_a_photo_is_called_a_photo(tmp_path, brand, name):
    (tmp_path / name).write_bytes(heif(brand))
    with pytest.raises(InputError, match="is a photo, not a video"):
        probe(tmp_path / name)


def av1_photo(path, sizes=((64, 48),)):
    """An AVIF with these pictures beside each other, as FFmpeg and phones lay them out."""
    pictures = []
    for number, size in enumerate(sizes):
        context = av.CodecContext.create("libsvtav1", "w")
        context.width, context.height, context.pix_fmt, context.time_base = *size, "yuv420p", Fraction(1, 25)
        context.options = {"preset": "12", "crf": "30"}
        with same_priority():
            context.open()
        frame = picture(number, size)
        frame.pts = 0
        pictures.append(b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None))))

    def box(kind: bytes, *content: bytes) -> bytes:
        body = b"".join(content)
        return struct.pack(">I", 8 + len(body)) + kind + body

    def full(kind: bytes, *content: bytes) -> bytes:
        return box(kind, bytes(4), *content)

    count = len(pictures)
    entries = [box(b"infe", b"\2\0\0\0", struct.pack(">HH", n, 0), b"av01\0") for n in range(1, count + 1)]
    properties = [full(b"ispe", struct.pack(">II", *size)) for size in sizes]
    properties.append(box(b"av1C", b"\x81\x00\x0c\x00"))
    links = b"".join(struct.pack(">HBBB", n, 2, n, 0x80 | (count + 1)) for n in range(1, count + 1))
    ftyp = box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf")

    def meta(start: int) -> bytes:
        places, at = [], start
        for number, data in enumerate(pictures, 1):
            places.append(struct.pack(">HHHII", number, 0, 1, at, len(data)))
            at += len(data)
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", 1)),
            full(b"iloc", b"\x44\0", struct.pack(">H", count), *places),
            full(b"iinf", struct.pack(">H", count), *entries),
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", struct.pack(">I", count), links)),
        )

    start = len(ftyp) + len(meta(0)) + 8
    path.write_bytes(ftyp + meta(start) + box(b"mdat", *pictures))
    return path


@pytest.mark.parametrize("sizes", [((64, 48),), ((64, 64),) * 4])
def test_a_photo_that_could_be_decoded_is_refused_too(tmp_path, sizes):
    path = av1_photo(tmp_path / "photo.avif", sizes)
    with av.open(str(path)) as box:  # as many streams as tiles, each of one picture
        assert [stream.frames for stream in box.streams.video] == [1] * len(sizes)
    with pytest.raises(InputError, match="is a photo, not a video"):
        render(path, tmp_path / "out.mp4", no_faces())
    assert not (tmp_path / "out.mp4").exists()


def png(width: int, height: int) -> bytes:
    """A black picture of that size, a thousandth of it on disk."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(1 + width) * 64)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(20000, 20000), (LARGEST_SIDE + 2, 2), (16000, 16000)])
def test_pictures_that_are_too_large_are_refused_before_they_take_memory(tmp_path, size):
    path = make(tmp_path / "in.mov", codec="rawvideo", options={}, pixel_format="uyvy422", count=2)
    data = path.read_bytes()
    place = data.rindex(b"2vuy") + 4 + 24  # ISO/IEC 14496-12, 12.1.3.2
    path.write_bytes(data[:place] + struct.pack(">HH", *size) + data[place + 4 :])
    with pytest.raises(InputError, match=r"64 million (in all|pixels)"):
        probe(path)


@pytest.mark.parametrize("size", [(20000, 20000), (16000, 16000)])
def test_a_picture_that_says_its_size_only_when_it_is_decoded(tmp_path, size):
    (tmp_path / "in.png").write_bytes(png(*size))
    with pytest.raises(InputError, match="over 64 million pixels"):
        probe(tmp_path / "in.png")


def test_8k_is_not_too_large():
    assert 8192 * 4320 < 7680 * 7680 < LARGEST_PICTURE and LARGEST_SIDE > 8192


def test_pictures_that_grow_on_the_way_take_no_memory_either(tmp_path):
    small = make(tmp_path / "in.mp4", count=2)
    with Reader(small) as reader:
        assert reader.stream.codec_context.options["max_pixels"] == str(LARGEST_PICTURE)
        assert len(list(reader)) == 2


def test_the_table_names_readers_that_exist():
    readers = {name for full in av.formats_available for name in full.split(",")}
    listed = formats.reading_options("x.jpg")["format_whitelist"].split(",")
    assert set(listed) <= readers
    assert not {"concat", "hls", "dash", "sdp", "rtsp", "rtp", "lavfi", "vobsub", "tty", "webm_dash_manifest"} & set(
        listed
    )


def test_a_pipe_is_no_video_file(tmp_path):
    os.mkfifo(tmp_path / "in.mp4")
    with pytest.raises(InputError, match="pipe or a device"):
        probe(tmp_path / "in.mp4")


def test_every_frame_of_a_video_with_one_frame(tmp_path):
    source = make(tmp_path / "in.mp4", count=1)
    render(source, tmp_path / "out.mp4", no_faces())
    assert len(shown(tmp_path / "out.mp4")) == 1

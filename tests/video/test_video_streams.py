"""What travels beside the video: sound bit for bit, subtitles, chapters; what is left behind, and said so."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_kit import atoms, make, no_faces, packets, samples

from faceblur import render

LINES = [(100, 400, "Hello"), (500, 900, r"{\i1}Wörld{\i0}")]


def streams(path):
    with av.open(str(path)) as box:
        return [(s.type, s.codec_context.codec.canonical_name if s.codec_context else None) for s in box.streams]


def texts(path, index):
    """(start, text) of a track's subtitles, decoded."""
    found = []
    with av.open(str(path)) as box:
        stream = box.streams[index]
        for packet in box.demux(stream):
            lines = stream.codec_context.decode2(packet) if packet.size else None
            for line in lines or ():
                found.append((float(packet.pts * packet.time_base), line.dialogue.decode()))
    return [(start, text.removesuffix(r"{\i0}")) for start, text in found if text]


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "ac3", "libopus", "flac", "alac"])
def test_sound_that_mp4_carries_is_copied_bit_for_bit(tmp_path, codec):
    source = make(tmp_path / "in.mp4", audio=[{"codec": codec}])
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert packets(tmp_path / "out.mp4", 1) == packets(source, 1)
    assert np.array_equal(samples(tmp_path / "out.mp4", 1), samples(source, 1))
    assert report["notes"] == []


def test_all_sound_tracks_stay_with_language_title_and_default(tmp_path):
    tracks = [
        {"language": "deu", "tone": 300},
        {"language": "eng", "tone": 500, "codec": "libmp3lame", "layout": "stereo"},
        {"tone": 700, "rate": 44100},
    ]
    source = make(tmp_path / "in.mp4", audio=tracks)
    render(source, tmp_path / "out.mp4", no_faces())
    for index in (1, 2, 3):
        assert packets(tmp_path / "out.mp4", index) == packets(source, index)
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        kept = [[(s.language, int(s.disposition)) for s in box.streams.audio] for box in (before, after)]
        assert kept[0] == kept[1] and [language for language, _ in kept[1]] == ["deu", "eng", "und"]


def test_a_silent_video_stays_silent(tmp_path):
    render(make(tmp_path / "in.mp4"), tmp_path / "out.mp4", no_faces())
    assert streams(tmp_path / "out.mp4") == [("video", "h264")]


@pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "pcm_s16le"), (".webm", "libvorbis"), (".mov", "pcm_s16be")])
def test_sound_that_mp4_cannot_carry_becomes_aac_and_the_report_says_so(tmp_path, suffix, codec):
    video = {"codec": "libvpx", "options": {"deadline": "realtime"}} if suffix == ".webm" else {}
    if codec == "libvorbis":
        codec = "vorbis"
    strict = {"strict": "experimental"} if codec == "vorbis" else None
    source = make(tmp_path / f"in{suffix}", audio=[{"codec": codec, "layout": "stereo", "options": strict}], **video)
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert streams(tmp_path / "out.mp4")[1] == ("audio", "aac")
    assert any("converted to AAC" in note for note in report["notes"])
    before, after = samples(source, 1).astype(float), samples(tmp_path / "out.mp4", 1).astype(float)
    before, after = (sound.mean(axis=0) if sound.shape[0] == 2 else sound.ravel()[::2] for sound in (before, after))
    before, after = before / np.abs(before).max(), after / np.abs(after).max()
    n = min(len(before), len(after)) - 4096
    assert abs(len(after) - len(before)) <= 2048
    assert np.corrcoef(before[2048:n], after[2048:n])[0, 1] > 0.99  # in step, to the sample


def test_pcm_stays_pcm_where_the_output_can_carry_it(tmp_path):
    source = make(tmp_path / "in.mov", audio=[{"codec": "pcm_s16le"}])
    for name in ("out.mov", "out.mkv"):
        report = render(source, tmp_path / name, no_faces())
        assert np.array_equal(samples(tmp_path / name, 1), samples(source, 1))
        assert report["notes"] == []


def test_mov_text_is_copied(tmp_path):
    source = make(tmp_path / "in.mp4", subtitles=[("mov_text", "fra", LINES), ("mov_text", "eng", LINES[:1])])
    report = render(source, tmp_path / "out.mp4", no_faces())
    for index in (1, 2):
        assert packets(tmp_path / "out.mp4", index) == packets(source, index)
    assert report["notes"] == []
    with av.open(str(tmp_path / "out.mp4")) as box:
        assert [s.language for s in box.streams.subtitles] == ["fra", "eng"]


@pytest.mark.parametrize("codec", ["srt", "ass", "webvtt"])
def test_text_subtitles_become_mov_text_in_mp4(tmp_path, codec):
    source = make(tmp_path / "in.mkv", subtitles=[(codec, "fra", LINES)])
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert streams(tmp_path / "out.mp4")[1] == ("subtitle", "mov_text")
    before, after = texts(source, 1), texts(tmp_path / "out.mp4", 1)
    assert [start for start, _ in after] == pytest.approx([0.1, 0.5])
    assert [text for _, text in after] == [text for _, text in before]
    assert any("mov_text" in note for note in report["notes"])


@pytest.mark.parametrize("codec", ["srt", "ass", "webvtt"])
def test_matroska_carries_all_subtitles_as_they_are(tmp_path, codec):
    source = make(tmp_path / "in.mkv", subtitles=[(codec, "fra", LINES)])
    report = render(source, tmp_path / "out.mkv", no_faces())
    assert packets(tmp_path / "out.mkv", 1) == packets(source, 1)
    assert report["notes"] == []


def test_mov_text_becomes_subrip_in_matroska(tmp_path):
    source = make(tmp_path / "in.mp4", subtitles=[("mov_text", "fra", LINES)])
    render(source, tmp_path / "out.mkv", no_faces())
    assert streams(tmp_path / "out.mkv")[1] == ("subtitle", "subrip")
    assert [text for _, text in texts(tmp_path / "out.mkv", 1)] == [text for _, text in texts(source, 1)]


@pytest.mark.parametrize("suffixes", [(".mp4", ".mp4"), (".mkv", ".mp4"), (".mp4", ".mkv")])
def test_chapters_stay(tmp_path, suffixes):
    source = make(tmp_path / f"in{suffixes[0]}", chapters=[(0, 400, "Start"), (400, 1000, "Ende")])
    report = render(source, tmp_path / f"out{suffixes[1]}", no_faces())
    with av.open(str(tmp_path / f"out{suffixes[1]}")) as box:
        chapters = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in box.chapters()
        ]
    assert chapters == [(0.0, 0.4, "Start"), (0.4, 1.0, "Ende")]
    assert report["notes"] == []


def test_what_tells_who_filmed_where_and_when_is_dropped(tmp_path):
    personal = {
        "location": "+48.1374+011.5755/",
        "com.apple.quicktime.location.ISO6709": "+48.1374+011.5755/",
        "com.apple.quicktime.make": "Apple",
        "make": "Apple",
        "model": "iPhone 15",
        "creation_time": "2024-03-01T10:00:00.000000Z",
        "artist": "Erika Mustermann",
        "comment": "my garden",
        "encoder": "Phone 17.3",
    }
    tags = {"movflags": "use_metadata_tags"}
    source = make(tmp_path / "in.mov", metadata={"title": "A film", **personal}, container=tags, audio=[{}])
    raw = source.read_bytes()
    assert b"+48.1374+011.5755" in raw and b"iPhone 15" in raw
    for name in ("out.mp4", "out.mkv", "out.mov"):
        render(source, tmp_path / name, no_faces())
        written = (tmp_path / name).read_bytes()
        for word in (b"48.1374", b"Apple", b"iPhone", b"2024-03-01", b"Erika", b"my garden", b"Phone 17.3"):
            assert word not in written, (name, word)
        with av.open(str(tmp_path / name)) as box:
            tags = {key.lower() for key in box.metadata}
            assert box.metadata.get("title") == "A film"
            assert tags <= {"title", "encoder", "major_brand", "minor_version", "compatible_brands"}
            assert all("creation_time" not in stream.metadata for stream in box.streams)


def test_cover_art_and_second_videos_are_dropped(tmp_path):
    source = make(tmp_path / "in.mp4", cover=True)
    assert ("video", "mjpeg") in streams(source)
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert streams(tmp_path / "out.mp4") == [("video", "h264")]
    assert any("cover picture" in note for note in report["notes"])


def test_fonts_travel_and_other_attachments_do_not(tmp_path):
    source = tmp_path / "in.mkv"
    make(tmp_path / "plain.mkv", subtitles=[("ass", "fra", LINES)])
    with av.open(str(tmp_path / "plain.mkv")) as plain, av.open(str(source), "w") as box:
        copies = {s.index: box.add_stream_from_template(s, opaque=True) for s in plain.streams}
        box.add_attachment("a.ttf", "font/ttf", b"FONT" * 20)
        box.add_attachment("cover.jpg", "image/jpeg", b"\xff\xd8FACE" * 20)
        for packet in plain.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                box.mux(packet)
    report = render(source, tmp_path / "out.mkv", no_faces())
    written = (tmp_path / "out.mkv").read_bytes()
    assert b"FONTFONT" in written and b"FACE" not in written
    assert len(report["notes"]) == 1


def test_the_index_comes_first_so_that_a_browser_starts_at_once(tmp_path):
    source = make(tmp_path / "in.mp4", audio=[{}])
    assert atoms(source).index("mdat") < atoms(source).index("moov")
    render(source, tmp_path / "out.mp4", no_faces())
    assert atoms(tmp_path / "out.mp4").index("moov") < atoms(tmp_path / "out.mp4").index("mdat")


def test_sound_from_a_transport_stream_needs_no_conversion(tmp_path):
    source = make(tmp_path / "in.ts", audio=[{}])
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert np.array_equal(samples(tmp_path / "out.mp4", 1), samples(source, 1))
    first = packets(tmp_path / "out.mp4", 1)[0][1]
    assert abs(first) <= Fraction(1, 10)
    assert report["notes"] == []

"""Which track is the video, and what becomes of tracks that are of an unknown kind, damaged or out of time."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_kit import make, no_faces, numbered, packets, shown

from faceblur import render
from faceblur.errors import InputError
from faceblur.video import Reader, probe
from faceblur.video.reading.sound import compare_sound
from faceblur.video.writing.copied import Times


def together(target, *tracks, sound=None):
    """Write video tracks side by side: (codec, size, times in ms, disposition, options) each."""
    with av.open(str(target), "w") as box:
        streams = []
        for codec, size, times, disposition, options in tracks:
            stream = box.add_stream(codec, rate=25, options=options)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgb24" if codec == "png" else "yuv420p"
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
            if disposition is not None:
                stream.disposition = disposition
            streams.append((stream, size, list(times)))
        box.start_encoding()
        for stream, (width, height), times in streams:
            for number, pts in enumerate(times):
                luma = numbered(number, (width, height))
                frame = av.VideoFrame.from_ndarray(np.stack([luma] * 3, -1), format="rgb24")
                frame = frame.reformat(format=stream.pix_fmt)
                frame.pts, frame.time_base = pts, Fraction(1, 1000)
                box.mux(stream.encode(frame))
            box.mux(stream.encode(None))
    return target


FILM = ("libx264", (128, 96), range(0, 1000, 40), None, {"preset": "ultrafast"})
HEVC = ("libx265", (128, 96), range(0, 1000, 40), None, {"preset": "ultrafast", "x265-params": "log-level=none"})


def still(codec="mjpeg", size=(64, 48), disposition=None, times=(0,)):
    return codec, size, times, disposition, {}


PREVIEWS = {
    "first, marked as default": (".mov", still(), FILM),
    "first, in Matroska": (".mkv", still(), FILM),
    "first, larger than the film": (".mkv", still(size=(256, 192)), FILM),
    "first, in a file without counts": (".mkv", still(disposition=1), FILM),
    "first, HEVC": (".mp4", still(), HEVC),
    "a few small pictures": (".mov", still(times=(0, 500)), FILM),
    "last": (".mov", FILM, still()),
    "PNG": (".mov", still("png"), FILM),
}


@pytest.mark.parametrize("kind", PREVIEWS)
def test_a_preview_never_stands_for_the_film(tmp_path, kind):
    suffix, *tracks = PREVIEWS[kind]
    source = together(tmp_path / f"in{suffix}", *tracks)
    place = next(n for n, track in enumerate(tracks) if len(track[2]) == 25)
    assert (probe(source).width, probe(source).height) == (128, 96)
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert [number for _, number in shown(tmp_path / "out.mp4")] == list(range(25))
    left = [note for note in report["notes"] if f"stream {1 - place} (video" in note]
    assert len(left) == 1 and "left out" in left[0]
    assert f"the video is stream {place} (128x96)" in left[0]


def film(size, times=range(0, 1000, 40), disposition=None):
    return "libx264", size, times, disposition, {"preset": "ultrafast"}


CHOICES = {
    "the default one": (".mkv", film((256, 192), disposition=0), film((128, 96), disposition=1), 1),
    "the larger one": (".mkv", film((64, 48), disposition=1), film((128, 96), disposition=1), 1),
    "the longer one": (".mov", film((64, 48), range(0, 400, 40), 1), film((64, 48), disposition=1), 1),
    "the first one": (".mov", film((64, 48), disposition=1), film((64, 48), disposition=1), 0),
    "the larger programme": (".ts", film((64, 48)), film((128, 96)), 1),
}


@pytest.mark.parametrize("kind", CHOICES)
def test_of_two_films_the_one_that_players_show(tmp_path, kind):
    suffix, *tracks, wanted = CHOICES[kind]
    with Reader(together(tmp_path / f"in{suffix}", *tracks)) as reader:
        assert reader.stream.index == wanted


def renamed(path, old: bytes, new: bytes, *, also: bytes = b"", last: bool = True):
    """Give the last (or first) track with these four letters others; `also`: a box that would still tell."""
    data = bytearray(path.read_bytes())
    place = data.rindex(old) if last else data.index(old)
    data[place : place + 4] = new
    if also:
        box = data.index(also, place)
        data[box : box + 4] = b"free"
    path.write_bytes(data)
    return path


def test_a_sound_track_of_an_unknown_kind_is_left_out_and_the_other_stays(tmp_path):
    source = renamed(make(tmp_path / "in.mp4", audio=[{}, {"tone": 900}]), b"mp4a", b"apac", also=b"esds")
    assert probe(source).audio == ("aac", "apac")
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert packets(tmp_path / "out.mp4", 1) == packets(source, 1)
    assert [note for note in report["notes"] if "stream 2 (audio, apac) was left out" in note]
    problems, notes = compare_sound(source, tmp_path / "out.mp4", tuple(report["notes"]))
    assert problems == [] and notes


@pytest.mark.parametrize("kind", ["video", "subtitle", "encrypted sound"])
def test_other_tracks_of_an_unknown_kind(tmp_path, kind):
    if kind == "video":
        source = renamed(together(tmp_path / "in.mov", FILM, film((64, 48))), b"avc1", b"zzzz")
        words = "stream 1 (video, zzzz) was left out"
    elif kind == "subtitle":
        source = make(tmp_path / "in.mov", subtitles=[("mov_text", "fra", [(100, 400, "Hello")])])
        renamed(source, b"tx3g" if b"tx3g" in source.read_bytes() else b"text", b"zzzz")
        words = "stream 1 ("
    else:
        source = renamed(make(tmp_path / "in.mp4", audio=[{}]), b"mp4a", b"enca")
        words = "was left out: it is encrypted"
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert len(shown(tmp_path / "out.mp4")) == 25
    assert [note for note in report["notes"] if words in note and "left out" in note]


def test_a_video_without_a_decoder_says_so(tmp_path):
    source = renamed(make(tmp_path / "in.mp4"), b"avc1", b"zzzz")
    with pytest.raises(InputError, match=r"no decoder for its video \(zzzz\)"):
        probe(source)


def test_a_preview_does_not_stand_for_a_film_without_a_decoder(tmp_path):
    source = renamed(together(tmp_path / "in.mov", still(), FILM), b"avc1", b"zzzz")
    with pytest.raises(InputError, match="no decoder"):
        render(source, tmp_path / "out.mp4", no_faces())


CENC = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76" * 16, "encryption_kid": "a7" * 16}


def test_an_encrypted_video_says_so(tmp_path):
    source = make(tmp_path / "in.mp4", container=CENC, audio=[{}])
    with pytest.raises(InputError, match="its video is encrypted"):
        probe(source)
    with pytest.raises(InputError, match="its video is encrypted"):
        render(source, tmp_path / "out.mp4", no_faces())


def flv(path, change):
    """An FLV whose sound packet number n, at t ms, is at change(n, t) instead."""
    make(path, audio=[{"rate": 44100, "seconds": 2.0}], count=50)
    data, at, number = bytearray(path.read_bytes()), 13, 0
    while at + 11 < len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        if data[at] == 8:
            time = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
            time = change(number, time) & 0xFFFFFFFF if number else time
            data[at + 4 : at + 8] = (time & 0xFFFFFF).to_bytes(3, "big") + bytes([time >> 24])
            number += 1
        at += 11 + size + 4
    path.write_bytes(data)
    return path


CLOCKS = {  # what happens to the sound's clock -> how many of its packets are lost, at most
    "goes back 300 ms": (lambda n, t: t if n < 20 else t - 300, 16),
    "stops at nought": (lambda n, t: 0 if n > 60 else t, 40),
    "one packet hours ahead": (lambda n, t: t + 10**7 if n == 20 else t, 70),
    "goes to and fro": (lambda n, t: t + 60 * (-1) ** n, 48),
    "is too coarse": (lambda n, t: t // 93 * 93, 2),
}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("kind", CLOCKS)
def test_sound_out_of_time_never_costs_the_picture(tmp_path, kind, suffix):
    change, lost = CLOCKS[kind]
    source = flv(tmp_path / "in.flv", change)
    report = render(source, tmp_path / f"out{suffix}", no_faces())
    assert len(shown(tmp_path / f"out{suffix}")) == 50
    before, after = packets(source, 1), packets(tmp_path / f"out{suffix}", 1)
    assert 0 <= len(before) - len(after) <= lost
    said = [note for note in report["notes"] if "packets of" in note]
    assert bool(said) == (len(after) < len(before))


class Stamp:
    """What `Times` looks at of a packet, in ms."""

    time_base, duration = Fraction(1, 1000), 20

    def __init__(self, dts, pts=None):
        self.dts, self.pts = dts, dts if pts is None else pts


def through(stamps, **options):
    times = Times(**options)
    given = [packet.dts for stamp in stamps for packet in times.through(stamp)]
    return given + [packet.dts for packet in times.rest()], times.refused


def test_one_wrong_time_costs_one_packet():
    assert through([Stamp(t) for t in (0, 20, 10**8, 40, 60)]) == ([0, 20, 40, 60], 1)
    assert through([Stamp(t) for t in (0, 20, 10, 40)]) == ([0, 20, 40], 1)


def test_a_pause_is_no_wrong_time():
    assert through([Stamp(t) for t in (0, 20, 60_000, 60_020)]) == ([0, 20, 60_000, 60_020], 0)
    assert through([Stamp(t) for t in (0, 20, 60_000)]) == ([0, 20, 60_000], 0)


def test_times_that_are_missing_or_absurd():
    bare, late = Stamp(None), Stamp(50, 40)
    bare.pts = 30
    assert through([Stamp(0), bare, late, Stamp(None), Stamp(1 << 62)]) == ([0, 30, 50], 2)
    assert late.pts == 50 and bare.dts == 30


def noisy(source, seed: int):
    """Overwrite an eighth of every sound packet, here and there."""
    noise, data = np.random.default_rng(seed), bytearray(source.read_bytes())
    for content, _, _ in packets(source, 1):
        place = data.find(content)
        for spot in noise.integers(place, place + len(content), max(1, len(content) // 8)):
            data[spot] = noise.integers(0, 256)
    source.write_bytes(data)
    return source


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [("eac3", ".mp4"), ("eac3", ".mkv"), ("mp2", ".mkv"), ("libmp3lame", ".mkv")])
def test_damaged_sound_never_costs_the_picture(tmp_path, kind, seed):
    codec, suffix = kind
    source = noisy(make(tmp_path / f"in{suffix}", audio=[{"codec": codec}]), seed)
    render(source, tmp_path / "out.mp4", no_faces())
    assert [number for _, number in shown(tmp_path / "out.mp4")] == list(range(25))


def test_a_rate_that_mp4_does_not_take_is_converted(tmp_path):
    source = make(tmp_path / "in.mkv", audio=[{"codec": "libmp3lame", "rate": 8000}])
    report = render(source, tmp_path / "out.mp4", no_faces())
    assert packets(tmp_path / "out.mp4", 1)
    assert [note for note in report["notes"] if "converted to AAC" in note]


def test_sound_that_changes_in_the_middle_goes_on(tmp_path):
    """MP2 at another rate and with more channels, half-way."""
    first = make(tmp_path / "a.ts", audio=[{"codec": "mp2", "rate": 44100, "layout": "mono"}])
    second = make(
        tmp_path / "b.ts",
        times=range(25, 50),
        audio=[{"codec": "mp2", "rate": 48000, "layout": "stereo", "start_s": 1.0}],
    )
    (tmp_path / "in.ts").write_bytes(first.read_bytes() + second.read_bytes())
    render(tmp_path / "in.ts", tmp_path / "out.mp4", no_faces())
    with av.open(str(tmp_path / "out.mp4")) as box:
        heard = sum(frame.samples / frame.sample_rate for frame in box.decode(audio=0))
    assert heard > 1.8

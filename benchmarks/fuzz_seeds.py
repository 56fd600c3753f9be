"""Small real videos to be spoiled: two seconds' worth of the sample's frames in every container and codec at hand.

Also the ways to spoil them. A mutation is a function (data, Random) -> data; whatever it needs to know of a container
(where a box, an element or a packet begins) it takes from MARKS.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import struct
from collections.abc import Callable, Collection, Iterator
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import cv2
import numpy as np

from faceblur.sample import film

FRAMES, SIZE = 8, (192, 108)
_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x00FFFFFF, 0x01000000)

# name's end: container, video codec and its picture format, sound codec. One row a seed.
_SEEDS = """
264.mp4 mp4 libx264 yuv420p aac            fragments.mp4 mp4 libx264 yuv420p aac
265.mp4 mp4 libx265 yuv420p aac            10bit.mp4 mp4 libx265 yuv420p10le -
av1.mp4 mp4 libsvtav1 yuv420p aac          mpeg4.mp4 mp4 mpeg4 yuv420p libmp3lame
264.mov mov libx264 yuv420p aac            prores.mov mov prores_ks yuv422p10le pcm_s16le
mjpeg.mov mov mjpeg yuvj420p pcm_s16le     qtrle.mov mov qtrle rgb24 -
264.m4v ipod libx264 yuv420p aac           264.3gp 3gp libx264 yuv420p aac
264.mkv matroska libx264 yuv420p ac3       ffv1.mkv matroska ffv1 yuv420p flac
vp9.mkv matroska libvpx-vp9 yuv420p libopus hevc10.mkv matroska libx265 yuv420p10le aac
vp8.webm webm libvpx yuv420p libopus       vp9.webm webm libvpx-vp9 yuv420p libopus
av1.webm webm libsvtav1 yuv420p libopus    mpeg4.avi avi mpeg4 yuv420p libmp3lame
mjpeg.avi avi mjpeg yuvj420p pcm_s16le     raw.avi avi rawvideo yuv420p pcm_s16le
huff.avi avi huffyuv yuv422p -             ms4.avi avi msmpeg4 yuv420p -
264.ts mpegts libx264 yuv420p aac          mpeg2.ts mpegts mpeg2video yuv420p mp2
hevc.ts mpegts libx265 yuv420p ac3         264.m2ts mpegts libx264 yuv420p ac3
mpeg1.mpg mpeg mpeg1video yuv420p mp2      mpeg2.vob vob mpeg2video yuv420p ac3
264.flv flv libx264 yuv420p aac            flv1.flv flv flv yuv420p libmp3lame
wmv2.wmv asf wmv2 yuv420p libmp3lame       mpeg2.mxf mxf mpeg2video yuv422p pcm_s16le
mpeg4.nut nut mpeg4 yuv420p -               ffv1.nut nut ffv1 yuv420p pcm_s16le
vp9.ivf ivf libvpx-vp9 yuv420p -           av1.ivf ivf libsvtav1 yuv420p -
raw.y4m yuv4mpegpipe wrapped_avframe yuv420p - loop.gif gif gif rgb8 -
raw.mjpeg mjpeg mjpeg yuvj420p -           raw.h264 h264 libx264 yuv420p -
raw.hevc hevc libx265 yuv420p -            mpeg2.m2v mpeg2video mpeg2video yuv420p -
mpeg4.m4v m4v mpeg4 yuv420p -              dv.dv dv dvvideo yuv420p -
vp8.ogv ogv libvpx yuv420p libopus         loop.apng apng apng rgb24 -
264.f4v f4v libx264 yuv420p aac            svq1.mov mov svq1 yuv410p -
h263.3gp 3gp h263 yuv420p -                obu.obu obu libsvtav1 yuv420p -
jpeg2000.mov mov jpeg2000 yuv420p -        mpeg2.wtv wtv mpeg2video yuv420p mp2
"""
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "threads": "1", "g": "4", "bf": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1:keyint=4"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "threads": "1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "threads": "1"},
}
_SIZES = {"dvvideo": (720, 576), "h263": (176, 144)}

MARKS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        rb"ftyp|moov|mvhd|trak|tkhd|edts|elst|mdia|mdhd|hdlr|minf|stbl|stsd|stts|ctts|stss|stsc|stsz|stco|mdat|moof|"
        rb"mfhd|traf|tfhd|tfdt|trun|sidx|avc1|hvc1|av01|mp4a|esds|avcC|hvcC|av1C|colr|pasp|btrt|udta|meta",
        rb"\x1a\x45\xdf\xa3|\x18\x53\x80\x67|\x15\x49\xa9\x66|\x16\x54\xae\x6b|\x1f\x43\xb6\x75|\x1c\x53\xbb\x6b|"
        rb"\x11\x4d\x9b\x74|\xae|\xa3|\xa0|\xe7|\xe0|\xb0|\xba|\xd7|\x86|\x63\xa2|\x23\xe3\x83|\x2a\xd7\xb1",
        rb"\x00\x00\x01[\x00-\xff]",
        rb"RIFF|LIST|avih|strh|strf|idx1|movi|00dc|01wb|JUNK|OggS|vids|auds|FLV|DKIF|NUT|IHDR|IDAT|fcTL|acTL|GIF89a",
        rb"\x47[\x00-\x5f][\x00-\xff][\x10-\x3f]",
        rb"\xff[\xd8-\xdf\xc0-\xc4\xe0-\xef]",
    )
)


def sample_pictures() -> list[np.ndarray]:
    """A few frames of the sample, H x W x 3 uint8 BGR; a person is in each."""
    shown = itertools.islice(film.frames(), FRAMES)
    return [cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA) for picture in shown]


def make_seeds(folder: Path, only: Collection[str] = ()) -> None:
    """Write every seed, or those named, into the folder; one that this FFmpeg cannot write is said and left out."""
    os.environ.setdefault("SVT_LOG", "1")  # errors only
    pictures, words = sample_pictures(), _SEEDS.split()
    for at in range(0, len(words), 5):
        name, *kinds = words[at : at + 5]
        if only and name not in only:
            continue
        path = folder / f"{name}.seed"
        try:
            _write(path, pictures, *kinds)
        except (av.FFmpegError, ValueError) as problem:
            path.unlink(missing_ok=True)
            print(f"no seed {name}: {problem}", flush=True)


def read_seeds(folder: Path) -> dict[str, bytes]:
    """Name -> content of what make_seeds wrote."""
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.seed"))}


def _write(path: Path, pictures: list[np.ndarray], container: str, codec: str, pixels: str, sound: str) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"} if path.name.startswith("fragments") else {}
    with av.open(str(path), "w", format=container, options=options) as box:
        video = box.add_stream(codec, rate=25, options=_OPTIONS.get(codec, {}))
        video.width, video.height = _SIZES.get(codec, SIZE)
        video.pix_fmt, video.bit_rate = pixels, 400_000
        audio = box.add_stream(sound, rate=48000, layout="stereo") if sound != "-" else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame = frame.reformat(width=video.width, height=video.height, format=pixels)
            frame.pts = number
            box.mux(video.encode(frame))
        box.mux(video.encode(None))
        if audio:
            _write_tone(box, audio)


def _write_tone(box, stream) -> None:
    context = stream.codec_context
    context.open(strict=False)
    step = context.frame_size or 1024
    resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=context.sample_rate)
    for start in range(0, FRAMES * 48000 // 25, step):
        wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(start, start + step) / 48000)
        frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        for ready in resampler.resample(frame):
            box.mux(stream.encode(ready))
    box.mux(stream.encode(None))


def flip(data: bytearray, random: Random) -> bytes:
    """Some bits, near the head half of the time."""
    within = len(data) if random.random() < 0.5 else min(len(data), 1500)
    for _ in range(random.choice((1, 2, 8, 64))):
        data[random.randrange(within)] ^= 1 << random.randrange(8)
    return data


def cut_short(data: bytearray, random: Random) -> bytes:
    return data[: random.randrange(1, len(data))]


def fill(data: bytearray, random: Random) -> bytes:
    """A range of zeros, ones or noise."""
    start, size = _range(data, random)
    data[start : start + size] = random.choice((bytes(size), b"\xff" * size, random.randbytes(size)))
    return data


def move(data: bytearray, random: Random) -> bytes:
    """A chunk goes, comes twice, or changes places with another."""
    start, size = _range(data, random)
    chunk, rest = data[start : start + size], data[:start] + data[start + size :]
    there = random.randrange(len(rest) + 1)
    twice, moved = data[: start + size] + data[start:], rest[:there] + chunk + rest[there:]
    return random.choice((rest, twice, moved))


def edit_mark(data: bytearray, random: Random) -> bytes:
    """A number before or behind the beginning of a box, element, packet or start code."""
    places = [found for mark in MARKS for found in itertools.islice(mark.finditer(data), 400)]
    if not places:
        return flip(data, random)
    for _ in range(random.choice((1, 1, 3))):
        found = random.choice(places)
        at = found.start() - 4 if random.random() < 0.4 else found.end() + 4 * random.randrange(0, 8)
        _put(data, at, random)
    return data


def edit_number(data: bytearray, random: Random) -> bytes:
    """Numbers of four bytes anywhere near the head."""
    for _ in range(random.choice((1, 2, 5))):
        _put(data, random.randrange(min(len(data), 2000)), random)
    return data


def _put(data: bytearray, at: int, random: Random) -> None:
    if 0 <= at <= len(data) - 4:
        old = struct.unpack_from(">I", data, at)[0]
        new = random.choice((*_EDGES, old + 1, old - 1, old * 2, old // 2, random.getrandbits(32))) & 0xFFFFFFFF
        struct.pack_into(random.choice("<>") + "I", data, at, new)


def _range(data: bytearray, random: Random) -> tuple[int, int]:
    size = min(len(data) - 1, random.choice((1, 4, 16, 188, 512, 2048, 8192)))
    return random.randrange(len(data) - size), size


def change_times(data: bytearray, random: Random) -> bytes:
    """The same packets with other times: backwards, repeated, missing, far away; a file a muxer has written."""
    change, at, out = random.choice(_TIMES), random.randrange(FRAMES), io.BytesIO()
    try:
        with av.open(io.BytesIO(data)) as source:
            name = random.choice((source.format.name.split(",")[0], "matroska", "mp4", "mpegts", "nut", "avi"))
            with av.open(out, "w", format=name) as box:
                streams = {s.index: box.add_stream_from_template(s) for s in source.streams if s.type != "data"}
                for number, packet in enumerate(_packets(source)):
                    if number >= at:
                        change(packet, random)
                    packet.stream = streams[packet.stream.index]
                    box.mux(packet)
    except (av.FFmpegError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        pass  # the muxer minds; what it wrote until then is a broken file of its own kind
    return out.getvalue() or flip(data, random)


def _packets(source) -> Iterator[av.Packet]:
    return (packet for packet in source.demux() if packet.size)


def _shift(packet, random: Random, by: int) -> None:
    packet.pts, packet.dts = (t if t is None else t + by for t in (packet.pts, packet.dts))


def _drop_times(packet, random: Random) -> None:
    packet.pts = None
    packet.dts = None if random.random() < 0.5 else packet.dts


def _repeat_time(packet, random: Random) -> None:
    if packet.pts is not None:
        packet.pts -= packet.pts % (4 * (packet.duration or 512))


_TIMES: tuple[Callable, ...] = (
    _drop_times,
    _repeat_time,
    *(
        lambda packet, random, by=by: _shift(packet, random, by)
        for by in (1 << 33, 1 << 40, 1 << 62, -(1 << 20), -90000, 90000 * 3600)
    ),
    lambda packet, random: _shift(packet, random, random.randrange(-5000, 5000)),
)


def mutate(seeds: dict[str, bytes], random: Random) -> tuple[str, bytes]:
    """A spoiled video and the name that it goes by: one to three mutations, now and then of two files joined."""
    name = random.choice(sorted(seeds))
    data = bytearray(seeds[name])
    if random.random() < 0.06:
        data += seeds[random.choice(sorted(seeds))]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = bytearray(random.choice(_MUTATIONS)(data, random))
        if len(data) < 8:
            break
    if random.random() < 0.04:
        name = "other" + Path(random.choice(sorted(seeds))).suffix
    return name, bytes(data)


_MUTATIONS = (flip, cut_short, fill, move, edit_mark, edit_mark, edit_mark, edit_number, change_times)

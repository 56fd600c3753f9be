"""Small videos made by the tests, and what independent reading (plain PyAV) says of a file.

Every frame carries its number as a 4 x 4 grid of dark and bright cells, so that after any re-encoding a test
can tell which frame it is looking at.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from faceblur.plan import Area, Plan, Style
from faceblur.process import same_priority
from faceblur.video import RangedFile

SIZE = (128, 96)
_LEVELS = 1 << 15  # the last cell is always bright, the one before it always dark


def numbered(number: int, size=SIZE, dark: int = 50, bright: int = 200) -> np.ndarray:
    """H x W uint8 picture: 14 cells are the bits of `number`, two give the levels; over a faint texture."""
    width, height = size
    number |= _LEVELS
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    bits = (number >> (4 * rows[:, None] + columns[None])) & 1
    texture = ((np.arange(height)[:, None] // 2 + np.arange(width)[None] // 2) % 2) * 12
    return (np.where(bits, bright, dark) + texture).astype(np.uint8)


def number_in(luma: np.ndarray) -> int:
    """The number that `numbered` drew; the middle of each cell decides."""
    cells = [_cell(luma, row, column).mean() for row in range(4) for column in range(4)]
    middle = (cells[14] + cells[15]) / 2
    return sum(1 << i for i, level in enumerate(cells) if level > middle) & ~_LEVELS


def _cell(luma: np.ndarray, row: int, column: int) -> np.ndarray:
    """The middle of one cell."""
    height, width = luma.shape
    y, x = height * (2 * row + 1) // 8, width * (2 * column + 1) // 8
    return luma[y - height // 16 : y + height // 16, x - width // 16 : x + width // 16]


def picture(number: int, size=SIZE, pixel_format: str = "yuv420p") -> av.VideoFrame:
    """A numbered frame with some colour in it."""
    luma = numbered(number, size)
    rgb = np.stack([luma, luma, 255 - luma // 2], axis=-1)
    rgb[: size[1] // 8, : size[0] // 8] = (220, 40, 40)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    return frame.reformat(format=pixel_format, dst_colorspace="ITU709", dst_color_range="MPEG")


def make(
    path: Path,
    *,
    count: int = 25,
    size=SIZE,
    rate=25,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict | None = None,
    container: dict | None = None,
    times=None,
    time_base=None,
    audio=(),
    subtitles=(),
    chapters=(),
    metadata=None,
    matrix=None,
    cover: bool = False,
    draw=picture,
    tweak=None,
) -> Path:
    """Write a numbered video. times: presentation times in units of `time_base`; audio: dicts for
    `_add_audio`; subtitles: (codec, language, [(start_ms, end_ms, text)]); tweak: called with the video
    stream before it opens.
    """
    options = options if options is not None else {"preset": "ultrafast", "crf": "18", "bf": "2", "g": "10"}
    time_base = Fraction(time_base or Fraction(1) / Fraction(rate))
    times = list(range(count)) if times is None else list(times)
    with av.open(str(path), "w", options=container or {}) as box:
        box.metadata.update(metadata or {})
        video = box.add_stream(codec, rate=rate, options=options if "libx264" in codec or options else {})
        video.width, video.height = size
        video.pix_fmt = pixel_format
        video.codec_context.time_base = video.time_base = time_base
        if tweak:
            tweak(video)
        if matrix is not None:
            video.set_display_matrix(matrix)
        sounds = [_add_audio(box, **one) for one in audio]
        texts = [_add_subtitles(box, *one[:2]) for one in subtitles]
        art = _add_cover(box) if cover else None
        if chapters:
            box.set_chapters(
                [
                    {
                        "id": i,
                        "start": a,
                        "end": b,
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for i, (a, b, title) in enumerate(chapters)
                ]
            )
        with same_priority():
            box.start_encoding()
        if art:
            _write_cover(box, art)
        for stream, (_, _, lines) in zip(texts, subtitles, strict=True):
            _write_subtitles(box, stream, lines)
        for stream, one in zip(sounds, audio, strict=True):
            _write_audio(box, stream, one.get("seconds", 1.0), one.get("start_s", 0.0), one.get("tone", 440))
        for number, pts in enumerate(times):
            frame = draw(number, size, pixel_format)
            frame.pts, frame.time_base = pts, time_base
            frame.pict_type = 0
            box.mux(video.encode(frame))
        box.mux(video.encode(None))
    return path


def _add_audio(box, codec="aac", rate=48000, layout="mono", language=None, title=None, options=None, **_):
    stream = box.add_stream(codec, rate=rate, layout=layout, options=options)
    if language:
        stream.metadata["language"] = language
    if title:
        stream.metadata["title"] = title
    return stream


def _write_audio(box, stream, seconds: float, start_s: float, tone: int) -> None:
    context = stream.codec_context
    context.open(strict=False)
    rate, step = context.sample_rate, context.frame_size or 1024
    total, channels = round(seconds * rate), len(context.layout.channels)
    wave = 0.4 * np.sin(2 * np.pi * tone * np.arange(total) / rate)
    resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=rate)
    for start in range(0, total, step):
        part = np.repeat(wave[None, start : start + step].astype(np.float32), channels, axis=0)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=context.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, start + round(start_s * rate), Fraction(1, rate)
        for ready in resampler.resample(frame):
            box.mux(stream.encode(ready))
    box.mux(stream.encode(None))


_ASS_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\nPlayResX: 384\r\nPlayResY: 288\r\n\r\n[V4+ Styles]\r\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, "
    b"Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, "
    b"MarginL, MarginR, MarginV, Encoding\r\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0\r\n"
    b"\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)


def _add_subtitles(box, codec: str, language: str):
    stream = box.add_stream(codec)
    stream.codec_context.subtitle_header = _ASS_HEADER
    stream.metadata["language"] = language
    stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
    return stream


def _write_subtitles(box, stream, lines) -> None:
    from av.subtitles.subtitle import SubtitleSet

    for number, (start, end, text) in enumerate(lines):
        dialogue = f"{number},0,Default,,0,0,0,,{text}".encode()
        packet = stream.codec_context.encode_subtitle(SubtitleSet.create(dialogue, 0, end - start, start))
        packet.pts = packet.dts = start
        packet.duration, packet.time_base, packet.stream = end - start, Fraction(1, 1000), stream
        box.mux(packet)


def _add_cover(box):
    stream = box.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
    stream.disposition = 0x400  # attached picture
    return stream


def _write_cover(box, stream) -> None:
    frame = picture(1, (64, 64), "yuvj420p")
    frame.pts, frame.time_base = 0, Fraction(1, 1)
    box.mux(stream.encode(frame))
    box.mux(stream.encode(None))


def shown(path: Path) -> list[tuple[Fraction, int]]:
    """(presentation time in s, number) of every frame of a plain decoder, in its order."""
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        stream.codec_context.thread_count = 1
        frames = [frame for packet in box.demux(stream) for frame in _decoded(packet)]
        return [(frame.pts * Fraction(frame.time_base), number_in(luma_of(frame))) for frame in frames]


def _decoded(packet) -> list:
    try:
        return packet.decode()
    except av.error.InvalidDataError:  # damaged on purpose
        return []


def luma_of(frame) -> np.ndarray:
    """H x W uint8, in video range as the pictures of this kit are drawn."""
    return frame.reformat(format="gray", dst_color_range=frame.color_range or 1).to_ndarray()


def planes_of(frame) -> list[np.ndarray]:
    """The frame's own numbers, plane by plane, uint8 or uint16."""
    dtype = np.uint16 if "10" in frame.format.name else np.uint8
    views = []
    for plane in frame.planes:
        rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
        views.append(rows[:, : plane.width].copy())
    return views


def packets(path: Path, index: int) -> list[tuple[bytes, Fraction | None, Fraction]]:
    """(bytes, presentation time, duration) of every packet of a stream."""
    with av.open(str(path)) as box:
        return [
            (
                bytes(packet),
                None if packet.pts is None else packet.pts * Fraction(packet.time_base),
                (packet.duration or 0) * Fraction(packet.time_base),
            )
            for packet in box.demux(box.streams[index])
            if packet.size
        ]


def samples(path: Path, index: int) -> np.ndarray:
    """The decoded sound of a stream, channels x n."""
    with av.open(str(path)) as box:
        return np.concatenate([frame.to_ndarray() for frame in box.decode(box.streams[index])], axis=-1)


def no_faces(*areas: tuple[float, float, float, float]) -> Plan:
    """A plan that blackens these areas (left, top, width, height, as displayed) and nothing else."""
    return Plan((), tuple(Area(*area) for area in areas), Style("solid"))


def atoms(path: Path) -> list[str]:
    """The names of an MP4 file's top-level boxes, in order."""
    names, data, at = [], path.read_bytes(), 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode("latin-1"))
        at += int.from_bytes(data[at + 8 : at + 16], "big") if length == 1 else max(8, length)
    return names


@contextlib.contextmanager
def first_frame(path: Path):
    with av.open(str(path)) as box:
        yield box, next(box.decode(video=0))


class LostError(Exception):
    """What a fetch may end with; no error that a codec library knows."""


def elsewhere(path, lost=None):
    """lost: the byte that cannot be fetched."""
    data = path.read_bytes()

    def fetch(start, end):
        if lost is not None and start <= lost < end:
            raise LostError(lost)
        return data[start:end]

    return RangedFile(path.name, len(data), fetch)

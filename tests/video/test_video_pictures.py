"""The picture itself: turned, mirrored, odd, stretched, interlaced, wide in colour. Regions land where they
belong.
"""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.codec.context import Flags
from video_kit import SIZE, first_frame, luma_of, make, no_faces, planes_of, shown

from faceblur import EncoderSettings, render, video
from faceblur.errors import OutputError
from faceblur.video.writing.fitting import Fitter

ONE = 1 << 16
# (a, b, c, d) of the display matrix -> the quadrants of [[1, 2], [3, 4]] as displayed, written down by hand
TURNS = {
    "upright": ((1, 0, 0, 1), [[1, 2], [3, 4]]),
    "clockwise": ((0, 1, -1, 0), [[3, 1], [4, 2]]),
    "upside down": ((-1, 0, 0, -1), [[4, 3], [2, 1]]),
    "anticlockwise": ((0, -1, 1, 0), [[2, 4], [1, 3]]),
    "mirrored": ((-1, 0, 0, 1), [[2, 1], [4, 3]]),
    "flipped": ((1, 0, 0, -1), [[3, 4], [1, 2]]),
    "mirrored clockwise": ((0, 1, 1, 0), [[1, 3], [2, 4]]),
    "mirrored anticlockwise": ((0, -1, -1, 0), [[4, 2], [3, 1]]),
}
LEVELS = {1: 60, 2: 100, 3: 150, 4: 220}


def quadrants(luma) -> list[list[int]]:
    """The means of the four quarters."""
    height, width = luma.shape
    return [[luma[y : y + height // 2, x : x + width // 2].mean() for x in (0, width // 2)] for y in (0, height // 2)]


def draw_quadrants(number, size, pixel_format):
    width, height = size
    luma = np.zeros((height, width), np.uint8)
    for quarter, level in LEVELS.items():
        y, x = divmod(quarter - 1, 2)
        luma[y * height // 2 : (y + 1) * height // 2, x * width // 2 : (x + 1) * width // 2] = level
    return av.VideoFrame.from_ndarray(luma, format="gray").reformat(format=pixel_format)


def matrix_of(turn, size=SIZE) -> list[int]:
    a, b, c, d = turn
    width, height = size
    x, y = (
        (width if a < 0 else 0) + (height if c < 0 else 0),
        (width if b < 0 else 0) + (height if d < 0 else 0),
    )
    return [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, x * ONE, y * ONE, 1 << 30]


def matrix_in(path) -> list[int] | None:
    with first_frame(path) as (_, frame):
        data = frame.side_data.get("DISPLAYMATRIX")
        return None if data is None else np.frombuffer(bytes(data), np.int32).tolist()


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("name", TURNS)
def test_turned_and_mirrored_video_stays_so_and_is_blurred_in_the_right_place(tmp_path, name, suffix):
    turn, displayed = TURNS[name]
    source = make(tmp_path / "in.mp4", count=2, draw=draw_quadrants, matrix=matrix_of(turn))
    with video.Reader(source) as reader:
        seen = next(iter(reader)).bgr()[..., 1]
    expected = np.array([[LEVELS[q] for q in row] for row in displayed])
    order = np.argsort(np.array(quadrants(seen)).ravel())
    assert order.tolist() == np.argsort(expected.ravel()).tolist()

    target = tmp_path / f"out{suffix}"
    render(source, target, no_faces((0.0, 0.0, 0.5, 0.5)))
    assert matrix_in(target) == matrix_in(source)
    with first_frame(target) as (_, frame):
        stored = np.array(quadrants(luma_of(frame))).ravel()
    with first_frame(source) as (_, frame):
        before = np.array(quadrants(luma_of(frame))).ravel()
    hidden = displayed[0][0] - 1
    assert stored[hidden] < 45  # black
    others = [q for q in range(4) if q != hidden]
    assert np.abs(stored[others] - before[others]).max() < 2


@pytest.mark.parametrize("name", [name for name in TURNS if "mirrored" not in name and name != "flipped"])
def test_matroska_keeps_turns(tmp_path, name):
    source = make(tmp_path / "in.mp4", count=2, draw=draw_quadrants, matrix=matrix_of(TURNS[name][0]))
    render(source, tmp_path / "out.mkv", no_faces())
    with video.Reader(source) as before, video.Reader(tmp_path / "out.mkv") as after:
        assert np.abs(next(iter(before)).bgr().astype(int) - next(iter(after)).bgr()).mean() < 2


@pytest.mark.parametrize("name", ["mirrored", "mirrored clockwise"])
def test_a_mirror_is_refused_where_matroska_cannot_hold_it(tmp_path, name):
    source = make(tmp_path / "in.mp4", count=2, draw=draw_quadrants, matrix=matrix_of(TURNS[name][0]))
    with pytest.raises(OutputError, match="mirrored"):
        render(source, tmp_path / "out.mkv", no_faces())
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("size", [(127, 95), (127, 96), (128, 95)])
def test_an_odd_size_loses_one_column_or_row_and_the_report_says_so(tmp_path, size):
    source = make(tmp_path / "in.avi", size=size, codec="mpeg4", options={"qscale": "2"}, count=5)
    report = render(source, tmp_path / "out.mp4", no_faces())
    info = video.probe(tmp_path / "out.mp4")
    assert (info.width, info.height) == (size[0] & ~1, size[1] & ~1)
    assert [number for _, number in shown(tmp_path / "out.mp4")] == list(range(5))
    with first_frame(source) as (_, before), first_frame(tmp_path / "out.mp4") as (_, after):
        error = luma_of(before)[: info.height, : info.width].astype(int) - luma_of(after)
    assert np.abs(error).mean() < 2
    assert any(f"{size[0]}x{size[1]}" in note for note in report["notes"])


def test_an_odd_size_in_full_colour_resolution_stays(tmp_path):
    source = make(tmp_path / "in.mp4", size=(127, 95), pixel_format="yuv444p", count=5)
    report = render(source, tmp_path / "out.mp4", no_faces())
    info = video.probe(tmp_path / "out.mp4")
    assert (info.width, info.height, info.pixel_format) == (127, 95, "yuv444p")
    assert report["notes"] == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_pixels_that_are_not_square_stay_so(tmp_path, suffix):
    def stretch(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    source = make(tmp_path / f"in{suffix}", tweak=stretch)
    render(source, tmp_path / f"out{suffix}", no_faces())
    for path in (source, tmp_path / f"out{suffix}"):
        with av.open(str(path)) as box:
            assert box.streams.video[0].sample_aspect_ratio == Fraction(16, 11)


def test_full_range_stays_full_range(tmp_path):
    for pixel_format in ("yuvj420p", "yuv420p"):

        def full(stream):
            stream.codec_context.color_range = 2

        source = make(tmp_path / "in.mp4", pixel_format=pixel_format, tweak=full)
        render(source, tmp_path / "out.mp4", no_faces())
        with first_frame(source) as (_, before), first_frame(tmp_path / "out.mp4") as (_, after):
            assert before.color_range == after.color_range == 2
            assert after.format.name == before.format.name
            assert np.abs(planes_of(before)[0].astype(int) - planes_of(after)[0]).mean() < 2


def test_colour_tags_stay(tmp_path):
    def tags(stream):
        context = stream.codec_context
        context.color_range, context.color_primaries, context.color_trc, context.colorspace = 1, 5, 6, 5

    source = make(tmp_path / "in.mp4", tweak=tags)
    for name in ("out.mp4", "out.mkv"):
        render(source, tmp_path / name, no_faces())
        with first_frame(tmp_path / name) as (_, frame):
            assert (frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace) == (
                1,
                5,
                6,
                5,
            )


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv422p", "yuv444p"])
def test_depth_and_colour_resolution_stay(tmp_path, pixel_format):
    source = make(tmp_path / "in.mkv", codec="ffv1", options={}, pixel_format=pixel_format, count=5)
    report = render(source, tmp_path / "out.mp4", no_faces((0.5, 0.5, 0.5, 0.5)))
    with first_frame(source) as (_, before), first_frame(tmp_path / "out.mp4") as (_, after):
        assert after.format.name == pixel_format
        a, b = (planes_of(frame)[0].astype(int) for frame in (before, after))
    top, step = np.s_[: SIZE[1] // 2 - 8], 4 if "10" in pixel_format else 1
    assert np.abs(a[top] - b[top]).mean() < 2 * step
    assert b[SIZE[1] // 2 + 8 :, SIZE[0] // 2 + 8 :].mean() < 40 * step
    assert report["notes"] == []


def hdr10(stream):
    context = stream.codec_context
    context.color_range, context.color_primaries, context.color_trc, context.colorspace = 1, 9, 16, 9


MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"


@pytest.mark.parametrize("codec", ["libx265", "libx264"])
def test_hdr_stays_ten_bits_with_its_tags_and_light_levels(tmp_path, codec):
    if codec == "libx265":
        params = f"master-display={MASTERING}:max-cll=1000,400:log-level=none"
        options = {"preset": "ultrafast", "x265-params": params}
    else:
        options = {"preset": "ultrafast", "x264-params": f"mastering-display={MASTERING}:cll=1000,400"}
    source = make(tmp_path / "in.mp4", codec=codec, options=options, pixel_format="yuv420p10le", tweak=hdr10, count=5)
    render(source, tmp_path / "out.mp4", no_faces())
    with first_frame(source) as (_, before), first_frame(tmp_path / "out.mp4") as (_, after):
        assert after.format.name == "yuv420p10le"
        assert (after.color_primaries, after.color_trc, after.colorspace) == (9, 16, 9)
        for kind in ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"):
            numbers = [values_of(bytes(frame.side_data.get(kind))) for frame in (before, after)]
            assert numbers[0] == numbers[1], kind


def test_av1_keeps_the_light_levels_of_hdr(tmp_path):
    """In AV1's own units, which are powers of two: 1/65536, 1/256 and 1/16384 cd/m2."""
    options = {"preset": "ultrafast", "x264-params": f"mastering-display={MASTERING}:cll=1000,400"}
    source = make(tmp_path / "in.mp4", options=options, pixel_format="yuv420p10le", tweak=hdr10, count=5)
    render(source, tmp_path / "out.mp4", no_faces(), encoder=EncoderSettings(codec="av1", preset="ultrafast"))
    with first_frame(source) as (_, before), first_frame(tmp_path / "out.mp4") as (_, after):
        assert (after.color_primaries, after.color_trc, after.colorspace) == (9, 16, 9)
        light = [values_of(bytes(frame.side_data.get("CONTENT_LIGHT_LEVEL"))) for frame in (before, after)]
        assert light[0] == light[1] == (1000, 400)
        kind = "MASTERING_DISPLAY_METADATA"
        wanted, found = (values_of(bytes(frame.side_data.get(kind))) for frame in (before, after))
        for a, b, unit in zip(wanted, found, [2**16] * 8 + [2**14, 2**8], strict=True):
            assert abs(a - b) <= Fraction(1, unit)


def values_of(data: bytes):
    if len(data) < 80:
        return struct.unpack("=2I", data[:8])
    numbers = struct.unpack("=20i", data[:80])
    return [Fraction(n, d) for n, d in zip(numbers[::2], numbers[1::2], strict=True)]


@pytest.mark.parametrize("order", [2, 3])
def test_interlaced_video_stays_interlaced_in_the_same_order(tmp_path, order):
    def fields(stream):
        stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        stream.codec_context.field_order = order

    source = make(tmp_path / "in.mp4", tweak=fields)
    render(source, tmp_path / "out.mp4", no_faces())
    with first_frame(source) as (box, before), first_frame(tmp_path / "out.mp4") as (other, after):
        assert before.interlaced_frame and after.interlaced_frame
        assert box.streams.video[0].codec_context.field_order == other.streams.video[0].codec_context.field_order
    assert [n for _, n in shown(tmp_path / "out.mp4")] == list(range(25))


EXOTIC = {
    "yuv420p12le": ("ffv1", "yuv420p10le", True),
    "yuv410p": ("ffv1", "yuv420p", True),
    "yuv411p": ("ffv1", "yuv422p", True),
    "yuv440p": ("ffv1", "yuv444p", True),
    "yuva420p": ("ffv1", "yuv420p", True),
    "bgr0": ("ffv1", "yuv420p", True),
    "argb": ("qtrle", "yuv420p", True),
    "rgb24": ("png", "yuv420p", True),
    "gbrp10le": ("ffv1", "yuv420p10le", True),
    "yuyv422": ("rawvideo", "yuv422p", False),
    "nv12": ("rawvideo", "yuv420p", False),
    "gray": ("ffv1", "yuv420p", False),
    "gray10le": ("ffv1", "yuv420p10le", False),
    "gray16le": ("ffv1", "yuv420p10le", True),
    "rgb8": ("gif", "yuv420p", True),
}


@pytest.mark.parametrize("pixel_format", EXOTIC)
def test_exotic_pixel_formats_are_converted(tmp_path, pixel_format):
    codec, wanted, says_so = EXOTIC[pixel_format]
    suffix = {"qtrle": ".mov", "png": ".mov", "rawvideo": ".nut", "gif": ".gif"}.get(codec, ".mkv")
    source = make(tmp_path / f"in{suffix}", codec=codec, options={}, pixel_format=pixel_format, count=5)
    report = render(source, tmp_path / "out.mp4", no_faces((0.75, 0, 0.25, 0.25)))
    with first_frame(source) as (_, before), first_frame(tmp_path / "out.mp4") as (_, after):
        assert before.format.name == ("bgra" if codec == "gif" else pixel_format)
        assert after.format.name == wanted
        colours = [frame.to_ndarray(format="rgb24")[48:, :64].astype(int) for frame in (before, after)]
    colours = [part.reshape(6, 8, 8, 8, 3).mean(axis=(1, 3)) for part in colours]  # without a palette's dithering
    assert np.abs(colours[0] - colours[1]).mean() < 6
    assert [n for _, n in shown(tmp_path / "out.mp4")] == list(range(5))
    assert bool(report["notes"]) == says_so


def test_hardware_formats_are_only_rearranged():
    frame = av.VideoFrame(64, 48, "p010le")
    assert (Fitter(frame).format, Fitter(frame).notes) == ("yuv420p10le", [])


def test_a_picture_size_that_changes_on_the_way_is_scaled(tmp_path):
    parts = [
        make(
            tmp_path / f"{n}.ts",
            size=size,
            count=10,
            times=range(n * 10, n * 10 + 10),
            time_base=Fraction(1, 25),
        )
        for n, size in enumerate([(128, 96), (192, 144)])
    ]
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    report = render(source, tmp_path / "out.mp4", no_faces())
    info = video.probe(tmp_path / "out.mp4")
    assert (info.width, info.height) == (128, 96)
    assert len(shown(tmp_path / "out.mp4")) == 20
    assert any("scaled" in note for note in report["notes"])


def test_one_frame_of_8k(tmp_path):
    source = make(tmp_path / "in.mp4", size=(7680, 4320), codec="mjpeg", options={}, pixel_format="yuvj420p", count=1)
    report = render(source, tmp_path / "out.mp4", no_faces((0.5, 0.5, 0.1, 0.1)))
    info = video.probe(tmp_path / "out.mp4")
    assert (info.width, info.height, report["counts"]["frames"]) == (7680, 4320, 1)

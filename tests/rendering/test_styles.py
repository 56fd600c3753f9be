"""Styles: what is blurred is gone, what is not is untouched, and what could be undone is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur.errors import PlanError
from faceblur.plan.style import MAX_CELLS, MIN_SIGMA_RATIO, NAMES, SHAPES, Style
from faceblur.rendering.covering import blur_region

SUBSAMPLING = {"yuv420p": (2, 2), "yuv422p": (2, 1), "yuv444p": (1, 1)}

styles = st.builds(
    Style,
    name=st.sampled_from(NAMES),
    shape=st.sampled_from(SHAPES),
    margin_ratio=st.floats(0, 2),
    feather_ratio=st.floats(0, 0.5),
)
regions = st.tuples(st.floats(-1, 1.5), st.floats(-1, 1.5), st.floats(1e-4, 2), st.floats(1e-4, 2))


def planes(width: int, height: int, subsampling=(2, 2), depth: int = 8, seed: int = 0) -> list[np.ndarray]:
    """Random luma and chroma planes, outward-rounded as codecs have them."""
    random, kind = np.random.default_rng(seed), np.uint8 if depth == 8 else np.uint16
    across, down = subsampling
    sizes = [(height, width), *[(-(-height // down), -(-width // across))] * 2]
    return [random.integers(0, 1 << depth, size).astype(kind) for size in sizes]


def changed(style: Style, before: list[np.ndarray], subsampling, region) -> list[np.ndarray]:
    after = [plane.copy() for plane in before]
    blur_region(style, after, subsampling, region)
    return after


def detail(picture: np.ndarray) -> float:
    """Mean square of neighbouring pixels' differences."""
    return float((np.diff(picture.astype(float), axis=1) ** 2).mean())


@given(
    styles,
    regions,
    st.sampled_from(list(SUBSAMPLING.values())),
    st.sampled_from([8, 10]),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_nothing_outside_the_region_changes(style, region, subsampling, depth, width, height):
    before = planes(width, height, subsampling, depth)
    after = changed(style, before, subsampling, region)
    left, top, wide, high = region
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        across, down = (1, 1) if index == 0 else subsampling
        assert new.dtype == old.dtype and new.max() < 1 << depth
        rows, columns = np.nonzero(old != new)
        # Regions are rounded outwards to whole chroma pixels: at most one of those lies outside on each side.
        for cells, step, start, extent, total, grid in (
            (columns, across, left, wide, width, subsampling[0]),
            (rows, down, top, high, height, subsampling[1]),
        ):
            assert (cells * step > start * total - grid - 1e-6).all()
            assert ((cells + 1) * step < (start + extent) * total + grid + step + 1e-6).all()


@given(st.floats(-0.1, 0.9), st.floats(-0.1, 0.9), st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_the_default_ellipse_covers_the_whole_box_of_a_face(left, top, width, height):
    """Every pixel whose centre is in the face's box is replaced altogether: its own value has no weight."""
    style = Style("solid")
    region = style.grown((left, top, width, height))
    dark = [np.full((180, 320), 255, np.uint8), *(np.full((90, 160), 255, np.uint8) for _ in range(2))]
    for plane, (wide, high) in zip(
        changed(style, dark, (2, 2), region), ((320, 180), (160, 90), (160, 90)), strict=True
    ):
        x, y = (np.arange(wide) + 0.5) / wide, (np.arange(high) + 0.5) / high
        inside = ((x > left) & (x < left + width))[None] & ((y > top) & (y < top + height))[:, None]
        assert len(np.unique(plane[inside])) <= 1
        assert not (plane[inside] == 255).any()


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0, 2))
def test_growing_can_be_undone(left, top, width, height, margin):
    style = Style(margin_ratio=margin)
    grown = style.grown((left, top, width, height))
    assert grown[2] == pytest.approx(width * (1 + 2 * margin))
    assert grown[0] + grown[2] / 2 == pytest.approx(left + width / 2)
    assert style.shrunk(grown) == pytest.approx((left, top, width, height), abs=1e-9)


@given(st.integers(0, 5))
def test_a_mosaic_depends_on_its_cells_means_alone(seed):
    """Two pictures with the same 8 x 8 means give the same result: nothing else of the face can be in it."""
    random = np.random.default_rng(seed)
    means = np.kron(random.integers(60, 190, (8, 8)), np.ones((8, 8))).astype(int)
    noise = random.integers(-50, 51, (8, 8, 8, 8))  # cell row, cell column, row, column
    noise[..., 4:, :] = -noise[..., :4, :]  # every cell's noise sums to zero
    noisy = means + noise.transpose(0, 2, 1, 3).reshape(64, 64)
    results = []
    for luma in (means, noisy):
        picture = [luma.astype(np.uint8), *(np.full((32, 32), 128, np.uint8) for _ in range(2))]
        results.append(changed(Style("mosaic", shape="box"), picture, (2, 2), (0, 0, 1, 1))[0].astype(int))
    assert (means != noisy).any()
    assert (results[0] == results[1]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [8, 10])
def test_every_style_takes_the_detail_away(name, depth):
    before = planes(160, 160, depth=depth)
    after = changed(Style(name, shape="box"), before, (2, 2), (0.1, 0.1, 0.8, 0.8))
    for old, new in zip(before, after, strict=True):
        inner = np.s_[len(old) // 5 : -len(old) // 5, len(old) // 5 : -len(old) // 5]
        assert detail(new[inner]) < 0.05 * detail(old[inner])


def test_solid_leaves_one_value():
    after = changed(Style("solid", shape="box"), planes(64, 64), (2, 2), (0, 0, 1, 1))
    assert [np.unique(plane).tolist() for plane in after] == [[32], [128], [128]]


def test_pixelate_leaves_as_many_values_as_cells():
    after = changed(Style("pixelate", 4, shape="box"), planes(64, 64), (2, 2), (0, 0, 1, 1))
    assert len({tuple(row) for row in after[0].tolist()}) <= 4
    assert len({tuple(row) for row in after[0].T.tolist()}) <= 4


def test_gaussian_keeps_up_with_the_regions_size():
    """The share of detail that survives does not depend on how large the face is."""
    left = []
    for side in (64, 256):
        coarse = np.kron(np.random.default_rng(1).integers(0, 256, (16, 16)), np.ones((side // 16, side // 16)))
        before = [
            coarse.astype(np.uint8),
            *(np.full((side // 2, side // 2), 128, np.uint8) for _ in range(2)),
        ]
        after = changed(Style("gaussian", shape="box"), before, (2, 2), (0, 0, 1, 1))[0]
        left.append(after.std() / before[0].std())
    assert left[0] == pytest.approx(left[1], rel=0.15)
    assert max(left) < 0.2


def test_the_feather_goes_from_blurred_to_untouched():
    white = [np.full((200, 200), 235, np.uint8), *(np.full((100, 100), 128, np.uint8) for _ in range(2))]
    row = changed(Style("solid", feather_ratio=0.2), white, (2, 2), (0, 0, 1, 1))[0][100, 100:].astype(int)
    assert row[0] == 32 and row[75] == 32 and row[-1] > 200
    assert (np.diff(row) >= 0).all() and len(np.unique(row)) > 10


def test_a_face_at_the_border_is_covered_as_elsewhere():
    """The ellipse is cut by the picture's border, not squeezed into it."""
    white = [np.full((100, 100), 235, np.uint8), *(np.full((50, 50), 128, np.uint8) for _ in range(2))]
    style = Style("solid", feather_ratio=0)
    whole = changed(style, white, (2, 2), (0.2, 0.2, 0.4, 0.4))[0]
    part = changed(style, white, (2, 2), (-0.2, 0.2, 0.4, 0.4))[0]
    assert (part[:, :20] == whole[:, 40:60]).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "swirl"},
        {"shape": "star"},
        {"margin_ratio": -0.1},
        {"margin_ratio": float("nan")},
        {"feather_ratio": 0.6},
        {"feather_ratio": float("nan")},
        {"strength": 0.4},
        {"strength": -8},
        {"strength": 1000, "forced": True},
        {"strength": float("nan")},
        {"strength": float("inf")},
        {"name": "gaussian", "strength": -1},
        {"name": "gaussian", "strength": float("nan")},
        {"name": "gaussian", "strength": 5},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(PlanError):
        Style(**wrong)


@pytest.mark.parametrize(
    ("reversible", "why"),
    [
        ({"name": "mosaic", "strength": MAX_CELLS + 1}, "can be recognised"),
        ({"name": "pixelate", "strength": 7}, "25 % of faces can be made out"),
        ({"name": "gaussian", "strength": MIN_SIGMA_RATIO * 0.9}, "can be undone"),
    ],
)
def test_strengths_known_to_be_reversible_need_force(reversible, why):
    with pytest.raises(PlanError, match="force") as caught:
        Style(**reversible)
    assert why in str(caught.value)
    assert Style(**reversible, forced=True).forced


@given(styles)
def test_json_round_trip(style):
    assert Style.from_json(style.to_json()) == style


@pytest.mark.parametrize("content", [{"colour": "red"}, {"name": 3}, {"margin_ratio": "wide"}, {"strength": "8"}, []])
def test_json_that_is_no_style_is_refused(content):
    with pytest.raises(PlanError):
        Style.from_json(content)


@pytest.mark.parametrize("name", ["mosaic", "pixelate", "gaussian"])
def test_a_face_half_outside_is_as_coarse_as_elsewhere(name):
    """Eight cells over half a face would be sixteen over the whole of it. Stripes, two to six a face, tell."""
    for stripes in (2, 3, 4, 6):
        wave = 128 + 100 * np.sin(2 * np.pi * stripes * (np.arange(240) - 60) / 120)
        left = []
        for side in (0.25, -0.25):
            plane = np.tile(wave.astype(np.uint8), (240, 1))
            blur_region(Style(name, shape="box"), [plane], (1, 1), (side, 0.25, 0.5, 0.5))
            left.append(float(plane[60:180, 120:180].std() if side > 0 else plane[60:180, :60].std()))
        assert left[1] < left[0] + 20  # stripes of 71; what is left depends on where the border cuts them


@pytest.mark.parametrize("name", ["mosaic", "pixelate", "gaussian"])
def test_a_strength_of_nothing_is_refused_and_not_taken_for_the_default(name):
    with pytest.raises(PlanError):
        Style(name, strength=0)

"""Tiles and scales: what a network of limited size needs to fill any picture."""

import cv2
import numpy as np
import pytest

from inpaint.tiles import box_around, choose_tile, fill_smaller, run_tiles, scale_for


@pytest.fixture
def planes():
    return np.random.default_rng(0).random((70, 101, 3), dtype=np.float32)


@pytest.mark.parametrize("tile", [(32, 32), (32, 48), (128, 128)])
def test_blended_tiles_give_back_what_every_tile_says(planes, tile) -> None:
    sizes = []

    def same(part):
        sizes.append(part.shape)
        return part

    result = run_tiles(planes, np.ones((70, 101), bool), tile, 8, same)
    np.testing.assert_allclose(result, planes, atol=1e-6)
    assert set(sizes) == {(*tile, 3)}


def test_tiles_without_holes_are_not_asked_for(planes) -> None:
    hole = np.zeros((70, 101), bool)
    hole[5, 5] = True
    asked = []
    result = run_tiles(planes, hole, (32, 32), 8, lambda part: asked.append(1) or part)
    assert len(asked) == 1 and not result[40:].any()
    assert np.array_equal(result[5, 5], planes[5, 5])


def test_tiles_follow_a_hole_and_have_context_on_every_side_of_it() -> None:
    hole = np.zeros((300, 400), bool)
    cv2.ellipse(hole.view(np.uint8), (200, 150), (150, 110), 0, 0, 360, 1, 3)
    numbered = np.arange(hole.size, dtype=np.float32).reshape(hole.shape)[..., None]
    inner, asked = np.zeros(hole.shape, bool), 0

    def run(part):
        nonlocal asked
        asked += 1
        y, x = divmod(int(part[0, 0, 0]), 400)
        inner[y + 16 * (y > 0) : y + 96 - 16 * (y + 96 < 300), x + 16 * (x > 0) : x + 96 - 16 * (x + 96 < 400)] = True
        return part

    run_tiles(numbered, hole, (96, 96), 32, run)
    assert inner[hole].all()
    assert asked < 14, "a grid over all of it has 20 tiles"


def test_scale_brings_holes_within_reach() -> None:
    hole = np.zeros((100, 100), bool)
    hole[10:90, 10:90] = True
    assert scale_for(hole, ~hole, 100) == 1
    assert 0.2 < scale_for(hole, ~hole, 10) < 0.3


def test_smaller_canvas_hides_what_is_hidden_and_fits_the_seam() -> None:
    values = np.full((60, 80, 3), 0.5, np.float32)
    hole = np.zeros((60, 80), bool)
    hole[20:40, 20:60] = True
    secret = values.copy()
    secret[hole] = 9.0
    seen = []

    def fill(small, known, unknown):
        seen.append(small.max())
        assert known.shape == (30, 40) and unknown[15, 20] and not known[15, 20]
        return np.full_like(small, 0.6)

    result = fill_smaller(secret, ~hole, hole, 0.5, fill)
    assert seen == [pytest.approx(0.5)]
    assert 0.5 < result[20, 40, 0] < 0.58 < result[30, 40, 0], "at the seam the fill comes closer to the context"


@pytest.mark.parametrize(
    ("shape", "tile"),
    [
        ((100, 150), (128, 160)),
        ((466, 466), (480, 480)),
        ((466, 1200), (480, 640)),
        ((1300, 90), (704, 96)),
        ((3, 2), (32, 32)),
    ],
)
def test_full_picture_is_covered_by_few_large_tiles(shape, tile) -> None:
    assert choose_tile(np.ones(shape, bool), 64, 32, 320, 704) == tile


def test_small_hole_takes_one_small_tile() -> None:
    hole = np.zeros((1200, 1200), bool)
    hole[5:20, 30:50] = True
    assert choose_tile(hole, 64, 32, 320, 704) == (320, 320)


def test_box_holds_all_and_its_margin_within_the_picture() -> None:
    hole = np.zeros((300, 400), bool)
    hole[3, 200] = hole[60, 255] = True
    assert box_around(hole, 3) == (slice(0, 64), slice(192, 320))
    assert box_around(hole, 9) == (slice(0, 128), slice(128, 320))
    hole[299, 399] = True
    assert hole[box_around(hole, 9)].sum() == 3

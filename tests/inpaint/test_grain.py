"""Grain: painted surfaces get the detail of their surroundings, and only what they lack."""

import numpy as np
import pytest

from inpaint.grain import AMOUNT, add_grain

HOLE = np.zeros((144, 192), bool)
HOLE[30:114, 40:152] = True
MIDDLE = np.s_[56:88, 66:126]  # deeper than DEEP_PX


def noisy(deviation: float) -> np.ndarray:
    grain = np.random.default_rng(3).normal(0.5, deviation, HOLE.shape).astype(np.float32)
    return np.repeat(np.clip(grain, 0, 1)[..., None], 3, axis=2)


@pytest.mark.parametrize("deviation", [0.02, 0.1])
def test_smooth_hole_in_grainy_ground_gets_its_share(deviation: float) -> None:
    picture = noisy(deviation)
    picture[HOLE] = 0.5
    out = add_grain(picture, HOLE, ~HOLE)
    assert np.array_equal(out[~HOLE], picture[~HOLE])
    assert np.array_equal(out, add_grain(picture, HOLE, ~HOLE))
    assert out[MIDDLE].std() == pytest.approx(AMOUNT * picture[:24].std(), rel=0.35)
    assert abs(out[MIDDLE].mean() - 0.5) < 0.01


def test_flat_ground_stays_flat() -> None:
    picture = np.full((*HOLE.shape, 3), 0.4, np.float32)
    assert np.abs(add_grain(picture, HOLE, ~HOLE) - picture).max() < 1e-4


def test_one_edge_is_no_texture() -> None:
    picture = np.full((*HOLE.shape, 3), 0.2, np.float32)
    picture[:, 164:] = 0.9
    assert np.abs(add_grain(picture, HOLE, ~HOLE) - picture).max() < 0.07 * 0.7


def test_grainy_fill_gets_no_more() -> None:
    picture = noisy(0.1)
    change = add_grain(picture, HOLE, ~HOLE) - picture
    assert change[MIDDLE].std() < 0.4 * AMOUNT * 0.1


def test_hidden_pixels_do_not_count() -> None:
    picture = noisy(0.2)
    hidden = np.zeros_like(HOLE)
    hidden[:, 152:] = True
    picture[~hidden] = 0.5
    assert np.abs(add_grain(picture, HOLE, ~HOLE & ~hidden) - picture).max() < 0.01

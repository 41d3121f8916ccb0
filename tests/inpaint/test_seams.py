"""Seams: a fill that is off in colour is brought in line with calm surroundings; one that fits stays as it is."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.seams import BEGIN, BEGIN_PX, FADE_SHARE, LEAST, meet_parts, meet_rims, settle

Join = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

HOLE = np.zeros((160, 200), bool)
HOLE[40:120, 80:200] = True
CONTEXT = np.zeros_like(HOLE)
CONTEXT[:, :76] = True  # on one side only, and not quite up to the hole, as behind a subject
EDGE, DEEP = np.s_[50:110, 82:90], np.s_[70:90, 170:190]


def sky(deviation: float = 0.0) -> np.ndarray:
    """Blue that grows lighter downwards."""
    picture = np.tile(np.array([0.2, 0.4, 0.7]), (*HOLE.shape, 1)) + np.linspace(0, 0.1, 160)[:, None, None]
    grain = np.random.default_rng(1).normal(0, 1, HOLE.shape)[..., None]
    return (picture + deviation * grain).astype(np.float32)


@pytest.mark.parametrize(("deviation", "most"), [(0.0, 0.15), (0.01, 0.3)])
def test_a_fill_that_is_off_goes_on_from_calm_surroundings(deviation: float, most: float) -> None:
    truth, off = sky(deviation), np.array([0.1, 0.03, -0.08], np.float32)
    painted = truth + off * HOLE[..., None]
    settled = settle(painted, HOLE, CONTEXT)
    np.testing.assert_array_equal(settled[~HOLE], painted[~HOLE])
    for where in (EDGE, DEEP):
        assert np.abs((settled - truth)[where].mean((0, 1))).max() < most * np.abs(off).max()


def test_beside_detail_the_fill_knows_more() -> None:
    rows = np.where(np.arange(160) // 8 % 2, 0.8, 0.2).astype(np.float32)
    truth = np.repeat(np.repeat(rows[:, None, None], 200, 1), 3, 2)
    painted = truth + 0.1 * HOLE[..., None].astype(np.float32)
    shift = (painted - settle(painted, HOLE, CONTEXT))[DEEP].mean()
    assert shift == pytest.approx(0.1 * LEAST, rel=0.3)


def test_not_even_detail_hides_a_gross_step() -> None:
    rows = np.where(np.arange(160) // 8 % 2, 0.4, 0.1).astype(np.float32)  # dark leaves
    truth = np.repeat(np.repeat(rows[:, None, None], 200, 1), 3, 2)
    painted = truth + 0.4 * HOLE[..., None].astype(np.float32)
    shift = (painted - settle(painted, HOLE, CONTEXT))[EDGE].mean()
    assert 0.6 * 0.4 < shift < 1.1 * 0.4


def test_a_fill_that_fits_stays() -> None:
    truth = sky()
    assert np.abs(settle(truth, HOLE, CONTEXT) - truth).max() < 0.01


def test_a_fill_between_two_surfaces_that_fits_both_stays() -> None:
    truth = np.ones((*HOLE.shape, 3), np.float32)  # sky
    truth[:, :140] = 0.3  # a chimney
    right = np.zeros_like(HOLE)
    right[:, 196:] = True
    settled = settle(truth, HOLE & ~right, CONTEXT | np.roll(right, 3, axis=1))
    assert np.abs(settled - truth).max() < 0.01


@pytest.mark.parametrize("slope", [0.004, -0.004])
def test_a_fill_that_goes_on_as_a_shade_does_stays(slope: float) -> None:
    shade = 0.5 + slope * (np.arange(200, dtype=np.float32) - 80)
    truth = np.broadcast_to(shade.clip(0, 1)[None, :, None], (*HOLE.shape, 3)).astype(np.float32)
    assert np.abs(settle(truth, HOLE, CONTEXT) - truth)[EDGE].max() < 0.01


RIMS = np.zeros_like(HOLE)
RIMS[40:120, 74:80] = True


def test_a_fill_begins_in_the_colours_of_a_calm_rim_and_fades_from_there() -> None:
    painted = sky()
    painted[RIMS] -= 0.1  # shaded towards the edge
    met = meet_rims(painted, HOLE, RIMS)
    np.testing.assert_array_equal(met[~HOLE], painted[~HOLE])
    change = (painted - met)[50:110].mean((0, 2))
    assert change[80] == pytest.approx(0.1, rel=0.2)
    assert change[80 + round(2 * FADE_SHARE * 200)] == pytest.approx(0.1 / np.e**2, rel=0.5)
    assert abs(change[130:190]).max() < 0.002


def test_a_soft_shade_is_calm() -> None:
    shade = np.linspace(0.2, 0.8, 160, dtype=np.float32)[:, None, None]
    painted = np.broadcast_to(shade, (*HOLE.shape, 3)) + 0.08 * HOLE[..., None].astype(np.float32)
    assert (painted - meet_rims(painted, HOLE, RIMS))[60:100, 80].mean() > 0.5 * 0.08


def test_a_rim_that_holds_bits_of_what_is_in_front_says_nothing_of_what_is_farther_in() -> None:
    painted = sky()
    bits = RIMS & (np.indices(HOLE.shape).sum(0) % 7 < 3)
    painted[bits] = (0.2, 0.05, 0.0)
    change = np.abs(meet_rims(painted, HOLE, RIMS) - painted)
    assert change[:, 80 + round(3 * BEGIN_PX) :].max() < 0.03


def test_the_first_pixels_begin_in_the_colours_of_any_rim() -> None:
    painted = sky()
    rows = np.indices(HOLE.shape)[0] % 40 < 20
    painted[RIMS & rows], painted[RIMS & ~rows] = 0.9, 0.1
    met = meet_rims(painted, HOLE, RIMS)
    np.testing.assert_array_equal(met[~HOLE], painted[~HOLE])
    for row, colour in ((50, 0.9), (70, 0.1)):
        left = np.abs(met - colour)[row, 80:86].mean(-1) / np.abs(painted - colour)[row, 80:86].mean(-1)
        assert left[0] == pytest.approx(1 - BEGIN, abs=0.1) and (np.diff(left) > 0).all()


def test_without_clean_rims_a_fill_stays() -> None:
    painted = sky()
    assert meet_rims(painted, HOLE, np.zeros_like(HOLE)) is painted


@pytest.mark.parametrize(("step", "meets"), [(0.02, True), (0.3, False)])
def test_two_parts_of_a_fill_meet_if_they_are_one_surface(step: float, meets: bool) -> None:
    beside = np.zeros((40, 60), bool)
    beside[:, :20] = True
    outer = np.full((40, 60, 3), 0.9, np.float32), np.full((40, 60), 0.2, np.float32)
    inner = np.where(beside[..., None], outer[0], np.float32(0.4)), np.where(beside, outer[1], 0.2 + np.float32(step))
    colour, disparity = meet_parts(outer, inner, beside)
    assert colour.dtype == disparity.dtype == np.float32
    for both, whole in ((colour[..., 0], inner[0][..., 0]), (disparity, inner[1])):
        np.testing.assert_array_equal(both[:, 40:], whole[:, 40:])
        jump = np.abs(np.diff(both, axis=1)).max() / np.abs(np.diff(whole, axis=1)).max()
        assert jump < 0.15 if meets else jump == 1


@pytest.mark.parametrize("joined", [settle, meet_rims])
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70))
@settings(max_examples=40, deadline=None)
def test_any_regions_are_taken(joined: Join, seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    painted = rng.random((height, width, 3), np.float32)
    unknown = rng.random((height, width)) < rng.random()
    beside = (rng.random((height, width)) < rng.random()) & ~unknown
    before = painted.copy()
    result = joined(painted, unknown, beside)
    assert result.dtype == np.float32 and np.isfinite(result).all()
    np.testing.assert_array_equal(result[~unknown], before[~unknown])
    np.testing.assert_array_equal(painted, before)
    np.testing.assert_array_equal(result, joined(painted, unknown, beside))
    elsewhere = np.where((beside | unknown)[..., None], painted, 0.5)
    np.testing.assert_array_equal(joined(elsewhere, unknown, beside)[unknown], result[unknown])

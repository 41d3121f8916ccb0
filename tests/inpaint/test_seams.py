"""Seams: a fill that is off in colour is brought in line with calm surroundings; one that fits stays as it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.seams import LEAST, settle

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


@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70))
@settings(max_examples=40, deadline=None)
def test_any_regions_are_taken(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    painted = rng.random((height, width, 3), np.float32)
    unknown = rng.random((height, width)) < rng.random()
    context = (rng.random((height, width)) < rng.random()) & ~unknown
    before = painted.copy()
    settled = settle(painted, unknown, context)
    assert settled.dtype == np.float32 and np.isfinite(settled).all()
    np.testing.assert_array_equal(settled[~unknown], before[~unknown])
    np.testing.assert_array_equal(painted, before)
    np.testing.assert_array_equal(settled, settle(painted, unknown, context))
    hidden = np.where((context | unknown)[..., None], painted, 0.5)
    np.testing.assert_array_equal(settle(hidden, unknown, context)[unknown], settled[unknown])

"""Structures: what runs in a clear direction goes on in a hole, from one side or from both; all else stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.filters import push_pull
from inpaint.structures import continue_structures

HEIGHT, WIDTH = 160, 200
HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[:, 90:110] = True
LEFT = np.zeros_like(HOLE)
LEFT[:, :90] = True


def stripes(degrees: float, period_px: float = 40.0) -> np.ndarray:
    """(H, W, 3) waves of colour whose crests run at an angle to the rows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    across = y * np.cos(np.radians(degrees)) - x * np.sin(np.radians(degrees))
    wave = np.sin(2 * np.pi * across / period_px)
    return np.stack([0.5 + 0.3 * wave, 0.5 - 0.2 * wave, 0.4 + 0.1 * wave], -1).astype(np.float32)


def guess(truth: np.ndarray, context: np.ndarray) -> np.ndarray:
    """What a fill makes that lets everything fade."""
    return np.where(HOLE[..., None], push_pull(truth, context), truth)


def error(picture: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(picture - truth)[20:-20, 96:110].mean())


@pytest.mark.parametrize("degrees", [0.0, 15.0, -30.0, 40.0])
@pytest.mark.parametrize("context", [LEFT, ~HOLE], ids=["from the left", "from both sides"])
def test_stripes_go_on(context: np.ndarray, degrees: float) -> None:
    truth = stripes(degrees)
    painted = guess(truth, context)
    assert error(continue_structures(painted, HOLE, context), truth) < 0.6 * error(painted, truth)


def test_stripes_go_on_in_a_picture_of_several_times_the_size() -> None:
    truth, hole, context = (np.repeat(np.repeat(x, 6, 0), 6, 1) for x in (stripes(15.0), HOLE, LEFT))
    painted = np.where(hole[..., None], push_pull(truth, context), truth)
    after = continue_structures(painted, hole, context, scale=1 / 6)
    seen = np.s_[120:-120, 576:660]
    assert np.abs(after - truth)[seen].mean() < 0.6 * np.abs(painted - truth)[seen].mean()


def test_what_runs_along_the_hole_stays_out() -> None:
    painted = guess(stripes(90.0), LEFT)
    np.testing.assert_allclose(continue_structures(painted, HOLE, LEFT), painted, atol=0.01)


def test_what_bends_is_trusted_less_than_what_is_straight() -> None:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    bent = np.sin(2 * np.pi * (y + 14 * np.sin(x / 8)) / 40)
    change = []
    for wave in (bent, np.sin(2 * np.pi * y / 40)):
        painted = guess(np.repeat(0.5 + 0.3 * wave[..., None], 3, 2), LEFT)
        change.append(np.abs(continue_structures(painted, HOLE, LEFT) - painted)[HOLE].mean())
    assert change[0] < 0.5 * change[1]


def test_grain_and_plain_colour_stay() -> None:
    grain = np.random.default_rng(0).normal(0.5, 0.1, (HEIGHT, WIDTH, 3)).astype(np.float32)
    for truth in (grain, np.full_like(grain, 0.4)):
        painted = guess(truth, LEFT)
        assert np.abs(continue_structures(painted, HOLE, LEFT) - painted)[HOLE].mean() < 0.01


@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70), st.floats(0.1, 1))
@settings(max_examples=40, deadline=None)
def test_any_regions_are_taken(seed: int, height: int, width: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    painted = np.cumsum(rng.normal(0, 0.1, (height, width, 3)), 1).clip(0, 1).astype(np.float32)
    unknown = rng.random((height, width)) < 0.3 * rng.random()
    context = (rng.random((height, width)) < 1.2 * rng.random()) & ~unknown
    before = painted.copy()
    after = continue_structures(painted, unknown, context, scale)
    assert after.dtype == np.float32 and after.min() >= 0 and after.max() <= 1
    np.testing.assert_array_equal(after[~unknown], before[~unknown])
    np.testing.assert_array_equal(painted, before)
    hidden = np.where((context | unknown)[..., None], painted, np.float32(0.5))
    np.testing.assert_array_equal(continue_structures(hidden, unknown, context, scale)[unknown], after[unknown])

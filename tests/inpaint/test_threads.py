"""Thin things of any shape that depth tears."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.threads import CRUMB, SLOPE, with_threads

SHAPE, SKY, GROUND, HORIZON = (200, 300), 0.1, 0.7, 120
BUDGET_PX = 30.0
NOTHING = np.zeros(SHAPE, bool)


def ring() -> np.ndarray:
    """(H, W) a thin ring, half of it before the sky."""
    mask = np.zeros(SHAPE, np.uint8)
    cv2.circle(mask, (150, HORIZON), 60, 1, 3)
    return mask > 0


def steps_along(disparity: np.ndarray, thin: np.ndarray) -> float:
    """The largest step between neighbours that are both thin."""
    right, down = thin[:, 1:] & thin[:, :-1], thin[1:] & thin[:-1]
    return float(max(np.abs(np.diff(disparity, axis=1))[right].max(), np.abs(np.diff(disparity, axis=0))[down].max()))


def before_sky_and_ground() -> np.ndarray:
    disparity = np.full(SHAPE, SKY, np.float32)
    disparity[HORIZON:] = GROUND
    return disparity


def test_a_ring_before_sky_and_ground_is_not_torn() -> None:
    disparity, thin = before_sky_and_ground(), ring()
    result = with_threads(disparity, thin, NOTHING, BUDGET_PX)
    assert steps_along(disparity, thin) > 0.5 and steps_along(result, thin) * BUDGET_PX < 3 * SLOPE
    np.testing.assert_array_equal(result[~thin], disparity[~thin])
    np.testing.assert_allclose(result[60:64, 150], SKY, atol=1e-6, err_msg="far from the ground nothing changes")


def test_parts_that_were_seen_close_the_gaps_between_them() -> None:
    disparity, thin = np.full(SHAPE, SKY, np.float32), ring()
    seen = thin & (np.arange(SHAPE[1]) // (2 * CRUMB + 4) % 2 == 0)
    disparity[seen] = 0.5
    result = with_threads(disparity, thin, NOTHING, BUDGET_PX)
    upper = thin.copy()
    upper[80:] = False
    np.testing.assert_allclose(result[upper], 0.5, atol=0.03)


def test_a_bit_of_what_hides_it_does_not_bring_a_thread_forward() -> None:
    disparity, thin = np.full(SHAPE, SKY, np.float32), NOTHING.copy()
    thin[100:103, 50:200] = True
    disparity[60:140, 198:] = 0.9
    result = with_threads(disparity, thin, NOTHING, BUDGET_PX)
    np.testing.assert_allclose(result, disparity, atol=1e-6)


def test_what_is_fixed_stays_and_holds_what_hangs_on_it() -> None:
    disparity, wire, cord = np.full(SHAPE, SKY, np.float32), NOTHING.copy(), NOTHING.copy()
    wire[50:53], cord[53:120, 150:153] = True, True
    disparity[wire] = 0.6
    result = with_threads(disparity, wire | cord, wire, BUDGET_PX)
    np.testing.assert_array_equal(result[wire], disparity[wire])
    assert result[54, 151] > 0.5 and steps_along(result, wire | cord) < 0.15


def test_twigs_before_a_slant_stay_on_it() -> None:
    slant = np.linspace(0.1, 0.9, 64, dtype=np.float32)
    disparity = np.tile(slant[:, None], (1, SHAPE[1]))
    assert (slant[1] - slant[0]) * BUDGET_PX < SLOPE
    coarse = (np.random.default_rng(1).random((16, 75)) < 0.4).astype(np.uint8)
    twigs = cv2.resize(coarse, disparity.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    result = with_threads(disparity, twigs, np.zeros_like(twigs), BUDGET_PX)
    np.testing.assert_allclose(result, disparity, atol=1 / BUDGET_PX)


def test_what_is_wide_is_no_thread() -> None:
    disparity, wide = before_sky_and_ground(), NOTHING.copy()
    wide[:, 100:140] = True
    np.testing.assert_array_equal(with_threads(disparity, wide, NOTHING, BUDGET_PX), disparity)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.integers(2, 120), st.integers(2, 120))
def test_nothing_comes_to_lie_farther_off_or_out_of_range(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    disparity = cv2.resize(rng.uniform(0, 1, (3, 3)).astype(np.float32), (width, height))
    thin, fixed = rng.random((2, height, width)) < ((0.4,), (0.1,))[0]
    before = disparity.copy()
    result = with_threads(disparity, thin, fixed, BUDGET_PX)
    assert result.shape == disparity.shape and result.dtype == np.float32
    assert (result >= disparity - 1e-6).all() and result.max() <= disparity.max() + 1e-5
    np.testing.assert_array_equal(result[fixed | ~thin], disparity[fixed | ~thin])
    np.testing.assert_array_equal(disparity, before, err_msg="the input is not touched")

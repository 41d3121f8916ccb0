"""Slopes in place of tears: only where the photo shows no edge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.chains import find_tears
from inpaint.slopes import slopes_for_tears

HEIGHT, WIDTH, STEP_X = 120, 160, 80
BUDGET_PX = 40.0


def step() -> np.ndarray:
    """(H, W) disparity, near on the left of `STEP_X`."""
    return np.where(np.arange(WIDTH) < STEP_X, 0.8, 0.2)[None].repeat(HEIGHT, 0).astype(np.float32)


def picture(edge_x: int, height: int = HEIGHT) -> np.ndarray:
    """(H, W, 3) grey with an edge of brightness in the first rows."""
    rgb = np.full((HEIGHT, WIDTH, 3), 0.4, np.float32)
    rgb[:height, :edge_x] = 0.7
    return rgb


def test_a_tear_in_plain_colour_becomes_a_slope() -> None:
    disparity = step()
    links = find_tears(disparity, BUDGET_PX)
    assert not links.right[:, STEP_X - 1].any()
    alpha = np.ones_like(disparity)
    alpha[:, STEP_X - 4 : STEP_X] = 0.1
    q, whole, opaque = slopes_for_tears(disparity, links, alpha, picture(0))
    assert whole.right.all() and whole.down.all() and (opaque == 1).all()
    assert (np.diff(q, axis=1) <= 1e-6).all() and 0.5 * 0.6 > -np.diff(q, axis=1).min() > 0
    np.testing.assert_array_equal(q[:, : STEP_X - 10], disparity[:, : STEP_X - 10])


@pytest.mark.parametrize("off", [-2, 0, 2])
def test_a_tear_beside_an_edge_stays(off: int) -> None:
    disparity = step()
    links = find_tears(disparity, BUDGET_PX)
    alpha = np.full_like(disparity, 0.5)
    q, same, kept = slopes_for_tears(disparity, links, alpha, picture(STEP_X + off))
    assert same is links and q is disparity and kept is alpha


def test_an_edge_across_the_tear_does_not_speak_for_it() -> None:
    level = picture(WIDTH, height=HEIGHT // 2)
    _, whole, _ = slopes_for_tears(step(), find_tears(step(), BUDGET_PX), np.ones((HEIGHT, WIDTH), np.float32), level)
    assert whole.right.all()


def test_each_stretch_is_judged_by_itself() -> None:
    disparity = step()
    links = find_tears(disparity, BUDGET_PX)
    half = HEIGHT // 2
    alpha = np.ones_like(disparity)
    alpha[:, STEP_X - 2 : STEP_X] = 0.3
    q, whole, opaque = slopes_for_tears(disparity, links, alpha, picture(STEP_X, half))
    above, below = np.s_[: half - 15], np.s_[half + 15 :]
    assert not whole.right[above, STEP_X - 1].any() and whole.right[below].all()
    np.testing.assert_array_equal(q[above], disparity[above])
    np.testing.assert_array_equal(opaque[above], alpha[above])
    assert (opaque[below] == 1).all()


def test_what_is_whole_stays_as_it_is() -> None:
    disparity = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    links = find_tears(disparity, BUDGET_PX)
    assert slopes_for_tears(disparity, links, disparity, picture(0))[0] is disparity


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 60), st.floats(0, 0.4))
@settings(max_examples=40, deadline=None)
def test_any_picture_is_taken(seed: int, height: int, width: int, contrast: float) -> None:
    rng = np.random.default_rng(seed)
    disparity = np.round(np.cumsum(rng.normal(0, 0.1, (height, width)), 1).clip(0, 1), 1).astype(np.float32)
    rgb = (0.5 + contrast * rng.normal(0, 0.3, (height, width, 3))).clip(0, 1).astype(np.float32)
    alpha = rng.random((height, width), np.float32)
    links = find_tears(disparity, BUDGET_PX)
    q, whole, opaque = slopes_for_tears(disparity, links, alpha, rgb)
    assert q.dtype == opaque.dtype == np.float32
    assert q.min() >= disparity.min() - 1e-6 and q.max() <= disparity.max() + 1e-6
    assert (whole.right >= links.right).all() and (whole.down >= links.down).all()
    assert ((opaque == alpha) | (opaque == 1)).all()

"""Slopes in place of tears: where the step is small or the colours on both sides are alike."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.chains import find_tears, shortest_edge_px
from inpaint.slopes import LONG, opaque_beside_slopes, slopes_for_tears
from inpaint.tears import Links

HEIGHT, WIDTH, STEP_X = 120, 160, 80
BUDGET_PX = 40.0
PLAIN, EDGE = 0.0, 0.6  # contrasts


def step(height: float = 0.3) -> np.ndarray:
    """(H, W) disparity, nearer on the left of `STEP_X`."""
    return np.where(np.arange(WIDTH) < STEP_X, 0.2 + height, 0.2)[None].repeat(HEIGHT, 0).astype(np.float32)


def picture(contrast: float, edge_x: int = STEP_X, rows: int = HEIGHT) -> np.ndarray:
    """(H, W, 3) grey, brighter on the left of `edge_x` in the first rows."""
    rgb = np.full((HEIGHT, WIDTH, 3), 0.2, np.float32)
    rgb[:rows, :edge_x] += contrast
    return rgb


def torn_rows(links: Links) -> np.ndarray:
    """(H,) whether `STEP_X` is torn."""
    return ~links.right[:, STEP_X - 1]


def test_a_small_step_in_plain_colour_becomes_a_slope() -> None:
    disparity = step()
    links = find_tears(disparity, BUDGET_PX)
    assert torn_rows(links).all()
    q, whole = slopes_for_tears(disparity, links, picture(PLAIN))
    assert whole.right.all() and whole.down.all()
    steps = -np.diff(q, axis=1)
    assert steps.min() >= -1e-6 and 0.5 * 0.3 > steps.max() > 0
    np.testing.assert_array_equal(q[:, : STEP_X - 10], disparity[:, : STEP_X - 10])


def test_what_was_covered_beside_a_slope_is_opaque() -> None:
    disparity = step()
    torn = find_tears(disparity, BUDGET_PX)
    alpha = np.ones_like(disparity)
    alpha[:, STEP_X - 4 : STEP_X] = 0.1
    half = HEIGHT // 2
    right = torn.right.copy()
    right[:half] = True
    opaque = opaque_beside_slopes(alpha, disparity, torn, Links(right, torn.down))
    assert (opaque[: half - 5] == 1).all()
    np.testing.assert_array_equal(opaque[half + 5 :], alpha[half + 5 :])
    assert opaque_beside_slopes(alpha, disparity, torn, torn) is alpha


@pytest.mark.parametrize("off", [-2, 0, 2])
def test_a_tear_beside_an_edge_stays(off: int) -> None:
    disparity = step()
    links = find_tears(disparity, BUDGET_PX)
    q, same = slopes_for_tears(disparity, links, picture(EDGE, STEP_X + off))
    np.testing.assert_array_equal(same.right, links.right)
    assert q is disparity


@pytest.mark.parametrize(("sigma_px", "torn"), [(1.0, True), (9.0, False)])
def test_an_outline_that_a_lens_has_blurred_becomes_a_slope(sigma_px: float, torn: bool) -> None:
    size = (400, 300)
    disparity = cv2.resize(step(0.5), size, interpolation=cv2.INTER_NEAREST)
    rgb = cv2.GaussianBlur(cv2.resize(picture(EDGE), size, interpolation=cv2.INTER_NEAREST), (0, 0), sigma_px)
    links = find_tears(disparity, BUDGET_PX)
    _, whole = slopes_for_tears(disparity, links, rgb)
    assert not links.right.all() and whole.right.all() == (not torn)


def test_a_large_step_stays_torn_whatever_the_colours() -> None:
    disparity = step(0.75)
    links = find_tears(disparity, BUDGET_PX)
    _, same = slopes_for_tears(disparity, links, picture(PLAIN))
    assert torn_rows(same).all()


def test_a_thin_thing_before_one_background_stays_torn() -> None:
    disparity, rgb = step(0), picture(PLAIN)
    pole = np.s_[:, STEP_X : STEP_X + 3]  # a fiftieth of the picture
    disparity[pole], rgb[pole] = 0.5, 0.8
    links = find_tears(disparity, BUDGET_PX)
    _, same = slopes_for_tears(disparity, links, rgb)
    assert torn_rows(links).all() and torn_rows(same).all()


def test_an_edge_across_the_tear_does_not_speak_for_it() -> None:
    level = picture(EDGE, WIDTH, HEIGHT // 2)
    _, whole = slopes_for_tears(step(), find_tears(step(), BUDGET_PX), level)
    assert whole.right.all()


def test_each_stretch_is_judged_by_itself() -> None:
    disparity = step()
    half = HEIGHT // 2
    q, whole = slopes_for_tears(disparity, find_tears(disparity, BUDGET_PX), picture(EDGE, rows=half))
    above, below = np.s_[: half - 15], np.s_[half + 15 :]
    assert torn_rows(whole)[above].all() and not torn_rows(whole)[below].any()
    np.testing.assert_array_equal(q[above], disparity[above])


def test_neither_dashes_nor_crumbs_are_left() -> None:
    disparity = step()
    links = find_tears(disparity, BUDGET_PX)
    least = shortest_edge_px(disparity.shape)
    rng = np.random.default_rng(7)
    for _ in range(20):
        rgb = picture(PLAIN)
        rgb[:, :STEP_X] += np.repeat(rng.random(HEIGHT // 4) < 0.5, 4)[:, None, None] * np.float32(0.2)
        torn = torn_rows(slopes_for_tears(disparity, links, rgb)[1])
        ends = np.flatnonzero(np.diff(torn.astype(int)))
        lengths, tears = np.diff(ends), torn[ends[:-1] + 1]
        assert (lengths[~tears] >= least).all() and (lengths[tears] >= LONG * least).all()


def test_what_is_whole_stays_as_it_is() -> None:
    disparity = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    links = find_tears(disparity, BUDGET_PX)
    assert slopes_for_tears(disparity, links, picture(PLAIN))[0] is disparity


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 60), st.floats(0, 0.4))
@settings(max_examples=40, deadline=None)
def test_any_picture_is_taken(seed: int, height: int, width: int, contrast: float) -> None:
    rng = np.random.default_rng(seed)
    disparity = np.round(np.cumsum(rng.normal(0, 0.1, (height, width)), 1).clip(0, 1), 1).astype(np.float32)
    rgb = (0.5 + contrast * rng.normal(0, 0.3, (height, width, 3))).clip(0, 1).astype(np.float32)
    alpha = rng.random((height, width), np.float32)
    links = find_tears(disparity, BUDGET_PX)
    q, whole = slopes_for_tears(disparity, links, rgb)
    opaque = opaque_beside_slopes(alpha, disparity, links, whole)
    assert q.dtype == opaque.dtype == np.float32
    assert q.min() >= disparity.min() - 1e-6 and q.max() <= disparity.max() + 1e-6
    assert (whole.right >= links.right).all() and (whole.down >= links.down).all()
    assert ((opaque == alpha) | (opaque == 1)).all()

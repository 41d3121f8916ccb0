"""Depth edges beside the straight edges of a photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.layers import build_layers
from inpaint.straights import with_straight_outlines
from tests.scenes import calm_fill

SHAPE, BUDGET_PX = (360, 480), 30.0
NEAR, FAR = 0.8, 0.2
WALL, BOARD = (0.75, 0.8, 0.7), (0.35, 0.2, 0.15)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
WAVE = np.where(X % 120 < 60, 0, 4 * np.sin(X * 2 * np.pi / 60))  # px
CROSSED = slice(20, -20)  # columns


def photo(rim: np.ndarray | float = 200.0, noise: float = 0.0) -> np.ndarray:
    """(H, W, 3) colours of a board that fills the picture below `rim` (H, W), before a wall."""
    share = np.clip(Y + 0.5 - rim, 0, 1)[..., None]
    colour = np.array(WALL) + share * (np.array(BOARD) - np.array(WALL))
    return (colour + np.random.default_rng(4).normal(0, noise, (*SHAPE, 3))).astype(np.float32).clip(0, 1)


def depth(rim: np.ndarray | float, near: np.ndarray | float = NEAR) -> np.ndarray:
    """(H, W) disparity that steps at `rim` (H, W)."""
    return np.where(rim <= Y, near, FAR).astype(np.float32)


def rows(disparity: np.ndarray) -> np.ndarray:
    """(W,) where the step of each column is."""
    return np.argmax(disparity > (NEAR + FAR) / 2, axis=0)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(0, 0.03))
def test_an_edge_that_wavers_becomes_straight(slope: float, noise: float) -> None:
    rim = 190 + slope * (X - 240)
    before = depth(rim + WAVE)
    after = with_straight_outlines(before, photo(rim, noise), BUDGET_PX)
    off = (rows(after) - rim[0])[CROSSED]
    assert np.abs((rows(before) - rim[0])[CROSSED]).max() > 3
    assert np.abs(off).max() < 1.6
    assert after.min() >= FAR - 1e-6
    assert after.max() <= NEAR + 1e-6
    far_off = np.abs(Y - rim) > 12
    np.testing.assert_array_equal(after[far_off], before[far_off])


def test_what_was_eaten_of_a_board_comes_back() -> None:
    before = depth(200 + np.where((X > 200) & (X < 260), 5, 0))
    np.testing.assert_allclose(with_straight_outlines(before, photo(), BUDGET_PX), depth(200), atol=1e-3)


def test_what_is_cut_off_a_board_has_the_depth_of_what_is_beside_it() -> None:
    shelf = (Y >= 195) & (Y < 200)
    before = np.where(depth(200 + WAVE / 2) > FAR, NEAR, np.where(shelf, FAR + 0.1, FAR)).astype(np.float32)
    after = with_straight_outlines(before, photo(), BUDGET_PX)
    cut = (before[198] == NEAR) & (after[198] < NEAR)
    assert cut.any()
    np.testing.assert_allclose(after[198, cut], FAR + 0.1, atol=1e-6)


def test_a_rim_that_leans_keeps_its_depth_and_bends_no_more() -> None:
    near = 0.6 + 0.2 * X / SHAPE[1]
    bulge = 0.04 * np.exp(-(((X - 240) / 6) ** 2))
    after = with_straight_outlines(depth(200 + WAVE, near + bulge), photo(), BUDGET_PX)
    np.testing.assert_allclose(after[201, CROSSED], near[201, CROSSED], atol=0.02)


@pytest.mark.parametrize("of_depth", [200 + WAVE, 200 + 0 * X], ids=["wavering", "straight"])
def test_a_stripe_beside_the_outline_does_not_draw_it_away(of_depth: np.ndarray) -> None:
    colour = np.full((*SHAPE, 3), BOARD, np.float32)  # no outline is seen
    colour[205:207] = WALL
    before = depth(of_depth)
    np.testing.assert_array_equal(with_straight_outlines(before, colour, BUDGET_PX), before)


def ends_softly() -> np.ndarray:
    """(H, W, 3) colours of a board whose rim is from the column 400 on too soft to be found, but not to be seen."""
    soft = np.array(BOARD) + 0.12 * np.clip((206 - Y) / 12, 0, 1)[..., None]
    return np.where((X < 400)[..., None], photo(), soft).astype(np.float32)


def test_an_edge_goes_on_where_it_is_faint() -> None:
    before = depth(200 + np.where((X > 400) & (X < 408), 3, 0))
    after = with_straight_outlines(before, ends_softly(), BUDGET_PX)
    assert np.abs(rows(before)[20:408] - 200).max() == 3
    assert np.abs(rows(after)[20:408] - 200).max() <= 1


@pytest.mark.parametrize(("height", "dark"), [(3, True), (5, False)])
def test_what_rises_beyond_its_end_is_not_cut(height: int, dark: bool) -> None:
    colour, rise = ends_softly(), (X > 400) & (X < 420) & (199 - height < Y) & (Y < 200)
    if dark:
        colour[rise] = 0
    before = np.where(rise, NEAR, depth(200.0)).astype(np.float32)
    after = with_straight_outlines(before, colour, BUDGET_PX)
    np.testing.assert_array_equal(after[:, 402:], before[:, 402:])


def test_of_two_edges_the_outer_one_is_the_outline() -> None:
    """What is left behind of a dark rim is seen more than what moves along."""
    colour = photo(202)
    colour[200:202] = 0.05
    after = with_straight_outlines(depth(201), colour, BUDGET_PX)
    assert (after[200, CROSSED] > NEAR - 0.01).all()
    assert (after[199, CROSSED] < FAR + 0.01).all()


def test_where_an_outline_passes_from_one_edge_to_another_it_follows_both() -> None:
    """A tower's sunlit side ends before its shaded one begins."""
    colour = photo(200 + np.where(X < 240, 0, 5))
    colour[200:205, 180:300] = 0.55
    rim = 200 + np.where(X[0] < 240, 0, 5)
    after = with_straight_outlines(depth(rim), colour, BUDGET_PX)
    assert np.abs(rows(after) - rim)[np.abs(X[0] - 240) > 16].max() <= 1


def test_posts_before_an_edge_keep_their_depth() -> None:
    colour, post = photo(), (np.abs(X - 300) < 3) & (Y > 120) & (Y < 200)
    colour[post] = (0.5, 0.4, 0.1)
    before = np.where(post, NEAR, depth(200 + WAVE)).astype(np.float32)
    after = with_straight_outlines(before, colour, BUDGET_PX)
    assert (after[130:200, 300] == NEAR).all()
    np.testing.assert_allclose(after[195:199, 304:340], FAR, atol=1e-3)


def test_an_edge_ends_where_it_is_no_more_seen() -> None:
    colour = photo()
    colour[:, 300:] = BOARD
    before = depth(200 + WAVE)
    after = with_straight_outlines(before, colour, BUDGET_PX)
    assert np.abs(rows(after)[20:290] - 200).max() < 1.6
    np.testing.assert_array_equal(after[:, 306:], before[:, 306:])


def test_what_is_on_its_side_is_not_torn_where_an_edge_ends() -> None:
    colour = photo()
    colour[:, 300:] = BOARD
    near = NEAR - 0.1 * np.exp(-(((X - 297) / 5) ** 2))
    before = depth(200.0, near)
    after = with_straight_outlines(before, colour, BUDGET_PX)
    steps = [np.abs(np.diff(disparity[201, 250:350])).max() for disparity in (before, after)]
    assert steps[1] < 1.2 * steps[0]


def test_a_hole_below_a_rim_does_not_draw_it_back() -> None:
    hole = (X > 300) & (X < 320) & (Y > 203) & (Y < 230)
    colour = np.where(hole[..., None], WALL, photo()).astype(np.float32)
    after = with_straight_outlines(np.where(hole, FAR, depth(200 + WAVE)).astype(np.float32), colour, BUDGET_PX)
    np.testing.assert_allclose(after[201, 240:290], NEAR, atol=1e-3)


@pytest.mark.parametrize("height", [5, 10])
def test_what_stands_on_an_edge_keeps_its_depth(height: int) -> None:
    colour, knob = photo(), (np.abs(X - 240) < 14) & (199 - height < Y) & (Y < 200)
    colour[knob] = (0.8, 0.3, 0.2)
    before = np.where(knob, NEAR, depth(200 + WAVE)).astype(np.float32)
    after = with_straight_outlines(before, colour, BUDGET_PX)
    assert after[knob].mean() > NEAR - 0.05
    assert np.abs(rows(after)[20:180] - 200).max() < 1.6


def test_a_slope_is_not_torn_by_an_edge_on_it() -> None:
    before = (FAR + (NEAR - FAR) * np.clip((Y - 150) / 100, 0, 1)).astype(np.float32)
    np.testing.assert_array_equal(with_straight_outlines(before, photo(), BUDGET_PX), before)


def test_a_photo_without_edges_changes_nothing() -> None:
    before = depth(200 + WAVE)
    np.testing.assert_array_equal(with_straight_outlines(before, np.full((*SHAPE, 3), WALL, np.float32), 30.0), before)


def test_a_step_that_no_move_opens_stays() -> None:
    before = depth(200 + WAVE)
    np.testing.assert_array_equal(with_straight_outlines(before, photo(), 3.0), before)


def test_a_board_estimated_with_a_dent_has_a_straight_rim_in_front() -> None:
    """Measured depth knows its outlines."""
    dent = depth(200 + 5 * np.exp(-(((X - 240) / 20) ** 2)))
    rgb = np.round(photo() * 255).astype(np.uint8)
    front = {}
    for name, before in (("estimated", cv2.GaussianBlur(dent, (0, 0), 3)), ("measured", dent)):
        image = build_layers(rgb, dent, BUDGET_PX, calm_fill, before)
        inside = slice(image.border_px, -image.border_px)
        front[name] = rows(image.layers[0].disparity[inside, inside])[CROSSED] - 200
    assert np.ptp(front["estimated"]) <= 2
    assert np.ptp(front["measured"]) >= 3

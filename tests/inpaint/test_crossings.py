"""Crossings: where a stalk goes on across a tear, and where it ends there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inpaint.chains import find_tears
from inpaint.crossings import crossings, structure_tensor
from inpaint.slopes import slopes_for_tears
from inpaint.tears import Links, steepest_steps

SHAPE, EDGE_X = (120, 160), 80
BUDGET_PX = 40.0
NEAR, FAR = 0.7, 0.2


def side() -> np.ndarray:
    """(H, W) disparity, nearer on the left of `EDGE_X`."""
    disparity = np.full(SHAPE, FAR, np.float32)
    disparity[:, :EDGE_X] = NEAR
    return disparity


def crossed(disparity: np.ndarray, rgb: np.ndarray, sharp: bool = False, thin: np.ndarray | None = None) -> np.ndarray:
    links = find_tears(disparity, BUDGET_PX)
    before = disparity if sharp else cv2.GaussianBlur(disparity, (0, 0), 6)
    return crossings(disparity, links, structure_tensor(rgb), steepest_steps(before), thin)


def stalk(rows: slice, columns: slice) -> np.ndarray:
    """(H, W, 3) a yellow bar before grey."""
    rgb = np.full((*SHAPE, 3), 0.3, np.float32)
    rgb[rows, columns] = 0.9, 0.7, 0.2
    return rgb


def test_a_tear_that_would_cut_a_stalk_is_a_slope_there() -> None:
    disparity, rows = side(), slice(56, 64)
    rgb = stalk(rows, slice(None))
    rgb[:, :EDGE_X] += 0.1
    links = find_tears(disparity, BUDGET_PX)
    q, whole = slopes_for_tears(disparity, links, rgb, crossed(disparity, rgb))
    torn = ~whole.right[:, EDGE_X - 1]
    assert not torn[rows].any() and torn[:48].all() and torn[72:].all()
    assert -np.diff(q[60]).min() < 0.5 * (NEAR - FAR), "it bends"
    assert not crossed(disparity, rgb, sharp=True).any(), "what was measured is known"


def test_the_outline_beside_a_crossing_stays_torn_where_it_runs_another_way() -> None:
    """A stalk goes down across the lower edge of something nearer, close to its corner."""
    edge, bottom, columns = 500, 150, slice(484, 494)
    disparity = np.full((300, 1000), FAR, np.float32)
    disparity[:bottom, :edge] = NEAR
    rgb = np.full((300, 1000, 3), 0.3, np.float32)
    rgb[:, columns] = 0.9, 0.7, 0.2
    rgb[:bottom, :edge] += 0.1
    across = crossed(disparity, rgb)
    assert across[bottom - 1, columns].all()
    assert not across[: bottom - 4, edge - 1].any()
    assert crossed(disparity, rgb, thin=np.ones(disparity.shape, bool))[bottom - 6, edge - 1], "but not in a wire"


@pytest.mark.parametrize("columns", [slice(0, EDGE_X), slice(EDGE_X, None)], ids=["before it", "behind it"])
def test_a_stalk_that_ends_at_the_tear_does_not_cross_it(columns: slice) -> None:
    disparity, rows = side(), slice(58, 62)
    assert crossed(disparity, stalk(rows, slice(None)))[rows, EDGE_X - 1].all()
    assert not crossed(disparity, stalk(rows, columns)).any()


@pytest.mark.parametrize("width", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("slant", [0.0, 0.3, 1.0])
def test_nothing_crosses_the_outline_of_something_thin(width: int, slant: float) -> None:
    y, x = np.indices(SHAPE)
    inside = (np.abs((x - EDGE_X) - slant * (y - 60)) <= width / 2 * np.hypot(1, slant)) & (y > 20)
    disparity = np.where(inside, np.float32(NEAR), np.float32(FAR))
    rgb = np.full((*SHAPE, 3), 0.8, np.float32)
    rgb[inside] = 0.2
    assert not find_tears(disparity, BUDGET_PX).right.all()
    assert not crossed(disparity, rgb).any()


def test_stripes_that_end_at_an_outline_do_not_cross_it() -> None:
    rgb = np.full((*SHAPE, 3), 0.2, np.float32)
    rgb[:, :EDGE_X] = 0.8 + np.where(np.arange(SHAPE[0]) // 4 % 2, 0.1, 0)[:, None, None]
    assert not crossed(side(), rgb).any()


def test_nothing_crosses_where_nothing_is_torn() -> None:
    flat = np.full(SHAPE, FAR, np.float32)
    assert not crossings(
        flat, Links.all(SHAPE), structure_tensor(stalk(slice(56, 64), slice(None))), steepest_steps(flat)
    ).any()

"""Limbs before calm backgrounds."""

from __future__ import annotations

import numpy as np
import pytest

from inpaint.limbs import with_limbs

BUDGET_PX, REACH = 40.0, 20
NEAR, FAR = 0.8, 0.2
LEFT = 80  # column at which the body begins


def picture(length: int, wall: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Disparity, and colours of a dark body with an arm of `length` px that depth does not know of, before a light wall
    whose colours deviate by `wall`."""
    disparity = np.full((100, 140), FAR, np.float32)
    disparity[20:80, LEFT:120] = NEAR
    colour = np.full((100, 140, 3), 0.8, np.float32)
    colour += np.random.default_rng(3).normal(0, wall, colour.shape).astype(np.float32)
    colour[20:80, LEFT:120] = 0.2
    colour[48:52, LEFT - length : LEFT] = 0.2
    return disparity, colour


def limbs(disparity: np.ndarray, colour: np.ndarray, free: bool = True, budget_px: float = BUDGET_PX) -> np.ndarray:
    return with_limbs(disparity, colour, np.full(disparity.shape, free), budget_px, REACH)


def test_an_arm_comes_to_the_body_that_it_hangs_on() -> None:
    disparity, colour = picture(15)
    result = limbs(disparity, colour)
    arm = np.zeros(disparity.shape, bool)
    arm[48:52, LEFT - 15 : LEFT] = True
    np.testing.assert_array_equal(result, np.where(arm, np.float32(NEAR), disparity))


@pytest.mark.parametrize(
    ("length", "wall", "free", "budget_px"),
    [(60, 0.0, True, BUDGET_PX), (15, 0.1, True, BUDGET_PX), (15, 0.0, False, BUDGET_PX), (15, 0.0, True, 4.0)],
    ids=["goes on beyond the reach", "before a wall that is not calm", "depth is known", "no move opens the step"],
)
def test_all_else_stays_where_it_is(length, wall, free, budget_px) -> None:
    disparity, colour = picture(length, wall)
    np.testing.assert_array_equal(limbs(disparity, colour, free, budget_px), disparity)


def hair(width: int, before: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Disparity, colours, and the part of a bright hair that depth takes for the background, of a dark to light one,
    which is steep. The hair starts well within what depth takes for the body, or else just at the body."""
    disparity = np.full((100, 140), FAR, np.float32)
    disparity[20:80, LEFT:120] = NEAR
    colour = np.repeat(np.linspace(0, 0.95, 140, dtype=np.float32)[None, :, None], 100, 0).repeat(3, 2)
    beyond = np.zeros(disparity.shape, bool)
    beyond[48 : 48 + width, LEFT - 15 : LEFT] = True
    colour[48 : 48 + width, LEFT - 15 : LEFT + 10 * before] = 1.0
    return disparity, colour, beyond


def test_a_hair_comes_along_before_colours_that_change_slowly() -> None:
    disparity, colour, beyond = hair(2)
    np.testing.assert_array_equal(limbs(disparity, colour), np.where(beyond, np.float32(NEAR), disparity))


@pytest.mark.parametrize(("width", "before"), [(12, True), (2, False)], ids=["too thick for one", "ends at the body"])
def test_what_may_be_behind_stays_where_colours_change(width: int, before: bool) -> None:
    disparity, colour, _ = hair(width, before)
    np.testing.assert_array_equal(limbs(disparity, colour), disparity)


def test_a_limb_is_as_near_as_the_surface_within_its_blurred_rim() -> None:
    disparity, colour = picture(15)
    disparity[20:80, LEFT : LEFT + 2] = 0.6
    assert (limbs(disparity, colour)[48:52, LEFT - 15 : LEFT] == np.float32(NEAR)).all()


def test_what_does_not_hang_on_the_body_stays() -> None:
    disparity, colour = picture(15)
    colour[:, LEFT - 3 : LEFT] = 0.8
    np.testing.assert_array_equal(limbs(disparity, colour), disparity)


def test_what_hangs_on_it_at_the_border_of_the_picture_comes_along() -> None:
    disparity, colour = picture(15)
    disparity, colour = disparity[50:], colour[50:]
    assert (limbs(disparity, colour)[:2, LEFT - 15 : LEFT] == NEAR).all()


def test_a_strip_along_the_body_is_no_limb() -> None:
    disparity, colour = picture(15)
    colour[48:52, LEFT - 15 : LEFT] = 0.8
    colour[25:75, LEFT - 4 : LEFT] = 0.2
    np.testing.assert_array_equal(limbs(disparity, colour), disparity)

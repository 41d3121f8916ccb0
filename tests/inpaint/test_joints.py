"""Wires that cross or run into one another."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inpaint.axes import find_axis
from inpaint.joints import Wire, join
from inpaint.lines import Line
from inpaint.wires import with_wires
from tests.scenes import likely

SHAPE, BUDGET_PX, SKY = (200, 300), 30.0, 0.1
COLOUR = np.full((*SHAPE, 3), 0.5, np.float32)


def test_wires_that_cross_are_joined() -> None:
    disparity = np.full(SHAPE, SKY, np.float32)
    near, far = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    cv2.line(near, (20, 60), (280, 140), 1, 3)
    cv2.line(far, (150, 10), (150, 190), 1, 3)
    disparity[far > 0], disparity[near > 0] = 0.4, 0.7
    disparity[:, 200:] = disparity[160:] = SKY
    result, _ = with_wires(disparity, COLOUR, likely((near | far) > 0), BUDGET_PX)
    assert result[100, 150] == pytest.approx(0.7, abs=0.02)
    np.testing.assert_allclose(result[20:180, 150], 0.7, atol=0.05)
    alone = np.where((near > 0) & (far == 0), np.float32(SKY), disparity)
    apart, _ = with_wires(alone, COLOUR, likely(far > 0), BUDGET_PX)
    np.testing.assert_allclose(apart[20:90, 150], 0.4, atol=0.02)


def test_a_wire_that_is_joined_comes_no_nearer_than_it_was_anywhere() -> None:
    """Its far end comes to what it is tied to, and its near end stays."""
    disparity = np.full(SHAPE, SKY, np.float32)
    mast, stay = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    cv2.line(mast, (150, 20), (150, 190), 1, 5)
    cv2.line(stay, (150, 20), (60, 190), 1, 3)
    disparity[stay > 0] = (0.3 + 0.4 * np.linspace(0, 1, SHAPE[0], dtype=np.float32)[:, None] * stay)[stay > 0]
    nearest = disparity[stay > 0].max()
    disparity[mast > 0] = 0.6
    result, _ = with_wires(disparity, COLOUR, likely((mast | stay) > 0), BUDGET_PX)
    assert np.median(result[20:100][stay[20:100] > 0]) > 0.58
    assert result[stay > 0].max() == pytest.approx(nearest, abs=0.02)


def test_what_has_come_forward_brings_others_along() -> None:
    disparity = np.full(SHAPE, SKY, np.float32)
    ways = {0.45: ((20, 100), (280, 100), 7), 0.2: ((80, 10), (80, 190), 7), 0.7: ((220, 50), (220, 150), 3)}
    lines = {level: cv2.line(np.zeros(SHAPE, np.uint8), *ends, 1, width) for level, (*ends, width) in ways.items()}
    for level, line in lines.items():
        disparity[line > 0] = level
    result, _ = with_wires(disparity, COLOUR, likely(sum(lines.values()) > 0), BUDGET_PX)
    for line in lines.values():
        assert np.median(result[line > 0]) == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(("foot", "joined"), [(150, True), (126, False)])
def test_wires_that_run_into_one_another_are_joined(foot: int, joined: bool) -> None:
    assert _far_of_two(top=126, foot=foot) == pytest.approx(0.7 if joined else 0.4, abs=0.02)


def test_wires_side_by_side_are_not_joined() -> None:
    assert _far_of_two(top=138, foot=138) == pytest.approx(0.4, abs=0.02)


def _far_of_two(top: int, foot: int) -> float:
    """The disparity that a wire has at last between two columns, 0.4 at first, near a pole in column 150 with 0.7."""
    disparity = np.full(SHAPE, SKY, np.float32)
    near, far = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    cv2.line(near, (150, 10), (150, 199), 1, 7)
    cv2.line(far, (top, 10), (foot, 199), 1, 3)
    disparity[far > 0], disparity[near > 0] = 0.4, 0.7
    result, _ = with_wires(disparity, COLOUR, likely((near | far) > 0), BUDGET_PX)
    assert np.median(result[near > 0]) == pytest.approx(0.7, abs=0.02)
    return float(np.median(result[(far > 0) & (near == 0)]))


def wire(start: tuple[float, float], end: tuple[float, float], level: float, width: float = 5) -> Wire:
    """A wire that is all there, with the same disparity everywhere, over nothing."""
    away = np.subtract(end, start).astype(np.float32)
    length = float(np.linalg.norm(away))
    thin = cv2.line(np.zeros(SHAPE, np.uint8), start, end, 1, round(width))
    line = Line(np.array(start, np.float32), away / length, (-width / 2, width / 2), np.ones(round(length) + 1, bool))
    axis = find_axis(line, np.full(SHAPE, SKY, np.float32), likely(thin > 0))
    return Wire(axis, np.full(len(axis.place), level, np.float32), stood=True)


@pytest.mark.parametrize(("gap", "joined"), [(1, True), (30, False)])
def test_a_wire_that_was_found_twice_comes_forward_as_a_whole(gap: int, joined: bool) -> None:
    tied, again = wire((20, 100), (200, 100), 0.4), wire((100, 100 + gap), (270, 100 + gap), 0.4)
    near = wire((24, 60), (24, 140), 0.7)
    join([tied, again, near], BUDGET_PX)
    np.testing.assert_allclose(tied.level, 0.7)
    np.testing.assert_allclose(again.level, 0.7 if joined else 0.4)
    np.testing.assert_allclose(near.level, 0.7)


def test_wires_whose_levels_hardly_differ_are_left_alone() -> None:
    one, other = wire((20, 100), (280, 100), 0.4), wire((150, 20), (150, 180), 0.42)
    join([one, other], BUDGET_PX)
    np.testing.assert_allclose(one.level, 0.4)

"""Wires that estimated depth sees only in parts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.edges import sharpen
from inpaint.layers import build_layers
from inpaint.sight import Sight
from inpaint.wires import with_wires
from tests.scenes import calm_fill, likely

SHAPE, BUDGET_PX = (200, 300), 30.0
SKY, GROUND, HORIZON = 0.1, 0.7, 120


def ground() -> np.ndarray:
    """(H, W) sky over ground that comes nearer."""
    disparity = np.full(SHAPE, SKY, np.float32)
    disparity[HORIZON:] = np.linspace(GROUND, 0.85, SHAPE[0] - HORIZON, dtype=np.float32)[:, None]
    return disparity


def photo(width: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Colours (H, W, 3) of a dark pole before sky and ground, and where it is (H, W)."""
    colour = np.full((*SHAPE, 3), (0.6, 0.75, 0.95), np.float32)
    colour[HORIZON:] = (0.5, 0.6, 0.3)
    pole = np.zeros(SHAPE, bool)
    pole[30:, 150 : 150 + width] = True
    colour[pole] = 0.1
    return colour, pole


def blurred(disparity: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(disparity, (0, 0), 4)


def bend_px(disparity: np.ndarray, column: int = 151, rows: slice = slice(34, 196)) -> float:
    """How much a move bends what runs down a column."""
    level = disparity[rows, column]
    y = np.arange(len(level))
    return float(np.abs(level - np.polyval(np.polyfit(y, level, 1), y)).max() * BUDGET_PX)


def test_a_pole_with_the_depth_of_what_lies_behind_becomes_whole() -> None:
    disparity, (colour, pole) = ground(), photo()
    result, there = with_wires(disparity, colour, likely(pole), BUDGET_PX)
    assert bend_px(disparity) > 5
    assert bend_px(result) < 1.5
    assert result.max() < disparity.max() + 0.001, "it stands, and leans no farther towards the camera than the ground"
    assert (result >= disparity - 1e-6).all()
    assert there[pole].mean() > 0.95
    beside = ~cv2.dilate(pole.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    np.testing.assert_array_equal(result[beside], disparity[beside])


def test_a_wire_that_was_seen_in_parts_has_their_depth_everywhere() -> None:
    disparity, (colour, pole) = np.full(SHAPE, SKY, np.float32), photo()
    colour[HORIZON:][~pole[HORIZON:]] = colour[0, 0]
    truth = np.linspace(0.5, 0.9, SHAPE[0], dtype=np.float32)[:, None].repeat(SHAPE[1], 1)
    parts = pole & ((np.arange(SHAPE[0]) // 40 % 2) == 0)[:, None]
    disparity[parts] = truth[parts]
    result, _ = with_wires(disparity, colour, likely(pole), BUDGET_PX)
    inner = pole.copy()
    inner[:36] = inner[-6:] = False
    np.testing.assert_allclose(result[inner], truth[inner], atol=0.03)


def test_a_wire_goes_on_where_it_looks_other() -> None:
    disparity, (colour, pole) = np.full(SHAPE, SKY, np.float32), photo()
    colour[HORIZON:] = colour[0, 0]
    upper, lower = pole.copy(), pole.copy()
    upper[HORIZON:] = lower[:HORIZON] = False
    colour[lower] = 0.4  # too light to be part of the dark line
    disparity[upper] = 0.6
    thin = likely(pole)
    thin[HORIZON : HORIZON + 6] = 0
    result, there = with_wires(disparity, colour, thin, BUDGET_PX)
    assert there[lower].mean() > 0.95
    np.testing.assert_allclose(result[38:192, 151], 0.6, atol=0.02)


@pytest.mark.parametrize(("rows", "goes_on"), [(24, True), (40, False)])
def test_a_wire_goes_on_between_where_its_line_was_found(rows: int, goes_on: bool) -> None:
    disparity, (colour, pole) = np.full(SHAPE, SKY, np.float32), photo()
    colour[~pole] = colour[0, 0]
    gap = np.zeros(SHAPE, bool)
    gap[100 : 100 + rows] = True
    disparity[pole & ~gap] = 0.6
    thin = likely(pole)
    thin[gap] = 0
    result, _ = with_wires(disparity, colour, thin, BUDGET_PX)
    np.testing.assert_allclose(result[108 : 92 + rows, 151], 0.6 if goes_on else SKY, atol=0.02)


@pytest.mark.parametrize(("colour_of_rim", "its_own"), [(0.1, True), (0.5, False)])
def test_pixels_at_the_rims_of_a_wire_are_its_own_by_their_colour(colour_of_rim: float, its_own: bool) -> None:
    """The network sees the photo small."""
    disparity, (colour, pole) = np.full(SHAPE, SKY, np.float32), photo(5)
    colour[~pole] = colour[0, 0]
    colour[30:, 154] = colour_of_rim
    seen = pole.copy()
    seen[:, 154] = False
    disparity[60:90][seen[60:90]] = 0.6
    result, _ = with_wires(disparity, colour, 0.9 * seen.astype(np.float32), BUDGET_PX)
    np.testing.assert_allclose(result[36:194, 151:154], 0.6, atol=0.02)
    np.testing.assert_allclose(result[36:194, 154], 0.6 if its_own else SKY, atol=0.02)


def test_a_wire_counts_whose_lower_part_is_one_with_another() -> None:
    """Where two come together, they look like a third one, which is found first."""
    large = np.zeros((SHAPE[0] * 8, SHAPE[1] * 8), np.uint8)
    for top, bottom in ((150, 150), (162, 149)):
        cv2.line(large, (top * 8, 30 * 8), (bottom * 8, 199 * 8), 255, 2 * 8)
    wires = cv2.resize(large, SHAPE[::-1], interpolation=cv2.INTER_AREA) > 127
    disparity, (colour, _) = np.full(SHAPE, SKY, np.float32), photo()
    colour[:] = colour[0, 0]
    colour[wires] = 0.1
    disparity[90:][wires[90:]] = 0.6
    result, _ = with_wires(disparity, colour, likely(wires), BUDGET_PX)
    np.testing.assert_allclose(result[34:86][wires[34:86]], 0.6, atol=0.05)


@pytest.mark.parametrize(("top", "goes_on"), [(30, True), (74, False)])
def test_short_wires_do_not_go_on(top: int, goes_on: bool) -> None:
    """What looks like a short one beyond its end may be something other."""
    disparity, (colour, pole) = np.full(SHAPE, SKY, np.float32), photo(5)
    upper, beyond = pole.copy(), pole.copy()
    upper[:top] = upper[HORIZON:] = beyond[: HORIZON + 8] = beyond[HORIZON + 44 :] = False  # too short for a line
    colour[beyond] = 0.35
    disparity[upper] = 0.6
    result, _ = with_wires(disparity, colour, likely(upper | beyond), BUDGET_PX)
    np.testing.assert_allclose(result[top + 4 : HORIZON - 4, 152], 0.6, atol=0.02)
    np.testing.assert_allclose(result[HORIZON + 14 : HORIZON + 38, 152], 0.6 if goes_on else SKY, atol=0.02)


def test_cables_of_a_bundle_may_drift_apart() -> None:
    disparity = np.full(SHAPE, SKY, np.float32)
    cables = np.zeros(SHAPE, np.uint8)
    for x, drift in ((150, 0), (154, 2)):
        cv2.line(cables, (x, 20), (x + drift, SHAPE[0] - 1), 1, 2)
    disparity[20:HORIZON, 147:158] = 0.6
    result, _ = with_wires(disparity, photo()[0], likely(cables > 0), BUDGET_PX)
    np.testing.assert_allclose(result[30:190][cables[30:190] > 0], 0.6, atol=0.02)


def test_a_wire_that_stands_before_the_sky_is_not_behind_the_ground() -> None:
    disparity, (colour, pole) = ground(), photo()
    sky = pole.copy()
    sky[HORIZON:] = False
    disparity[sky] = 0.3
    result, _ = with_wires(disparity, colour, likely(pole), BUDGET_PX)
    assert (result[pole] >= disparity[pole] - 0.01).all()
    assert bend_px(result) < 1.5


def test_depth_that_was_sharp_already_knows_its_wires() -> None:
    disparity, (colour, _) = ground(), photo()
    rgb = np.round(colour * 255).astype(np.uint8)
    image = build_layers(rgb, disparity, BUDGET_PX, calm_fill, Sight(rgb, disparity))
    inside = slice(image.border_px, -image.border_px)
    front = image.layers[0].disparity[inside, inside]
    np.testing.assert_allclose(front[40 : HORIZON - 8, 151], SKY, atol=0.01)


def test_where_nothing_thin_is_likely_nothing_changes() -> None:
    disparity, (colour, pole) = np.linspace(0.2, 0.9, SHAPE[0], dtype=np.float32)[:, None].repeat(SHAPE[1], 1), photo()
    for thin in (0.1 * likely(pole), np.zeros(SHAPE, np.float32)):
        result, there = with_wires(disparity, colour, thin, BUDGET_PX)
        np.testing.assert_array_equal(result, disparity)
        assert not there.any()


def test_a_pole_holds_its_arms() -> None:
    disparity, (colour, pole) = np.full(SHAPE, SKY, np.float32), photo()
    arm = np.zeros(SHAPE, bool)
    arm[80:83, 153:210] = True
    disparity[pole] = 0.6
    result, _ = with_wires(disparity, colour, likely(pole | arm), BUDGET_PX)
    np.testing.assert_allclose(result[81, 156:206], 0.6, atol=0.03)
    apart = ~cv2.dilate((arm | pole).astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    np.testing.assert_array_equal(result[apart], disparity[apart])


def test_a_wire_that_ends_behind_something_keeps_its_depth() -> None:
    disparity, colour = np.full(SHAPE, SKY, np.float32), photo()[0]
    wire = np.zeros(SHAPE, bool)
    wire[80:83, 20:240] = True
    disparity[wire] = 0.4
    disparity[40:140, 240:] = 0.9
    result, _ = with_wires(disparity, colour, likely(wire), BUDGET_PX)
    np.testing.assert_allclose(result[81, 24:236], 0.4, atol=0.05)
    np.testing.assert_allclose(result[81, 246:], 0.9, atol=0.01)


def test_layers_of_estimated_depth_have_whole_poles() -> None:
    """From the blurred depth of a network that has not seen the pole to the layer in front."""
    estimate, (colour, pole) = blurred(ground()), photo(4)
    mottled = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 0.4, colour.shape).astype(np.float32), (0, 0), 2)
    rgb = np.round(np.clip(np.where(pole[..., None], colour, colour + mottled), 0, 1) * 255).astype(np.uint8)
    sight = Sight(rgb, estimate)
    layers = build_layers(rgb, sharpen(sight, BUDGET_PX), BUDGET_PX, calm_fill, sight)
    front, border = layers.layers[0], layers.border_px
    inside = np.s_[border:-border, border:-border]
    assert bend_px(front.disparity[inside], 151, slice(40, 190)) < 1.5
    for torn in (~front.links.right[:, :-1], ~front.links.right[:, 1:]):
        rows = torn[inside][40:100, 146:158].any(1)
        assert rows.mean() > 0.9


def test_a_pole_that_stands_on_something_nearer_rises_from_it() -> None:
    disparity, (colour, pole) = ground(), photo()
    pole[HORIZON:] = False
    result, _ = with_wires(disparity, colour, likely(pole), BUDGET_PX)
    foot = slice(HORIZON - 6, HORIZON - 1)
    assert disparity[foot, 151].max() == np.float32(SKY)
    np.testing.assert_allclose(result[foot, 151], GROUND, atol=0.1)
    assert bend_px(result, rows=slice(34, HORIZON - 1)) < 0.5
    apart = ~cv2.dilate(pole.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    np.testing.assert_array_equal(result[apart], disparity[apart])


def test_a_line_that_never_stood_goes_on_behind_a_pole() -> None:
    """The line of a roof, say, though it looks thin."""
    disparity, (colour, pole) = np.full(SHAPE, SKY, np.float32), photo()
    line = np.zeros(SHAPE, bool)
    line[100:103, 20:280] = True
    disparity[pole] = 0.6
    result, _ = with_wires(disparity, colour, likely(pole | line), BUDGET_PX)
    np.testing.assert_allclose(result[101, 30:140], SKY, atol=0.01)
    np.testing.assert_allclose(result[101, 165:270], SKY, atol=0.01)
    np.testing.assert_allclose(result[40:190, 151], 0.6, atol=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**16), st.integers(2, 200), st.integers(2, 200), st.sampled_from([0.0, 5.0, 40.0, 300.0]))
def test_depth_stays_within_its_range(seed: int, height: int, width: int, budget_px: float) -> None:
    draw = np.random.default_rng(seed)
    disparity = np.full((height, width), 0.1, np.float32)
    disparity[draw.integers(height) :, draw.integers(width) :] = draw.uniform(0.2, 1)
    colour = draw.normal(0.6, draw.choice([0, 0.05]), (height, width, 3)).astype(np.float32)
    thin = draw.uniform(0, draw.choice([0.001, 0.2]), (height, width)).astype(np.float32)
    for _ in range(4):
        ends = draw.integers(-20, 220, (2, 2)).tolist()
        cv2.line(thin, *map(tuple, ends), draw.uniform(0, 1), int(draw.integers(1, 5)))
    result, there = with_wires(disparity, colour, thin, budget_px)
    assert result.shape == there.shape == disparity.shape and result.dtype == np.float32
    assert (result >= disparity.min()).all() and (result <= 1).all()

"""Blurred depth edges come out one pixel wide and on colour edges; everything else stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings

from inpaint.edges import _calm_beside_steps, sharpen
from inpaint.sight import Sight
from tests.scenes import (
    FAR,
    NEAR,
    blurred,
    cases,
    checker,
    compose,
    plain,
    ramp,
    slanted_plane_with_hole,
    thin_pole,
    two_planes,
)

BUDGET_PX = 40.0


BLUR_SHARE = 0.006  # of the long side: the sigma that a network of 300 px leaves behind


def between(q: np.ndarray, margin: float = 0.2) -> np.ndarray:
    """Pixels that lie on neither of the two planes."""
    tolerance = margin * (NEAR - FAR)
    return (q > FAR + tolerance) & (q < NEAR - tolerance)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (352, 264), (301, 899)])
def test_blurred_step_becomes_one_pixel_sharp_where_the_colour_changes(height, width) -> None:
    scene = two_planes(height, width)
    sharp = sharpen(Sight(scene.rgb, blurred(scene.disparity, BLUR_SHARE * max(height, width))), BUDGET_PX)
    near = sharp > (NEAR + FAR) / 2
    edge_px = 2 * (scene.near.any(1).sum() + scene.near.any(0).sum())
    assert (near != scene.near).sum() < 0.1 * edge_px, "the edge is where the colours change, corners aside"
    assert between(sharp).sum() < 0.1 * edge_px, "no pixel is left halfway"


@pytest.mark.parametrize("offset_px", [-3, -2, 2, 3])
def test_misplaced_step_moves_onto_the_colour_edge(offset_px) -> None:
    scene = two_planes(264, 352)
    guess = blurred(np.roll(scene.disparity, offset_px, axis=1), BLUR_SHARE * 352)
    before = ((guess > (NEAR + FAR) / 2) != scene.near).sum()
    after = ((sharpen(Sight(scene.rgb, guess), BUDGET_PX) > (NEAR + FAR) / 2) != scene.near).sum()
    assert after < 0.25 * before


def test_a_hand_as_dark_as_the_ground_stays_on_its_arm() -> None:
    ground = checker(352, 352, 9, (70, 64, 60), (110, 104, 100))
    arm, hand = np.zeros((2, 352, 352), bool)
    arm[:200, 150:186] = arm[:, 200:] = True
    hand[200:224, 154:180] = True
    scene = compose(arm, plain(352, 352, (220, 215, 205)), ground)
    scene.rgb[hand] = (66, 60, 56)
    fading = np.linspace(0.85, 0.45, 24)[:, None]
    truth = scene.disparity.copy()
    truth[200:224] = np.where(hand[200:224], fading, truth[200:224])
    sharp = sharpen(Sight(scene.rgb, blurred(truth, BLUR_SHARE * 352)), BUDGET_PX)
    assert (sharp[hand] > 0.4).mean() > 0.95
    assert (sharp[244:, :140] < 0.3).all(), "the ground stays where it is"


def test_hue_tells_more_than_light_and_shadow() -> None:
    scene = two_planes(264, 352)
    light = np.random.default_rng(0).integers(60, 140, (66, 88)).astype(np.uint8)
    light = cv2.resize(light, (352, 264), interpolation=cv2.INTER_LINEAR)[..., None]
    rgb = light + np.where(scene.near[..., None], np.uint8([30, 15, 15]), np.uint8([15, 30, 15]))
    guess = blurred(np.roll(scene.disparity, 3, axis=1), 3)
    before, after = (
        ((q > (NEAR + FAR) / 2) != scene.near).sum() for q in (guess, sharpen(Sight(rgb, guess), BUDGET_PX))
    )
    assert after < 0.6 * before


def test_smooth_ramp_is_left_alone() -> None:
    q = ramp()
    rgb = plain(*q.shape, (90, 120, 60))
    np.testing.assert_allclose(sharpen(Sight(rgb, q), BUDGET_PX), q, atol=1e-4)
    striped = rgb.copy()
    striped[:, ::8] = 255
    np.testing.assert_allclose(sharpen(Sight(striped, q), BUDGET_PX), q, atol=1e-4)


@pytest.mark.parametrize("scene", [two_planes(), slanted_plane_with_hole(), thin_pole(pole_px=6)])
def test_depth_that_is_sharp_already_stays(scene) -> None:
    sharp = sharpen(Sight(scene.rgb, scene.disparity), BUDGET_PX)
    assert (np.abs(sharp - scene.disparity) * BUDGET_PX > 1).mean() < 0.005


def test_sharp_depth_stays_where_colours_say_nothing() -> None:
    scene = two_planes(264, 352)
    noise = np.random.default_rng(0).integers(0, 256, (*scene.near.shape, 3)).astype(np.uint8)
    np.testing.assert_array_equal(sharpen(Sight(noise, scene.disparity), BUDGET_PX), scene.disparity)


def test_without_parallax_nothing_needs_sharpening() -> None:
    scene = two_planes()
    soft = blurred(scene.disparity, 3.0)
    np.testing.assert_allclose(sharpen(Sight(scene.rgb, soft), 0.0), soft, atol=1e-6)


def test_a_shoulder_beside_a_step_is_calmed_and_a_real_step_is_kept() -> None:
    near = np.zeros((264, 352), bool)
    near[:, 120:] = True
    scene = compose(near, plain(264, 352, (200, 40, 40)), plain(264, 352, (40, 160, 60)))
    for depth, low, high in ((0.06, 0.0, 0.03), (0.3, 0.25, 1.0)):
        disparity = scene.disparity.copy()
        disparity[:, 120:124] -= depth
        calm = _calm_beside_steps(disparity, BUDGET_PX)
        assert low <= np.abs(np.diff(calm[132]))[121:].max() <= high
    np.testing.assert_array_equal(_calm_beside_steps(disparity, 1.0), disparity, err_msg="no move opens these")


@given(cases())
@settings(max_examples=40, deadline=None)
def test_any_depth_stays_within_its_range(case) -> None:
    rgb, q = case.rgb, case.disparity
    before = q.copy()
    sharp = sharpen(Sight(rgb, q), BUDGET_PX)
    assert sharp.shape == q.shape and sharp.dtype == np.float32 and np.isfinite(sharp).all()
    assert sharp.min() >= q.min() - 1e-4 and sharp.max() <= q.max() + 1e-4
    np.testing.assert_array_equal(q, before, err_msg="the input is not touched")
    np.testing.assert_array_equal(sharpen(Sight(rgb, q), BUDGET_PX), sharp, err_msg="the same again")

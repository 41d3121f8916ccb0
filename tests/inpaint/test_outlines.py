"""Steps walk onto the outline that colours show, and stay where colours say nothing or the depth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings

from inpaint.edges import sharpen
from inpaint.outlines import follow_outlines
from tests.scenes import (
    FAR,
    NEAR,
    Scene,
    blurred,
    cases,
    checker,
    compose,
    plain,
    textured_planes,
    thin_pole,
    two_planes,
)

BUDGET_PX = 40.0
BLUR_PX = 2.0  # sigma that a network leaves behind


def follow(scene: Scene, guess: np.ndarray, fixed: np.ndarray | None = None) -> np.ndarray:
    nothing = np.zeros(guess.shape, bool)
    colour = scene.rgb.astype(np.float32) / 255
    guess = guess.astype(np.float32)
    return follow_outlines(guess, blurred(guess, BLUR_PX), colour, nothing if fixed is None else fixed, BUDGET_PX)


def wrong(disparity: np.ndarray, scene: Scene) -> int:
    return int(((disparity > (NEAR + FAR) / 2) != scene.near).sum())


@pytest.mark.parametrize("draw", [two_planes, textured_planes])
@pytest.mark.parametrize("offset_px", [-5, -3, 3, 5])
def test_step_beside_an_outline_walks_onto_it(draw, offset_px) -> None:
    scene = draw(264, 352)
    guess = np.roll(scene.disparity, offset_px, axis=1)
    assert wrong(follow(scene, guess), scene) < 0.2 * wrong(guess, scene)


def test_notch_in_a_silhouette_is_filled_and_a_lump_is_taken_off() -> None:
    scene = two_planes(264, 352)
    guess = scene.disparity.copy()
    guess[66:74, 150:170], guess[190:197, 150:170] = FAR, FAR
    guess[58:66, 190:210], guess[198:205, 190:210] = NEAR, NEAR
    assert wrong(follow(scene, guess), scene) < 0.15 * wrong(guess, scene)


def test_blurred_and_misplaced_step_ends_on_the_outline() -> None:
    scene = textured_planes(264, 352)
    guess = blurred(np.roll(scene.disparity, 6, axis=1), 2.0)
    assert wrong(sharpen(guess, scene.rgb, BUDGET_PX), scene) < 0.15 * wrong(guess, scene)


def test_step_stays_where_both_sides_look_alike() -> None:
    scene = two_planes(264, 352)
    alike = compose(scene.near, *(checker(264, 352, 5, (90, 80, 60), (150, 140, 120)) for _ in range(2)))
    moved = follow(alike, scene.disparity) != scene.disparity
    off = cv2.distanceTransform((~scene.near).astype(np.uint8), cv2.DIST_L2, 3) > 4
    assert not (moved & off).any(), "the nearer side may take a few pixels more, but walks nowhere"


def test_depth_without_doubt_holds_against_a_shade() -> None:
    near = np.zeros((264, 352), bool)
    near[:, 120:] = True
    scene = compose(near, plain(264, 352, (146, 136, 127)), plain(264, 352, (110, 105, 100)))
    scene.rgb[:, 120:124] = (122, 116, 110)  # the nearer side's own shade, more like what lies behind it
    colour = scene.rgb.astype(np.float32) / 255
    nothing = np.zeros(near.shape, bool)
    sure, doubtful = (
        follow_outlines(scene.disparity, blurred(scene.disparity, sigma), colour, nothing, BUDGET_PX)
        for sigma in (1.0, 12.0)
    )
    assert wrong(sure, scene) < 0.3 * wrong(doubtful, scene)


@pytest.mark.parametrize(
    ("body", "rim", "own"),
    [((228, 222, 212), (250, 250, 250), True), ((190, 175, 150), (228, 230, 235), False)],
    ids=["seen against the ground", "the ground itself"],
)
def test_rim_that_looks_like_the_ground_stays_where_it_has_an_outline(body, rim, own) -> None:
    near = np.zeros((264, 352), bool)
    near[:, 180:] = True
    scene = compose(near, plain(264, 352, body), plain(264, 352, (228, 230, 235)))
    scene.rgb[:, 180:184] = rim
    colour = scene.rgb.astype(np.float32) / 255
    depth = blurred(scene.disparity, 4.0)
    found = follow_outlines(scene.disparity, depth, colour, np.zeros_like(near), BUDGET_PX)
    kept = (found > (NEAR + FAR) / 2)[20:-20, 180:184].mean()
    assert kept > 0.95 if own else kept < 0.05


def test_thin_pole_stays_whole() -> None:
    scene = thin_pole(264, 352, pole_px=5)
    result = follow(scene, scene.disparity)
    assert (result[scene.near] > (NEAR + FAR) / 2).mean() > 0.98
    assert wrong(result, scene) < 0.2 * scene.near.sum()


def test_fixed_steps_stay() -> None:
    scene = two_planes(264, 352)
    guess = np.roll(scene.disparity, 4, axis=1)
    step = cv2.dilate(guess, np.ones((3, 3))) > cv2.erode(guess, np.ones((3, 3)))
    np.testing.assert_array_equal(follow(scene, guess, step), guess)


def test_shoulder_beside_an_outline_is_calmed_and_a_real_step_is_kept() -> None:
    near = np.zeros((264, 352), bool)
    near[:, 120:] = True
    scene = compose(near, plain(264, 352, (200, 40, 40)), plain(264, 352, (40, 160, 60)))
    shoulder, step = scene.disparity.copy(), scene.disparity.copy()
    shoulder[:, 120:124] -= 0.06
    step[:, 120:124] -= 0.3
    jump = np.abs(np.diff(follow(scene, shoulder)[132]))[121:].max()
    assert jump < 0.03
    assert np.abs(np.diff(follow(scene, step)[132])).max() > 0.25


@given(cases())
@settings(max_examples=40, deadline=None)
def test_any_depth_stays_within_its_range(case) -> None:
    fixed = np.zeros(case.disparity.shape, bool)
    before = case.disparity.copy()
    result = follow_outlines(case.disparity, case.disparity, case.rgb.astype(np.float32) / 255, fixed, BUDGET_PX)
    assert result.shape == before.shape and result.dtype == np.float32
    assert result.min() >= before.min() - 1e-4 and result.max() <= before.max() + 1e-4
    np.testing.assert_array_equal(case.disparity, before, err_msg="the input is not touched")

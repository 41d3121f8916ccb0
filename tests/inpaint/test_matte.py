"""Soft silhouettes: alpha belongs to the pixels at the edge, and the nearer surface takes its fringe along."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings

from inpaint.chains import find_tears
from inpaint.matte import Matte, soft_edges
from inpaint.tears import Links, steepest_steps
from tests.scenes import NEAR, SCENES, cases, ramp, tear_band, two_planes

BUDGET_PX = 40.0
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
REACH_PX = 16  # nothing farther from a tear may change


def matte_of(rgb: np.ndarray, q: np.ndarray) -> tuple[Matte, Links]:
    links = find_tears(q, BUDGET_PX)
    return soft_edges(q, links, rgb.astype(np.float32) / 255), links


def assert_sound(matte: Matte, q: np.ndarray, links: Links) -> None:
    assert matte.alpha.shape == matte.disparity.shape == matte.rim.shape == q.shape
    assert matte.alpha.dtype == matte.disparity.dtype == np.float32 and matte.rim.dtype == bool
    assert np.isfinite(matte.alpha).all() and np.isfinite(matte.disparity).all()
    assert matte.alpha.min() >= 0 and matte.alpha.max() <= 1
    away = ~tear_band(links, REACH_PX)
    assert (matte.alpha[away] == 1).all() and not matte.rim[away].any()
    np.testing.assert_array_equal(matte.disparity[away], q[away])
    assert (matte.disparity >= q - 1e-6).all(), "only the nearer surface grows"
    assert matte.disparity.max() <= q.max()


@given(cases())
@settings(max_examples=40, deadline=None)
def test_any_picture_gets_a_sound_matte(case) -> None:
    matte, links = matte_of(case.rgb, case.disparity)
    assert_sound(matte, case.disparity, links)


@pytest.mark.parametrize("name", SCENES)
def test_scenes_get_a_sound_matte(name) -> None:
    scene = SCENES[name]()
    matte, links = matte_of(scene.rgb, scene.disparity)
    assert_sound(matte, scene.disparity, links)
    grown = matte.disparity > scene.disparity + 1e-6
    around = cv2.dilate(scene.disparity, np.ones((REACH_PX + 3,) * 2, np.uint8))
    assert not (grown & (around == scene.disparity)).any()


def test_without_tears_nothing_is_soft() -> None:
    q = ramp()
    matte = soft_edges(q, Links.all(q.shape), np.zeros((*q.shape, 3), np.float32))
    assert (matte.alpha == 1).all() and not matte.rim.any()
    np.testing.assert_array_equal(matte.disparity, q)


def test_clean_edge_stays_where_it_is() -> None:
    scene = two_planes()
    matte, _ = matte_of(scene.rgb, scene.disparity)
    solid = cv2.erode(scene.near.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert matte.alpha[solid].min() > 0.9
    outside = (matte.disparity == np.float32(NEAR)) & ~scene.near
    corners = np.zeros_like(outside)
    for y in (24, 71):
        for x in (42, 85):
            corners[y - 5 : y + 6, x - 5 : x + 6] = True
    assert not (outside & ~corners).any(), "the wall is not dragged along"


@pytest.mark.parametrize("height, stays", [(2, False), (4, True)])
def test_no_slit_stays_torn_in_the_nearer_surface(height, stays) -> None:
    """Above a horizon lies a halo, and in that a line that has nothing to do with it."""
    q = np.full((60, 90), 0.2, np.float32)
    q[30:] = NEAR
    rgb = np.full((60, 90, 3), 120, np.uint8)
    rgb[22:30] = 128
    rgb[30:] = 200
    line = np.s_[28 - height : 28, 25:65]
    rgb[line] = (120, 40, 220)
    matte, _ = matte_of(rgb, q)
    assert (matte.disparity[23, 30:60] == np.float32(NEAR)).all(), "the halo moves with what it surrounds"
    assert (matte.disparity[line] < 0.5).any() == stays


def test_where_depth_was_estimated_one_more_pixel_moves_along() -> None:
    scene = two_planes()
    links = find_tears(scene.disparity, BUDGET_PX)
    rgb = scene.rgb.astype(np.float32) / 255

    def moving(blurred: np.ndarray) -> np.ndarray:
        return soft_edges(scene.disparity, links, rgb, steepest_steps(blurred)).disparity == np.float32(NEAR)

    exact = moving(scene.disparity)
    estimated = moving(cv2.GaussianBlur(scene.disparity, (0, 0), 4))
    np.testing.assert_array_equal(estimated, cv2.dilate(exact.astype(np.uint8), CROSS) > 0)


def test_halo_on_a_calm_wall_moves_with_the_rectangle_and_a_dark_spot_stays() -> None:
    scene = two_planes()
    halo = scene.rgb.copy()
    left = int(np.flatnonzero(scene.near.any(0))[0])
    halo[24:72, left - 4 : left - 2] = np.minimum(halo[24:72, left - 4 : left - 2] + 6, 255)
    matte, _ = matte_of(halo, scene.disparity)
    assert matte.disparity[48, left - 3] == np.float32(NEAR)
    assert 0.08 <= matte.alpha[48, left - 3] < 0.5
    spotted = scene.rgb.copy()
    spotted[::6, : left - 1] = 0  # a busy wall
    spotted[40:56, left - 6 : left - 2] = 0
    matte, _ = matte_of(spotted, scene.disparity)
    assert matte.disparity[48, left - 4] == scene.disparity[48, left - 4]


def test_tinted_halo_in_a_textured_ground_moves_with_the_rectangle_and_its_dark_stones_stay() -> None:
    scene = two_planes()
    rng = np.random.default_rng(2)
    grain = cv2.GaussianBlur(rng.normal(0, 1, scene.near.shape), (0, 0), 1.5)
    grey = np.clip(120 + 12 * grain / grain.std(), 0, 255)
    rgb = np.where(scene.near, 230, grey)[..., None].repeat(3, axis=2)
    left = int(np.flatnonzero(scene.near.any(0))[0])
    rgb[24:72, left - 4 : left] += (10, 0, -10)  # as bright as the ground: chroma is stored coarsely, and bleeds
    rgb[44:52, left - 4 : left - 2] = 30
    matte, _ = matte_of(rgb.round().astype(np.uint8), scene.disparity)
    tinted = np.s_[28:42, left - 2]
    assert (matte.disparity[tinted] == np.float32(NEAR)).mean() > 0.6
    assert (matte.disparity[45:51, left - 4 : left - 2] == scene.disparity[45:51, left - 4 : left - 2]).all()


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_fine_strands_move_with_what_they_hang_on(share) -> None:
    scene = two_planes(264, 352)
    top = int(np.flatnonzero(scene.near.any(1))[0])
    mixed = share * scene.rgb[top, 176] + (1 - share) * scene.rgb[0, 0]
    scene.rgb[top - 9 : top, 140:212:3] = mixed.astype(np.uint8)  # the depth has not seen them
    matte, _ = matte_of(scene.rgb, scene.disparity)
    strands = np.s_[top - 7 : top, 164:188:3]
    assert (matte.disparity[strands] == np.float32(NEAR)).mean() > 0.9
    assert matte.alpha[strands].mean() == pytest.approx(share, abs=0.15)


def test_hairs_move_along_as_far_as_they_reach() -> None:
    scene = two_planes(600, 800)
    top = int(np.flatnonzero(scene.near.any(1))[0])
    hairs = np.s_[top - 20 : top, 280:520:5]
    scene.rgb[hairs] = (0.5 * scene.rgb[top, 400] + 0.5 * scene.rgb[0, 0]).astype(np.uint8)
    matte, _ = matte_of(scene.rgb, scene.disparity)
    assert (matte.disparity[hairs] == np.float32(NEAR)).all()
    assert matte.alpha[hairs][:12].mean() == pytest.approx(0.5, abs=0.05)
    assert (matte.disparity[: top - 22] == scene.disparity[: top - 22]).all()


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_fringe_moves_with_the_nearer_surface_as_far_as_it_belongs_to_it(share) -> None:
    scene = two_planes()
    rgb = scene.rgb.copy()
    column = int(np.flatnonzero(scene.near.any(0))[0]) - 1  # the last pixel of the wall
    rows = scene.near.any(1)
    mixed = share * scene.rgb[48, column + 1].astype(float) + (1 - share) * scene.rgb[48, column]
    rgb[rows, column] = mixed.round().astype(np.uint8)
    matte, _ = matte_of(rgb, scene.disparity)
    assert matte.disparity[48, column] == np.float32(NEAR)
    assert matte.alpha[48, column] == pytest.approx(share, abs=0.3)
    assert matte.rim[48, column], "its colour is a mixture: no context"


@pytest.mark.parametrize(("off_px", "rim_px"), [(3, 4), (3, 6), (3, 8), (4, 4), (4, 6)])
def test_a_rim_unlike_both_sides_has_no_holes(off_px, rim_px) -> None:
    """What moves along shows some of itself, or the background that is painted behind it would be seen in its place."""
    h, w, near, far = 200, 960, np.float32(0.85), np.float32(0.73)
    x, y = np.arange(w)[None], np.arange(h)[:, None]
    from_outline, from_depth_edge = x - 480 - y // 40, x - 480 - off_px - y // 25
    rgb = np.where((from_outline < 0)[..., None], (0, 145, 220), (255, 35, 125))
    rgb[(from_outline >= 0) & (from_outline < rim_px)] = (255, 105, 105)
    q = np.where(from_depth_edge < 0, far, near)
    matte = soft_edges(q, find_tears(q, 68), rgb.astype(np.float32) / 255)
    taken_along = (matte.disparity == near) & (from_outline >= 0)
    assert (taken_along & (q == far)).sum() > 500 and matte.alpha[taken_along].min() > 0.05

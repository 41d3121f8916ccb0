"""Strays: hairs move with the head they hang on, whatever passes behind stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inpaint.strays import REACH_SHARE, strays

SHAPE = (400, 600)
REACH = round(REACH_SHARE * max(SHAPE))
TOP = 200  # below that, from LEFT to RIGHT, is the nearer surface
LEFT, RIGHT = 150, 450
HAIR, WALL = np.float32([0.2, 0.1, 0.1]), np.float32([0.8, 0.7, 0.5])
NEAR, FAR, STEP = 0.7, 0.2, 0.25


def head() -> tuple[np.ndarray, np.ndarray]:
    """A photo (H, W, 3) of a dark surface before a wall with some grain, lighter on the right, and its nearer side."""
    near = np.zeros(SHAPE, bool)
    near[TOP:, LEFT:RIGHT] = True
    rgb = WALL + np.random.default_rng(1).normal(0, 0.002, (*SHAPE, 1)).astype(np.float32)
    rgb += np.linspace(0, 0.15, SHAPE[1], dtype=np.float32)[:, None]
    rgb[near] = HAIR
    return rgb, near


def paint(rgb: np.ndarray, rows: slice, columns: slice, share: float) -> None:
    rgb[rows, columns] = share * HAIR + (1 - share) * rgb[rows, columns]


def found(rgb: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    disparity = np.where(near, np.float32(NEAR), np.float32(FAR))
    return strays(rgb, disparity, near, np.zeros(SHAPE, bool), STEP)


@pytest.mark.parametrize("share", [0.15, 0.3, 0.8])
def test_hairs_are_found_and_how_much_of_a_pixel_they_are(share: float) -> None:
    rgb, near = head()
    hairs = np.s_[TOP - REACH + 2 : TOP, 200:400:7]
    paint(rgb, *hairs, share)
    stray, part = found(rgb, near)
    assert stray[hairs].mean() > 0.98
    assert part[hairs].mean() == pytest.approx(share, abs=0.05)
    around = np.zeros(SHAPE, np.uint8)
    around[hairs] = 1
    assert not (stray & (cv2.dilate(around, np.ones((7, 7), np.uint8)) == 0)).any()
    assert not (stray & near).any()


def test_hairs_seen_in_pieces_are_found() -> None:
    rgb, near = head()
    hair = np.s_[TOP - REACH + 1 : TOP, 300:301]
    paint(rgb, *hair, 0.5)
    rgb[TOP - 7 : TOP - 4, 300] = rgb[TOP - 7 : TOP - 4, 303]
    stray, _ = found(rgb, near)
    assert stray[TOP - REACH + 1 : TOP - 7, 300].all()


def test_nothing_strays_from_a_clean_edge() -> None:
    stray, _ = found(*head())
    assert not stray.any()


def test_what_goes_on_beyond_the_reach_stays() -> None:
    rgb, near = head()
    paint(rgb, slice(40, TOP), slice(300, 302), 0.5)
    stray, _ = found(rgb, near)
    assert not stray.any()


def test_what_does_not_hang_on_it_stays() -> None:
    rgb, near = head()
    paint(rgb, slice(TOP - 10, TOP - 6), slice(300, 302), 0.5)
    stray, _ = found(rgb, near)
    assert not stray.any()


def test_what_passes_from_one_tower_to_the_next_stays() -> None:
    rgb, near = head()
    near[TOP - 30 : TOP, LEFT : LEFT + 40] = near[TOP - 30 : TOP, LEFT + 80 : LEFT + 120] = True
    rgb[near] = HAIR
    paint(rgb, slice(TOP - 18, TOP - 16), slice(LEFT + 40, LEFT + 80), 0.3)
    stray, _ = found(rgb, near)
    assert not stray.any()


def test_another_colour_is_something_behind() -> None:
    rgb, near = head()
    rgb[TOP - 10 : TOP, 200:400:7] = 0.1, 0.8, 0.2
    stray, _ = found(rgb, near)
    assert not stray.any()


def test_shades_and_clouds_stay() -> None:
    rgb, near = head()
    shade = np.zeros(SHAPE, np.float32)
    shade[TOP - 10 : TOP, 250:330] = 0.4
    shade = cv2.GaussianBlur(shade, (0, 0), 8)[..., None]
    clouded = np.where(near[..., None], rgb, (1 - shade) * rgb + shade * HAIR)
    stray, _ = found(clouded, near)
    assert not stray.any()


def test_in_a_busy_background_nothing_is_told_from_a_hair() -> None:
    rgb, near = head()
    grain = np.random.default_rng(2).normal(0, 0.1, (*SHAPE, 1)).astype(np.float32)
    rgb[~near] += grain[~near]
    paint(rgb, slice(TOP - 10, TOP), slice(200, 400, 7), 0.8)
    stray, _ = found(rgb, near)
    assert not stray.any()


def test_only_what_lies_farther_away_moves() -> None:
    rgb, near = head()
    paint(rgb, slice(TOP - 10, TOP), slice(200, 400, 7), 0.5)
    disparity = np.full(SHAPE, NEAR, np.float32)
    stray, _ = strays(rgb, disparity, near, np.zeros(SHAPE, bool), STEP)
    assert not stray.any()

"""Links, tears and the pieces they leave."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from inpaint.chains import find_tears
from inpaint.tears import Links, jumps_px, smooth_surfaces, steepest_steps, surfaces, torn_pairs, was_made_sharp
from tests.scenes import SCENES, cases, ramp, staircase, two_planes

BUDGET_PX = 40.0


def random_links(seed: int, height: int, width: int, share: float = 0.7) -> Links:
    rng = np.random.default_rng(seed)
    return Links(rng.random((height, width - 1)) < share, rng.random((height - 1, width)) < share)


def silhouette(near: np.ndarray) -> Links:
    """The links that hold a silhouette and its surroundings together, and not the two to one another."""
    return Links(near[:, :-1] == near[:, 1:], near[:-1] == near[1:])


def assert_same_links(a: Links, b: Links) -> None:
    np.testing.assert_array_equal(a.right, b.right)
    np.testing.assert_array_equal(a.down, b.down)


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 99))
def test_every_link_goes_both_ways(height, width, seed) -> None:
    links = random_links(seed, height, width)
    ways = dict(links.to_neighbours())
    assert set(ways) == {1, -1, width, -width}
    for offset in (1, width):
        there, back = np.flatnonzero(ways[offset]), np.flatnonzero(ways[-offset])
        np.testing.assert_array_equal(there + offset, back)
    assert sum(int(w.sum()) for w in ways.values()) == 2 * (links.right.sum() + links.down.sum())


def test_all_links_hold_the_picture_together() -> None:
    links = Links.all((5, 7))
    assert links.right.all() and links.down.all()
    assert links.right.shape == (5, 6) and links.down.shape == (4, 7)
    assert not surfaces(links).any()


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 99))
def test_torn_pairs_are_the_torn_links_nearer_side_first(height, width, seed) -> None:
    links = random_links(seed, height, width)
    q = np.random.default_rng(seed).uniform(0, 1, (height, width)).astype(np.float32)
    pairs = torn_pairs(links, q)
    assert (q.ravel()[pairs.near] >= q.ravel()[pairs.far]).all()
    apart = np.abs(pairs.near - pairs.far)
    assert ((apart == 1).sum(), (apart == width).sum()) == ((~links.right).sum(), (~links.down).sum())
    assert len({frozenset(p) for p in zip(pairs.near.tolist(), pairs.far.tolist(), strict=True)}) == len(apart)


def test_jump_is_the_opening_in_pixels() -> None:
    q = np.array([[0.1, 0.4], [0.9, 0.4]], np.float32)
    right, down = jumps_px(q, 10.0)
    np.testing.assert_allclose(right, [[3], [5]], rtol=1e-6)
    np.testing.assert_allclose(down, [[8, 0]], rtol=1e-6)


def test_surfaces_are_what_links_connect() -> None:
    near = np.random.default_rng(3).random((20, 30)) < 0.5
    pieces = surfaces(silhouette(near))
    of_near, n_near = label(near)
    of_far, n_far = label(~near)
    assert len(np.unique(pieces)) == n_near + n_far
    for truth, mask in ((of_near, near), (of_far, ~near)):
        assert len(set(zip(pieces[mask].tolist(), truth[mask].tolist(), strict=True))) == truth.max()


@given(st.integers(0, 99), st.integers(1, 12))
@settings(max_examples=20)
def test_smoothing_mixes_linked_pixels_only(seed, rounds) -> None:
    rng = np.random.default_rng(seed)
    scene = two_planes(24, 30)
    links = silhouette(scene.near)
    q = (scene.disparity + rng.uniform(-0.05, 0.05, scene.near.shape)).astype(np.float32)
    smooth = smooth_surfaces(q, links, rounds)
    for side in (scene.near, ~scene.near):
        assert smooth[side].min() >= q[side].min() - 1e-6 and smooth[side].max() <= q[side].max() + 1e-6
        assert smooth[side].std() < q[side].std()


@pytest.mark.parametrize("name", SCENES)
def test_scenes_are_torn_along_their_silhouettes(name) -> None:
    scene = SCENES[name]()
    tears, q = find_tears(scene.disparity, BUDGET_PX), scene.disparity
    steps = Links(np.abs(np.diff(q, axis=1)) < 0.05, np.abs(np.diff(q, axis=0)) < 0.05)
    assert_same_links(tears, steps)


@pytest.mark.parametrize("name", SCENES)
def test_mirrored_scenes_have_mirrored_tears(name) -> None:
    q = SCENES[name]().disparity
    tears = find_tears(q, BUDGET_PX)
    mirrored = find_tears(q[:, ::-1].copy(), BUDGET_PX)
    assert_same_links(Links(mirrored.right[:, ::-1], mirrored.down[:, ::-1]), tears)
    turned = find_tears(q.T.copy(), BUDGET_PX)
    assert_same_links(Links(turned.down.T, turned.right.T), tears)


@pytest.mark.parametrize("q", [ramp(), np.full((40, 50), 0.5, np.float32), np.zeros((17, 16), np.float32)])
def test_one_surface_is_not_torn(q) -> None:
    assert_same_links(find_tears(q, BUDGET_PX), Links.all(q.shape))


def test_what_no_move_opens_is_not_torn() -> None:
    assert_same_links(find_tears(staircase().disparity, 0.5), Links.all((96, 128)))


@given(cases(), st.sampled_from([0.0, 1.0, 10.0, 60.0]))
@settings(max_examples=60, deadline=None)
def test_any_depth_can_be_torn(case, budget_px) -> None:
    q = case.disparity
    links = find_tears(q, budget_px)
    assert links.right.shape == (q.shape[0], q.shape[1] - 1) and links.down.shape == (q.shape[0] - 1, q.shape[1])
    assert links.right.dtype == links.down.dtype == bool
    assert_same_links(find_tears(q, budget_px), links)


def test_values_come_in_the_order_of_torn_pairs() -> None:
    links = Links(np.ones((3, 3), bool), np.ones((2, 4), bool))
    links.right[1, 2] = links.down[0, 3] = False
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(values.ravel()[torn_pairs(links, values).first], [6, 3])
    np.testing.assert_array_equal(links.at_tears(values[:, :-1], values[:-1]), [6, 3])


def test_depth_that_was_blurred_is_told_from_measured_depth() -> None:
    q = two_planes().disparity
    blurred = cv2.GaussianBlur(q, (0, 0), 4)
    assert was_made_sharp(q, steepest_steps(blurred), 30.0)
    assert not was_made_sharp(q, steepest_steps(q), 30.0)
    assert not was_made_sharp(np.full_like(q, 0.5), steepest_steps(blurred), 30.0), "nothing is torn"

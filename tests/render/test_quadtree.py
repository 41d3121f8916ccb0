"""Leaves hold what they must, once, and are few."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from render.quadtree import LEVELS, PURE_LEVEL, Leaves, find_leaves

FLAT = np.full((65, 65), 0.2, np.float32)
EVERYWHERE = np.ones((64, 64), bool)


def held(leaves: list[Leaves], shape: tuple[int, int]) -> np.ndarray:
    """How many leaves hold each quad."""
    count = np.zeros(shape, int)
    for some in leaves:
        for y, x in zip(some.y, some.x, strict=True):
            count[y : y + some.height, x : x + some.width] += 1
    return count


def number(leaves: list[Leaves]) -> int:
    return sum(len(some.y) for some in leaves)


@given(seed=st.integers(0, 99), height=st.integers(2, 90), width=st.integers(2, 90), share=st.floats(0.05, 1))
@settings(max_examples=30, deadline=None)
def test_each_quad_is_in_one_leaf(seed, height, width, share) -> None:
    rng = np.random.default_rng(seed)
    quads = np.kron(rng.random((12, 12)) < share, np.ones((8, 8), bool))[: height - 1, : width - 1]
    soft = rng.random((height, width)) < 0.02
    q = np.round(rng.random((height, width)) * 1.1).astype(np.float32) * 0.1
    leaves = find_leaves(q, quads, np.zeros_like(quads), soft, 0.05)
    np.testing.assert_array_equal(held(leaves, quads.shape), quads)


def test_squares_beside_a_tear_become_one_leaf_by_twos() -> None:
    quads = EVERYWHERE.copy()
    quads[:, 37] = False
    leaves = [some for some in find_leaves(FLAT, quads, ~EVERYWHERE, np.zeros_like(FLAT, bool), 0.01) if len(some.y)]
    assert all(some.height == 2 * some.width for some in leaves)
    assert number(leaves) == 63, "squares would be 126"


def test_squares_that_are_bent_together_stay_apart() -> None:
    roof = np.broadcast_to(np.abs(np.arange(65) - 32) / np.float32(64), (65, 65)).astype(np.float32)
    leaves = find_leaves(roof, EVERYWHERE, ~EVERYWHERE, np.zeros_like(roof, bool), 0.01)
    assert [(some.height, some.width, some.x.tolist()) for some in leaves if len(some.y)] == [(64, 32, [0, 32])]


def test_large_leaves_are_soft_all_over_or_not_at_all() -> None:
    soft = np.zeros_like(FLAT, bool)
    soft[:, 21:] = True
    for some in find_leaves(FLAT, EVERYWHERE, ~EVERYWHERE, soft, 0.01):
        if some.height * some.width >= 1 << 2 * PURE_LEVEL:
            sides = soft[:, some.x + 1], soft[:, some.x + some.width - 1]
            np.testing.assert_array_equal(*sides)
    assert LEVELS > PURE_LEVEL

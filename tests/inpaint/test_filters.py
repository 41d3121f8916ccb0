"""Edge-aware and hole-filling filters against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.filters import (
    box_mean,
    cell_means,
    dot,
    guided_filter,
    larger_cells,
    largest,
    nearest,
    push_pull,
    without_gaps,
)


def random_planes(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_box_mean_is_the_mean_of_the_window(shape) -> None:
    x = random_planes(1, *shape)
    np.testing.assert_allclose(box_mean(x, 2)[10, 15], x[8:13, 13:18].mean((0, 1)), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sums_and_largest_of_channels(channels) -> None:
    a, b = np.random.default_rng(7).normal(size=(2, 19, 23, channels)).astype(np.float32)
    np.testing.assert_allclose(dot(a, b), (a * b).sum(-1), atol=1e-5)
    np.testing.assert_array_equal(largest(a), a.max(-1))
    np.testing.assert_array_equal(largest(a.reshape(-1, channels)), a.reshape(-1, channels).max(-1))


def test_guided_filter_is_the_local_linear_fit() -> None:
    guide, source, radius, eps = random_planes(2, 24, 24, 3), random_planes(3, 24, 24), 2, 1e-3

    def fit(y: int, x: int) -> np.ndarray:
        """Coefficients (r, g, b, offset) of the ridge regression in the window around a pixel."""
        window = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1]
        i, p = guide[window].reshape(-1, 3).astype(np.float64), source[window].ravel().astype(np.float64)
        covariance = np.cov(i.T, bias=True) + eps * np.eye(3)
        a = np.linalg.solve(covariance, ((i - i.mean(0)) * (p - p.mean())[:, None]).mean(0))
        return np.append(a, p.mean() - a @ i.mean(0))

    y = x = 12
    around = [fit(y + dy, x + dx) for dy in range(-radius, radius + 1) for dx in range(-radius, radius + 1)]
    expected = np.mean(around, 0) @ np.append(guide[y, x], 1)
    assert guided_filter(guide, source, radius, eps)[y, x] == pytest.approx(expected, abs=1e-4)


def test_guided_filter_follows_the_edge_of_the_guide() -> None:
    guide = np.zeros((32, 32, 3), np.float32)
    guide[:, 16:] = 1
    mask = np.zeros((32, 32), np.float32)
    mask[:, 18:] = 1  # two pixels off
    followed = guided_filter(guide, mask, radius=6, eps=1e-4)[16]
    assert followed[17] - followed[15] > 5 * abs(followed[19] - followed[17])


def test_guided_filter_keeps_a_constant() -> None:
    constant = np.full((20, 20), 0.7, np.float32)
    np.testing.assert_allclose(guided_filter(random_planes(4, 20, 20, 3), constant, 4, 1e-4), 0.7, atol=1e-4)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_nearest_takes_the_closest_known_pixel_and_only_where_it_is_asked(channels) -> None:
    values, known = random_planes(6, 12, 20, *channels), np.zeros((12, 20), bool)
    known[3, 4] = known[9, 15] = True
    before = values.copy()
    everywhere = nearest(values, known)
    np.testing.assert_array_equal(everywhere[:, :5], np.broadcast_to(values[3, 4], everywhere[:, :5].shape))
    np.testing.assert_array_equal(everywhere[:, 15:], np.broadcast_to(values[9, 15], everywhere[:, 15:].shape))
    where = np.zeros((12, 20), bool)
    where[2:5, 3:6] = True
    some = nearest(values, known, where)
    np.testing.assert_array_equal(some[where], everywhere[where])
    np.testing.assert_array_equal(some[~where], values[~where])
    np.testing.assert_array_equal(values, before, err_msg="the input is not touched")


sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(sizes, st.floats(0, 1), st.integers(0, 99), st.sampled_from([(), (1,), (3,)]))
@settings(max_examples=60, deadline=None)
def test_push_pull_keeps_the_known_and_fills_the_rest_from_it_alone(size, share, seed, channels) -> None:
    values = random_planes(seed, *size, *channels)
    known = random_planes(seed + 100, *size) < share
    filled = push_pull(values, known)
    assert filled.shape == values.shape and np.isfinite(filled).all()
    np.testing.assert_allclose(filled[known], values[known], atol=1e-6)
    if known.any():
        assert filled.min() >= values[known].min() - 1e-4 and filled.max() <= values[known].max() + 1e-4
    other = np.where(known.reshape(*size, *[1] * len(channels)), values, 1e3).astype(np.float32)
    np.testing.assert_array_equal(push_pull(other, known), filled)


def test_push_pull_without_anything_known_is_zero() -> None:
    assert not push_pull(random_planes(5, 9, 7, 3), np.zeros((9, 7), bool)).any()


def test_push_pull_is_smooth_between_two_sides() -> None:
    values = np.zeros((32, 64), np.float32)
    values[:, 32:] = 1
    known = np.zeros((32, 64), bool)
    known[:, :8] = known[:, -8:] = True
    row = push_pull(values, known)[16]
    assert (np.diff(row) >= -0.02).all() and np.abs(np.diff(row)).max() < 0.15
    assert row[31] == pytest.approx(0.5, abs=0.15)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_larger_cells_are_those_of_the_picture(height, width, seed) -> None:
    random = np.random.default_rng(seed)
    planes, where = random.random((height, width, 2), np.float32), random.random((height, width)) < 0.5
    at_once, in_two_steps = cell_means(planes, where, 8), larger_cells(*cell_means(planes, where, 2), 4)
    for a, b in zip(at_once, in_two_steps, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_gaps_are_closed_up_to_their_size_and_never_at_the_ends() -> None:
    there = np.array([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0], bool)
    np.testing.assert_array_equal(without_gaps(there, 3), np.array([0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0], bool))
    np.testing.assert_array_equal(without_gaps(there, 5), np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], bool))
    assert not without_gaps(np.zeros(5, bool), 3).any()

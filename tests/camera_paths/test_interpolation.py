import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_paths.interpolation import interpolate, interpolate_rotations
from camera_paths.rotation import conjugate, exp_quaternion, log_quaternion, multiply

RNG = np.random.default_rng(0)
TIME_S = np.array([0.0, 1.0, 1.5, 4.0, 5.0])
VALUES = RNG.normal(size=(5, 3))
TURNS = exp_quaternion(RNG.normal(size=(5, 3)))


def closed(values):
    return np.concatenate([values, values[:1]])


@pytest.mark.parametrize("loops", [False, True])
def test_curves_pass_their_keyframes_exactly(loops):
    time_s = np.append(TIME_S, 7.0)
    values, turns = closed(VALUES), closed(TURNS)
    np.testing.assert_allclose(interpolate(time_s, values, time_s, loops=loops), values, atol=1e-14)
    got = interpolate_rotations(time_s, turns, time_s, loops=loops)
    np.testing.assert_allclose(np.abs((got * turns).sum(axis=1)), 1, atol=1e-14)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6), st.booleans())
def test_curve_never_leaves_the_range_between_neighbouring_keyframes(values, loops):
    points = np.array([*values, values[0]])[:, None]
    time_s = np.cumsum(np.linspace(1, 3, len(points)))
    for i in range(len(points) - 1):
        at_s = np.linspace(time_s[i], time_s[i + 1], 30)[:-1]
        curve = interpolate(time_s, points, at_s, loops=loops)
        low, high = sorted([points[i, 0], points[i + 1, 0]])
        assert (curve >= low - 1e-9).all()
        assert (curve <= high + 1e-9).all()


def test_speed_is_continuous_at_keyframes_and_zero_at_the_ends():
    step = 1e-6
    for curve in (
        lambda at_s: interpolate(TIME_S, VALUES, at_s, loops=False),
        lambda at_s: interpolate_rotations(TIME_S, TURNS, at_s, loops=False),
    ):
        inner = TIME_S[1:-1]
        before = (curve(inner) - curve(inner - step)) / step
        after = (curve(inner + step) - curve(inner)) / step
        np.testing.assert_allclose(before, after, atol=1e-4)
        assert np.abs(curve(TIME_S[:1] + step) - curve(TIME_S[:1])).max() < 1e-9
        assert np.abs(curve(TIME_S[-1:]) - curve(TIME_S[-1:] - step)).max() < 1e-9


def test_looping_curves_pass_the_seam_at_speed():
    time_s, step = np.linspace(0, 4, 5), 1e-6
    angle = np.pi / 2 * np.arange(5) + 0.3
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ring[-1] = ring[0]
    start = (interpolate(time_s, ring, np.array([step]), loops=True) - ring[0]) / step
    end = (ring[0] - interpolate(time_s, ring, np.array([4 - step]), loops=True)) / step
    np.testing.assert_allclose(start, end, atol=1e-4)
    assert np.linalg.norm(start) > 0.3


def test_two_rotations_are_joined_along_the_shortest_arc():
    ends = exp_quaternion(np.array([[0.0, 0.2, 0.1], [0.5, 0.3, -0.4]]))
    way = interpolate_rotations(np.array([0.0, 1.0]), ends, np.linspace(0, 1, 11), loops=False)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1)
    turn = log_quaternion(multiply(conjugate(way[:1]), way))
    share = np.linalg.norm(turn, axis=1) / np.linalg.norm(turn[-1])
    np.testing.assert_allclose(turn, share[:, None] * turn[-1], atol=1e-12)
    t = np.linspace(0, 1, 11)
    np.testing.assert_allclose(share, t * t * (3 - 2 * t), atol=1e-12)


def test_one_keyframe_stands_still():
    at_s = np.zeros(3)
    np.testing.assert_array_equal(interpolate(np.zeros(1), VALUES[:1], at_s, loops=False), np.tile(VALUES[0], (3, 1)))
    got = interpolate_rotations(np.zeros(1), TURNS[:1], at_s, loops=False)
    np.testing.assert_array_equal(got, np.tile(TURNS[0], (3, 1)))

"""Thin things: wires, threads, and whose depth edges are real."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.thin import with_thin_things

SHAPE, BUDGET_PX = (200, 300), 30.0
GREY = np.full((*SHAPE, 3), 0.5, np.float32)


def test_straight_and_bent_things_become_whole() -> None:
    disparity = np.full(SHAPE, 0.1, np.float32)
    disparity[120:] = 0.7
    pole, cord = np.zeros((2, *SHAPE), np.uint8)
    cv2.line(pole, (60, 20), (60, 199), 1, 3)
    cv2.ellipse(cord, (200, 120), (50, 70), 0, 0, 360, 1, 3)
    likely = 0.9 * np.maximum(pole, cord).astype(np.float32)
    result, near = with_thin_things(disparity, GREY, likely, BUDGET_PX)
    steps = np.abs(np.diff(result[24:196, 60]))
    assert steps.max() * BUDGET_PX < 0.5, "a wire is straight"
    inside = (cord[1:] & cord[:-1]) > 0
    assert np.abs(np.diff(result, axis=0))[inside].max() * BUDGET_PX < 4, "a thread has no step"
    assert np.abs(np.diff(disparity, axis=0))[inside].max() * BUDGET_PX > 15
    assert near[24:196][pole[24:196] > 0].all() and not near[100, 130] and near.mean() < 0.1


def test_where_nothing_thin_is_likely_all_stays() -> None:
    disparity = np.random.default_rng(0).uniform(0, 1, SHAPE).astype(np.float32)
    result, near = with_thin_things(disparity, GREY, np.full(SHAPE, 0.2, np.float32), BUDGET_PX)
    np.testing.assert_array_equal(result, disparity)
    assert not near.any()

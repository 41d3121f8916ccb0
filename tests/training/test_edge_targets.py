"""Edge targets: blurred steps that belong on known outlines."""

from __future__ import annotations

import cv2
import numpy as np

from training.edge_targets import KNOWN_PX, sharp_target


def blurred_square() -> tuple[np.ndarray, np.ndarray]:
    """Blurred disparity of a square before a wall, and the square."""
    order = np.zeros((160, 200), np.uint8)
    order[50:110, 60:140] = 1
    return cv2.GaussianBlur(np.where(order, 0.8, 0.2).astype(np.float32), (0, 0), 3), order


def test_blurred_steps_become_sharp_on_the_outline() -> None:
    disparity, order = blurred_square()
    sharp, known = sharp_target(disparity, order)
    assert sharp.dtype == np.float32
    inside = order == 1
    assert np.abs(sharp[inside & known] - 0.8).max() < 0.06
    assert np.abs(sharp[~inside & known] - 0.2).max() < 0.06
    assert known[50, 60] and not known[5, 5], "far from outlines nothing is told"
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    assert not known[distance > KNOWN_PX + 2].any()


def test_a_thin_thing_is_as_near_as_its_nearest_spots() -> None:
    order = np.zeros((120, 160), np.uint8)
    order[:, 78:82] = 1
    disparity = cv2.GaussianBlur(np.where(order, 0.8, 0.2).astype(np.float32), (0, 0), 4)
    sharp, _ = sharp_target(disparity, order)
    line = sharp[20:100, 78:82]
    assert line.min() > disparity.max() - 0.02 and sharp[60, 70] < 0.3


def test_where_the_backdrop_has_an_edge_nothing_is_known() -> None:
    disparity, order = blurred_square()
    disparity[:, 165:] = 0.6
    _, known = sharp_target(disparity, order)
    assert known[80, 145] and not known[80, 162]


def test_outlines_without_a_step_tell_nothing() -> None:
    disparity, order = blurred_square()
    steps = np.zeros(order.shape, bool)
    steps[50, 60:140] = True  # the square stands on its foot
    _, known = sharp_target(disparity, order, steps)
    assert known[45, 100] and not known[110, 100]

"""Thin things as the network sees them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inpaint import network_thin
from inpaint.loading import MissingWeightsError
from inpaint.network_thin import see_thin
from tests.scenes import FAR, NEAR, blurred


def wall() -> np.ndarray:
    """(480, 640, 3) a mottled wall."""
    rng = np.random.default_rng(1)
    return cv2.resize(rng.integers(60, 160, (24, 32, 3), dtype=np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)


def seen(rgb: np.ndarray, disparity: np.ndarray) -> np.ndarray:
    thin = see_thin(rgb, blurred(disparity, 5))
    assert thin.min() >= 0 and thin.max() <= 1
    return cv2.resize(thin, (640, 480))


@pytest.mark.parametrize("colour", [(20, 20, 25), (235, 235, 225)])
def test_it_tells_a_wire_from_a_line_that_is_painted_on_a_board(colour) -> None:
    rgb, (wire, paint) = wall(), np.zeros((2, 480, 640), np.uint8)
    cv2.line(wire, (0, 60), (639, 100), 1, 4)
    rgb[180:420, 150:500] = 120, 90, 60
    cv2.line(paint, (150, 300), (499, 300), 1, 4)
    rgb[(wire | paint) > 0] = colour
    disparity = np.full((480, 640), FAR, np.float32)
    disparity[180:420, 150:500] = NEAR
    thin = seen(rgb, disparity)
    assert thin[wire > 0].mean() > 0.7
    assert thin[paint > 0].mean() < 0.75 * thin[wire > 0].mean()
    assert thin[cv2.dilate(wire | paint, np.ones((13, 13), np.uint8)) == 0].mean() < 0.02


def test_a_wheel_has_spokes_whatever_the_size_of_the_photo() -> None:
    for scale in (0.5, 3):
        wheel = np.zeros((480, 640), np.uint8)
        cv2.circle(wheel, (320, 240), 150, 1, 7)
        for angle in np.arange(0, 2 * np.pi, np.pi / 6):
            cv2.line(wheel, (320, 240), (int(320 + 150 * np.cos(angle)), int(240 + 150 * np.sin(angle))), 1, 3)
        rgb = np.where(wheel[..., None] > 0, np.uint8(30), wall())
        large = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        thin = see_thin(large, np.full(large.shape[:2], FAR, np.float32))
        assert cv2.resize(thin, (640, 480))[wheel > 0].mean() > 0.6


def test_missing_weights_say_what_to_do(tmp_path) -> None:
    with pytest.raises(MissingWeightsError, match="reinstall"):
        network_thin.load_network(tmp_path / "none.safetensors")

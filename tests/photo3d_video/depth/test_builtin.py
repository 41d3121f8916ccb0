"""The built-in network's answers to pictures of several sizes become one map."""

from __future__ import annotations

import numpy as np
import pytest

from photo3d_video.depth import builtin
from photo3d_video.depth.disparity import standardise_disparity


@pytest.fixture
def looks(monkeypatch):
    """The sizes (w, h) of the pictures that were looked at, mirrored or not; every answer is a ramp across with stripes
    that are as wide as a pixel of it, so only layout is common to all.
    """
    seen = []

    def infer(network, rgb, device, mirrored):
        height, width, _ = rgb.shape
        seen.append((width, height, mirrored))
        ramp = np.linspace(-1, 1, width // 2, dtype=np.float32)
        stripes = np.where(np.arange(width // 2) % 2, 0.1, -0.1)
        both = np.tile((ramp + stripes).astype(np.float32), (height // 2, 1))
        return both, (both + 1) / 2

    monkeypatch.setattr(builtin, "infer", infer)
    return seen


def test_photos_are_looked_at_in_two_sizes_and_the_small_one_mirrored_too(looks) -> None:
    disparity, subject = builtin.predict(None, np.zeros((100, 100, 3), np.uint8))
    assert looks == [(320, 320, True), (576, 576, False)]
    assert disparity.shape == subject.shape == (288, 288)


def test_shape_comes_from_the_large_picture_and_layout_from_both(looks) -> None:
    disparity, subject = builtin.predict(None, np.zeros((900, 900, 3), np.uint8))
    answer = builtin._look(None, np.zeros((900, 900, 3), np.uint8), 576, "cpu", False)[..., 0]
    row, whole = disparity[100], standardise_disparity(answer)[100]
    smooth = np.convolve(row, np.ones(8) / 8, "same")[20:-20]
    ramp = np.convolve(whole, np.ones(8) / 8, "same")[20:-20]
    np.testing.assert_allclose(smooth, ramp, atol=0.08)
    stripes = np.abs(np.diff(row))[50:-50].mean() / np.abs(np.diff(whole))[50:-50].mean()
    assert stripes == pytest.approx(builtin.SHAPE_SHARE, abs=0.12)
    assert subject.min() >= 0 and subject.max() <= 1, "stripes beyond what a probability can be are cut off"

"""The measures, on cases whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.metrics import (
    BEST_PSNR_DB,
    align,
    boundary_f1,
    pearson,
    psnr,
    sharpness,
    spearman,
    ssim,
    ssim_map,
)


def picture(seed: int = 0, height: int = 40, width: int = 50) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_psnr_of_a_known_error() -> None:
    a = np.full((10, 10, 3), 100, np.uint8)
    assert psnr(a, a + 5) == pytest.approx(10 * np.log10(255**2 / 25))
    assert psnr(a, a) == BEST_PSNR_DB
    where = np.zeros((10, 10), bool)
    assert np.isnan(psnr(a, a, where))
    b = a.copy()
    b[0] = 0
    where[1:] = True
    assert psnr(a, b, where) == BEST_PSNR_DB > psnr(a, b)


def test_ssim_of_equal_different_and_shifted_pictures() -> None:
    a = picture()
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, picture(1)) < 0.1
    grey = np.full((40, 50, 3), 100, np.uint8)
    luminance = (2 * 100 * 120 + (0.01 * 255) ** 2) / (100**2 + 120**2 + (0.01 * 255) ** 2)
    assert ssim(grey, grey + 20) == pytest.approx(luminance, abs=1e-6)
    assert ssim_map(a, a).shape == (40, 50)


def test_ssim_is_wang_s_at_a_pixel() -> None:
    a, b = picture(2)[..., 0].astype(float), picture(3)[..., 0].astype(float)
    offsets = np.arange(-5, 6)
    one = np.exp(-(offsets**2) / (2 * 1.5**2))
    weight = np.outer(one, one) / one.sum() ** 2
    x, y = a[15:26, 20:31], b[15:26, 20:31]
    mx, my = (weight * x).sum(), (weight * y).sum()
    vx, vy, vxy = (weight * x * x).sum() - mx**2, (weight * y * y).sum() - my**2, (weight * x * y).sum() - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert ssim_map(a, b)[20, 25] == pytest.approx(expected, abs=1e-9)


def test_sharpness_falls_with_blur() -> None:
    a = picture()
    blurred = ((a.astype(int) + np.roll(a, 1, 0) + np.roll(a, 1, 1)) // 3).astype(np.uint8)
    assert sharpness(a) > 2 * sharpness(blurred) > 0
    assert sharpness(np.full((9, 9, 3), 7, np.uint8)) == 0


def test_correlations() -> None:
    x = np.linspace(0, 1, 50)
    assert pearson(x, 3 * x - 1) == pytest.approx(1) and pearson(x, -x) == pytest.approx(-1)
    assert pearson(x, np.ones(50)) == 0
    assert spearman(x, np.exp(9 * x)) == pytest.approx(1)
    assert pearson(x, np.exp(9 * x)) < 0.9
    assert spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 2, 3])) == pytest.approx(1)


def test_alignment_recovers_scale_and_shift() -> None:
    x = np.random.default_rng(0).random((20, 30))
    assert align(x, 2.5 * x - 0.3) == pytest.approx((2.5, -0.3))
    assert align(np.ones(9), np.arange(9.0)) == pytest.approx((0, 4))


def test_boundary_f1_finds_edges_where_they_are() -> None:
    truth = np.full((30, 40), 1.0)
    truth[:, 20:] = 2.0
    known = np.ones(truth.shape, bool)
    assert boundary_f1(truth, truth, known) == 1
    assert boundary_f1(truth * 3, truth, known) == 1, "ratios do not depend on scale"
    shifted = np.full((30, 40), 1.0)
    shifted[:, 21:] = 2.0
    # Per row: one pair at distance 1 and two at distance 2; of those, one at distance 2 is shared.
    assert boundary_f1(shifted, truth, known) == pytest.approx(1 / 3)
    assert boundary_f1(np.ones_like(truth), truth, known) == 0
    assert np.isnan(boundary_f1(truth, np.ones_like(truth), known))
    known[:, 18:22] = False
    assert np.isnan(boundary_f1(truth, truth, known)), "unknown pixels have no edges"
    assert boundary_f1(truth.T, truth.T, np.ones((40, 30), bool)) == 1

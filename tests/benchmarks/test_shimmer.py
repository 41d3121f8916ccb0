"""The benchmark of shimmer sees none where there is none, and moves pictures exactly."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import shimmer
from photo3d_video.pipeline import open_context


def test_moving_a_wave_is_exact() -> None:
    y, x = np.mgrid[0:48, 0:64]

    def wave(dx: float, dy: float) -> np.ndarray:
        return np.cos(2 * np.pi * (21 * (x - dx) / 64 + 5 * (y - dy) / 48))

    np.testing.assert_allclose(shimmer.shifted(wave(0, 0), np.array([0.3, -1.7])), wave(0.3, -1.7), atol=1e-9)


@pytest.mark.parametrize("supersample", [1, 2])
def test_detail_flickers_and_plain_walls_do_not(monkeypatch, supersample) -> None:
    monkeypatch.setattr(shimmer, "SIDE_PX", 120)
    monkeypatch.setattr(shimmer, "FRAMES", 12)
    x = np.arange(120) / 120

    def lines(count: int) -> np.ndarray:
        levels = (128 + 90 * np.cos(2 * np.pi * count * x)).round().astype(np.uint8)
        return np.broadcast_to(levels[None, :, None], (120, 120, 3))

    with open_context() as context:
        flicker = [np.stack(shimmer.pan(context, lines(n), supersample)).std(0).mean() for n in (0, 6, 40)]
    assert flicker[0] < 0.1 < flicker[1] < 1.5 < flicker[2] < 12


def test_figures_of_a_texture(monkeypatch) -> None:
    monkeypatch.setattr(shimmer, "SIDE_PX", 120)
    monkeypatch.setattr(shimmer, "FRAMES", 12)
    with open_context() as context:
        figures = shimmer.measure(context, "noise", 1)
    assert figures["most_contrast"] == pytest.approx(1, abs=0.02), "the first frame is the picture"
    assert 0.6 < figures["least_contrast"] < 0.95 and 1 < figures["shimmer_levels"] < 15

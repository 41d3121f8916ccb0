"""Textures at twice their resolution keep what they had and find what lies between."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from render.textures import MAX_BYTES, Textures, doubled


def waves(period_px: float, offset_px: float = 0.0, n: int = 64) -> np.ndarray:
    """Level of a wave at pixel centres, (n,)."""
    return 128 + 100 * np.cos(2 * np.pi * (np.arange(n) + 0.3 + offset_px) / period_px)


def test_pixels_stay() -> None:
    texture = np.random.default_rng(0).integers(0, 256, (9, 14, 4)).astype(np.uint8)
    finer = doubled(texture)
    assert finer.shape == (17, 27, 4) and finer.dtype == np.uint8
    np.testing.assert_array_equal(finer[::2, ::2], texture)


def test_one_colour_stays_and_full_cover_stays_full() -> None:
    texture = np.full((6, 7, 4), (0, 90, 200, 255), np.uint8)
    np.testing.assert_array_equal(doubled(texture), np.broadcast_to(texture[0, 0], (11, 13, 4)))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("period_px", "loss"), [(8, 0.02), (4, 0.02), (3, 0.02), (2.5, 0.2)])
def test_fine_waves_keep_their_contrast_halfway(period_px, loss, axis) -> None:
    texture = np.repeat(np.repeat(waves(period_px)[:, None, None], 8, 1), 4, 2).round().astype(np.uint8)
    finer = doubled(texture) if axis == 0 else doubled(texture.swapaxes(0, 1)).swapaxes(0, 1)
    expected = waves(period_px, 0.5)
    np.testing.assert_allclose(finer[1::2, 0, 0][5:-5], expected[5:-6], atol=100 * loss + 1)


def fake_context(limit: int = 4096) -> Any:
    def texture_array(size: tuple[int, int, int], _: int) -> Any:
        return SimpleNamespace(size=size, write=lambda *_, **__: None)

    return SimpleNamespace(info={"GL_MAX_TEXTURE_SIZE": limit}, texture_array=texture_array)


def test_only_the_front_is_doubled_and_only_where_it_fits() -> None:
    small = np.zeros((3, 40, 60, 4), np.uint8)
    textures = Textures(fake_context(), small)
    assert textures.front.size == (119, 79, 1) and textures.behind.size == (60, 40, 2)
    coordinates = np.array([[0.2, 0.7, 0], [0.2, 0.7, 2]], np.float32)
    unchanged = Textures(fake_context(limit=118), small)
    assert unchanged.front.size == (60, 40, 1)
    np.testing.assert_array_equal(unchanged.coordinates(coordinates), coordinates - [0, 0, 1])
    large = np.broadcast_to(np.uint8(0), (1, 3000, int(MAX_BYTES / 4 / 4 / 3000) + 1, 4))
    assert Textures(fake_context(limit=1 << 20), large).front.size[1] == 3000


def test_coordinates_name_the_same_place() -> None:
    textures = Textures(fake_context(), np.zeros((2, 40, 60, 4), np.uint8))
    centres = np.array([[10.5 / 60, 30.5 / 40, 0], [11.0 / 60, 30.5 / 40, 0], [10.5 / 60, 30.5 / 40, 1]], np.float32)
    sizes = np.array([[119, 79, 1], [119, 79, 1], [60, 40, 1]])
    texel = textures.coordinates(centres) * sizes - [0.5, 0.5, 0]
    np.testing.assert_allclose(texel, [[20, 60, -1], [21, 60, -1], [10, 30, 0]], atol=1e-3)

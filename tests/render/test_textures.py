"""Textures at twice their resolution keep what they had and find what lies between."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from render.textures import CELL_PX, MAX_BYTES, Textures, detailed, doubled, refine


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
    texture[..., 3] = 255
    finer = doubled(texture) if axis == 0 else doubled(texture.swapaxes(0, 1)).swapaxes(0, 1)
    expected = waves(period_px, 0.5)
    np.testing.assert_allclose(finer[1::2, 0, 0][5:-5], expected[5:-6], atol=100 * loss + 1)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("alpha", "rings"), [(90, False), (255, True)])
def test_nothing_rings_beside_a_soft_edge(alpha: int, rings: bool, axis: int) -> None:
    texture = np.full((20, 16, 4), (200, 180, 160, 255), np.uint8)
    texture[10:] = (30, 20, 60, 255)
    texture[10, :, 3] = alpha
    finer = doubled(texture) if axis == 0 else doubled(texture.swapaxes(0, 1)).swapaxes(0, 1)
    beyond = np.abs(finer[:19, :, :3].astype(int) - (200, 180, 160)).max()
    assert (beyond > 10) == rings, "between two pixels of one surface"
    assert (finer[:19, :, 3] == 255).all(), "opaque between opaque pixels"


def test_only_what_linear_interpolation_blurs_is_detail() -> None:
    picture = np.full((96, 200, 3), 120, np.uint8)
    picture[:, 100:] = np.linspace(60, 200, 100)[:, None]  # slopes are not
    assert not detailed(picture).any()
    picture[40:56:3, 70:90] = 180
    cells = detailed(picture)
    assert cells.shape == (-(-96 // CELL_PX), -(-200 // CELL_PX))
    y, x = np.nonzero(cells)
    assert {y.min(), y.max(), x.min(), x.max()} <= {32 // CELL_PX, 48 // CELL_PX, 64 // CELL_PX, 80 // CELL_PX}
    assert cells[40 // CELL_PX : 56 // CELL_PX + 1, 70 // CELL_PX : 90 // CELL_PX].all()


def fake_context(limit: int) -> Any:
    def texture(size: tuple[int, int], *_: Any) -> Any:
        return SimpleNamespace(size=size)

    return SimpleNamespace(info={"GL_MAX_TEXTURE_SIZE": limit}, texture=texture)


def made(layers: np.ndarray, limit: int = 4096) -> Textures:
    return Textures(fake_context(limit), layers, refine(layers[0]))


def test_the_front_alone_is_doubled_and_only_where_it_fits() -> None:
    small = np.zeros((3, 40, 60, 4), np.uint8)
    assert [t.size for t in made(small).all] == [(60, 40)] * 3 + [(119, 79)]
    assert [t.size for t in made(small, limit=118).all] == [(60, 40)] * 3
    large = np.broadcast_to(np.uint8(0), (1, 3000, int(MAX_BYTES / 4 / 4 / 3000) + 1, 4))
    assert len(made(large, limit=1 << 20).all) == 1


def test_places_name_the_same_place() -> None:
    textures = made(np.zeros((2, 40, 60, 4), np.uint8))
    centres = np.array([[10.5 / 60, 30.5 / 40], [11.0 / 60, 30.5 / 40]], np.float32)
    for number, expected in ((0, [[10, 30], [10.5, 30]]), (1, [[10, 30], [10.5, 30]]), (2, [[20, 60], [21, 60]])):
        place = np.array(textures.places[number])
        texel = (centres * place[:2] + place[2:]) * textures.all[number].size - 0.5
        np.testing.assert_allclose(texel, expected, atol=1e-3)


def test_detail_of_the_front_is_drawn_with_the_doubled_texture() -> None:
    layers = np.full((2, 64, 128, 4), 90, np.uint8)
    layers[:, ::3, 80:] = 200
    corners = np.array([[[0.1, 0.2], [0.4, 0.2], [0.1, 0.9]], [[0.1, 0.2], [0.7, 0.2], [0.1, 0.9]]])
    uv = np.concatenate([corners, corners]).reshape(-1, 2)
    texcoord = np.column_stack([uv, np.repeat([0, 1], 6)]).astype(np.float32)
    triangles = np.arange(12, dtype=np.int32).reshape(4, 3)
    textures = made(layers)
    assert textures.choose(texcoord, triangles, everywhere=False).tolist() == [0, 2, 1, 1]
    assert textures.choose(texcoord, triangles, everywhere=True).tolist() == [2, 2, 1, 1]
    undoubled = made(layers, limit=128)
    assert undoubled.choose(texcoord, triangles, everywhere=True).tolist() == [0, 0, 1, 1]
